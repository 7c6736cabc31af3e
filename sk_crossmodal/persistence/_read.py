"""Values and objects from JSON and tensors; nothing that a file says is imported or run."""

import reprlib
from inspect import signature
from math import isfinite, prod
from typing import Any

import numpy as np
import torch
from sklearn import config_context

from .._types import Array
from ..training import check_dict
from ..validation import check_option
from ._registered import MAX_DEPTH, MODELS, PARTS, Serializer, registered
from ._write import DTYPE, MAX_ARRAY_BYTES, MAX_INT_BITS, METHODS, PATHS, PLAIN

NOT_FINITE = ("nan", "inf", "-inf")


class Reader:
    """The objects of a file, restored in order, and its tensors."""

    def __init__(self, tensors: dict[str, torch.Tensor], device: str | None = None) -> None:
        self.tensors, self.device = tensors, device
        self.unused = set(tensors)
        self.objects: list[Any] = []
        self._depths: list[int] = []
        self._depth = 1 + MAX_DEPTH  # of the object that is being restored
        self._names: dict[str, list[str]] = {}  # of tensors, by the number of their object
        for name in tensors:
            self._names.setdefault(name.partition(".")[0], []).append(name)

    def object(self, written: Any) -> None:
        """Restore the next object; ValueError if its parts do not go together."""
        name = written.get("class") if isinstance(written, dict) else None
        serializer: Serializer = registered("model class", MODELS, name)
        cls: Any = serializer.cls
        outer, self._depth = self._depth, serializer.depth
        if hasattr(cls, "get_params"):
            check_keys(written, ("class", "params", "settings", "fitted"))
            value = self._estimator(cls, check_dict(self.value(written.get("params")), "params"))
            _set_settings(value, check_dict(written.get("settings", {}), "settings"))
            state = check_dict(self.value(written.get("fitted", {})), "fitted")
        else:
            value = cls.__new__(cls)
            state = {key: self.value(each) for key, each in written.items() if key != "class"}
        if "tensors" in state:
            raise ValueError("tensors cannot be JSON.")
        names = self._names.get(str(len(self.objects)), [])
        if names:
            state["tensors"] = {n.partition(".")[2]: self._tensor(n) for n in names}
        # Without attributes, the state of an object is that of the objects in its parameters.
        if state or "fitted" in written or not serializer.attributes:
            serializer.set_state(value, state)
        self.objects.append(value)
        self._depths.append(serializer.depth)
        self._depth = outer

    def _estimator(self, cls: type, params: dict[str, Any]) -> Any:
        """Construct an estimator, and let it check its parameters, except for the device."""
        known = list(signature(cls).parameters)
        if unknown := sorted(set(params) - set(known)):
            raise ValueError(f"{cls.__name__} has no parameters {unknown}; it has {known}.")
        for name, empty in PATHS.items():
            if name in params and (params[name] or type(params[name]) is not type(empty)):
                raise ValueError(
                    f"{name} must be {empty} in a model file, got {reprlib.repr(params[name])}: "
                    "paths of other machines are refused."
                )
        if params.get("callbacks") or params.get("pretrained") is not None:
            raise ValueError("callbacks and pretrained must be None in a model file.")
        device = params.get("device", "auto")
        check_device(device)
        value = cls(**{**params, "device": "auto"} if "device" in known else params)
        for name in ("_check_params", "_check_parameters"):
            # Of the class: a FrozenEstimator has all attributes of the estimator inside.
            if (check := getattr(cls, name, None)) is not None:
                check(value)
        if "device" in known:
            value.device = device if self.device is None else self.device
        return value

    def value(self, value: Any) -> Any:
        """Return the value of a piece of JSON; ValueError if `Writer` does not write such."""
        if isinstance(value, list):
            return [self.value(each) for each in value]
        if isinstance(value, int) and value.bit_length() >= MAX_INT_BITS:
            raise ValueError(f"a number has {value.bit_length()} bits, at most 63 are allowed.")
        if isinstance(value, float) and not isfinite(value):
            raise ValueError("a number is too large.")
        if not isinstance(value, dict):
            return value
        tags = [key for key in value if key.startswith("!")]
        if not tags:
            return {key: self.value(each) for key, each in value.items()}
        tag = tags[0][1:]
        if len(value) == 1 and tag in PARTS:
            return registered(tag, PARTS[tag], value[tags[0]])
        if len(value) > 1 or (make := getattr(self, f"_make_{tag}", None)) is None:
            raise ValueError(f"an unknown kind of value: {reprlib.repr(value)}.")
        return make(value[tags[0]])

    def _tensor(self, name: Any) -> torch.Tensor:
        """Return a tensor, which may be used once and is finite."""
        if not isinstance(name, str) or name not in self.unused:
            raise ValueError(f"there is no tensor {reprlib.repr(name)}, or it is used twice.")
        self.unused.remove(name)
        value = self.tensors[name]
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise ValueError(f"the tensor {name!r} must hold finite numbers.")
        return value

    def _make_tuple(self, values: Any) -> tuple[Any, ...]:
        return tuple(self.value(check_list(values)))

    def _make_slice(self, values: Any) -> slice:
        parts = self.value(check_list(values, 3))
        if not all(isinstance(part, int | None) for part in parts):
            raise ValueError(f"a slice must be of integers, got {reprlib.repr(values)}.")
        return slice(*parts)

    def _make_dict(self, items: Any) -> dict[Any, Any]:
        pairs = [check_list(item, 2) for item in check_list(items)]
        made = {self.value(key): self.value(each) for key, each in pairs}
        if len(made) < len(pairs):
            raise ValueError("a key occurs twice in a dict.")
        return made

    def _make_float(self, name: Any) -> float:
        check_option("a float", name, NOT_FINITE)
        return float(name)

    def _make_object(self, number: Any) -> Any:
        if type(number) is not int or not 0 <= number < len(self.objects):
            raise ValueError(
                f"object {reprlib.repr(number)} is not among the {len(self.objects)} before."
            )
        if self._depths[number] >= self._depth:
            raise ValueError(f"a {type(self.objects[number]).__name__} cannot be inside this.")
        return self.objects[number]

    def _make_tensor(self, name: Any) -> Array:
        tensor = self._tensor(name)
        if not tensor.is_floating_point():
            raise ValueError(f"the tensor {name!r} must hold floats, not {tensor.dtype}.")
        array: Array = tensor.numpy()
        return array

    def _make_transposed(self, name: Any) -> Array:
        return self._make_tensor(name).T

    def _make_array(self, parts: Any) -> Array:
        name, shape, values = check_list(parts, 3)
        if not isinstance(name, str) or not DTYPE.fullmatch(name):
            raise ValueError(f"an array cannot be of dtype {reprlib.repr(name)}.")
        dtype = np.dtype(name)
        values, sizes = self.value(check_list(values)), check_list(shape)
        if not all(type(n) is int and n >= 0 for n in sizes) or prod(sizes) != len(values):
            raise ValueError(f"an array of {len(values)} values cannot be of shape {shape}.")
        if len(values) * dtype.itemsize > MAX_ARRAY_BYTES:
            raise ValueError(f"an array of {len(values)} values of {name} is too large.")
        out = np.empty(len(values), dtype)
        types = {"b": (bool,), "U": (str,), "f": (int, float), "O": PLAIN}.get(dtype.kind, (int,))
        for i, value in enumerate(values):
            if type(value) not in types:
                raise ValueError(f"an array of {name} cannot hold {reprlib.repr(value)}.")
            out[i] = value
        return out.reshape(sizes)


