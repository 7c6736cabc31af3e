"""Check, fit and apply one transformer of a `ModalityTransformer`, block by block."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from .._types import Array
from ..multimodal import MultimodalArray, has_named_modalities

KEYWORDS = ("passthrough", "drop")
NEEDED = ("fit", "transform", "get_params")


def is_table(X: Any) -> bool:
    """Whether X is 2-D: one frame per video, its modalities side by side."""
    if has_named_modalities(X):
        return False
    if isinstance(X, Sequence):
        return len(X) > 0 and np.ndim(X[0]) == 1  # np.ndim of a ragged list fails
    return bool((X if hasattr(X, "ndim") else np.asarray(X)).ndim == 2)


def is_keyword(transformer: Any) -> bool:
    """Whether a transformer is one of the two keywords."""
    return isinstance(transformer, str) and transformer in KEYWORDS


def is_transformer(transformer: Any) -> bool:
    """Whether it is an instance that can be cloned, fitted and applied."""
    return not isinstance(transformer, type) and all(hasattr(transformer, n) for n in NEEDED)


def indexable_targets(y: Any) -> Any:
    """Return labels that can be indexed by an array of rows; sparse ones as CSR."""
    if y is None:
        return None
    if issparse(y):
        return y.tocsr()
    try:
        targets = np.asarray(y)
    except ValueError:  # label sets of different sizes
        targets = np.fromiter(y, dtype=object, count=len(y))
    each = targets if targets.dtype == object else ()
    arrays = any(isinstance(target, np.ndarray) and target.ndim > 1 for target in each)
    if arrays or (targets.dtype.kind == "f" and targets.ndim > 2):
        raise ValueError("y holds frames; give the modalities as one object, such as a dict.")
    return targets


def fit_frames(
    transformer: Any, X: MultimodalArray, name: str, y: Any, block_size: int | None
) -> None:
    """Fit a transformer on the frames of one modality, each with its video's label."""
    if isinstance(transformer, FrozenEstimator):
        check_is_fitted(transformer)
        return  # its `partial_fit` would be that of the estimator inside
    videos = np.repeat(np.arange(len(X)), X.lengths(name))
    step = block_size if hasattr(transformer, "partial_fit") else None
    n_done = 0
    with _named_bad_frames(transformer, X, name):
        for frames in X.frame_blocks(name, step):
            targets = None if y is None else y[videos[n_done : n_done + len(frames)]]
            # A single block gets all the checks of `fit`.
            whole = len(frames) == len(videos)
            (transformer.fit if whole else transformer.partial_fit)(frames, targets)
            n_done += len(frames)


def width_of_output(transformer: Any, X: MultimodalArray, name: str) -> int:
    """Return the width of a fitted transformer's output, from a few frames."""
    width: int = _apply(transformer, next(X.frame_blocks(name, 2)), name, None).shape[1]
    return width


def transform_frames(
    transformer: Any, X: MultimodalArray, name: str, block_size: int | None, width: int
) -> Array:
    """Apply a fitted transformer to all frames of one modality."""
    total, out, n_done = int(X.lengths(name).sum()), None, 0
    with _named_bad_frames(transformer, X, name):
        for frames in X.frame_blocks(name, block_size):
            block = _apply(transformer, frames, name, width)
            if out is None:
                out = np.empty((total, width), block.dtype)
            out[n_done : n_done + len(block)] = block
            n_done += len(block)
    return np.empty((0, width), np.float32) if out is None else out


def _apply(transformer: Any, frames: Array, name: str, width: int | None) -> Array:
    out = transformer.transform(frames)
    dense, out = not issparse(out), out if issparse(out) else np.asarray(out)
    fits = out.ndim == 2 and out.shape[1] > 0 and width in (None, out.shape[1])
    if not dense or not fits or len(out) != len(frames):
        given = f"{'a dense' if dense else 'a sparse'} array of shape {out.shape}"
        expected = f"a dense one of shape ({len(frames)}, {width or 'n_features'})"
        kind = f"{type(transformer).__name__} of {name!r}"
        raise ValueError(f"{kind} returned {given}, expected {expected}.")
    return out


@contextmanager
def _named_bad_frames(transformer: Any, X: MultimodalArray, name: str) -> Iterator[None]:
    """Name the modality in errors, and the place of NaN or infinity that caused them."""
    try:
        yield
    except ValueError as error:
        # Only after an error, as it reads all frames again.
        if not get_tags(transformer).input_tags.allow_nan:
            X.select([name]).check_finite()
        raise ValueError(f"The transformer of modality {name!r}: {error}") from error
