"""`CrossModalNetVLADClassifier` (Section 2, Figure 4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ..modules import FUSIONS, NetVLADEncoder
from ..validation import Constraint, check_size
from ._base import CrossModalClassifier


def _check_clusters(name: str, value: Any) -> None:
    """Raise TypeError or ValueError unless `value` is a size, a dict of sizes, or None."""
    if isinstance(value, Mapping):
        for modality, number in value.items():
            check_size(f"{name}[{modality!r}]", number)
    elif value is not None:
        check_size(name, value)


@dataclass(kw_only=True, eq=False, repr=False)
class CrossModalNetVLADClassifier(CrossModalClassifier):
    """Classify videos by NetVLAD descriptors whose assignments influence each other.

    Each frame is softly assigned to learned clusters, and a modality is described by the residuals
    of its frames from the clusters' centres. The assignments of one modality, transformed along
    time and across clusters by a small network F, are added to those of the other (Section 2 of
    [1]_). A separately trained, frozen correlation tower (Section 3) gates F, or its output is
    concatenated to the inputs.

    Parameters
    ----------
    n_clusters : int or dict of str to int, default=None
        Clusters of every modality, or of each by its name. None is 128 for the modality
        ``"video"`` and 64 for any other, as in the paper (Section 5.3). With early fusion the
        one encoder has as many as the largest.
    hidden_size : int, default=256
        Width of the layer after each descriptor, and of the layer that fuses them. It has
        ``n_clusters * width of a frame * hidden_size`` weights, nearly all of the network.

    Examples
    --------
    >>> from sk_crossmodal import CrossModalNetVLADClassifier, HierarchyLabelBinarizer
    >>> from sk_crossmodal.datasets import make_crossmodal_videos
    >>> videos = make_crossmodal_videos(40, random_state=0)
    >>> labels = HierarchyLabelBinarizer()
    >>> Y = labels.fit_transform(videos.target)
    >>> classifier = CrossModalNetVLADClassifier(
    ...     n_clusters=8, hidden_size=32, max_epochs=1, hierarchy=labels.hierarchy_, random_state=0
    ... )
    >>> classifier.fit(videos.data, Y).predict_proba(videos.data).shape == Y.shape
    True
    """

    n_clusters: int | Mapping[str, int] | None = None
    hidden_size: int = 256

    _encoder = NetVLADEncoder
    _constraints: ClassVar[Mapping[str, Constraint]] = {
        "hidden_size": NetVLADEncoder.constraints["hidden_size"],
        "n_clusters": _check_clusters,
    }

    def _encoder_params(self, names: Sequence[str]) -> dict[str, Any]:
        if isinstance(self.n_clusters, Mapping) and not set(names) <= set(self.n_clusters):
            raise ValueError(f"n_clusters must name each of {list(names)}, got {self.n_clusters}.")
        clusters = [self._clusters_of(name) for name in names]
        if FUSIONS[self.fusion].joint:
            clusters = [max(clusters)]
        return {**super()._encoder_params(names), "n_clusters": tuple(clusters)}

    def _clusters_of(self, name: str) -> int:
        if self.n_clusters is None:
            return 128 if name == "video" else 64
        return self.n_clusters[name] if isinstance(self.n_clusters, Mapping) else self.n_clusters

    def _width(self) -> int:
        return self.hidden_size
