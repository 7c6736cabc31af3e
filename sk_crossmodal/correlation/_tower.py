"""`CorrelationTower`: the separately trained judge of how related modalities are (Section 3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array
from scipy.special import expit
from sklearn.base import TransformerMixin
from sklearn.metrics import roc_auc_score
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import nn

from .._types import Array, Floats
from ..hierarchy import LabelHierarchy
from ..modules import CorrelationNetwork, unordered_pairs
from ..multimodal import MultimodalArray
from ..training import (
    GREATEST,
    EpochTasks,
    FrameDataset,
    MultimodalNet,
    NetworkEstimator,
    Targets,
    Videos,
    check_number,
    check_seed,
    check_sizes,
    check_y,
    fit_method,
)
from ._encoders import check_encoder, encoder_class
from ._pairs import PairDataset, RandomState, known_pairs
from ._state import set_tower_state

ALL_PAIRS = 2048  # mismatched pairs of which a tower sees all in every epoch


@dataclass(kw_only=True, eq=False, repr=False)
class CorrelationTower(TransformerMixin, NetworkEstimator):
    """Predict whether the modalities of a video have to do with each other.

    It is trained on matching pairs, the modalities of one video, and mismatched ones, one
    modality each of two videos whose top-level labels share nothing, drawn afresh every epoch
    (Sections 3 and 4.1, Figure 5 of [1]_). Its verdict on a video tells a cross-modal classifier
    whether the influence of one modality on another is to be trusted.

    Parameters
    ----------
    encoder : {"transformer", "netvlad", "rnn", "mean"} or type, default="transformer"
        What encodes the frames of each modality; or the class of a torch module that is called
        and built as these are, see :mod:`sk_crossmodal.modules`.
    encoder_params : dict, default=None
        Arguments of the encoder: `d_model`, `n_heads`, `n_layers` for "transformer", `n_clusters`
        (a number, or one a modality in order) and `hidden_size` for "netvlad", `n_clusters`,
        `hidden_size` and `rnn_type` for "rnn", `d_model` for "mean".
    hidden_layer_sizes : sequence of int, default=(512,)
        Fully connected ReLU layers over a pair's encoder outputs; the last one's output is the
        embedding of the pair.
    negative_weight : float, default=2.0
        Weight of a mismatched pair against a matching one. More than 1, because some videos'
        own audio is irrelevant (Section 5.1, Figure 8).
    hierarchy : LabelHierarchy, default=None
        The hierarchy of y's labels, which says what top-level labels are. Without it every label
        is its own top level.
    batch_size : int, default=128
        Videos a batch; each gives a matching and a mismatched pair.

    Attributes
    ----------
    pairs_ : list of (str, str)
        The pairs of modalities, in the order of the columns of `transform`.

    Notes
    -----
    NOTE[paper]: beside the concatenated encoder outputs the fully connected part sees their
    element-wise product. Whether two things match is a product of what they are, which a ReLU
    layer on the concatenation alone was slow to learn, or did not learn, in our trials.

    A video without frames in one of the modalities gets 0.5 for the pair. With few videos, that is
    up to 2048 mismatched pairs, all of these are seen in every epoch, and those of one video weigh
    as much as one: so a weight of 2 is the same as the video twice.

    There is neither `warm_start` nor `partial_fit`: mismatched pairs are drawn from all videos,
    and a tower that goes on learning is not the frozen judge that classifiers were trained with.

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

    _fitted_names = (*NetworkEstimator._fitted_names, "pairs_")
    _set_state = set_tower_state

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
            Labels: multilabel indicators (n, n_labels) or classes (n,). Only used to choose
            videos that have nothing in common. With several modalities given one by one, y is
            the last positional argument.
        *more : array-like
            Further modalities and y, when modalities are given one by one.
        sample_weight : array-like of shape (n,), default=None
            Weights of the videos; those of weight 0 are left out.
        eval_set : tuple (X_val, y_val), default=None
            Videos held out, in place of a share of X; or ``(X_video, X_audio, y_val)``.

        Returns
        -------
        CorrelationTower
            The fitted tower.

        Raises
        ------
        ValueError
            If X or y does not fit, a modality has no frame in any video, or no two videos differ
            in their top-level labels; or if training diverges.
        """
        *arrays, y = (X, y, *more)
        self._check_params()
        videos = self._check_videos(arrays, y, sample_weight)
        _check_can_correlate(videos.X)
        self._check_present(videos.X)
        targets = Targets(videos.y, self.hierarchy)
        held_out = self._check_eval_set(eval_set, videos, targets)
        self._fit_videos(videos, held_out, targets)
        return self

    def _fit_videos(self, videos: Videos, held_out: Videos | None, targets: Targets) -> None:
        split_seed, pair_seed, train_seed = self._seeds(3)
        part, held_out = self._split(videos, held_out, split_seed)
        among = "the videos" if held_out is None else "the videos to train on"
        train_set = self._pairs(part, targets, pair_seed, among).list_partners(ALL_PAIRS)
        among = "the videos held out"
        valid_set = None
        if held_out is not None:
            valid_set = self._pairs(held_out, targets, pair_seed, among)
        module_params = {
            **self._scaling_params(part.X, part.weight),
            "encoder": encoder_class(self.encoder),
            "encoder_params": {"dropout": self.dropout, **(self.encoder_params or {})},
            "hidden_layer_sizes": tuple(self.hidden_layer_sizes),
            "dropout": self.dropout,
        }
        self._rehearse((CorrelationNetwork, module_params), {"kind": "binary"}, held_out)
        names = videos.X.modality_names
        pairs = [(names[a], names[b]) for a, b in unordered_pairs(len(names))]

        longest = int(videos.X.timeline_lengths().max())

        def fitted(net: MultimodalNet) -> dict[str, Any]:
            attributes = self._fitted_attributes(net, videos.X.n_features, longest)
            return {**attributes, "pairs_": pairs}

        context = self._begin_fit(videos, self._n_epochs())
        self._fit_net(
            (CorrelationNetwork, module_params),
            {"kind": "binary"},
            (train_set, valid_set),
            train_seed,
            EpochTasks(context, self, videos, fitted),
            {"videos": part, "videos held out": held_out},
        )

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

    def _pairs(self, videos: Videos, targets: Targets, seed: int, among: str) -> PairDataset:
        """Return the videos with partners, fixed."""
        dataset = PairDataset(
            videos.X,
            targets.top_level(targets.encode(videos.y)),
            videos.weight,
            negative_weight=self.negative_weight,
            max_frames=self.max_frames,
        )
        return _with_partners(dataset, seed, among)

    def _top_level(self, y: Any, n_samples: int) -> csr_array:
        y = check_y(y, n_samples)
        targets = Targets(y, self.hierarchy)
        return targets.top_level(targets.encode(y))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = [self._dtype()]
        return tags

    def _check_params(self) -> None:
        self._check_training_params()
        check_encoder(self.encoder, self.encoder_params)
        check_sizes("hidden_layer_sizes", self.hidden_layer_sizes)
        check_number("negative_weight", self.negative_weight, low=0, high=GREATEST, open_low=True)

    def predict_proba(self, X: Any, *more: Any) -> Floats:
        """Probability that the modalities of each video are correlated.

        Parameters
        ----------
        X, *more : as in `fit`
            The videos.

        Returns
        -------
        ndarray of shape (n, n_pairs), float32
            One column a pair of modalities, see `pairs_`.
        """
        X = self._check_predict_input(X, more)
        logits: Floats = self.net_.predict_rows(FrameDataset(X, max_frames=self.max_frames))
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
            Probability that the modalities are correlated, one column a pair of modalities.
        """
        return self.predict_proba(X, *more)

    def embed(self, X: Any, *more: Any) -> Floats:
        """Last hidden layer: what the tower computed, rather than its verdict.

        Parameters
        ----------
        X, *more : as in `fit`
            The videos.

        Returns
        -------
        ndarray of shape (n, n_pairs, hidden_layer_sizes[-1]), float32
            One embedding a pair of modalities.
        """
        X = self._check_predict_input(X, more)
        dataset = FrameDataset(X, max_frames=self.max_frames)
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
        """Apply the tower to matching and mismatched pairs (Figure 9).

        Parameters
        ----------
        X, y, *more : as in `fit`
            Videos and labels.
        random_state : int, RandomState or None, default=0
            Decides which videos are paired.

        Returns
        -------
        matching, mismatched : ndarray of shape (n_matching,) and (n_mismatched,), float32
            The outputs, all pairs of modalities together. Pairs with no frames on one side are
            left out, and so are videos that have no possible partner.
        """
        *arrays, y = (X, y, *more)
        check_seed("random_state", random_state)
        X = self._check_predict_input(arrays[0], arrays[1:])
        top_level = self._top_level(y, len(X))
        rows = np.arange(len(X))
        dataset = PairDataset(X, top_level, np.ones(len(X)), max_frames=self.max_frames)
        partners = _with_partners(dataset, random_state).partners
        matching, mismatched = np.split(expit(self.net_.predict_rows(dataset)), 2, axis=1)
        possible = known_pairs(X, rows, partners) & (partners >= 0)[:, None]
        return matching[known_pairs(X, rows, rows)], mismatched[possible]

    def pair_error_rates(
        self, X: Any, y: Any = None, *more: Any, random_state: RandomState = 0
    ) -> dict[str, float]:
        """Error rates on matching and mismatched pairs (Section 5.1, Figure 8).

        Parameters
        ----------
        X, y, *more : as in `fit`
            Videos and labels.
        random_state : int, RandomState or None, default=0
            Decides which videos are paired.

        Returns
        -------
        dict of str to float
            ``"error"``, share of all pairs judged wrongly; ``"fpr"``, share of mismatched pairs
            judged correlated; ``"fnr"``, share of matching pairs judged uncorrelated; all at a
            probability of 0.5; and ``"auc"``, area under the ROC curve. All pairs of modalities
            are counted together.
        """
        matching, mismatched = self.pair_probabilities(X, y, *more, random_state=random_state)
        truth = np.repeat([True, False], [len(matching), len(mismatched)])
        probability = np.concatenate([matching, mismatched])
        return {
            "error": float(np.mean((probability > 0.5) != truth)),
            "fpr": float(np.mean(mismatched > 0.5)),
            "fnr": float(np.mean(matching <= 0.5)),
            "auc": float(roc_auc_score(truth, probability)),
        }


def _check_can_correlate(X: MultimodalArray) -> None:
    """Raise ValueError unless there are two modalities and two videos."""
    if len(X.modality_names) < 2:
        (width,) = X.n_features.values()
        raise ValueError(
            f"A correlation needs two modalities, X has one, {list(X.modality_names)}, with "
            f"{width} feature(s)."
        )
    if len(X) < 2:
        raise ValueError("A correlation needs two videos to compare, X has 1 sample.")


def _with_partners(
    dataset: PairDataset, random_state: RandomState, among: str = "the videos"
) -> PairDataset:
    """Fix the partners of a data set of pairs; raise ValueError if no video has one."""
    dataset.fix_partners(random_state)
    if (dataset.partners < 0).all():
        raise ValueError(
            f"No two videos differ in all of their top-level labels among {among}, so there are "
            "no mismatched pairs; there must be at least two top-level labels that do not always "
            "occur together. "
            "A classifier needs no tower with fusion='late', 'early' or 'cross_modal'."
        )
    return dataset
