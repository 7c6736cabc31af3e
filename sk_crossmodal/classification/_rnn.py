"""`CrossModalRNNClassifier` (Section 2, Figures 1 and 2)."""

from dataclasses import dataclass

from ..modules import RNNEncoder
from ._base import CrossModalClassifier


@dataclass(kw_only=True, eq=False, repr=False)
class CrossModalRNNClassifier(CrossModalClassifier):
    """Classify videos by recurrent networks whose attention influences each other.

    Over the states of a bidirectional GRU or LSTM, or over the frames themselves, each modality
    has clusters of attention (Long et al., 2018, without their shifting operation). The attention
    of one modality, transformed along time by a small network F, is added to that of the other
    (Section 2 of [1]_). A separately trained, frozen correlation tower (Section 3) gates F,
    or its output is concatenated to the inputs.

    Parameters
    ----------
    rnn_type : {"gru", "lstm"} or None, default="gru"
        The recurrent layer; None attends to the frames directly.
    n_clusters : int, default=32
        Attention clusters of each modality.
    hidden_size : int, default=256
        Width of the recurrent states (both directions together, so it must be even), of the layer
        after the clusters, and of the layer that fuses the modalities.

    Examples
    --------
    >>> from sk_crossmodal import CrossModalRNNClassifier, HierarchyLabelBinarizer
    >>> from sk_crossmodal.datasets import make_crossmodal_videos
    >>> videos = make_crossmodal_videos(40, random_state=0)
    >>> labels = HierarchyLabelBinarizer()
    >>> Y = labels.fit_transform(videos.target)
    >>> classifier = CrossModalRNNClassifier(
    ...     n_clusters=4, hidden_size=32, max_epochs=1, hierarchy=labels.hierarchy_, random_state=0
    ... )
    >>> classifier.fit(videos.data, Y).predict_proba(videos.data).shape == Y.shape
    True
    """

    rnn_type: str | None = "gru"
    n_clusters: int = 32
    hidden_size: int = 256

    _encoder = RNNEncoder
    _constraints = RNNEncoder.constraints

    def _width(self) -> int:
        return self.hidden_size
