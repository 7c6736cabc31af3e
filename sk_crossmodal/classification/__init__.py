"""The classifiers."""

from ._transformer import CrossModalTransformerClassifier

__all__ = ["CrossModalTransformerClassifier"]
