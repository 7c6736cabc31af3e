"""Objects and values as JSON and tensors."""

import re
import reprlib
from inspect import signature
from math import isfinite
from typing import Any

import numpy as np
import torch

from .._types import Array
from ..hierarchy import LabelHierarchy
from ._registered import MAX_DEPTH, MODELS, PARTS

OR_ELSE = "give another value or use joblib.dump, see docs/models.md."  # ends of messages
NOT_THERE = f"a model file cannot contain there; use register_model, {OR_ELSE}"
MAX_INT_BITS = 64
MAX_ARRAY_BYTES = 1 << 26  # of an array as JSON, where a long dtype makes few values large
DTYPE = re.compile(r"[<>|]([biu][1248]|f[248]|U\d{1,8}|O)")
PLAIN = (str, bool, int, float, type(None))
# Parameters that name paths of the machine, and their values in a file. A file from a stranger
# must neither say where `fit` writes nor from where joblib reads its pickles.
PATHS = {"checkpoint": None, "memory": None, "resume": False}
# Attributes that scikit-learn's methods set on any estimator.
SETTINGS = ("_sklearn_output_config", "_metadata_request", "_skl_callbacks")
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


class Writer:
    """The objects of a file, each once, and their tensors."""

    def __init__(self) -> None:
        self.objects: list[dict[str, Any]] = []
        self.tensors: dict[str, torch.Tensor] = {}
        self.paths: dict[str, Any] = {}
        self.dropped: list[str] = []
        self._depth = 1 + MAX_DEPTH  # of the object that is being written
        self._numbers: dict[Any, tuple[int, Any]] = {}

    def object(self, value: Any, where: str) -> int:
        """Write an object, unless it has been written, and return its number."""
        name = type(value).__name__
        serializer: Any = MODELS.get(name)
        if not serializer or type(value) is not serializer.cls or serializer.depth >= self._depth:
            given = f"{where or 'model'} is {reprlib.repr(value)}, of the class {name}"
            raise TypeError(f"{given}, which {NOT_THERE}")
        # Equal hierarchies are one, as they are immutable.
        key = value if isinstance(value, LabelHierarchy) else id(value)
        if key not in self._numbers:
            outer, self._depth = self._depth, serializer.depth
            prefix = f"{where}." if where else ""
            state = dict(serializer.get_state(value))
            tensors = state.pop("tensors", {})
            written: dict[str, Any] = {"class": name}
            if hasattr(value, "get_params"):
                written |= self._params(value, prefix, serializer.attributes)
                # In messages, entries have the names of attributes.
                known = serializer.attributes
                fitted = {
                    n: self.value(each, prefix + (n if n in known else f"{n}_"))
                    for n, each in state.items()
                }
                written |= {"fitted": fitted} if fitted else {}
            else:
                written |= {n: self.value(each, where) for n, each in state.items()}
            # The objects inside are numbered by now, so this is the number of this one.
            number = len(self.objects)
            for part, tensor in tensors.items():
                self._tensor(f"{number}.{part}", tensor)
            self.objects.append(written)
            self._depth = outer
            # The value itself is kept, so that no other object gets its id in the meantime.
            self._numbers[key] = (number, value)
        return self._numbers[key][0]

    def _params(self, value: Any, prefix: str, attributes: tuple[str, ...]) -> dict[str, Any]:
        own = vars(value)
        params = {name: own[name] for name in signature(type(value)).parameters if name in own}
        if unknown := [name for name in own if name not in (*params, *attributes, *SETTINGS)]:
            given = f"{prefix}{unknown[0]} is {reprlib.repr(own[unknown[0]])}: an attribute that"
            raise TypeError(f"{given} a model file does not contain; delete it, {OR_ELSE}")
        for name in PATHS:
            if params.get(name):
                self.paths[prefix + name] = params[name]
                params[name] = PATHS[name]
        if params.get("pretrained") is not None:
            self.dropped.append(f"{prefix}pretrained")
            params["pretrained"] = None
        written = {name: self.value(each, prefix + name) for name, each in params.items()}
        return {"params": written, "settings": _settings(own, prefix)}

    def value(self, value: Any, where: str) -> Any:
        """Return a value as JSON; TypeError, which names it as `where`, if that is impossible."""
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, torch.device):
            return str(value)
        kind = type(value)
        if kind is int and value.bit_length() >= MAX_INT_BITS:
            raise TypeError(f"{where} must have less than {MAX_INT_BITS} bits, got more.")
        if kind is float and not isfinite(value):
            return {"!float": str(value)}
        if kind in PLAIN:
            return value
        if kind is slice:
            return {"!slice": self.value([value.start, value.stop, value.step], where)}
        if kind in (list, tuple):
            values = [self.value(each, f"{where}[{i}]") for i, each in enumerate(value)]
            return values if kind is list else {"!tuple": values}
        if kind is dict:
            items = [(key, self.value(each, f"{where}[{key!r}]")) for key, each in value.items()]
            if all(isinstance(key, str) and not key.startswith("!") for key in value):
                return {str(key): each for key, each in items}
            return {"!dict": [[self.value(key, f"a key of {where}"), each] for key, each in items]}
        if isinstance(value, np.ndarray):
            return self._array(value, where)
        for tag, parts in PARTS.items():
            for name, part in parts.items():
                if part is value:
                    return {f"!{tag}": name}
        return {"!object": self.object(value, where)}

    def _array(self, value: Array, where: str) -> dict[str, Any]:
        dtype = value.dtype
        if dtype.kind == "f" and dtype.isnative and dtype.itemsize <= 8:
            name = f"array.{len(self.tensors)}"
            # The order in memory decides how products with it are rounded.
            transposed = value.flags.f_contiguous and not value.flags.c_contiguous
            array = np.array(value.T if transposed else value, order="C")
            self._tensor(name, torch.from_numpy(array))
            return {"!transposed" if transposed else "!tensor": name}
        if not DTYPE.fullmatch(dtype.str) or value.nbytes > MAX_ARRAY_BYTES:
            raise TypeError(f"{where} is a large array or of dtype {dtype}, which {NOT_THERE}")
        values = self.value(value.ravel().tolist(), where)
        return {"!array": [dtype.str, list(value.shape), values]}

    def _tensor(self, name: str, value: torch.Tensor) -> None:
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise ValueError(f"{name} holds NaN or infinity, so the model cannot be used.")
        self.tensors[name] = value.detach().cpu().clone(memory_format=torch.contiguous_format)


def _settings(own: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Return the arguments of `set_output` and `set_..._request`; TypeError for callbacks."""
    if callbacks := own.get("_skl_callbacks"):
        names = [type(callback).__name__ for callback in callbacks]
        raise TypeError(f"{prefix}set_callbacks was given {names}; call it without any, {OR_ELSE}")
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
