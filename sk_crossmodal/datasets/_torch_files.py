"""Reader of .pt files: tensors, and dicts and lists of them, without pickle."""

import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from ._arrays import BARE, ArrayReader
from ._layouts import Content, find_key, text_of


class TorchReader(ArrayReader):
    """Reads files of ``torch.save``: a tensor, or a dict or list of tensors."""

    suffixes: ClassVar[tuple[str, ...]] = (".pt", ".pth")

    @contextmanager
    def open(self, path: Path) -> Iterator[Content]:
        """Read a file; only tensors, numbers, texts, dicts and lists are allowed."""
        import torch  # it takes a second

        try:
            value = torch.load(path, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            raise ValueError(
                f"{path} contains other objects than tensors, numbers, texts, dicts and lists, "
                "which may run code when they are read. Save tensors, such as "
                "torch.save({'clip': [torch.from_numpy(v) for v in videos]}, path)."
            ) from error
        except (RuntimeError, EOFError, OSError) as error:
            raise ValueError(f"{path} is damaged, or no file of torch.save: {error}.") from error
        yield self._as_content(_plain(value, torch.Tensor), path)

    def _as_content(self, value: Any, path: Path) -> Content:
        if isinstance(value, Mapping):
            return value
        if isinstance(value, list) and value and all(isinstance(v, Mapping) for v in value):
            keys = [find_key(each, self.ids) for each in value]
            names = [str(i) if k is None else text_of(value[i][k]) for i, k in enumerate(keys)]
            if len(set(names)) < len(names):
                raise ValueError(f"{path} has an id twice.")
            return {
                name: {k: v for k, v in each.items() if k != key}
                for name, each, key in zip(names, value, keys, strict=True)
            }
        return {BARE: value}


def _plain(value: Any, tensor: Any) -> Any:
    """Convert tensors to arrays, also inside dicts and lists."""
    if isinstance(value, tensor):
        value = value.detach()
        return (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()
    if isinstance(value, Mapping):
        return {str(key): _plain(each, tensor) for key, each in value.items()}
    return [_plain(each, tensor) for each in value] if isinstance(value, list | tuple) else value
