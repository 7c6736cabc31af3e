"""Discover all public estimators of the package, and make small instances of them."""

import importlib
import inspect
import pkgutil

from sklearn.base import BaseEstimator

import sk_crossmodal
from sk_crossmodal.modules import FUSIONS

# Values for every estimator that has a parameter of the name.
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
    """Public estimators by name, without base classes of other public estimators.

    Public estimators are exported by a subpackage other than `training`, which is internal.
    """
    found = {}
    for module in pkgutil.walk_packages(sk_crossmodal.__path__, "sk_crossmodal."):
        if "._" in module.name or module.name.startswith("sk_crossmodal.training"):
            continue
        subpackage = importlib.import_module(module.name)
        for name in getattr(subpackage, "__all__", ()):
            thing = getattr(subpackage, name)
            if inspect.isclass(thing) and issubclass(thing, BaseEstimator):
                found[name] = thing
    bases = {base for cls in found.values() for base in cls.__mro__[1:]}
    return {name: cls for name, cls in sorted(found.items()) if cls not in bases}


def kind_of(name):
    """The class in the name of an instance; one kind for all classifiers, which share `fit`."""
    own = name.partition("-")[0]
    return "classifier" if own.startswith("CrossModal") else own


def small_instances(**params):
    """Yield (id, small estimator), one for every fusion of an estimator that has some.

    `params` are set like those of `SMALL`, and take precedence over them.
    """
    for name, cls in discover_estimators().items():
        known = cls().get_params(deep=False)
        small = {key: value for key, value in (SMALL | params).items() if key in known}
        for fusion in FUSIONS if "fusion" in known else (None,):
            own = small if fusion is None else {**small, "fusion": fusion}
            yield name if fusion is None else f"{name}-{fusion}", cls(**own)
