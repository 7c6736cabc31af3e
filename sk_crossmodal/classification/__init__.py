"""The classifiers."""

from ._base import CrossModalClassifier
from ._netvlad import CrossModalNetVLADClassifier
from ._rnn import CrossModalRNNClassifier
from ._transformer import CrossModalTransformerClassifier

__all__ = [
    "CrossModalClassifier",
    "CrossModalNetVLADClassifier",
    "CrossModalRNNClassifier",
    "CrossModalTransformerClassifier",
]
