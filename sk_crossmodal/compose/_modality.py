"""`ModalityTransformer`: a scikit-learn transformer for the frames of each modality."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.callback import with_callbacks
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted, validate_data

from .._types import Array
from ..multimodal import MultimodalArray, as_multimodal, has_named_modalities
from ..training import check_number, check_widths
from ._parameters import NamedTransformers
from ._state import get_state, set_modality_state
from ._transformers import (
    check_names,
    check_transformer,
    clone_for,
    fit_frames,
    indexable_targets,
    is_keyword,
    is_table,
    transform_frames,
    width_of_output,
)


class _Table(TransformerMixin, NamedTransformers):
    """The `transform` that `set_output` concerns: scikit-learn wraps the one of this class."""

    def transform(self, X: Any) -> Any:
        array = self._check_transform_input(X)
        frames = self._transformed(array)
        kept = (name for name in self.transformers_ if name in self._widths_out)
        return np.hstack([frames[n] if n in frames else next(array.frame_blocks(n)) for n in kept])


class _TableOrContainer(BaseEstimator):
    """The methods that users call. Not a `TransformerMixin`, so that they are not wrapped."""

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Fit the transformer of each modality and transform its frames.

        Parameters
        ----------
        X : any form that `fit` takes
            The videos.
        y : array-like or sparse array of n rows, default=None
            Labels of the videos, for transformers that look at them.

        Returns
        -------
        MultimodalArray of shape (n,), or ndarray or data frame of shape (n, n_features_out)
            The same as of `fit` and `transform` one after the other.
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
            A container of videos as long as those of X; for 2-D X a table.

        Raises
        ------
        ValueError
            If X has other modalities or widths than in `fit`, a transformer finds fault with
            its frames, or gives something else than one row a frame.
        TypeError
            If X is sparse or of an unknown form.
        """
        check_is_fitted(self)
        if is_table(X):
            return super().transform(X)
        array = self._check_transform_input(X)
        return array.select(list(self._widths_out)).replace_frames(self._transformed(array))


