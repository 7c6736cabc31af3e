"""Values of parameters and attributes as JSON, and back."""

import re
import reprlib
from collections.abc import Mapping
from math import isfinite, prod
from typing import Any

import numpy as np
import torch

from .._types import Array
from ..correlation import ENCODERS
from ..hierarchy import LabelHierarchy

NOT_FINITE = ("nan", "inf", "-inf")
LONGEST_INT = 64  # bits
LARGEST_ARRAY = 1 << 26  # bytes of an array in JSON, where a long dtype makes much of little
DTYPE = re.compile(r"[<>|]([biu][1248]|f[248]|U\d{1,8}|O)")


class Writer:
    """What is to be written: objects, each once, and tensors."""

    def __init__(self, kinds: Mapping[str, Any]) -> None:
        self.objects: list[dict[str, Any]] = []
        self.tensors: dict[str, torch.Tensor] = {}
        self.places: dict[str, Any] = {}
        self.dropped: list[str] = []
        self._kinds, self._below = kinds, 1 + max(kind.rank for kind in kinds.values())
        self._known: dict[Any, tuple[int, Any]] = {}

    def value(self, value: Any, where: str) -> Any:
        """Give a value as JSON; TypeError, which names it as `where`, if there is no such form."""
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, str | bool | int | float | None) and type(value) in _PLAIN:
            return self._plain(value, where)
        if type(value) is list:
            return self._values(value, where)
        if isinstance(value, torch.device):
            return str(value)
        if type(value) is tuple:
            return {"!tuple": self._values(value, where)}
        if type(value) is slice:
            return {"!slice": self._values((value.start, value.stop, value.step), where)}
        if type(value) is dict:
            return self._dict(value, where)
        if isinstance(value, np.ndarray):
            return self._array(value, where)
        if isinstance(value, type) and value in ENCODERS.values():
            return {"!encoder": next(k for k, v in ENCODERS.items() if v is value)}
        return {"!object": self.object(value, where)}

    def object(self, value: Any, where: str) -> int:
        """Write an object, unless it has been written, and return its number."""
        kind = self._kinds.get(type(value).__name__)
        if kind is None or type(value) is not kind.cls or kind.rank >= self._below:
            owner, dot, name = re.sub(r"(\[[^\]]*\])+$", "", where).rpartition(".")
            raise TypeError(
                f"{where or 'The model'} is {reprlib.repr(value)}, of the class "
                f"{type(value).__name__}, which a model file cannot hold there. Give another "
                f"value, such as with {owner}{dot}set_params({name or '...'}=None), or use "
                "joblib.dump, see docs/models.md."
            )
        # Equal hierarchies are one, as they cannot be changed.
        key = value if type(value) is LabelHierarchy else id(value)
        if key not in self._known:
            self._below, below = kind.rank, self._below
            written = kind.write(value, where, self)
            self._below = below
            self.objects.append(written)
            # The value itself is kept, so that its id is nobody else's in the meantime.
            self._known[key] = (len(self.objects) - 1, value)
        return self._known[key][0]

    def tensor(self, name: str, value: torch.Tensor) -> None:
        """Add a tensor; ValueError if it holds NaN or infinity."""
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise ValueError(f"{name} holds NaN or infinity: nothing that one could use.")
        self.tensors[name] = value.detach().cpu().clone(memory_format=torch.contiguous_format)

    def _values(self, values: Any, where: str) -> list[Any]:
        return [self.value(value, f"{where}[{i}]") for i, value in enumerate(values)]

    def _plain(self, value: Any, where: str) -> Any:
        if type(value) is int and value.bit_length() >= LONGEST_INT:
            raise TypeError(
                f"{where} must have less than {LONGEST_INT} bits, got {value.bit_length()}."
            )
        if type(value) is float and not isfinite(value):
            return {"!float": str(value)}
        return value

    def _dict(self, value: dict[Any, Any], where: str) -> dict[str, Any]:
        items = [(k, self.value(v, f"{where}[{k!r}]")) for k, v in value.items()]
        if all(isinstance(key, str) and not key.startswith("!") for key in value):
            return {str(key): part for key, part in items}
        return {"!dict": [[self.value(key, f"a key of {where}"), part] for key, part in items]}

    def _array(self, value: Array, where: str) -> dict[str, Any]:
        dtype = value.dtype
        if dtype.kind == "f" and dtype.isnative and dtype.itemsize <= 8:
            name = f"array.{len(self.tensors)}"
            # The order in memory decides how products with it are rounded.
            turned = value.flags.f_contiguous and not value.flags.c_contiguous
            self.tensor(name, torch.from_numpy(np.array(value.T if turned else value, order="C")))
            return {"!transposed" if turned else "!tensor": name}
        if not DTYPE.fullmatch(dtype.str) or value.nbytes > LARGEST_ARRAY:
            raise TypeError(
                f"{where} is an array of {value.nbytes} bytes of dtype {dtype}, which a model "
                "file cannot hold."
            )
        values = self._values(value.ravel().tolist(), where)
        return {"!array": [dtype.str, list(value.shape), values]}


_PLAIN = (str, bool, int, float, type(None))


