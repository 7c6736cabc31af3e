"""`CrossModalClassifier`: everything that the cross-modal classifiers share but the encoder."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields
from inspect import signature
from typing import Any, ClassVar, Self

import numpy as np
import torch
from joblib import Memory
from numpy.typing import ArrayLike
from scipy.special import expit, softmax
from sklearn.base import ClassifierMixin
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import accuracy_score
from sklearn.utils import Bunch, Tags
from sklearn.utils.validation import check_is_fitted

from .._types import Floats
from ..correlation import CorrelationTower, correlation_inputs
from ..hierarchy import LabelHierarchy
from ..modules import FUSIONS, CrossModalNetwork
from ..multimodal import MultimodalArray
from ..training import (
    FrameDataset,
    MultimodalNet,
    NetworkEstimator,
    NetworkSpec,
    Processes,
    Targets,
    Videos,
    check_shared_params,
    check_y,
    fit_method,
)
from ..validation import (
    FLAG,
    SHARE,
    Constraint,
    check_params,
    check_sample_weight,
    column_names,
    options,
    remember_labels,
    take_columns,
)
from ._response import bare_responses, influence_pairs, mean_responses
from ._start import Start, check_pretrained, choose_start
from ._state import get_classifier_state, set_classifier_state
from ._tower import (
    TowerPlan,
    check_memory_param,
    check_tower_params,
    plan_tower,
    warn_of_one_modality,
)
from ._weights import check_class_weight, class_factors

OF_NETWORK = CrossModalNetwork.constraints
CONSTRAINTS: dict[str, Constraint] = {
    **{name: OF_NETWORK[name] for name in ("fusion", "gate", "influence", "modality_dropout")},
    "cross_modal_combine": OF_NETWORK["combine"],
    "cross_modal_layer_sizes": OF_NETWORK["layer_sizes"],
    "cross_modal_max_lag": OF_NETWORK["max_lag"],
    "cross_modal_transform": OF_NETWORK["transform"],
    "correlation_features": options("probability", "embedding"),
    "label_smoothing": SHARE,
    "warm_start": FLAG,
    "memory": check_memory_param,
}


@dataclass(kw_only=True, eq=False, repr=False)
class CrossModalClassifier(ClassifierMixin, NetworkEstimator):
    """Base class of the classifiers of [1]_; a family adds an encoder and its parameters.

    A family sets `_encoder`, the class of its encoder (see :mod:`sk_crossmodal.modules`), and
    `_constraints` on its parameters; `_width` returns the width of the layer that fuses the
    modalities. docs/extending.md adds a family.

    Parameters
    ----------
    fusion : str, default="cross_modal_concat"
        How the modalities are combined, with the paper's abbreviation (Section 5.2):

        - ``"early"`` (E): one encoder on the concatenated frames;
        - ``"late"`` (L): one encoder per modality, and a ReLU network on their outputs;
        - ``"cross_modal"``: late fusion, and attention influences attention;
        - ``"cross_modal_gated"`` (CM-G): the same, gated by the correlation tower;
        - ``"cross_modal_concat"`` (CM-C): the same, with the tower's output concatenated to
          every frame and to the input of F;

        or the name of another one in :data:`sk_crossmodal.modules.FUSIONS`.
    correlation_tower : CorrelationTower or FrozenEstimator, default=None
        None, or an unfitted tower, is trained inside `fit` on the training rows only; None is a
        tower with the encoder and size of this classifier. A fitted tower inside
        ``sklearn.frozen.FrozenEstimator`` is used as it is.
    hierarchy : LabelHierarchy, default=None
        The hierarchy whose nodes are the columns of y, or include the classes. The columns of a
        data frame are matched by name, those of an array by position. The tower learns
        from videos without a common top-level label; without a hierarchy all labels are top-level.
    cross_modal_layer_sizes : sequence of int, default=(64,)
        Hidden layers of F.
    cross_modal_transform : {"dense", "conv"}, default="dense"
        F is dense along time (the paper), with weights for every pair of time steps; or one
        convolution along time with ``cross_modal_layer_sizes[0]`` channels, the same at every time
        step, which needs far fewer videos to learn a shift.
    cross_modal_max_lag : int, default=10
        Largest shift that a convolution can learn, in time steps.
    cross_modal_combine : {"add", "multiply"}, default="add"
        Attention ``a`` becomes ``a + g F`` (the paper) or ``a (1 + g F)``.
    gate : {"hard", "soft"}, default="hard"
        With gated fusion, g is ``1[p > 0.5]`` (the paper) or p.
    correlation_features : {"probability", "embedding"}, default="probability"
        With concatenation, the tower's p or its last hidden layer.
    influence : {"cross", "self", "none"}, default="cross"
        Input of F. ``"cross"`` is the method; the others are controls. With ``"self"`` it is the
        target's own attention; ``"none"`` removes F, so that with ``"cross_modal_concat"`` late
        fusion has p as a plain feature.
    modality_dropout : float, default=0.0
        Probability of leaving out a modality of a video in training; never all of them.
    class_weight : dict or "balanced", default=None
        Factors of the classes in the loss; for indicators, of the positive term of each column
        (keys are column indices).
    label_smoothing : float, default=0.0
        Fraction of each target that is spread evenly over the classes, or over 0 and 1.
    warm_start : bool, default=False
        Whether `fit` continues from the weights of the fit before, with its scaling of frames and
        its correlation tower; `history_`, `loss_curve_` and `n_iter_` continue as well.
    memory : str or joblib.Memory, default=None
        Folder for fitted correlation towers, so that a search over parameters of the classifier
        trains the tower of each fold once. A tower is identified by its parameters, including
        `random_state`, and by its training frames, labels and weights. With
        ``correlation_tower=None`` the tower has the size and training of the classifier, so
        another `lr` or `batch_size` is another tower. Empty the folder when this package changes.
    pretrained : FrozenEstimator, default=None
        A fitted classifier of the same class inside ``sklearn.frozen.FrozenEstimator``. `fit`
        starts from its weights, its scaling of frames and, with ``correlation_tower=None``, its
        correlation tower; only the output layer is new. Modalities and all parameters that change
        the shape of the network must be the same; labels may differ. It is never changed.
    freeze_towers : bool, default=False
        Whether all pretrained layers except the head (the layer that fuses the encoders, and the
        output layer) keep their weights and statistics, and are applied in training as in
        prediction, without dropout. `modality_dropout` still leaves modalities out.

    Attributes
    ----------
    classes_ : ndarray
        The classes, or for indicators an (n_labels, 2) array of ``[0, 1]`` rows.
    label_names_ : list of str or None
        Names of the labels, if classes, a hierarchy or the columns of a data frame define them.
    hierarchy_ : LabelHierarchy or None
        The hierarchy with its nodes in the order of the columns of y. Without a hierarchy, the
        columns of a data frame are all top-level labels.
    correlation_tower_ : CorrelationTower or None
        The tower used, None for a fusion without one. Also None, with a warning, if no two
        training videos differ in their labels, so that no tower can be trained: the network is
        then that of ``fusion="cross_modal"``.
    validation_scores_ : list of float or None
        Accuracy, as `score` computes it, on the held-out videos after each epoch; NaN for epochs
        of a fit without held-out videos, None if there were never any.
    best_validation_score_ : float or None
        The validation score of the epoch whose weights early stopping restored, the one with the
        lowest loss (up to 0.01 %); None without early stopping.

    See Also
    --------
    sk_crossmodal.correlation.CorrelationTower : The tower.

    References
    ----------
    .. [1] Goyal, Sahu, Ghosh, Lee, "Cross-modal Learning for Multi-modal Video Categorization",
       2020.
    """

    fusion: str = "cross_modal_concat"
    correlation_tower: CorrelationTower | FrozenEstimator | None = None
    hierarchy: LabelHierarchy | None = None
    cross_modal_layer_sizes: Sequence[int] = (64,)
    cross_modal_transform: str = "dense"
    cross_modal_max_lag: int = 10
    cross_modal_combine: str = "add"
    gate: str = "hard"
    correlation_features: str = "probability"
    influence: str = "cross"
    modality_dropout: float = 0.0
    class_weight: Mapping[Hashable, float] | str | None = None
    label_smoothing: float = 0.0
    warm_start: bool = False
    memory: str | Memory | None = None
    pretrained: FrozenEstimator | None = None
    freeze_towers: bool = False

    _constraints: ClassVar[Mapping[str, Constraint]] = {}  # of the parameters of a family
    _fitted_names = (
        *NetworkEstimator._fitted_names,
        "_embeds_correlation",
        "_targets",
        "best_validation_score_",
        "classes_",
        "correlation_tower_",
        "label_names_",
        "validation_scores_",
    )
    _get_state, _set_state = get_classifier_state, set_classifier_state

    @property
    def hierarchy_(self) -> LabelHierarchy | None:
        """The hierarchy of the labels, in the order of the columns of y."""
        if "_targets" not in vars(self):
            raise AttributeError(f"This {type(self).__name__} is not fitted yet.")
        hierarchy: LabelHierarchy | None = self._targets.hierarchy
        return hierarchy

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    @fit_method
    def fit(
        self,
        X: Any,
        y: Any = None,
        *more: Any,
        sample_weight: ArrayLike | None = None,
        eval_set: tuple[Any, ...] | None = None,
    ) -> Self:
        """Train the classifier, and before it a correlation tower where one is needed.

        Parameters
        ----------
        X : MultimodalArray or any form that becomes one
            The videos; or the frames of the first modality, followed by those of the others.
        y : array-like or sparse
            Labels: multilabel indicators (n, n_labels) or classes (n,). With several modalities
            given one by one, ``fit(X_video, X_audio, y)``, y is the last positional argument.
        *more : array-like
            Further modalities and y, when modalities are given one by one.
        sample_weight : array-like of shape (n,), default=None
            Weights of the videos in the loss; videos of weight 0 are left out.
        eval_set : tuple (X_val, y_val), default=None
            Held-out videos, instead of a fraction of X; or ``(X_video, X_audio, y_val)``.

        Returns
        -------
        CrossModalClassifier
            The fitted classifier itself.

        Raises
        ------
        ValueError
            If a parameter, X or y does not fit, see
            :func:`~sk_crossmodal.multimodal.as_multimodal`; if a modality has no frame in any
            video; if classes are outside the hierarchy or its size is not that of y; if the
            tower's modalities are not those of X; with `warm_start`, if modalities, classes or the
            network's shape are not those of before; with `pretrained`, if modalities or the
            network's shape are not its own; or if training diverges.
        """
        *arrays, y = (X, y, *more)
        self._check_params()
        start = choose_start(self, continues=self.warm_start)
        videos = start.align(self._validate_fit_videos(arrays, y, sample_weight, start.source))
        targets = Targets(videos.y, self.hierarchy, names=videos.names)
        targets.warn_of_paths()
        start.check_classes(targets.classes)
        held_out = self._validate_eval_set(eval_set, videos, targets)
        return self._fit(videos, held_out, targets, start)

    @fit_method
    def partial_fit(
        self,
        X: Any,
        y: Any = None,
        *more: Any,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch on these videos, continuing from the present weights.

        Parameters
        ----------
        X, y, *more : as in `fit`
            Videos and labels.
        classes : array-like of shape (n_classes,), default=None
            All classes of all calls, for the first call with a vector of classes; by default
            those of y.
        sample_weight : array-like of shape (n,), default=None
            As in `fit`.

        Returns
        -------
        CrossModalClassifier
            The classifier itself.

        Raises
        ------
        ValueError
            As in `fit`; if y has labels or classes that were not named in the first call; or if
            `early_stopping` is True, `class_weight` is "balanced" or `checkpoint` is given.

        Notes
        -----
        The first call computes the scaling of frames and trains the correlation tower, if one is
        needed, on its videos only; if these are few, give a fitted tower inside
        ``FrozenEstimator``. The learning rate is always `lr`, and no videos are held out.
        """
        *arrays, y = (X, y, *more)
        self._check_params()
        if self.early_stopping is True:
            raise ValueError("partial_fit holds no videos out, so early_stopping cannot be True.")
        if self.checkpoint is not None:
            raise ValueError("partial_fit writes no checkpoint; pickle the classifier instead.")
        if isinstance(self.class_weight, str):
            given = f"got {self.class_weight!r}"
            raise ValueError(f"class_weight must be a dict in partial_fit, {given}.")
        start = choose_start(self, continues=True, keeps_optimizer=True)
        videos = start.align(self._validate_fit_videos(arrays, y, sample_weight, start.source))
        if start.continues:
            targets = self._targets
            targets.check(videos.y, "y")
        else:
            targets = Targets(videos.y, self.hierarchy, classes, videos.names)
        targets.check_classes(classes)
        return self._fit(videos, None, targets, start, one_epoch=True)

    def _fit(
        self,
        videos: Videos,
        held_out: Videos | None,
        targets: Targets,
        start: Start,
        *,
        one_epoch: bool = False,
    ) -> Self:
        """Fit on validated videos: network, tower, frames, training, fitted attributes."""
        if not start.continues:
            videos.check_present()
        targets.check_enough()
        if not start.continues:
            warn_of_one_modality(self.fusion, videos.X)
        split_seed, tower_seed, train_seed = self._seeds(3)
        part = videos
        if not one_epoch:
            part, held_out = self._split(videos, held_out, split_seed)
        plan = plan_tower(self, start, part, tower_seed)
        spec = self._network_spec(
            videos, targets, start, plan, n_frames=self._n_frames(part.X, one_epoch)
        )
        seed, validates = train_seed + len(start.history), held_out is not None
        built = self._build(spec, seed, validates=validates, one_epoch=one_epoch)
        read = [videos.X, *([] if held_out is None else [held_out.X])]
        self._warn_of_cut(read, plan.tower)
        self._warns_of_rates(read[-1], videos.X.rates)
        net, _ = built
        start.load(net)
        own_request = self._stats_request(part) if start.source is None else None
        stats, tower_stats = self._scan(videos, [own_request, plan.request])
        if stats is not None:
            net.set_frame_stats(stats)
        context = self._begin_fit(videos, net.max_epochs + (plan.train is not None))
        tower = plan.run(self, context, tower_stats)
        data = (
            self._dataset(part, targets, tower),
            None if held_out is None else self._dataset(held_out, targets, tower),
        )
        n_features, longest = videos.X.n_features, int(videos.X.timeline_lengths().max())
        history = start.history

        def fitted(net: MultimodalNet) -> dict[str, Any]:
            return {
                **self._fitted_attributes(net, n_features, longest, history),
                "_targets": targets,
                "classes_": targets.classes,
                "label_names_": targets.names,
                "correlation_tower_": tower,
                "_embeds_correlation": self._embeds(),
                "_rates": videos.X.rates,
            }

        inputs = {
            "videos": part,
            "videos held out": held_out,
            "correlation tower": tower,
            "fit before": start.source,
        }
        self._train(built, data, self._bridge(context, videos, fitted), {"seed": seed, **inputs})
        return self

    def _fitted_attributes(
        self,
        net: MultimodalNet,
        n_features: dict[str, int],
        longest: int,
        before: Sequence[dict[str, Any]] = (),
    ) -> dict[str, Any]:
        attributes = super()._fitted_attributes(net, n_features, longest, before)
        scores = [row.get("valid_accuracy", np.nan) for row in attributes["history_"]]
        return {
            **attributes,
            "validation_scores_": None if np.isnan(scores).all() else scores,
            "best_validation_score_": (net.kept_epoch() or {}).get("valid_accuracy"),
        }

    def _needs_tower(self, n_modalities: int) -> bool:
        """Whether the network has the correlation of the modalities as an input."""
        return FUSIONS[self.fusion].needs_tower(self.influence, n_modalities)

    def _default_tower(self, X: MultimodalArray) -> CorrelationTower:
        """Return an unfitted tower with the encoder, size and training of the classifier."""
        own = ("modalities", "callbacks", "net_params", "random_state")
        shared = [field.name for field in fields(NetworkEstimator) if field.name not in own]
        return CorrelationTower(
            encoder=self._encoder,
            encoder_params=self._encoder_params(X.modality_names),
            hidden_layer_sizes=(self._width(),),
            **{name: getattr(self, name) for name in shared},
        )

    def _embeds(self) -> bool:
        """Whether the network has the tower's embeddings as an input, not probabilities."""
        is_context = FUSIONS[self.fusion].uses_correlation == "context"
        return is_context and self.correlation_features == "embedding"

    def _dataset(
        self, videos: Videos, targets: Targets, tower: CorrelationTower | None
    ) -> FrameDataset:
        """Return the videos with their targets and correlations."""
        processes = Processes.of(self.device)
        return FrameDataset(
            videos.X,
            targets.encode(videos.y),
            videos.weight,
            **self._reading,
            extra=correlation_inputs(tower, videos.X, self._embeds(), processes),
        )

    def _n_frames(self, X: MultimodalArray, one_epoch: bool) -> int:
        if one_epoch or not self.mask_padding:  # longer videos may follow
            return self.max_frames
        return max(1, min(self.max_frames, int(X.timeline_lengths().max())))

    def _network_spec(
        self, videos: Videos, targets: Targets, start: Start, plan: TowerPlan, n_frames: int
    ) -> NetworkSpec:
        """Return the network to build, with placeholders for the statistics of the frames."""
        embeds = self._embeds()
        params = {
            "n_frames": n_frames,
            "frame_stats": self._placeholder_stats(videos.X),
            "pad_to": self._pad_to(),
            **start.network_params(),
            "n_correlation": plan.tower.hidden_layer_sizes[-1] if embeds and plan.tower else 1,
            "n_outputs": len(targets.classes),
            "encoder": self._encoder,
            "encoder_params": self._encoder_params(videos.X.modality_names),
            "fusion": plan.fusion or self.fusion,
            "gate": self.gate,
            "influence": self.influence,
            "layer_sizes": tuple(self.cross_modal_layer_sizes),
            "transform": self.cross_modal_transform,
            "max_lag": self.cross_modal_max_lag,
            "combine": self.cross_modal_combine,
            "hidden_size": self._width(),
            "dropout": self.dropout,
            "modality_dropout": self.modality_dropout,
            "frozen": self.freeze_towers,
        }
        if (head := (self.net_params or {}).get("module__head")) is not None:
            params["head"] = head
        start.check_network(params, embeds)
        loss = {
            "kind": "binary" if targets.multilabel else "classes",
            "class_weight": class_factors(self.class_weight, targets, videos),
            "label_smoothing": self.label_smoothing,
        }
        return NetworkSpec(CrossModalNetwork, params, loss)

    def _encoder_params(self, names: Sequence[str]) -> dict[str, Any]:
        """Return the arguments of the encoder: the parameters of the classifier of these names."""
        own = vars(self)
        return {name: own[name] for name in signature(self._encoder).parameters if name in own}

    def _width(self) -> int:
        """Return the width of the layer that fuses the encoders."""
        raise NotImplementedError

    def _check_params(self) -> None:
        check_shared_params(vars(self))
        check_params(vars(self), CONSTRAINTS)
        check_params(vars(self), self._constraints)
        check_class_weight(self.class_weight)
        is_trained = FUSIONS[self.fusion].uses_correlation is not None
        check_tower_params(self.correlation_tower, is_trained=is_trained)
        check_pretrained(self.pretrained, self.freeze_towers, type(self))

    def _prediction_set(self, X: Any, more: tuple[Any, ...]) -> FrameDataset:
        return self._inputs(self._validate_new_videos(X, more))

    def _inputs(self, X: MultimodalArray) -> FrameDataset:
        """Return validated videos as inputs of the network."""
        self._warn_of_new_videos(X, self.correlation_tower_)
        extra = correlation_inputs(self.correlation_tower_, X, self._embeds_correlation)
        return FrameDataset(X, **self._reading, extra=extra)

    def _probabilities(self, dataset: FrameDataset) -> Floats:
        logits: Floats = self.net_.predict_rows(dataset)
        indicators = self._targets.multilabel
        # In place: of millions of videos and thousands of labels it is large.
        probability: Floats = expit(logits, out=logits) if indicators else softmax(logits, axis=1)
        edge = np.finfo(probability.dtype).eps / 2
        return probability.clip(edge, 1 - edge, out=probability)

    def decision_function(self, X: Any, *more: Any) -> Floats:
        """Compute the logits.

        Parameters
        ----------
        X, *more : as in `fit`
            The videos.

        Returns
        -------
        ndarray of shape (n, n_labels), (n, n_classes), or (n,) for two classes
            The outputs of the network; for two classes, the second minus the first.
        """
        dataset = self._prediction_set(X, more)
        logits: Floats = self.net_.predict_rows(dataset)
        if not self._targets.multilabel and len(self.classes_) == 2:
            return logits[:, 1] - logits[:, 0]
        return logits

    def predict_proba(self, X: Any, *more: Any) -> Floats:
        """Predict the probabilities of the labels, or of the classes.

        Parameters
        ----------
        X, *more : as in `fit`
            The videos.

        Returns
        -------
        ndarray of shape (n, n_labels) or (n, n_classes), float32 (float64 if `precision` is)
            For indicators the probability of each label on its own; for classes rows that sum
            to 1. Strictly between 0 and 1.
        """
        probabilities = self._probabilities(self._prediction_set(X, more))
        known = self._targets.hierarchy if self._targets.multilabel else None
        return remember_labels(probabilities, known)

    def predict(self, X: Any, *more: Any) -> Any:
        """Predict labels above 0.5, or the most likely class, in the form and dtype of y.

        Parameters
        ----------
        X, *more : as in `fit`
            The videos.

        Returns
        -------
        ndarray or csr_array of shape (n, n_labels), or ndarray of shape (n,)
            The predictions.
        """
        probability = self.predict_proba(X, *more)
        return self._targets.decode(probability)

    def score(self, X: Any, y: Any, *more: Any, sample_weight: ArrayLike | None = None) -> float:
        """Compute the accuracy; for indicators the fraction of videos with all labels right.

        Parameters
        ----------
        X, y, *more : as in `fit`
            Videos and labels.
        sample_weight : array-like of shape (n,), default=None
            Weights of the videos.

        Returns
        -------
        float
            The accuracy.
        """
        *arrays, y = (X, y, *more)
        array = self._validate_new_videos(arrays[0], arrays[1:])
        names, y = column_names(y), check_y(y, len(array))
        y = take_columns(y, self._targets.order(names))
        self._targets.check(y, other_classes=True)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, len(array))
        for method in ("predict", "predict_proba"):
            if getattr(type(self), method) is not getattr(CrossModalClassifier, method):
                return float(super().score(array, y, sample_weight=sample_weight))
        predicted = self._targets.decode(self._probabilities(self._inputs(array)))
        return float(accuracy_score(y, predicted, sample_weight=sample_weight))

    def attention_weights(self, X: Any, *more: Any) -> dict[str, Bunch]:
        """Compute the attention over time, before and after the influence (Figure 1).

        Parameters
        ----------
        X, *more : as in `fit`
            The videos.

        Returns
        -------
        dict of str to Bunch of two ndarrays of shape (n, T)
            Per modality ``before`` and ``after``: the attention to each time step, averaged over
            heads and queries, or over clusters; for NetVLAD, its weight in the descriptor. Rows of
            ``before`` sum to 1, or are 0 for a video without frames; so do rows of ``after`` if
            it is a softmax, as in the Transformer. T is the longest time line, at most
            `max_frames`: the time steps of longer videos are windows, see `long_videos`. With
            early fusion there is one entry, with the names of the modalities joined by "+".
        """
        dataset = self._prediction_set(X, more)
        fusion = FUSIONS[self.net_.module__fusion]
        names = fusion.encoder_names(self.modality_names_in_)
        longest = max(1, int(dataset.lengths().max())) if self.mask_padding else self.max_frames
        shape = (len(dataset), longest)
        out = {n: Bunch(before=np.zeros(shape), after=np.zeros(shape)) for n in names}
        # Attention is T x T for every head, so few videos at a time.
        for rows, towers in self.net_.outputs(dataset, "attention", batch_size=8):
            for name, pair in zip(names, towers, strict=True):
                for kind, weights in zip(("before", "after"), pair, strict=True):
                    weights = weights.cpu().to(torch.float64).numpy()
                    out[name][kind][rows, : weights.shape[1]] = weights
        return out

    def influence_response(self, X: Any = None, *more: Any) -> dict[tuple[str, str], Floats]:
        """Compute the response of the learned influence F to attention at each time step.

        F is a network of ReLUs, so its derivative depends on the attention of the video; the
        response is the mean over the videos.

        Parameters
        ----------
        X, *more : as in `fit`
            A few dozen videos. None treats every hidden unit of F as active: a quick first look.

        Returns
        -------
        dict of (str, str) to ndarray of shape (T, T)
            Per source and target, in row t and column s, the derivative of the target's attention
            at time step t, before any gate, with respect to that of the source at s, averaged over
            the videos with both time steps, heads and clusters; T is the longest time line. For
            the Transformer it is that of the logits of the last layer; for NetVLAD, pairs of
            clusters are weighted by the absolute weight that mixes them; with
            ``cross_modal_combine="multiply"`` it is that of the factor of the target's attention.

        Raises
        ------
        ValueError
            If the classifier has no influence, or no video has frames of both modalities.

        See Also
        --------
        sk_crossmodal.inspection.InfluenceDisplay : Draws it.
        """
        check_is_fitted(self)
        pairs = influence_pairs(self)
        if X is None:
            return bare_responses(self, pairs)
        return mean_responses(self, pairs, self._prediction_set(X, more))
