"""`ModalityTransformer`: a scikit-learn transformer for the frames of each modality."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, clone
from sklearn.callback import with_callbacks
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted, validate_data

from .._types import Array
from ..multimodal import MultimodalArray, as_fitted, as_multimodal, read_videos
from ..validation import check_number
from ._parameters import NamedTransformers
from ._state import get_state, set_modality_state
from ._transformers import (
    KEYWORDS,
    fit_frames,
    indexable_targets,
    is_keyword,
    is_table,
    is_transformer,
    transform_frames,
    width_of_output,
)


class _Table(TransformerMixin, NamedTransformers):
    """The `transform` to a table, which scikit-learn wraps for `set_output`."""

    def transform(self, X: Any) -> Any:
        array = self._as_fitted_container(X)
        frames = self._transformed(array)
        kept = (name for name in self.transformers_ if name in self._widths_out)
        return np.hstack([frames[n] if n in frames else next(array.frame_blocks(n)) for n in kept])


class _TableOrContainer(BaseEstimator):
    """The public methods; no `TransformerMixin`, so that scikit-learn does not wrap them."""

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Fit the transformer of each modality and transform its frames.

        Parameters
        ----------
        X : any form that `fit` takes
            The videos.
        y : array-like or sparse array of n rows, default=None
            Labels of the videos, for transformers that use them.

        Returns
        -------
        MultimodalArray of shape (n,), or ndarray or data frame of shape (n, n_features_out)
            The result of `fit`, then `transform`.
        """
        return self.fit(X, y).transform(X)

    def transform(self, X: Any) -> Any:
        """Transform the frames of every modality.

        Parameters
        ----------
        X : any form that `fit` takes
            The videos.

        Returns
        -------
        MultimodalArray of shape (n,), or ndarray or data frame of shape (n, n_features_out)
            A container with videos of the same lengths; for 2-D X a table.

        Raises
        ------
        ValueError
            If X has other modalities or widths than in `fit`, or a transformer raises, or does
            not return one row per frame.
        TypeError
            If X is sparse or of an unknown form.
        """
        check_is_fitted(self)
        if is_table(X):
            return super().transform(X)
        array = self._as_fitted_container(X)
        return array.select(list(self._widths_out)).replace_frames(self._transformed(array))