def _set_settings(value: Any, settings: dict[str, Any]) -> None:
    """Call `set_output` and `set_..._request` as the settings say."""
    check_keys(settings, ("output", "requests"))
    if "output" in settings:
        check_option("output", settings["output"], ("default", "pandas", "polars"))
        value.set_output(transform=settings["output"])
    for method, requests in check_dict(settings.get("requests", {}), "requests").items():
        check_option("a method in requests", method, METHODS)
        with config_context(enable_metadata_routing=True):
            getattr(value, f"set_{method}_request")(**check_dict(requests, "requests"))


def check_device(device: Any) -> None:
    """Raise ValueError unless it is the name of a device, which need not be there."""
    if not isinstance(device, str):
        raise ValueError(f"device must be a name, got {reprlib.repr(device)}.")
    try:
        meta = device not in ("auto", "accelerate") and torch.device(device).type == "meta"
    except RuntimeError as error:
        raise ValueError(f"device must be one that torch knows, got {device!r:.80}.") from error
    if meta:
        raise ValueError("device cannot be 'meta', which keeps no numbers.")


def check_keys(value: dict[str, Any], known: tuple[str, ...]) -> None:
    """Raise ValueError if a dict has other keys."""
    if unknown := sorted(set(value) - set(known)):
        raise ValueError(f"the entries may be {known}, got {reprlib.repr(unknown)}.")


def check_list(value: Any, length: int | None = None) -> list[Any]:
    """Return a list unchanged; ValueError if it is none, or of another length."""
    if not isinstance(value, list) or length not in (None, len(value)):
        wanted = "a list" if length is None else f"a list of {length}"
        raise ValueError(f"expected {wanted}, got {reprlib.repr(value)}.")
    return value
