"""All public estimators of the package, found by looking, and small instances of them."""

import importlib
import inspect
import pkgutil

from sklearn.base import BaseEstimator

import sk_crossmodal
from sk_crossmodal.modules import FUSIONS

# Given to every estimator that has a parameter of the name.
SMALL = {
    "batch_size": 16,
    "cross_modal_layer_sizes": (4,),
    "d_model": 16,
    "dropout": 0.0,
    "encoder": "mean",
    "encoder_params": {"d_model": 8},
    "hidden_layer_sizes": (8,),
    "hidden_size": 16,
    "lr": 1e-2,
    "max_epochs": 2,
    "n_clusters": 4,
    "n_heads": 2,
    "random_state": 0,
}


def discover_estimators():
    """Public estimators that can be used as they are, by name.

    Public is what a room of the package exports, but for `training`, which is not for users; a
    base is what another public estimator inherits from.
    """
    found = {}
    for module in pkgutil.walk_packages(sk_crossmodal.__path__, "sk_crossmodal."):
        if "._" in module.name or module.name.startswith("sk_crossmodal.training"):
            continue
        room = importlib.import_module(module.name)
        for name in getattr(room, "__all__", ()):
            thing = getattr(room, name)
            if inspect.isclass(thing) and issubclass(thing, BaseEstimator):
                found[name] = thing
    bases = {base for cls in found.values() for base in cls.__mro__[1:]}
    return {name: cls for name, cls in sorted(found.items()) if cls not in bases}


def small_instances(**params):
    """Yield (id, small estimator), one for every fusion of an estimator that has some.

    `params` go, as those of `SMALL` and over them, to every estimator that has them.
    """
    for name, cls in discover_estimators().items():
        known = cls().get_params(deep=False)
        small = {key: value for key, value in (SMALL | params).items() if key in known}
        for fusion in FUSIONS if "fusion" in known else (None,):
            own = small if fusion is None else {**small, "fusion": fusion}
            yield name if fusion is None else f"{name}-{fusion}", cls(**own)
