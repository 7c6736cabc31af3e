"""`CrossModalTransformerClassifier` (Section 2, Figures 3 and 5)."""

from dataclasses import dataclass

from ..modules import TransformerEncoder
from ._base import CrossModalClassifier


@dataclass(kw_only=True, eq=False, repr=False)
class CrossModalTransformerClassifier(CrossModalClassifier):
    """Classify videos by Transformers whose modalities influence each other's attention.

    Each modality has a Transformer encoder of its own. Before the softmax, the attention logits
    of one modality, transformed along time by a small network F, are added to those of the other
    (Section 2 of [1]_). A separately trained, frozen correlation tower (Section 3) gates F,
    or its output is concatenated to the inputs.

    Parameters
    ----------
    d_model : int, default=512
        Width of the encoders and of the layer that fuses them.
    n_heads : int, default=8
        Attention heads.
    n_layers : int, default=1
        Encoder layers.

    Examples
    --------
    >>> from sk_crossmodal import CrossModalTransformerClassifier, HierarchyLabelBinarizer
    >>> from sk_crossmodal.datasets import make_crossmodal_videos
    >>> videos = make_crossmodal_videos(40, random_state=0)
    >>> labels = HierarchyLabelBinarizer()
    >>> Y = labels.fit_transform(videos.target)
    >>> classifier = CrossModalTransformerClassifier(
    ...     d_model=32, n_heads=4, max_epochs=1, hierarchy=labels.hierarchy_, random_state=0
    ... )
    >>> classifier.fit(videos.data, Y).predict_proba(videos.data).shape == Y.shape
    True
    """

    d_model: int = 512
    n_heads: int = 8
    n_layers: int = 1

    _encoder = TransformerEncoder
    _constraints = TransformerEncoder.constraints

    def _width(self) -> int:
        return self.d_model
