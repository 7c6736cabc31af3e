"""`CrossModalClassifier`: everything that the cross-modal classifiers share but the encoder."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
import torch
from joblib import Memory
from numpy.typing import ArrayLike
from scipy.special import expit, softmax
from sklearn.base import ClassifierMixin
from sklearn.frozen import FrozenEstimator
from sklearn.utils import Bunch, Tags
from sklearn.utils.validation import check_is_fitted

from .._types import Floats
from ..correlation import CorrelationTower
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
    check_y,
    fit_method,
)
from ..validation import (
    FLAG,
    SHARE,
    Constraint,
    check_params,
    check_sample_weight,
    options,
)
from ._response import bare_responses, influence_pairs, mean_responses
from ._start import Start, check_pretrained, choose_start
from ._state import get_classifier_state, set_classifier_state
from ._tower import (
    TowerPlan,
    check_memory_param,
    check_tower_params,
    correlation_inputs,
    plan_tower,
)
from ._weights import check_class_weight, class_factors

OF_NETWORK = CrossModalNetwork.constraints
CONSTRAINTS: dict[str, Constraint] = {
    **{name: OF_NETWORK[name] for name in ("fusion", "gate", "influence", "modality_dropout")},
    "cross_modal_combine": OF_NETWORK["combine"],
    "cross_modal_layer_sizes": OF_NETWORK["layer_sizes"],
    "correlation_features": options("probability", "embedding"),
    "label_smoothing": SHARE,
    "warm_start": FLAG,
    "memory": check_memory_param,
}


@dataclass(kw_only=True, eq=False, repr=False)
class CrossModalClassifier(ClassifierMixin, NetworkEstimator):
    """Base of the cross-modal classifiers; a family adds an encoder and its parameters.

    A family sets `_encoder`, the class of its encoder (see :mod:`sk_crossmodal.modules`), gives
    in `_encoder_params` the arguments that the encoder is built with, and in `_width` the width
    of the layer that fuses what the encoders of the modalities say. docs/extending.md adds one.

    Parameters
    ----------
    fusion : str, default="cross_modal_concat"
        How modalities come together, with the paper's abbreviation (Section 5.2):

        - ``"early"`` (E): frames are concatenated and go through one encoder;
        - ``"late"`` (L): an encoder each, outputs through a ReLU network;
        - ``"cross_modal"``: late fusion, and attention influences attention;
        - ``"cross_modal_gated"`` (CM-G): the same, gated by the correlation tower;
        - ``"cross_modal_concat"`` (CM-C): the same, with the tower's verdict concatenated to
          every frame and to F's input.
    correlation_tower : CorrelationTower or FrozenEstimator, default=None
        None or an unfitted tower is trained inside `fit`, on the training rows alone; None is a
        tower of this classifier's own kind and size. A fitted one inside
        ``sklearn.frozen.FrozenEstimator`` is used as it is.
    hierarchy : LabelHierarchy, default=None
        The hierarchy whose nodes are the columns of y, or hold the classes. The tower learns
        from videos that share no top-level label; without a hierarchy every label is its own.
    cross_modal_layer_sizes : sequence of int, default=(64,)
        Hidden layers of F.
    cross_modal_combine : {"add", "multiply"}, default="add"
        Attention ``a`` becomes ``a + g F`` (the paper) or ``a (1 + g F)``.
    gate : {"hard", "soft"}, default="hard"
        With gated fusion, g is ``1[p > 0.5]`` (the paper) or p.
    correlation_features : {"probability", "embedding"}, default="probability"
        With concatenation, the tower's p or its last hidden layer.
    influence : {"cross", "self", "none"}, default="cross"
        What F is fed with. ``"cross"`` is the method. The others are its controls: ``"self"``
        feeds F with the target's own attention; ``"none"`` takes F away, so that with
        ``"cross_modal_concat"`` late fusion sees p as a plain feature.
    modality_dropout : float, default=0.0
        Probability with which a modality of a video is left out in training, never all.
    class_weight : dict or "balanced", default=None
        Factors of the classes in the loss; for indicators, of the positive term of each column
        (keys are column indices).
    label_smoothing : float, default=0.0
        Share of each target that is spread evenly, over the classes or over yes and no.
    warm_start : bool, default=False
        Whether `fit` goes on from the weights of the fit before, with its scaling of frames and
        its correlation tower; `history_`, `loss_curve_` and `n_iter_` go on, too.
    memory : str or joblib.Memory, default=None
        A folder in which fitted correlation towers are kept, so that a search over parameters of
        the classifier trains each fold's tower once. A tower is found again by its parameters,
        `random_state` among them, and by the frames, labels and weights that it is trained on.
        With ``correlation_tower=None`` the tower's size and training are the classifier's, so
        another `lr` or `batch_size` is another tower. Empty the folder when this package changes.
    pretrained : FrozenEstimator, default=None
        A fitted classifier of the same class inside ``sklearn.frozen.FrozenEstimator``, whose
        weights, scaling of frames and, with ``correlation_tower=None``, correlation tower `fit`
        starts from; only the layer that gives the outputs is new. Modalities and all that shapes
        the network must be the same, labels need not. It is never changed.
    freeze_towers : bool, default=False
        Whether all that was pretrained but the head (the layer that fuses the encoders, and the
        one that gives the outputs) keeps its weights and statistics, and is applied in training
        as in prediction, without dropout. `modality_dropout` still leaves modalities out.

    Attributes
    ----------
    classes_ : ndarray
        The classes, or for indicators an (n_labels, 2) array of ``[0, 1]`` rows.
    label_names_ : list of str or None
        Names of the labels, where classes or a hierarchy give them.
    correlation_tower_ : CorrelationTower or None
        The tower used, None for a fusion without one.
    validation_scores_ : list of float or None
        Accuracy, as `score` has it, on the videos held out, after each epoch; NaN for an epoch
        of a fit without any, None without any at all.
    best_validation_score_ : float or None
        That of the epoch whose weights early stopping restored, which is the one of the lowest
        loss (less by no more than 0.01 % is not lower); None without early stopping.
    """

    fusion: str = "cross_modal_concat"
    correlation_tower: CorrelationTower | FrozenEstimator | None = None
    hierarchy: LabelHierarchy | None = None
    cross_modal_layer_sizes: Sequence[int] = (64,)
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
            Weights of the videos in the loss; those of weight 0 are left out.
        eval_set : tuple (X_val, y_val), default=None
            Videos held out, in place of a share of X; or ``(X_video, X_audio, y_val)``.

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
        videos = start.align(self._validate_fit_videos(arrays, y, sample_weight))
        targets = Targets(videos.y, self.hierarchy)
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
        """Train for one epoch on these videos, going on from where the classifier is.

        Parameters
        ----------
        X, y, *more : as in `fit`
            Videos and labels.
        classes : array-like of shape (n_classes,), default=None
            All classes that will ever come, for the first call with a vector of classes; y's by
            default.
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
        The first call decides how frames are scaled and trains the correlation tower, if one is
        needed, on its videos alone; when these are few, better give a fitted tower inside
        ``FrozenEstimator``. The learning rate is `lr` throughout, and nothing is held out.
        """
        *arrays, y = (X, y, *more)
        self._check_params()
        if self.early_stopping is True:
            raise ValueError("partial_fit holds no videos out, so early_stopping cannot be True.")
        if self.checkpoint is not None:
            raise ValueError(
                "partial_fit keeps no checkpoint: pickle the classifier between calls, and leave "
                f"checkpoint={self.checkpoint!r} out."
            )
        if isinstance(self.class_weight, str):
            raise ValueError(
                f"partial_fit sees some videos only, so class_weight={self.class_weight!r} needs "
                "to be a dict of factors."
            )
        start = choose_start(self, continues=True, keeps_optimizer=True)
        videos = start.align(self._validate_fit_videos(arrays, y, sample_weight))
        if start.continues:
            targets = self._targets
            targets.check(videos.y, "y")
        else:
            targets = Targets(videos.y, self.hierarchy, classes)
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
        split_seed, tower_seed, train_seed = self._seeds(3)
        part = videos
        if not one_epoch:
            part, held_out = self._split(videos, held_out, split_seed)
        plan = plan_tower(self, start.tower(self.correlation_tower), part, tower_seed)
        spec = self._network_spec(
            videos, targets, start, plan, n_frames=self._n_frames(part.X, one_epoch)
        )
        seed, validates = train_seed + len(start.history), held_out is not None
        built = self._build(spec, seed, validates=validates, one_epoch=one_epoch)
        net, _ = built
        start.load(net)
        own_request = self._stats_request(part) if start.source is None else None
        stats, tower_stats = self._scan(videos, [own_request, plan.request])
        if stats is not None:
            net.set_frame_stats(stats)
        context = self._begin_fit(videos, net.max_epochs + (plan.fit is not None))
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
                **_label_attributes(targets),
                "correlation_tower_": tower,
                "_embeds_correlation": self._embeds(),
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
            max_frames=self.max_frames,
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
            "moments": self._placeholder_stats(videos.X),
            "pad_to": self._pad_to(),
            **start.network_params(),
            "n_correlation": plan.n_correlation(embeds),
            "n_outputs": len(targets.classes),
            "encoder": self._encoder,
            "encoder_params": self._encoder_params(videos.X.modality_names),
            "fusion": self.fusion,
            "gate": self.gate,
            "influence": self.influence,
            "layer_sizes": tuple(self.cross_modal_layer_sizes),
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
        """Return the arguments of the encoder; ValueError if they do not fit the modalities."""
        raise NotImplementedError

    def _width(self) -> int:
        """Return the width of the layer that fuses the encoders."""
        raise NotImplementedError

    def _check_params(self) -> None:
        self._validate_params()
        check_params(vars(self), CONSTRAINTS)
        check_params(vars(self), self._constraints)
        check_class_weight(self.class_weight)
        is_trained = FUSIONS[self.fusion].uses_correlation is not None
        check_tower_params(self.correlation_tower, is_trained=is_trained)
        check_pretrained(self.pretrained, self.freeze_towers, type(self))

    def _prediction_set(self, X: Any, more: tuple[Any, ...]) -> FrameDataset:
        X = self._validate_new_videos(X, more)
        extra = correlation_inputs(self.correlation_tower_, X, self._embeds_correlation)
        return FrameDataset(X, max_frames=self.max_frames, extra=extra)

    def decision_function(self, X: Any, *more: Any) -> Floats:
        """Logits.

        Parameters
        ----------
        X, *more : as in `fit`
            The videos.

        Returns
        -------
        ndarray of shape (n, n_labels), (n, n_classes), or (n,) for two classes
            The network's outputs; for two classes the second's minus the first's.
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
        dataset = self._prediction_set(X, more)
        logits: Floats = self.net_.predict_rows(dataset)
        indicators = self._targets.multilabel
        # In place: of millions of videos and thousands of labels it is large.
        probability: Floats = expit(logits, out=logits) if indicators else softmax(logits, axis=1)
        edge = np.finfo(probability.dtype).eps / 2
        return probability.clip(edge, 1 - edge, out=probability)

    def predict(self, X: Any, *more: Any) -> Any:
        """Predict labels above 0.5, or the likeliest class, in y's form and dtype.

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
        """Accuracy; for indicators the share of videos with all labels right.

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
        y = check_y(y, len(array))
        self._targets.check_form(y)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, len(array))
        return float(super().score(array, y, sample_weight=sample_weight))

    def attention_weights(self, X: Any, *more: Any) -> dict[str, Bunch]:
        """Attention over time before and after the influence (Figure 1).

        Parameters
        ----------
        X, *more : as in `fit`
            The videos.

        Returns
        -------
        dict of str to Bunch of two ndarrays of shape (n, T)
            Per modality ``before`` and ``after``: how much each moment is attended to, averaged
            over heads and queries, or over clusters; for NetVLAD, how much it weighs in the
            descriptor. Rows of ``before`` sum to 1, or are 0 for a video without frames; those
            of ``after`` too where it comes from a softmax, as in the Transformer. T is the longest
            time line. With early fusion the only entry joins the modalities' names by "+".
        """
        dataset = self._prediction_set(X, more)
        names = FUSIONS[self.fusion].encoder_names(self.modality_names_in_)
        longest = max(1, int(dataset.lengths().max())) if self.mask_padding else self.max_frames
        shape = (len(dataset), longest)
        out = {n: Bunch(before=np.zeros(shape), after=np.zeros(shape)) for n in names}
        # Attention is T x T for every head, so few videos at a time.
        for rows, towers in self.net_.outputs(dataset, "attention", batch_size=8):
            for name, pair in zip(names, towers, strict=True):
                for kind, weights in zip(("before", "after"), pair, strict=True):
                    weights = weights.to(torch.float64).cpu().numpy()
                    out[name][kind][rows, : weights.shape[1]] = weights
        return out

    def influence_response(self, X: Any = None, *more: Any) -> dict[tuple[str, str], Floats]:
        """How the learned influence F answers: what attention at one moment adds at each other.

        F is a network of ReLUs, so its answer to a little more attention depends on the attention
        that is there: it is the mean over all patterns of attention that the videos have.

        Parameters
        ----------
        X, *more : as in `fit`
            Some dozens of videos; None takes every hidden unit of F for active, as a first look.

        Returns
        -------
        dict of (str, str) to ndarray of shape (T, T)
            Per source and target, in row t and column s, the derivative of the target's attention
            at moment t, before any gate, with respect to that of the source at s, mean over videos
            (that have both moments), heads and clusters; T is the longest time line. For the
            Transformer it is of the last layer and of logits; for NetVLAD pairs of clusters count
            by the size of the weight that mixes them, without its sign; with
            ``cross_modal_combine="multiply"`` it is of a factor of the target's attention.

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


def _label_attributes(targets: Targets) -> dict[str, Any]:
    return {"_targets": targets, "classes_": targets.classes, "label_names_": targets.names}
