"""MODEL: what a model file holds, and its probabilities chunk by chunk."""

import copy
import os
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from tqdm import tqdm

from .._types import Floats
from ._data import Data, is_data, open_data

CHUNK = 1024  # videos whose probabilities are computed at once


class Model:
    """A classifier from a file."""

    def __init__(self, path: str, device: str | None = None) -> None:
        self.path, self.estimator = path, load(path, device)
        if not hasattr(self.estimator, "predict_proba") or not hasattr(self.estimator, "classes_"):
            raise ValueError(
                f"{path} holds a {type(self.estimator).__name__}, and a classifier is needed; "
                "sk-crossmodal train makes one."
            )
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

    def open_data(
        self,
        paths: Sequence[str],
        *,
        labels: str | None = None,
        ids: str | None = None,
        labelled: bool = True,
        quiet: bool = False,
    ) -> Data:
        """Open data, of which the model's modalities alone are taken."""
        needed = getattr(self.classifier, "modality_names_in_", None)
        widths = widths_of(self.estimator)
        try:
            data = open_data(
                paths, modalities=needed, labels=labels, ids=ids, labelled=labelled, quiet=quiet
            )
        except ValueError as error:
            if "modality" in str(error) or "has no column" in str(error):
                raise ValueError(
                    f"{error} The model {self.path} needs {_told(widths)}."
                ) from error
            raise
        if widths and (given := data.X.n_features) != widths:
            raise ValueError(
                f"the model {self.path} was trained on {_told(widths)}, and {data.about} has "
                f"{_told(given)}: make these embeddings as those, or train on these."
            )
        return data

    def probabilities(self, X: Any, *, quiet: bool = False) -> Iterator[tuple[slice, Floats]]:
        """Compute the probabilities of the labels, with a progress bar."""
        bar = tqdm(
            desc="predicting", total=len(X), unit=" videos", disable=True if quiet else None
        )
        with bar:
            for start in range(0, len(X), CHUNK):
                rows = slice(start, min(start + CHUNK, len(X)))
                yield rows, self.estimator.predict_proba(X[rows])
                bar.update(rows.stop - rows.start)

    def indicator(self, y: Sequence[tuple[Any, ...]]) -> tuple[Any, list[Any]]:
        """Make the indicator of labels, without those that the model does not know."""
        if self.binarizer is None:
            raise ValueError(
                f"the {type(self.estimator).__name__} in {self.path} does not know label sets: "
                "wrap it in TransformedTargetClassifier with a HierarchyLabelBinarizer, as "
                "sk-crossmodal train does."
            )
        known = copy.copy(self.binarizer).set_params(sparse_output=True, handle_unknown="error")
        labels = sorted({label for each in y for label in each}, key=str)
        unknown = [] if _knows(known, labels) else [x for x in labels if not _knows(known, [x])]
        if len(unknown) == len(labels):
            raise ValueError(
                f"the model {self.path} knows none of the {len(labels)} labels of the data, such "
                f"as {labels[0]!r}; its own are such as {self.labels[0]!r}."
            )
        known.set_params(handle_unknown="ignore")
        return known.transform(y), unknown


def load(path: str, device: str | None = None) -> Any:
    """Load a model; what is no file is told what is needed."""
    if os.path.isdir(path):
        raise IsADirectoryError(
            f"{path} is a folder, and a model is a file; the order is MODEL DATA."
        )
    if not os.path.exists(path):
        raise FileNotFoundError(f"there is no model {path}; sk-crossmodal train writes one.")
    if is_data(path):
        raise ValueError(f"{path} is data, and a model is needed there; the order is MODEL DATA.")
    from ..persistence import load_model  # torch takes seconds

    return load_model(path, device=device)


def innermost(estimator: Any) -> Any:
    """The last estimator inside those that wrap it."""
    while True:
        if hasattr(estimator, "classifier_"):
            estimator = estimator.classifier_
        elif hasattr(estimator, "steps"):
            estimator = estimator.steps[-1][1]
        else:
            return estimator


def widths_of(estimator: Any) -> dict[str, int] | None:
    """Width of a frame by modality; None where frames are changed before the classifier."""
    inner = getattr(estimator, "classifier_", estimator)
    return None if hasattr(inner, "steps") else getattr(inner, "_n_features", None)


def _knows(binarizer: Any, labels: list[Any]) -> bool:
    try:
        binarizer.transform([tuple(labels)])
    except (ValueError, TypeError):  # the second of numbers where paths are known
        return False
    return True


def _told(widths: dict[str, int] | None) -> str:
    if not widths:
        return "other modalities"
    return ", ".join(f"{name} ({width} numbers a frame)" for name, width in widths.items())


def check_labelled(data: Data) -> list[tuple[Any, ...]]:
    """Return the labels of data; ValueError if there are none."""
    if data.y is not None:
        return data.y
    hint = "."
    if data.kind == "tables":
        hint = ": a column 'labels' is looked for, --labels names another"
        hint += f"; there are {', '.join(data.others)}." if data.others else "."
    raise ValueError(f"{data.about} has no labels, which are needed here{hint}")


def warn_unknown(unknown: list[Any], n_videos: int) -> None:
    """Warn of labels that the model does not know."""
    if unknown:
        some = ", ".join(repr(label) for label in unknown[:3])
        warnings.warn(
            f"{len(unknown)} labels of these {n_videos} videos are unknown to the model and "
            f"left out (of a path, what lies below a known part): {some}"
            + (", ..." if len(unknown) > 3 else "."),
            stacklevel=2,
        )


def all_probabilities(model: Model, X: Any, *, quiet: bool = False) -> Floats:
    """Return the probabilities of all videos, of shape (n, n_labels)."""
    out = np.empty((len(X), len(model.labels)), np.float32)
    for rows, probability in model.probabilities(X, quiet=quiet):
        out[rows] = probability
    return out
