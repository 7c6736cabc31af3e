"""Tensors of torch as arrays, without importing torch."""

from typing import Any

from ._text import short


def from_tensor(name: str, value: Any) -> Any:
    """Return a tensor as an array of equal numbers, a list of tensors as a list of arrays.

    Gradients are detached, other devices copied, and bfloat16 becomes float32. Anything else is
    returned as it is.
    """
    if isinstance(value, list | tuple) and len(value) and _is_tensor(value[0]):
        if hasattr(value, "batch_sizes"):
            wanted = "a list of tensors, such as torch.nn.utils.rnn.unpack_sequence(x)"
            raise TypeError(f"{name} must be {wanted}, got a PackedSequence.")
        return [from_tensor(f"{name}, row {i},", each) for i, each in enumerate(value)]
    if not _is_tensor(value):
        return value
    if value.device.type == "meta":
        given = f"a tensor on the device 'meta', of shape {tuple(value.shape)}"
        raise ValueError(f"{name} must have numbers, got {given}, which has none: load it first.")
    if value.is_nested:
        return from_tensor(name, list(value.unbind()))
    if str(value.layout) != "torch.strided":
        raise TypeError(f"{name} is a sparse tensor, but dense data is required: use to_dense().")
    plain = value.detach().cpu()
    try:
        return plain.resolve_conj().resolve_neg().numpy()
    except TypeError:  # NumPy has no such type
        return plain.float().numpy()
    except RuntimeError as error:
        raise ValueError(f"{name} cannot be read: {short(value)}: {error}") from error


def _is_tensor(value: Any) -> bool:
    return all(hasattr(value, each) for each in ("detach", "is_nested", "layout", "device"))