class ModalityTransformer(_TableOrContainer, _Table):
    """Transform the frames of each modality with its own scikit-learn transformer.

    Each real frame is a sample; padding and frames of rows that are not selected are ignored.
    Videos keep their lengths.

    Parameters
    ----------
    transformers : dict of str to transformer, "passthrough" or "drop", default=None
        The transformer of each modality, by name. None uses `remainder` for all.
    modalities : dict of str to int or slice, or sequence of str, default=None
        How to read X, see :func:`~sk_crossmodal.multimodal.as_multimodal`.
    remainder : transformer, "passthrough" or "drop", default="passthrough"
        The transformer of modalities that are not in `transformers`; a clone is fitted for
        each of them.
    block_size : int or None, default=8192
        Number of frames to read at a time, at least the number of components of an
        `IncrementalPCA`. None reads all frames of a modality at once.

    Attributes
    ----------
    transformers_ : dict of str to transformer, "passthrough" or "drop"
        The fitted transformer of each modality, in the order of X's modalities.
    modality_names_in_ : tuple of str
        Names of the modalities seen in `fit`.
    n_features_in_ : int
        Number of columns of 2-D X; otherwise width of a frame, all modalities together.
    feature_names_in_ : ndarray of str, shape (n_features,)
        Names of the columns, if X was a data frame of numbers.

    See Also
    --------
    sklearn.compose.ColumnTransformer : The same for columns of a table.

    Notes
    -----
    Transformers with `partial_fit` are fitted block by block, so that the frames on disk are never
    all in memory. The result is the same for `IncrementalPCA` and `StandardScaler`; those that go
    over their data many times in `fit`, such as `MiniBatchNMF`, see each block once. All others
    get all frames of their modality at once. A transformer that uses labels gets the label of the
    video with each of its frames; with thousands of labels and all frames at once, use sparse y.

    Frames are not weighted: `fit` takes no `sample_weight`. The dtype of a transformer's output is
    kept; `IncrementalPCA` returns float64 for float32.

    `transform` works by blocks, too, so a frame's output must not depend on other frames. Frames
    of modalities that pass unchanged share memory with X and stay quantised.

    The output has the form of the input. **2-D X** gives a 2-D array with modalities side by side,
    or the data frame of `set_output`. Any other form gives a `MultimodalArray`, whatever
    `set_output` is. A classifier after it finds the modalities of a `MultimodalArray` by name, but
    needs the new widths of those of a 2-D array: before a cross-modal classifier, convert 2-D X to
    a container, ``as_multimodal(X, modalities=...)``.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sk_crossmodal.compose import ModalityTransformer
    >>> from sk_crossmodal.datasets import make_crossmodal_videos
    >>> X = make_crossmodal_videos(20, random_state=0).data
    >>> features = ModalityTransformer({"video": PCA(4), "audio": StandardScaler()})
    >>> features.fit_transform(X).n_features
    {'video': 4, 'audio': 32}
    >>> features.set_params(video__n_components=2, audio="drop").fit_transform(X).n_features
    {'video': 2}
    """

    _fitted_names = (
        "transformers_",
        "modality_names_in_",
        "n_features_in_",
        "feature_names_in_",
        "_widths_in",
        "_widths_out",
    )
    _get_state, _set_state = get_state, set_modality_state

    def __init__(
        self,
        transformers: dict[str, Any] | None = None,
        *,
        modalities: Mapping[str, Any] | Sequence[str] | None = None,
        remainder: Any = "passthrough",
        block_size: int | None = 8192,
    ) -> None:
        self.transformers = transformers
        self.modalities = modalities
        self.remainder = remainder
        self.block_size = block_size

    @with_callbacks
    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit the transformer of each modality on its frames.

        Parameters
        ----------
        X : MultimodalArray, or a single object that can be converted to one
            The videos: a container, a dict, a data frame, an array or a list.
        y : array-like or sparse array of n rows, default=None
            Labels of the videos, for transformers that use them.

        Returns
        -------
        ModalityTransformer
            The fitted transformer.

        Raises
        ------
        ValueError
            If X and y do not fit, `transformers` has an unknown modality or one whose name
            cannot be a parameter, all modalities are dropped, a modality with a transformer has
            no frames, or a transformer does not return one dense row per frame.
        TypeError
            If a parameter is of the wrong type or X is of an unknown form.
        """
        self._check_params()
        read = read_videos if is_table(X) else as_multimodal  # a table keeps rows of NaN
        array = read(X, modalities=self.modalities)
        fitted = self._transformers_for(array)
        context = self._init_callback_context().call_on_fit_task_begin(estimator=self, X=X, y=y)
        y = indexable_targets(y)
        check_consistent_length(array, y)
        widths = {name: w for name, w in array.n_features.items() if fitted[name] != "drop"}
        for name, transformer in fitted.items():
            if not is_keyword(transformer):
                fit_frames(transformer, array, name, y, self.block_size)
                widths[name] = width_of_output(transformer, array, name)
        table = is_table(X)
        # Set the names of columns, or remove those of an earlier fit.
        validate_data(self, X if table else array, skip_check_array=True, ensure_2d=table)
        if not table:
            self.n_features_in_ = sum(array.n_features.values())
        self.modality_names_in_ = array.modality_names
        self.transformers_ = fitted
        self._widths_in, self._widths_out = array.n_features, widths
        context.call_on_fit_task_end(estimator=self, X=X, y=y)
        return self

    def _check_params(self) -> None:
        if not isinstance(given := self.transformers, dict | None):
            raise TypeError(f"transformers must be a dict by modality or None, got {given!r}.")
        named = {f"The transformer of modality {n!r}": part for n, part in (given or {}).items()}
        for name, part in {**named, "remainder": self.remainder}.items():
            if not is_keyword(part) and not is_transformer(part):
                raise TypeError(f"{name} must be a transformer or in {KEYWORDS}, got {part!r}.")
        if self.block_size is not None:
            check_number("block_size", self.block_size, low=1, integer=True)

    def _transformers_for(self, array: MultimodalArray) -> dict[str, Any]:
        """Return a clone of the transformer of each modality, after all checks."""
        named, names = self.transformers or {}, array.modality_names
        reserved = list(self.get_params(deep=False))
        if unknown := [name for name in named if name not in names]:
            raise ValueError(f"unknown modalities {unknown} in transformers; X has {list(names)}.")
        if clashes := [name for name in named if name in reserved or "__" in name]:
            wanted = f'as parameters, their names must neither contain "__" nor be in {reserved}'
            raise ValueError(f"Modalities {clashes} cannot have a transformer: {wanted}.")
        parts = {name: named.get(name, self.remainder) for name in names}
        parts = {name: p if is_keyword(p) else clone(p) for name, p in parts.items()}
        fitted = [name for name in names if not is_keyword(parts[name])]
        if not fitted and set(parts.values()) == {"drop"}:
            raise ValueError(f"All modalities are dropped: {list(names)}.")
        if empty := [name for name in fitted if not array.lengths(name).any()]:
            raise ValueError(f"Modalities {empty} have no frames in X to fit a transformer on.")
        return parts

    def _as_fitted_container(self, X: Any) -> MultimodalArray:
        """Validate X after `fit`: the same modalities with the same widths, in order."""
        if is_table(X):
            validate_data(self, X, skip_check_array=True, reset=False)
        return self._convert(X)

    def _convert(self, X: Any) -> MultimodalArray:
        name, widths = type(self).__name__, self._widths_in
        return as_fitted(
            X, widths=widths, modalities=self.modalities, name=name, keep_nan=is_table(X)
        )

    def _transformed(self, array: MultimodalArray) -> dict[str, Array]:
        """Return the new frames of the modalities that have a transformer."""
        return {
            name: transform_frames(part, array, name, self.block_size, self._widths_out[name])
            for name, part in self.transformers_.items()
            if not is_keyword(part)
        }

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Return names such as "video__pca0": of the modality, and of its transformer's output.

        Parameters
        ----------
        input_features : array-like of str, shape (n_features,), default=None
            Names of the columns of X; by default those seen in `fit`, or "x0", "x1", ….

        Returns
        -------
        ndarray of str, shape (n_features_out,)
            The names of the output columns for 2-D X, or, in the same order, of the features of
            a container's modalities.

        Raises
        ------
        ValueError
            If `input_features` are not those of `fit`.
        AttributeError
            If a transformer has no `get_feature_names_out`.
        """
        check_is_fitted(self)
        # This mixin returns the names of the input, checked.
        names_in = OneToOneFeatureMixin.get_feature_names_out(self, input_features)
        names_out: list[str] = []
        for name, columns in self._columns().items():
            part, names = self.transformers_[name], names_in[columns]
            if not is_keyword(part):
                names = part.get_feature_names_out(names)
            names_out += [f"{name}__{feature}" for feature in names]
        return np.array(names_out, dtype=object)

    def _columns(self) -> dict[str, Array]:
        """Return the column indices, (n_features,) int, of each modality that is kept."""
        numbered = self._convert(np.arange(float(self.n_features_in_))[None])
        return {name: numbered[0][name][0].astype(int) for name in self._widths_out}
