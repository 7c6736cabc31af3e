"""Check, fit and apply one transformer of a `ModalityTransformer`, block by block."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import clone
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


def check_transformer(what: str, transformer: Any) -> None:
    """Raise TypeError unless it is a transformer or a keyword."""
    if not is_keyword(transformer) and not is_transformer(transformer):
        raise TypeError(
            f"{what} must be a transformer (an instance with fit and transform) or one of "
            f"{KEYWORDS}, got {transformer!r}."
        )


def check_names(
    transformers: Mapping[Any, Any], modality_names: Sequence[str], reserved: Collection[str]
) -> None:
    """Raise unless the keys of `transformers` are modalities that may be parameters."""
    if unknown := [name for name in transformers if name not in modality_names]:
        raise ValueError(
            f"transformers names unknown modalities {unknown}; X has {list(modality_names)}."
        )
    if clashes := [name for name in transformers if name in reserved or "__" in name]:
        raise ValueError(
            f"Modalities {clashes} cannot have a transformer of their own: `set_params` reaches "
            f'it by the name, which must neither contain "__" nor be one of {list(reserved)}.'
        )


def clone_for(
    modality_names: Iterable[str], transformers: Mapping[str, Any], remainder: Any
) -> dict[str, Any]:
    """Return a clone of the transformer, or a keyword, for each modality."""
    return {
        name: part if is_keyword(part) else clone(part)
        for name in modality_names
        for part in [transformers.get(name, remainder)]
    }


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
    if _holds_frames(targets):
        raise ValueError(
            "y holds frames, but modalities cannot be separate arguments here, as y is optional; "
            'give one object, such as {"video": X_video, "audio": X_audio}.'
        )
    return targets


def _holds_frames(targets: Array) -> bool:
    if targets.dtype.kind == "f":
        return targets.ndim > 2
    return targets.dtype == object and any(
        isinstance(t, np.ndarray) and t.ndim > 1 for t in targets
    )


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
    who = f"{type(transformer).__name__}, the transformer of modality {name!r},"
    if issparse(out):
        raise ValueError(f"{who} returned a sparse matrix, but frames are dense.")
    out = np.asarray(out)
    fits = out.ndim == 2 and len(out) == len(frames) and width in (None, out.shape[1])
    if not fits or out.shape[1] == 0:
        raise ValueError(
            f"{who} returned an array of shape {out.shape} for {len(frames)} frames, expected "
            f"({len(frames)}, {'n_features' if width is None else width})."
        )
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
