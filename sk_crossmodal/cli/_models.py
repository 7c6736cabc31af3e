"""Load MODEL, and compute its probabilities in chunks."""

import argparse
import copy
import os
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from .._types import Floats
from ._data import Data, is_data, open_data

CHUNK = 1024  # videos per call of predict_proba


class Model:
    """A classifier from a file, with the labels of its columns."""

    def __init__(self, path: str, device: str | None = None) -> None:
        self.path, self.estimator = path, load(path, device)
        if not hasattr(self.estimator, "predict_proba") or not hasattr(self.estimator, "classes_"):
            given = type(self.estimator).__name__
            raise ValueError(f"{path} holds a {given}, expected a classifier, as train writes.")
        self.classifier = innermost(self.estimator)
        transformer = getattr(self.estimator, "transformer_", None)
        self.binarizer = transformer if hasattr(transformer, "hierarchy_") else None
        self.labels, self.names = self._labels()

    def _labels(self) -> tuple[list[Any], list[str]]:
        if self.binarizer is not None:
            return self.binarizer.classes_.tolist(), self.binarizer.hierarchy_.display_names
        classes = self.estimator.classes_
        if classes.ndim == 1:
            return classes.tolist(), [str(each) for each in classes]
        names = getattr(self.classifier, "label_names_", None) or range(len(classes))
        return list(names), [str(name) for name in names]

    def open_data(self, args: argparse.Namespace, **options: Any) -> Data:
        """Open the data of a command by `open_data`, with the modalities of the model only."""
        options |= {"ids": args.ids, "on_error": args.on_error, "quiet": args.quiet}
        needed = getattr(self.classifier, "modality_names_in_", None)
        widths = widths_of(self.estimator)
        try:
            data = open_data(args.data, modalities=needed, **options)
        except ValueError as error:
            if "modality" in str(error) or "has no column" in str(error):
                expected = _describe(widths)
                raise ValueError(f"{error} The model {self.path} needs {expected}.") from error
            raise
        if widths and (given := data.X.n_features) != widths:
            raise ValueError(
                f"the model {self.path} was trained on {_describe(widths)}, but {data.source} has "
                f"{_describe(given)}; use the same embeddings."
            )
        return data

    def probabilities(self, X: Any, *, quiet: bool = False) -> Iterator[tuple[slice, Floats]]:
        """Yield slices of rows and their probabilities, with a progress bar."""
        disable = True if quiet else None
        with tqdm(desc="predicting", total=len(X), unit=" videos", disable=disable) as bar:
            for start in range(0, len(X), CHUNK):
                rows = slice(start, min(start + CHUNK, len(X)))
                yield rows, self.estimator.predict_proba(X[rows])
                bar.update(rows.stop - rows.start)

    def all_probabilities(self, X: Any, *, quiet: bool = False) -> Floats:
        """Return the probabilities of all videos, of shape (n, n_labels)."""
        out = np.empty((len(X), len(self.labels)), np.float32)
        for rows, probability in self.probabilities(X, quiet=quiet):
            if out.dtype != probability.dtype:  # with precision="float64"
                out = out.astype(probability.dtype)
            out[rows] = probability
        return out

    def indicator(self, y: Sequence[tuple[Any, ...]]) -> tuple[Any, list[Any]]:
        """Return the indicator of labels, and the unknown labels, of which it warns."""
        if self.binarizer is None:
            hint = "wrap it in TransformedTargetClassifier with a HierarchyLabelBinarizer"
            raise ValueError(f"the model {self.path} does not know label sets: {hint}.")
        known = copy.copy(self.binarizer).set_params(sparse_output=True, handle_unknown="error")
        labels = sorted({label for each in y for label in each}, key=str)
        unknown = [] if _knows(known, labels) else [x for x in labels if not _knows(known, [x])]
        if len(unknown) == len(labels):
            given = f"{len(labels)} labels of the data, such as {labels[0]!r}"
            raise ValueError(f"the model {self.path} knows none of the {given}; train another.")
        if unknown:
            some = ", ".join(map(repr, unknown[:3])) + (", ..." if len(unknown) > 3 else ".")
            warnings.warn(
                f"{len(unknown)} labels of these {len(y)} videos are unknown to the model and "
                f"ignored (but known ancestors of a label path count): {some}",
                stacklevel=2,
            )
        known.set_params(handle_unknown="ignore")
        return known.transform(y), unknown


def load(path: str, device: str | None = None) -> Any:
    """Load a model, with errors for users who gave something else."""
    if os.path.isdir(path):
        raise IsADirectoryError(f"{path} is a folder, expected a model; the order is MODEL DATA.")
    if not os.path.exists(path):
        raise FileNotFoundError(f"there is no model {path}; sk-crossmodal train writes one.")
    if is_data(path):
        raise ValueError(f"{path} is data, expected a model; the order is MODEL DATA.")
    from ..persistence import load_model  # the import of torch takes seconds

    return load_model(path, device=device)


def innermost(estimator: Any) -> Any:
    """Return the last estimator inside of wrappers and pipelines."""
    while True:
        if hasattr(estimator, "classifier_"):
            estimator = estimator.classifier_
        elif hasattr(estimator, "steps"):
            estimator = estimator.steps[-1][1]
        else:
            return estimator


def widths_of(estimator: Any) -> dict[str, int] | None:
    """Return the features per modality; None if a pipeline transforms frames first."""
    inner = getattr(estimator, "classifier_", estimator)
    return None if hasattr(inner, "steps") else getattr(inner, "_n_features", None)


def _knows(binarizer: Any, labels: list[Any]) -> bool:
    try:
        binarizer.transform([tuple(labels)])
    except (ValueError, TypeError):  # TypeError: numbers where label paths are known
        return False
    return True


def _describe(widths: dict[str, int] | None) -> str:
    if not widths:
        return "other modalities"
    return ", ".join(f"{name} ({width} features)" for name, width in widths.items())
