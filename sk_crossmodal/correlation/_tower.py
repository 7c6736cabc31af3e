"""`CorrelationTower`: predicts whether the modalities of a video are correlated (Section 3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit
from sklearn.base import TransformerMixin
from sklearn.metrics import roc_auc_score
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import nn

from .._types import Array, Floats
from ..hierarchy import LabelHierarchy
from ..modules import ENCODERS, CorrelationNetwork, FrameStats, unordered_pairs
from ..multimodal import MultimodalArray, StatsRequest
from ..training import (
    FrameDataset,
    MultimodalNet,
    NetworkEstimator,
    NetworkSpec,
    Processes,
    Targets,
    Videos,
    check_seed,
    check_shared_params,
    check_y,
    fit_method,
    get_state,
    set_state,
)
from ..validation import (
    MAX_FLOAT,
    SIZES,
    check_number,
    check_params,
    column_names,
    number,
    short,
)
from ._pairs import PairDataset, RandomState, choose_labels, known_pairs

LEVEL = "negative_level"  # in the state
ALL_PAIRS = 2048  # up to as many negative pairs, every epoch uses all of them
CONSTRAINTS = {
    "hidden_layer_sizes": SIZES,
    "negative_weight": number(0, MAX_FLOAT, open_low=True),
}


@dataclass(frozen=True)
class TowerFit:
    """A fit of a tower that is ready to start: pairs, the net, and the statistics it needs."""

    videos: Videos
    part: Videos  # the training videos
    held_out: Videos | None
    pairs: tuple[PairDataset, PairDataset | None]
    built: tuple[MultimodalNet, dict[str, Any]]
    request: StatsRequest | None
    level: int  # on which the labels of negative pairs differ


class NoNegativePairsError(ValueError):
    """No two videos have different labels on any level."""


@dataclass(kw_only=True, eq=False, repr=False)
class CorrelationTower(TransformerMixin, NetworkEstimator):
    """Predict whether the modalities of a video are correlated.

    The tower is trained on positive pairs, the modalities of one video, and on negative pairs,
    one modality each of two videos without a common top-level label, drawn anew every epoch
    (Sections 3 and 4.1, Figure 5 of [1]_). Cross-modal classifiers use its probability to gate
    the influence of one modality on another, or as an input.

    Parameters
    ----------
    encoder : {"transformer", "netvlad", "rnn", "mean"} or type, default="transformer"
        Encoder of the frames of each modality; or the class of a torch module with the same
        interface, see :mod:`sk_crossmodal.modules`.
    encoder_params : dict, default=None
        Arguments of the encoder: `d_model`, `n_heads`, `n_layers` for "transformer", `n_clusters`
        (a number, or one per modality in order) and `hidden_size` for "netvlad", `n_clusters`,
        `hidden_size` and `rnn_type` for "rnn", `d_model` for "mean".
    hidden_layer_sizes : sequence of int, default=(512,)
        Fully connected ReLU layers over a pair's encoder outputs; the last one's output is the
        embedding of the pair.
    negative_weight : float, default=2.0
        Weight of a negative pair relative to a positive pair. More than 1, because the audio of
        some videos is irrelevant (Section 5.1, Figure 8).
    hierarchy : LabelHierarchy, default=None
        The hierarchy of the labels, which gives their top-level labels; the columns of a data
        frame are found by name. Without it every label is a top-level label.
    batch_size : int, default=128
        Videos per batch; each gives a positive and a negative pair.

    Attributes
    ----------
    pairs_ : list of (str, str)
        The pairs of modalities, in the order of the columns of `transform`.
    negative_level_ : int
        Level of the hierarchy on which the labels of negative pairs differ: 0, the top level,
        unless too few videos differ there.

    Notes
    -----
    NOTE[paper]: the fully connected layers see the element-wise product of the encoder outputs
    beside their concatenation. In our trials, a ReLU layer on the concatenation alone learned
    slowly, or not at all, whether two modalities are correlated.

    NOTE[paper]: a label that all videos have does not count in negative pairs. If fewer than one
    in 20 pairs of videos have no top-level label in common, nor without those that 95 % of the
    videos have, the next level takes the place of the top level. So videos of a single category
    have negative pairs, and so do videos that nearly all have the label "Speech".

    A video without frames in one of the modalities gets 0.5 for the pair. With at most 2048
    negative pairs, every epoch uses all of them, and the pairs of one video together have the
    weight of one pair: a video of weight 2 equals the same video twice.

    There is neither `warm_start` nor `partial_fit`: negative pairs are drawn from all videos, and
    classifiers need the tower that they were trained with, unchanged.

    References
    ----------
    .. [1] Goyal, Sahu, Ghosh, Lee, "Cross-modal Learning for Multi-modal Video Categorization",
       2020.

    Examples
    --------
    >>> from sk_crossmodal.correlation import CorrelationTower
    >>> from sk_crossmodal.datasets import make_crossmodal_videos
    >>> videos = make_crossmodal_videos(60, random_state=0)
    >>> top_level = [path.split(":")[0] for (path,) in videos.target]
    >>> tower = CorrelationTower(encoder="mean", max_epochs=2, random_state=0)
    >>> tower.fit(videos.data, top_level).transform(videos.data).shape
    (60, 1)
    """

    encoder: str | type[nn.Module] = "transformer"
    encoder_params: Mapping[str, Any] | None = None
    hidden_layer_sizes: Sequence[int] = (512,)
    negative_weight: float = 2.0
    hierarchy: LabelHierarchy | None = None

    _fitted_names = (*NetworkEstimator._fitted_names, "pairs_", "negative_level_")

    @fit_method
    def fit(
        self,
        X: Any,
        y: Any = None,
        *more: Any,
        sample_weight: ArrayLike | None = None,
        eval_set: tuple[Any, ...] | None = None,
    ) -> Self:
        """Train the tower.

        Parameters
        ----------
        X : MultimodalArray or any form that becomes one
            The videos; or the frames of the first modality, followed by those of the others.
        y : array-like or sparse
            Labels: multilabel indicators (n, n_labels) or classes (n,). They are only used to
            choose negative pairs. With several modalities given one by one, y is the last
            positional argument.
        *more : array-like
            Further modalities and y, when modalities are given one by one.
        sample_weight : array-like of shape (n,), default=None
            Weights of the videos; videos of weight 0 are left out.
        eval_set : tuple (X_val, y_val), default=None
            Held-out videos, instead of a fraction of X; or ``(X_video, X_audio, y_val)``.

        Returns
        -------
        CorrelationTower
            The fitted tower.

        Raises
        ------
        ValueError
            If X or y does not fit, a modality has no frame in any video, or no two videos differ
            in all of their labels on any level; or if training diverges.
        """
        *arrays, y = (X, y, *more)
        self._check_params()
        videos = self._validate_fit_videos(arrays, y, sample_weight)
        targets = Targets(videos.y, self.hierarchy, names=videos.names)
        held_out = self._validate_eval_set(eval_set, videos, targets)
        prepared = self._prepare(videos, held_out, targets)
        read = [videos.X, *([] if held_out is None else [held_out.X])]
        self._warn_of_cut(read)
        self._warns_of_rates(read[-1], videos.X.rates)
        (stats,) = self._scan(videos, [prepared.request])
        self._fit(prepared, stats)
        return self

    def _prepare(self, videos: Videos, held_out: Videos | None, targets: Targets) -> TowerFit:
        """Split the videos, choose the pairs and build the net, before frames of X are read."""
        _check_can_correlate(videos.X)
        videos.check_present()
        split_seed, pair_seed, train_seed = self._seeds(3)
        part, held_out = self._split(videos, held_out, split_seed)
        among = "the videos" if held_out is None else "the videos to train on"
        train_set, level = self._pairs(part, targets, pair_seed, among)
        train_set.list_negatives(ALL_PAIRS)
        valid_set = None
        if held_out is not None:
            among = "the videos held out"
            valid_set, _ = self._pairs(held_out, targets, pair_seed, among, level)
        params = {
            "frame_stats": self._placeholder_stats(videos.X),
            "pad_to": self._pad_to(),
            "encoder": encoder_class(self.encoder),
            "encoder_params": {"dropout": self.dropout, **(self.encoder_params or {})},
            "hidden_layer_sizes": tuple(self.hidden_layer_sizes),
            "dropout": self.dropout,
        }
        spec = NetworkSpec(CorrelationNetwork, params, {"kind": "binary"})
        built = self._build(spec, train_seed, validates=held_out is not None)
        request = self._stats_request(part)
        return TowerFit(videos, part, held_out, (train_set, valid_set), built, request, level)

    @fit_method
    def _fit(self, fit: TowerFit, stats: FrameStats | None) -> Self:
        """Train the tower on checked videos."""
        if stats is not None:
            fit.built[0].set_frame_stats(stats)
        X = fit.videos.X
        names, longest = X.modality_names, int(X.timeline_lengths().max())
        pairs = [(names[a], names[b]) for a, b in unordered_pairs(len(names))]

        def fitted(net: MultimodalNet) -> dict[str, Any]:
            attributes = self._fitted_attributes(net, X.n_features, longest)
            own = {"pairs_": pairs, "negative_level_": fit.level, "_rates": X.rates}
            return {**attributes, **own}

        context = self._begin_fit(fit.videos, fit.built[0].max_epochs)
        inputs = {"videos": fit.part, "videos held out": fit.held_out}
        bridge = self._bridge(context, fit.videos, fitted)
        self._train(fit.built, fit.pairs, bridge, inputs)
        return self

    def fit_transform(self, X: Any, y: Any = None, *more: Any, **fit_params: Any) -> Floats:
        """Train the tower and apply it to the same videos.

        Parameters
        ----------
        X, y, *more : as in `fit`
            Videos and labels.
        **fit_params : dict
            Passed to `fit`.

        Returns
        -------
        ndarray of shape (n, n_pairs), float32
            As of `transform`.
        """
        *arrays, _ = (X, y, *more)
        self.fit(X, y, *more, **fit_params)
        return self.transform(*arrays)

    def _pairs(
        self,
        videos: Videos,
        targets: Targets,
        seed: RandomState,
        among: str = "the videos",
        level: int | None = None,
    ) -> tuple[PairDataset, int]:
        """Return pairs whose negatives are drawn once, and the level on which labels differ."""
        encoded = targets.encode(videos.y)
        levels = range(targets.n_levels) if level is None else range(level, level + 1)
        found = choose_labels(targets.top_level(encoded, each) for each in levels)
        if found is None:
            reason = f"No two videos differ in all of their top-level labels among {among}"
            deeper = ", nor in those of a deeper level" if len(levels) > 1 else ""
            advice = "there are no negative pairs to train a tower on"
            raise NoNegativePairsError(f"{reason}{deeper}: {advice}.")
        number, labels = found
        weights = {"negative_weight": self.negative_weight}
        dataset = PairDataset(videos.X, labels, videos.weight, **weights, **self._reading)
        return dataset.fix_negatives(seed), levels[number]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = [self._dtype()]
        return tags

    def _level(self) -> int:
        return getattr(self, "negative_level_", 0)  # pickles of earlier versions have none

    def _get_state(self) -> dict[str, Any]:
        """Return the state, with the level unless it is the top level, as of earlier versions."""
        state = get_state(self)
        level = self._level() if state else 0
        return {**state, LEVEL: level} if level else state

    def _set_state(self, state: Mapping[str, Any]) -> None:
        """Restore a fitted tower; ValueError if the state is not that of one."""
        level = state.get(LEVEL, 0)
        check_number(LEVEL, level, low=0, integer=True)
        set_state(self, state, CorrelationNetwork, *[LEVEL] * (LEVEL in state))
        names, self.negative_level_ = self.modality_names_in_, level
        self.pairs_ = [(names[a], names[b]) for a, b in self.module_.pairs]

    def _check_params(self) -> None:
        check_shared_params(vars(self))
        check_encoder(self.encoder, self.encoder_params)
        check_params(vars(self), CONSTRAINTS)

    def _new_videos(self, X: Any, more: Sequence[Any]) -> MultimodalArray:
        array = self._validate_new_videos(X, more)
        self._warn_of_new_videos(array)
        return array

    def predict_proba(self, X: Any, *more: Any) -> Floats:
        """Probability that the modalities of each video are correlated.

        Parameters
        ----------
        X, *more : as in `fit`
            The videos.

        Returns
        -------
        ndarray of shape (n, n_pairs), float32
            One column per pair of modalities, see `pairs_`.
        """
        return self._predict(self._new_videos(X, more))

    def _predict(self, X: MultimodalArray) -> Floats:
        logits: Floats = self.net_.predict_rows(FrameDataset(X, **self._reading))
        rows = np.arange(len(X))
        probability: Floats = expit(logits)
        return np.where(known_pairs(X, rows, rows), probability, logits.dtype.type(0.5))

    def transform(self, X: Any, *more: Any) -> Floats:
        """Do the same as `predict_proba`, for Pipelines and feature unions.

        Parameters
        ----------
        X, *more : as in `fit`
            The videos.

        Returns
        -------
        ndarray of shape (n, n_pairs), float32
            Probability that the modalities are correlated, one column per pair of modalities.
        """
        return self.predict_proba(X, *more)

    def embed(self, X: Any, *more: Any) -> Floats:
        """Return the last hidden layer of the tower.

        Parameters
        ----------
        X, *more : as in `fit`
            The videos.

        Returns
        -------
        ndarray of shape (n, n_pairs, hidden_layer_sizes[-1]), float32
            One embedding per pair of modalities.
        """
        return self._embed(self._new_videos(X, more))

    def _embed(self, X: MultimodalArray) -> Floats:
        dataset = FrameDataset(X, **self._reading)
        embedding: Floats = self.net_.predict_rows(dataset, "pair_embedding")
        return embedding

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Return the names of `transform`'s columns, such as "correlation_video_audio".

        Parameters
        ----------
        input_features : ignored
            Not used.

        Returns
        -------
        ndarray of str, shape (n_pairs,)
            The names.
        """
        check_is_fitted(self)
        return np.array([f"correlation_{a}_{b}" for a, b in self.pairs_], dtype=object)

    def pair_probabilities(
        self, X: Any, y: Any = None, *more: Any, random_state: RandomState = 0
    ) -> tuple[Floats, Floats]:
        """Apply the tower to positive and negative pairs (Figure 9).

        Parameters
        ----------
        X, y, *more : as in `fit`
            Videos and labels.
        random_state : int, RandomState or None, default=0
            Random seed of the negative pairs.

        Returns
        -------
        positive, negative : ndarray of shape (n_positive,) and (n_negative,), float32
            The probabilities, all pairs of modalities together. Pairs without frames on one side
            are left out, and so are videos without a possible negative.
        """
        *arrays, y = (X, y, *more)
        check_seed("random_state", random_state)
        X = self._new_videos(arrays[0], arrays[1:])
        names, y, rows = column_names(y), check_y(y, len(X)), np.arange(len(X))
        videos = Videos(X, y, np.ones(len(X)), weighted=False, source=X, rows=rows)
        targets = Targets(y, self.hierarchy, names=names)
        level = min(self._level(), targets.n_levels - 1)
        dataset, _ = self._pairs(videos, targets, random_state, level=level)
        negatives = dataset.negatives
        positive, negative = np.split(expit(self.net_.predict_rows(dataset)), 2, axis=1)
        possible = known_pairs(X, rows, negatives) & (negatives >= 0)[:, None]
        return positive[known_pairs(X, rows, rows)], negative[possible]

    def pair_error_rates(
        self, X: Any, y: Any = None, *more: Any, random_state: RandomState = 0
    ) -> dict[str, float]:
        """Return error rates on positive and negative pairs (Section 5.1, Figure 8).

        Parameters
        ----------
        X, y, *more : as in `fit`
            Videos and labels.
        random_state : int, RandomState or None, default=0
            Random seed of the negative pairs.

        Returns
        -------
        dict of str to float
            ``"error"``, the fraction of wrong predictions; ``"fpr"``, the fraction of negative
            pairs predicted to be correlated; ``"fnr"``, the fraction of positive pairs predicted
            to be uncorrelated; all at a probability of 0.5; and ``"auc"``, the area under the ROC
            curve. All pairs of modalities are counted together.
        """
        positive, negative = self.pair_probabilities(X, y, *more, random_state=random_state)
        truth = np.repeat([True, False], [len(positive), len(negative)])
        probability = np.concatenate([positive, negative])
        return {
            "error": float(np.mean((probability > 0.5) != truth)),
            "fpr": float(np.mean(negative > 0.5)),
            "fnr": float(np.mean(positive <= 0.5)),
            "auc": float(roc_auc_score(truth, probability)),
        }


