"""Values and objects from JSON and tensors; nothing that a file says is imported or run."""

from inspect import signature
from math import isfinite
from typing import Any

import numpy as np
import torch
from sklearn import config_context

from .._types import Array
from ..validation import check_option
from ._registered import MAX_DEPTH, MODELS, PARTS
from ._write import DTYPE, MAX_ARRAY_BYTES, MAX_INT_BITS, METHODS, PATHS, PLAIN


class Reader:
    """The objects of a file, restored in order, and its tensors."""

    def __init__(self, tensors: dict[str, torch.Tensor], device: str | None = None) -> None:
        self.tensors, self.device = tensors, device
        self.unused = set(tensors)
        self.objects: list[Any] = []
        self.class_name: Any = "an object"  # of the one that is being restored
        self._depths: list[int] = []
        self._depth = 1 + MAX_DEPTH  # of the object that is being restored
        self._names: dict[str, list[str]] = {}  # of tensors, by the number of their object
        for name in tensors:
            self._names.setdefault(name.partition(".")[0], []).append(name)

    def object(self, written: Any) -> None:
        """Restore the next object; ValueError if its parts do not go together."""
        self.class_name = written["class"]
        serializer = MODELS[self.class_name]
        cls: Any = serializer.cls
        outer, self._depth = self._depth, serializer.depth
        if hasattr(cls, "get_params"):
            check_keys(written, ("class", "params", "settings", "fitted"))
            value = self._estimator(cls, self.value(written["params"]))
            _set_settings(value, written.get("settings", {}))
            state = self.value(written.get("fitted", {}))
        else:
            value = cls.__new__(cls)
            state = {key: self.value(each) for key, each in written.items() if key != "class"}
        if "tensors" in state:
            raise ValueError("tensors cannot be JSON.")
        if names := self._names.get(str(len(self.objects))):
            state["tensors"] = {n.partition(".")[2]: self._tensor(n) for n in names}
        # Without attributes, the state of an object is that of the objects in its parameters.
        if state or "fitted" in written or not serializer.attributes:
            serializer.set_state(value, state)
        self.objects.append(value)
        self._depths.append(serializer.depth)
        self.class_name = "an object"
        self._depth = outer

    def _estimator(self, cls: type, params: dict[str, Any]) -> Any:
        """Construct an estimator, and let it check its parameters, except for the device."""
        for name, empty in PATHS.items():
            if (given := params.get(name, empty)) is not empty:
                raise ValueError(f"{name} must be {empty} in a model file, got {given!r:.80}.")
        if params.get("callbacks") or params.get("pretrained") is not None:
            raise ValueError("callbacks and pretrained must be None in a model file.")
        device = params.get("device", "auto")  # of another machine, perhaps
        if device not in ("auto", "accelerate") and torch.device(str(device)).type == "meta":
            raise ValueError("device cannot be 'meta', which keeps no numbers.")
        accepted, before = signature(cls).parameters, getattr(cls, "_params_before", {})
        params = {**{n: value for n, value in before.items() if n in accepted}, **params}
        value = cls(**{**params, "device": "auto"} if "device" in params else params)
        # Of the class: a FrozenEstimator has all attributes of the estimator inside.
        if (check := getattr(cls, "_check_params", None)) is not None:
            check(value)
        if "device" in vars(value):
            value.device = device if self.device is None else self.device
        return value

    def value(self, value: Any) -> Any:
        """Return the value of a piece of JSON; ValueError if `Writer` does not write such."""
        if isinstance(value, list):
            return [self.value(each) for each in value]
        large = isinstance(value, int) and value.bit_length() >= MAX_INT_BITS
        if large or (isinstance(value, float) and not isfinite(value)):
            raise ValueError(f"a number must be finite and of at most 63 bits, got {value!r:.80}.")
        if not isinstance(value, dict):
            return value
        tags = [key for key in value if key.startswith("!")]
        if not tags:
            return {key: self.value(each) for key, each in value.items()}
        tag = tags[0][1:]
        if len(value) == 1 and tag in PARTS:
            return PARTS[tag][value[tags[0]]]
        if len(value) > 1:
            raise ValueError(f"{tags[0]!r} must be the only key, got {list(value)!r:.80}.")
        return getattr(self, f"_make_{tag}")(value[tags[0]])

    def _tensor(self, name: Any) -> torch.Tensor:
        """Return a tensor, which may be used once and is finite."""
        if name not in self.unused:
            raise ValueError(f"there is no tensor {name!r:.80}, or it is used twice.")
        self.unused.remove(name)
        value = self.tensors[name]
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise ValueError(f"the tensor {name!r} must hold finite numbers.")
        return value

    def _make_tuple(self, values: Any) -> tuple[Any, ...]:
        return tuple(self.value(values))

    def _make_slice(self, values: Any) -> slice:
        start, stop, step = self.value(values)
        if not all(isinstance(part, int | None) for part in (start, stop, step)):
            raise ValueError(f"a slice must be of integers, got {values!r:.80}.")
        return slice(start, stop, step)

    def _make_dict(self, items: Any) -> dict[Any, Any]:
        made = {self.value(key): self.value(each) for key, each in items}
        if len(made) < len(items):
            raise ValueError("a key occurs twice in a dict.")
        return made

    _make_float = float

    def _make_object(self, number: Any) -> Any:
        if type(number) is not int or number not in range(len(self.objects)):
            raise ValueError(f"object {number!r:.80} is not among the {len(self.objects)} before.")
        if self._depths[number] >= self._depth:
            raise ValueError(f"a {type(self.objects[number]).__name__} cannot be inside this.")
        return self.objects[number]

    def _make_tensor(self, name: Any) -> Array:
        array: Array = self._tensor(name).numpy()
        return array

    def _make_transposed(self, name: Any) -> Array:
        return self._make_tensor(name).T

    def _make_array(self, parts: Any) -> Array:
        name, shape, values = parts
        if not DTYPE.fullmatch(name) or len(values) * np.dtype(name).itemsize > MAX_ARRAY_BYTES:
            raise ValueError(f"an array of {len(values)} values cannot be of dtype {name!r:.80}.")
        kind = np.dtype(name).kind
        types = {"b": (bool,), "U": (str,), "f": (int, float), "O": PLAIN}.get(kind, (int,))
        out = np.empty(len(values), name)
        for i, value in enumerate(self.value(values)):
            if type(value) not in types:
                raise ValueError(f"an array of {name} cannot hold {value!r:.80}.")
            out[i] = value
        return out.reshape(shape)


def _set_settings(value: Any, settings: dict[str, Any]) -> None:
    """Call `set_output` and `set_..._request` as the settings say."""
    check_keys(settings, ("output", "requests"))
    if "output" in settings:
        check_option("output", settings["output"], ("default", "pandas", "polars"))
        value.set_output(transform=settings["output"])
    for method, requests in settings.get("requests", {}).items():
        check_option("a method in requests", method, METHODS)
        with config_context(enable_metadata_routing=True):
            getattr(value, f"set_{method}_request")(**requests)


def check_keys(value: dict[str, Any], known: tuple[str, ...]) -> None:
    """Raise ValueError if a dict has other keys."""
    if unknown := sorted(set(value) - set(known)):
        raise ValueError(f"the entries may be {known}, got {unknown!r:.80}.")
