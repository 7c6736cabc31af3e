"""The classes that a model file may name: of the package, of scikit-learn and of users."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from .._registry import Registry
from ..modules import ENCODERS, FUSIONS, HEADS, LOSSES
from ..validation import check_number

Class = TypeVar("Class", bound=type)
MAX_DEPTH = 5


@dataclass(frozen=True)
class Serializer:
    """How the state of the objects of one class is read and restored."""

    cls: type
    depth: int  # an object may contain objects of smaller depth only
    attributes: tuple[str, ...]  # names of the fitted attributes
    get_state: Callable[[Any], dict[str, Any]]
    set_state: Callable[[Any, dict[str, Any]], None]


MODELS: Registry[Serializer] = Registry("model class")
# Parts of models that a file contains by name: {"!encoder": "mean"}.
PARTS: dict[str, Mapping[str, Any]] = {
    "encoder": ENCODERS,
    "fusion": FUSIONS,
    "head": HEADS,
    "loss": LOSSES,
}


def register_model(model_class: Class, *, depth: int = 3) -> Class:
    """Let `save_model` and `load_model` accept a class of your own; also a class decorator.

    Files contain the name of the class. Register it before such a file is loaded.

    Parameters
    ----------
    model_class : type
        The class, with the methods ``_get_state()`` and ``_set_state(state)``, which a subclass
        of the package's estimators inherits. The state is a dict by name of plain values,
        arrays, other registered objects and, under "tensors", a dict of tensors; it is empty
        before `fit`. ``_fitted_names`` is a tuple of the attributes that `fit` sets.
    depth : int, default=3
        Objects may contain objects of smaller depth only: 0 for label hierarchies, 1 for towers
        and transformers, 2 for frozen estimators, 3 for classifiers, 4 for pipelines, 5 for
        `TransformedTargetClassifier`.

    Returns
    -------
    type
        The class itself.

    Raises
    ------
    TypeError
        If `model_class` is no class with these methods, or `depth` is no int.
    ValueError
        If another class of this name is registered, or `depth` is not from 0 to 5.

    See Also
    --------
    save_model : Save a fitted estimator.

    Examples
    --------
    >>> from sk_crossmodal import CrossModalTransformerClassifier
    >>> from sk_crossmodal.persistence import register_model
    >>> @register_model
    ... class MyClassifier(CrossModalTransformerClassifier):
    ...     pass
    """
    get_state, set_state = (
        getattr(model_class, f"_{name}_state", None) for name in ("get", "set")
    )
    if not isinstance(model_class, type) or get_state is None or set_state is None:
        wanted = "model_class must be a class with _get_state and _set_state"
        raise TypeError(f"{wanted}, got {model_class!r}.")
    check_number("depth", depth, low=0, high=MAX_DEPTH, integer=True)
    names = getattr(model_class, "_fitted_names", ())
    serializer = Serializer(model_class, depth, names, get_state, set_state)
    known = MODELS.get(model_class.__name__)
    MODELS.register(model_class.__name__, known if known == serializer else serializer)
    return model_class


def model_families() -> dict[str, type]:
    """Return the registered classes of classifiers by the names of their encoders."""
    classes: dict[str | None, type] = {}
    for serializer in MODELS.values():
        encoder = getattr(serializer.cls, "_encoder", None)
        classes.setdefault(ENCODERS.name_of(encoder), serializer.cls)
    return {name: classes[name] for name in ENCODERS if name in classes}