class Reader:
    """What was read: objects, made one after the other, and tensors."""

    def __init__(self, tensors: dict[str, torch.Tensor], device: str | None = None) -> None:
        self.tensors, self.device = tensors, device
        self.objects: list[Any] = []
        self.ranks: list[int] = []
        self.below = 0
        self.used: set[str] = set()

    def value(self, value: Any) -> Any:
        """Make a value of JSON; ValueError if it is none that `Writer` writes."""
        if isinstance(value, list):
            return [self.value(part) for part in value]
        if not isinstance(value, dict):
            return _checked(value)
        tags = [key for key in value if key.startswith("!")]
        if not tags:
            return {key: self.value(part) for key, part in value.items()}
        if len(value) > 1 or (make := getattr(self, f"_make_{tags[0][1:]}", None)) is None:
            raise ValueError(f"an unknown kind of value: {reprlib.repr(value)}.")
        return make(value[tags[0]])

    def tensor(self, name: Any) -> torch.Tensor:
        """Give a tensor; ValueError if there is none, it is used already, or not finite."""
        if not isinstance(name, str) or name not in self.tensors or name in self.used:
            raise ValueError(f"there is no tensor {reprlib.repr(name)}, or it is used twice.")
        self.used.add(name)
        value = self.tensors[name]
        if not value.is_floating_point() or not bool(value.isfinite().all()):
            raise ValueError(f"the tensor {name!r} must hold finite numbers, of {value.dtype}.")
        return value

    def tensors_below(self, prefix: str) -> dict[str, torch.Tensor]:
        """Give all tensors whose names begin so, by what follows."""
        names = [name for name in self.tensors if name.startswith(prefix)]
        return {name.removeprefix(prefix): self.tensor(name) for name in names}

    def _make_tuple(self, values: Any) -> tuple[Any, ...]:
        return tuple(self.value(part) for part in check_list(values))

    def _make_slice(self, values: Any) -> slice:
        start, stop, step = (self.value(part) for part in check_list(values, 3))
        if not all(isinstance(part, int | None) for part in (start, stop, step)):
            raise ValueError(f"a slice must be of whole numbers, got {reprlib.repr(values)}.")
        return slice(start, stop, step)

    def _make_dict(self, items: Any) -> dict[Any, Any]:
        pairs = [check_list(item, 2) for item in check_list(items)]
        made = {self.value(key): self.value(part) for key, part in pairs}
        if len(made) < len(pairs):
            raise ValueError("a key stands in a dict twice.")
        return made

    def _make_float(self, name: Any) -> float:
        if name not in NOT_FINITE:
            raise ValueError(f"a float must be one of {NOT_FINITE}, got {reprlib.repr(name)}.")
        return float(name)

    def _make_encoder(self, name: Any) -> type:
        if not isinstance(name, str) or name not in ENCODERS:
            raise ValueError(
                f"an encoder must be one of {tuple(ENCODERS)}, got {reprlib.repr(name)}."
            )
        return ENCODERS[name]

    def _make_object(self, number: Any) -> Any:
        if type(number) is not int or not 0 <= number < len(self.objects):
            raise ValueError(
                f"object {reprlib.repr(number)} is not among the {len(self.objects)} before."
            )
        if self.ranks[number] >= self.below:
            raise ValueError(f"a {type(self.objects[number]).__name__} cannot be held there.")
        return self.objects[number]

    def _make_tensor(self, name: Any) -> Array:
        array: Array = self.tensor(name).numpy()
        return array

    def _make_transposed(self, name: Any) -> Array:
        return self._make_tensor(name).T

    def _make_array(self, parts: Any) -> Array:
        name, shape, values = check_list(parts, 3)
        if not isinstance(name, str) or not DTYPE.fullmatch(name):
            raise ValueError(f"an array cannot be of dtype {reprlib.repr(name)}.")
        dtype = np.dtype(name)
        values = [self.value(part) for part in check_list(values)]
        sizes = check_list(shape)
        if not all(type(size) is int and size >= 0 for size in sizes) or prod(sizes) != len(
            values
        ):
            raise ValueError(f"an array of {len(values)} values cannot be of shape {shape}.")
        if len(values) * dtype.itemsize > LARGEST_ARRAY:
            raise ValueError(f"an array of {len(values)} values of {name} is too large.")
        out = np.empty(len(values), dtype)
        kinds = {"b": (bool,), "U": (str,), "f": (int, float), "O": _PLAIN}
        for i, value in enumerate(values):
            if type(value) not in kinds.get(dtype.kind, (int,)):
                raise ValueError(f"an array of {name} cannot hold {reprlib.repr(value)}.")
            out[i] = value
        return out.reshape(sizes)


def _checked(value: Any) -> Any:
    if type(value) is int and value.bit_length() >= LONGEST_INT:
        raise ValueError(f"a number has {value.bit_length()} bits, at most 63 are allowed.")
    if type(value) is float and not isfinite(value):
        raise ValueError("a number is too large to be one.")
    return value


def check_list(value: Any, length: int | None = None) -> list[Any]:
    """Return a list as it is; ValueError if it is none, or of another length."""
    if not isinstance(value, list) or length not in (None, len(value)):
        wanted = "a list" if length is None else f"a list of {length}"
        raise ValueError(f"expected {wanted}, got {reprlib.repr(value)}.")
    return value
