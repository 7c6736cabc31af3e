"""How an object of a known class is written, and made again."""

import reprlib
from collections.abc import Callable
from inspect import signature
from typing import Any

from sklearn import config_context

from ..hierarchy import LabelHierarchy
from ._values import Reader, Writer, check_list

# Parameters that name places of the machine, and what they are in a file. A stranger's file must
# not say where a fit writes, nor from where joblib reads its pickles.
PLACES = {"checkpoint": None, "memory": None, "resume": False}
METHODS = (
    "fit",
    "partial_fit",
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "score",
    "transform",
    "inverse_transform",
)


class Kind:
    """An estimator whose fitted attributes are values."""

    def __init__(
        self,
        cls: type,
        rank: int,
        attributes: tuple[str, ...] = (),
        derived: tuple[str, ...] = (),
        finish: Callable[[Any], None] | None = None,
    ) -> None:
        self.cls, self.rank, self.finish = cls, rank, finish
        self.attributes, self.derived = attributes, derived

    def write(self, value: Any, where: str, writer: Writer) -> dict[str, Any]:
        """Say everything about an object; TypeError if something cannot be said."""
        where = f"{where}." if where else ""
        own = vars(value)
        params = {name: own[name] for name in self._names() if name in own}
        known = {*params, *self.known(value), *_SETTINGS}
        if unknown := [name for name in own if name not in known]:
            raise TypeError(
                f"{where}{unknown[0]} is {reprlib.repr(own[unknown[0]])}: an attribute that a "
                f"model file of a {self.cls.__name__} does not hold; delete it, or use "
                "joblib.dump, see docs/models.md."
            )
        for name in PLACES:
            if params.get(name):
                writer.places[where + name] = params[name]
                params[name] = PLACES[name]
        if params.get("pretrained") is not None:
            writer.dropped.append(where + "pretrained")
            params["pretrained"] = None
        written = {
            "class": self.cls.__name__,
            "params": {name: writer.value(v, where + name) for name, v in params.items()},
            "settings": _settings(own, where),
        }
        if (fitted := self.write_fitted(value, where, writer)) is not None:
            written["fitted"] = fitted
        return written

    def known(self, value: Any) -> set[str]:
        """Names of the attributes that a fitted object is known to have."""
        return {*self.attributes, *self.derived}

    def write_fitted(self, value: Any, where: str, writer: Writer) -> dict[str, Any] | None:
        """Say what `fit` left; None for an object that is not fitted."""
        found = {name: vars(value)[name] for name in self.attributes if name in vars(value)}
        return {n: writer.value(v, where + n) for n, v in found.items()} or None

    def make(self, written: dict[str, Any], reader: Reader) -> Any:
        """Make the object again; ValueError if what was written does not go together."""
        check_keys(written, ("class", "params", "settings", "fitted"))
        params = check_dict(reader.value(written.get("params")), "params")
        names = self._names()
        if unknown := sorted(set(params) - set(names)):
            raise ValueError(f"{self.cls.__name__} has no parameters {unknown}; it has {names}.")
        for name, empty in PLACES.items():
            if name in params and (params[name] or type(params[name]) is not type(empty)):
                raise ValueError(
                    f"{name} must be {empty} in a model file, got {reprlib.repr(params[name])}: "
                    "it names a place of another machine."
                )
        if params.get("pretrained") is not None:
            raise ValueError("pretrained must be None in a model file, which holds one model.")
        value = self.build(params, reader)
        _set(value, check_dict(written.get("settings", {}), "settings"))
        if "fitted" in written:
            self.make_fitted(value, check_dict(written["fitted"], "fitted"), reader)
        if self.finish is not None and ("fitted" in written or not self.attributes):
            self.finish(value)
        return value

    def build(self, params: dict[str, Any], reader: Reader) -> Any:
        """Construct the object of its parameters, and let it check them."""
        value = self.cls(**params)
        for name in ("_check_params", "_check_parameters"):
            # Of the class: a FrozenEstimator has all that is inside of it.
            if (check := getattr(self.cls, name, None)) is not None:
                check(value)
        return value

    def make_fitted(self, value: Any, fitted: dict[str, Any], reader: Reader) -> None:
        """Set what `fit` left."""
        if unknown := sorted(set(fitted) - set(self.attributes)):
            raise ValueError(f"a fitted {self.cls.__name__} has no {unknown}.")
        for name, attribute in fitted.items():
            setattr(value, name, reader.value(attribute))

    def _names(self) -> list[str]:
        return list(signature(self.cls).parameters)


