"""Transformers in a dict that are parameters by their names, as in a `ColumnTransformer`."""

from typing import Any, Self

from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin
from sklearn.pipeline import FeatureUnion
from sklearn.utils import get_tags

from .._links import LinkedEstimator
from ._transformers import is_transformer


class NamedTransformers(LinkedEstimator, CallbackSupportMixin, BaseEstimator):
    """Base of an estimator with parameters `transformers`, a dict or None, and `remainder`."""

    transformers: Any
    remainder: Any

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the transformers, by the names of their modalities, and their
            parameters, such as "video__n_components".

        Returns
        -------
        dict of str to object
            The parameters by name.
        """
        params: dict[str, Any] = super().get_params(deep=deep)
        for name, part in self._named().items() if deep else ():
            params[name] = part
            if is_transformer(part):
                nested = part.get_params(deep=True)
                params |= {f"{name}__{key}": value for key, value in nested.items()}
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters.

        Parameters
        ----------
        **params : dict
            Parameters, by the names that `get_params` returns. ``video=PCA(3)`` or
            ``video="drop"`` replaces the transformer of a modality.

        Returns
        -------
        ModalityTransformer
            The transformer itself.
        """
        if "transformers" in params:
            super().set_params(transformers=params.pop("transformers"))
        if new := {name: params.pop(name) for name in self._named() if name in params}:
            # A new dict: that of the user, or of the original of a clone, is not changed.
            self.transformers = {**self.transformers, **new}
        super().set_params(**params)
        return self

    def _named(self) -> dict[str, Any]:
        """Return the transformers whose modality's name is a parameter."""
        if not isinstance(self.transformers, dict):
            return {}
        own = super().get_params(deep=False)
        return {n: t for n, t in self.transformers.items() if isinstance(n, str) and n not in own}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        parts = [*self._named().values(), self.remainder]
        inner = [get_tags(part) for part in parts if is_transformer(part)]
        tags.input_tags.allow_nan = all(tag.input_tags.allow_nan for tag in inner)
        tags.target_tags.required = any(tag.target_tags.required for tag in inner)
        return tags

    def _sk_visual_block_(self) -> Any:
        # For the HTML view of scikit-learn, which would show a dict as one line.
        parts = [*self._named().items(), ("remainder", self.remainder)]
        return FeatureUnion(parts)._sk_visual_block_()