def correlation_inputs(
    tower: CorrelationTower | None,
    X: MultimodalArray,
    embeds: bool,
    processes: Processes | None = None,
) -> dict[str, Array]:
    """Return the correlation of each validated video as an input of a network; {} if None."""
    if tower is None:
        return {}
    public, own = ("embed", "_embed") if embeds else ("predict_proba", "_predict")
    overridden = getattr(type(tower), public) is not getattr(CorrelationTower, public)
    apply = getattr(tower, public if overridden else own)
    values = apply(X) if processes is None else processes.apply(apply, X)
    return {"correlation": values if embeds else values[:, :, None]}


def _check_can_correlate(X: MultimodalArray) -> None:
    """Raise ValueError unless there are two modalities and two videos."""
    if len(widths := X.n_features) < 2:
        given = f"{list(widths)} with {sum(widths.values())} feature(s)"
        raise ValueError(
            f"A correlation needs two modalities, X has {given}: give each as an array, "
            "fit(X_video, X_audio, y), or name their columns, such as modalities={'video': 1024, "
            "'audio': 128}."
        )
    if len(X) < 2:
        raise ValueError("A correlation needs two videos to compare, X has 1 sample.")


def check_encoder(encoder: Any, params: Any) -> None:
    """Raise TypeError or ValueError unless these are an encoder and its parameters."""
    wanted = f"encoder must be one of {tuple(ENCODERS)}, or the class of a torch module"
    if isinstance(encoder, str) and encoder not in ENCODERS:
        raise ValueError(f"{wanted}, got {encoder!r}.")
    if not isinstance(encoder, str) and not (
        isinstance(encoder, type) and issubclass(encoder, nn.Module)
    ):
        raise TypeError(f"{wanted}, got {short(encoder)}.")
    if not isinstance(params, Mapping | None):
        raise TypeError(f"encoder_params must be a dict or None, got {short(params)}.")
    cls = encoder_class(encoder)
    known = signature(cls).parameters
    takes_any = any(each.kind is Parameter.VAR_KEYWORD for each in known.values())
    names = sorted(set(known) - {"widths", "spec"})
    if not takes_any and (unknown := sorted(str(n) for n in params or () if n not in names)):
        raise ValueError(f"encoder_params of {encoder!r} may be {names}, got {unknown}.")
    check_params(params or {}, getattr(cls, "constraints", {}), "encoder_params[{!r}]")


def encoder_class(encoder: str | type[nn.Module]) -> type[nn.Module]:
    """Return the class of an encoder."""
    return ENCODERS[encoder] if isinstance(encoder, str) else encoder