class HierarchyKind(Kind):
    """A `LabelHierarchy`; its nodes are written once, and named by their numbers."""

    def __init__(self) -> None:
        super().__init__(LabelHierarchy, 0)

    def write(self, value: Any, where: str, writer: Writer) -> dict[str, Any]:
        """Say nodes, parents, names, and what `subset` left out."""
        state = value.__getstate__()
        numbers = {node: i for i, node in enumerate(state["parents"])}
        nodes = [_node(node, where) for node in state["parents"]]
        left_out = {label: _node(label, where) for label in state["left_out"]}

        def numbered(above: Any) -> list[int]:
            return [numbers[node] for node in above]

        return {
            "class": "LabelHierarchy",
            "nodes": [writer.value(node, f"a node of {where}") for node in nodes],
            "parents": [numbered(above) for above in state["parents"].values()],
            "names": [[numbers[node], name] for node, name in state["names"].items()],
            "left_out": [
                [writer.value(node, f"a node of {where}"), numbered(state["left_out"][label])]
                for label, node in left_out.items()
            ],
        }

    def make(self, written: dict[str, Any], reader: Reader) -> Any:
        """Build it by its own constructor, which finds cycles."""
        check_keys(written, ("class", "nodes", "parents", "names", "left_out"))
        about = {name: check_list(written.get(name)) for name in ("nodes", "parents", "names")}
        nodes = [_node(reader.value(node), "the hierarchy") for node in about["nodes"]]

        def at(number: Any) -> Any:
            if type(number) is not int or not 0 <= number < len(nodes):
                raise ValueError(f"there is no node {reprlib.repr(number)} among {len(nodes)}.")
            return nodes[number]

        if len(about["parents"]) != len(nodes) or len(set(nodes)) != len(nodes):
            raise ValueError(f"{len(nodes)} nodes must all differ, and have parents each.")
        parents = {
            node: tuple(map(at, check_list(above)))
            for node, above in zip(nodes, about["parents"], strict=True)
        }
        left_out = {
            _node(reader.value(label), "the hierarchy"): tuple(map(at, check_list(above)))
            for label, above in _pairs(written.get("left_out"))
        }
        if known := [label for label in left_out if label in parents]:
            raise ValueError(f"{reprlib.repr(known[0])} cannot be a node and be left out.")
        names = {at(number): name for number, name in _pairs(about["names"])}
        value = LabelHierarchy(parents, names=names)
        value.__setstate__({"parents": parents, "names": names, "left_out": left_out})
        return value


def _pairs(values: Any) -> list[list[Any]]:
    """Return a list of pairs as it is; ValueError if it is none."""
    return [check_list(value, 2) for value in check_list(values)]


def _node(node: Any, where: str) -> Any:
    """Return a node if it is of a kind that a file can hold; TypeError if not."""
    node = node.item() if hasattr(node, "item") else node
    parts = node if type(node) is tuple else (node,)
    for part in parts:
        if type(part) is tuple:
            _node(part, where)
        elif type(part) not in (str, int, bool, type(None)):
            raise TypeError(
                f"{reprlib.repr(node)} is a node of {where or 'the hierarchy'}: a model file can "
                "hold nodes that are str, int, bool, None, or tuples of these."
            )
    return node


# What may be set beside parameters, whatever the class.
_SETTINGS = ("_sklearn_output_config", "_metadata_request", "_skl_callbacks")


def _settings(own: dict[str, Any], where: str) -> dict[str, Any]:
    """What `set_output` and `set_fit_request` left; TypeError for callbacks."""
    if callbacks := own.get("_skl_callbacks"):
        names = [type(callback).__name__ for callback in callbacks]
        raise TypeError(
            f"{where}set_callbacks was given {names}, which a model file cannot hold; call it "
            "without any, or use joblib.dump, see docs/models.md."
        )
    settings: dict[str, Any] = {}
    if output := own.get("_sklearn_output_config", {}).get("transform"):
        settings["output"] = output
    if (request := own.get("_metadata_request")) is not None:
        found = {m: getattr(request, m).requests for m in METHODS if hasattr(request, m)}
        settings["requests"] = {
            method: given
            for method, requests in found.items()
            if (given := {name: value for name, value in requests.items() if value is not None})
        }
    return settings


def _set(value: Any, settings: dict[str, Any]) -> None:
    """Set what `_settings` said, by the estimator's own methods."""
    if unknown := sorted(set(settings) - {"output", "requests"}):
        raise ValueError(f"there are no settings {unknown}.")
    if "output" in settings:
        if settings["output"] not in ("default", "pandas", "polars"):
            raise ValueError(f"set_output knows no {reprlib.repr(settings['output'])}.")
        value.set_output(transform=settings["output"])
    for method, requests in check_dict(settings.get("requests", {}), "requests").items():
        if method not in METHODS:
            raise ValueError(f"no metadata can be requested for {reprlib.repr(method)}.")
        with config_context(enable_metadata_routing=True):
            getattr(value, f"set_{method}_request")(**check_dict(requests, "requests"))


def check_keys(value: dict[str, Any], known: tuple[str, ...]) -> None:
    """Raise ValueError if a dict has other keys."""
    if unknown := sorted(set(value) - set(known)):
        raise ValueError(f"the entries may be {known}, got {reprlib.repr(unknown)}.")


def check_dict(value: Any, name: str) -> dict[str, Any]:
    """Return a dict with names as keys as it is; ValueError if it is none."""
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ValueError(f"{name} must be a dict by name, got {reprlib.repr(value)}.")
    return value