class ModalityTransformer(_TableOrContainer, _Table):
    """Transform the frames of each modality with a scikit-learn transformer of its own.

    Each real frame is a sample: padding is never seen, nor are frames of rows that are not
    selected. Videos keep their lengths.

    Parameters
    ----------
    transformers : dict of str to transformer, "passthrough" or "drop", default=None
        By the modality's name, what becomes of its frames. None leaves all to `remainder`.
    modalities : dict of str to int or slice, or sequence of str, default=None
        How X is to be read, see :func:`~sk_crossmodal.multimodal.as_multimodal`.
    remainder : transformer, "passthrough" or "drop", default="passthrough"
        What becomes of modalities that are not named in `transformers`. A transformer is fitted
        for each of them anew.
    block_size : int or None, default=8192
        Frames that are read at a time, at least as many as an `IncrementalPCA` has components.
        None reads all frames of a modality at once.

    Attributes
    ----------
    transformers_ : dict of str to transformer, "passthrough" or "drop"
        What became of each modality: the fitted transformers, in the order of X's modalities.
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
    Transformers that have `partial_fit` are fitted by blocks where there is more than one, so
    that frames on disk never are in memory together; `IncrementalPCA` and `StandardScaler` lose
    nothing by that, while those that go over their data many times in `fit`, such as
    `MiniBatchNMF`, see each block once. All others get the frames of their modality at once. A
    transformer that looks at labels gets the label of the video with each of its frames; with
    thousands of labels and all frames at once, y is best sparse.

    Frames are not weighted: `fit` takes no `sample_weight`. What a transformer gives keeps its
    type; `IncrementalPCA` makes float64 of float32.

    `transform` goes by blocks too, so a frame's output may not depend on other frames. Frames of
    modalities that pass through a container are shared and stay quantised.

    What comes out has the form of what comes in. **2-D X** gives a 2-D array, modalities side by
    side, or what `set_output` says. Any other form gives a `MultimodalArray`, which `set_output`
    does not concern. A classifier after it tells modalities of a `MultimodalArray` apart by
    their names, but has to be told the new widths of those of a 2-D array: before a cross-modal
    classifier make 2-D X a container, ``as_multimodal(X, modalities=...)``.

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
        X : MultimodalArray, or any form that becomes one as a single object
            The videos: a container, a dict, a data frame, an array or a list.
        y : array-like or sparse array of n rows, default=None
            Labels of the videos, for transformers that look at them.

        Returns
        -------
        ModalityTransformer
            The fitted transformer.

        Raises
        ------
        ValueError
            If X or y does not fit, `transformers` names an unknown modality or one whose name
            cannot be a parameter, no modality is left, a modality that is to be transformed has
            no frames, or a transformer gives something else than one dense row a frame.
        TypeError
            If a parameter is of the wrong type or X is of an unknown form.
        """
        self._check_params()
        array = as_multimodal(X, modalities=self.modalities)
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
        # Sets the names of columns, and forgets those of an earlier fit.
        validate_data(self, X if table else array, skip_check_array=True, ensure_2d=table)
        if not table:
            self.n_features_in_ = sum(array.n_features.values())
        self.modality_names_in_ = array.modality_names
        self.transformers_ = fitted
        self._widths_in, self._widths_out = array.n_features, widths
        context.call_on_fit_task_end(estimator=self, X=X, y=y)
        return self

    def _check_params(self) -> None:
        if not isinstance(self.transformers, dict | None):
            raise TypeError(
                f"transformers must be a dict by modality or None, got {self.transformers!r}."
            )
        for name, transformer in (self.transformers or {}).items():
            check_transformer(f"The transformer of modality {name!r}", transformer)
        check_transformer("remainder", self.remainder)
        if self.block_size is not None:
            check_number("block_size", self.block_size, low=1, integer=True)

    def _transformers_for(self, array: MultimodalArray) -> dict[str, Any]:
        """Clones of what each modality is transformed with, after all checks."""
        named, names = self.transformers or {}, array.modality_names
        check_names(named, names, self.get_params(deep=False))
        parts = clone_for(names, named, self.remainder)
        if all(isinstance(part, str) and part == "drop" for part in parts.values()):
            raise ValueError(f"All modalities are dropped: {list(names)}.")
        for name, part in parts.items():
            if not is_keyword(part) and not array.lengths(name).any():
                raise ValueError(
                    f"Modality {name!r} has no frames in X, so nothing to fit "
                    f"{type(part).__name__} on."
                )
        return parts

    def _check_transform_input(self, X: Any) -> MultimodalArray:
        """Door for X after `fit`: the same modalities with the same widths, in order."""
        if is_table(X):
            validate_data(self, X, skip_check_array=True, reset=False)
        split = self.modalities if isinstance(self.modalities, Mapping) else self._widths_in
        named = has_named_modalities(X)
        array = as_multimodal(X, modalities=self.modality_names_in_ if named else split)
        check_widths(self, array, self._widths_in)
        return array

    def _transformed(self, array: MultimodalArray) -> dict[str, Array]:
        """New frames of those modalities that neither pass through nor are dropped."""
        return {
            name: transform_frames(part, array, name, self.block_size, self._widths_out[name])
            for name, part in self.transformers_.items()
            if not is_keyword(part)
        }

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Return names such as "video__pca0": the modality's, and that its transformer gives.

        Parameters
        ----------
        input_features : array-like of str, shape (n_features,), default=None
            Names of the columns of X; by default those seen in `fit`, or "x0", "x1", ….

        Returns
        -------
        ndarray of str, shape (n_features_out,)
            The names of the columns that 2-D X becomes, and in the same order those of the
            features of a container's modalities.

        Raises
        ------
        ValueError
            If `input_features` are not those of `fit`.
        AttributeError
            If a transformer has no names for its output.
        """
        check_is_fitted(self)
        # What this mixin gives is the names that come in, checked.
        names_in = OneToOneFeatureMixin.get_feature_names_out(self, input_features)
        names_out: list[str] = []
        for name, columns in self._columns().items():
            part, names = self.transformers_[name], names_in[columns]
            if not is_keyword(part):
                if not hasattr(part, "get_feature_names_out"):
                    raise AttributeError(
                        f"{type(part).__name__}, the transformer of modality {name!r}, does not "
                        "provide get_feature_names_out."
                    )
                names = part.get_feature_names_out(names)
            names_out += [f"{name}__{feature}" for feature in names]
        return np.array(names_out, dtype=object)

    def _columns(self) -> dict[str, Array]:
        """Columns of a table, (n_features,) int, of each modality that is kept."""
        widths = self._widths_in
        split = self.modalities if isinstance(self.modalities, Mapping) else widths
        numbered = as_multimodal(np.arange(float(self.n_features_in_))[None], modalities=split)
        return {name: numbered[0][name][0].astype(int) for name in self._widths_out}
