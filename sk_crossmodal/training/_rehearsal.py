"""Building a network without its numbers, to find before training what cannot be built."""

import os
from copy import copy
from typing import TYPE_CHECKING, Any

import torch

from ._checks import short
from ._device import resolve_device, seeded
from ._net import MultimodalNet

if TYPE_CHECKING:
    from ._estimator import NetworkEstimator

COPIES = 4  # of each weight in training: itself, its gradient, and two that Adam keeps
OWN_CALLBACKS = ("own_lr_schedule", "own_accuracy", "own_early_stopping")  # some not always
NAMES = ("encoder", "encoder_params", "net_params", "callbacks")


def rehearse(
    estimator: "NetworkEstimator",
    arguments: dict[str, Any],
    cls: type[torch.nn.Module],
    previous: MultimodalNet | None = None,
) -> None:
    """Build a net as training will, on a device that holds no numbers.

    Parameters
    ----------
    estimator : NetworkEstimator
        What is to be fitted.
    arguments : dict
        Those of its net.
    cls : type
        Class of the network.
    previous : MultimodalNet, optional
        The net whose weights training will start with.

    Raises
    ------
    TypeError, ValueError
        If the network, its loss, optimizer or callbacks cannot be built so, if it is no network
        of the shape of `previous`, or if it does not fit into memory.
    """
    rehearsed = {
        **arguments,
        "callbacks": [_copied(item) for item in arguments["callbacks"] or ()],
        "compile": False,
        "train_split": None,
    }
    rehearsed.pop("optimizer__fused", None)  # for real devices alone
    try:
        net = _build(cls, rehearsed)
        _build_for_real(arguments)
    except Exception as error:
        given = [f"{n}={short(getattr(estimator, n))}" for n in NAMES if hasattr(estimator, n)]
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"{type(estimator).__name__} cannot build its network with {', '.join(given)}: {error}"
        ) from error
    _check_names(net, arguments)
    if previous is not None:
        _check_shapes(net, previous)
    device = resolve_device(arguments["device"])
    _check_memory(net, device)
    if not estimator.mask_padding:
        _check_padding(estimator, arguments["module__moments"], device)


def _copied(item: Any) -> Any:
    """Return a callback that may be initialized without the user's own being so."""
    return (item[0], copy(item[1])) if isinstance(item, list | tuple) else copy(item)


def _build(cls: type[torch.nn.Module], arguments: dict[str, Any]) -> MultimodalNet:
    net: MultimodalNet
    try:
        with torch.device("meta"):
            net = MultimodalNet(cls, **{**arguments, "device": "meta"}).initialize()
    except Exception as error:
        if "meta" not in str(error):
            raise
        # An encoder of the user's own that looks at its numbers has to have some.
        with seeded(0):
            net = MultimodalNet(cls, **{**arguments, "device": "cpu"}).initialize()
    return net


def _build_for_real(arguments: dict[str, Any]) -> None:
    """Build what does not work without numbers, of next to nothing."""
    parts = {"optimizer": {}, "compile": {}}  # type: dict[str, dict[str, Any]]
    for name, value in arguments.items():
        part, _, rest = name.partition("__")
        if part in parts and rest and rest != "param_groups":
            parts[part][rest] = value
    if parts["optimizer"].get("fused"):
        arguments["optimizer"]([torch.nn.Parameter(torch.zeros(1))], **parts["optimizer"])
    if arguments["compile"] and parts["compile"]:
        torch.compile(torch.nn.Identity(), **parts["compile"])


def _check_names(net: MultimodalNet, arguments: dict[str, Any]) -> None:
    """Raise ValueError if arguments are for callbacks that are not there."""
    given = [item for item in arguments["callbacks"] or () if isinstance(item, list | tuple)]
    there = {name for name, _ in [*net.callbacks_, *net.get_default_callbacks(), *given]}
    names = {key.split("__")[1] for key in arguments if key.startswith("callbacks__")}
    if unknown := names - there - set(OWN_CALLBACKS):
        raise ValueError(
            f"net_params has arguments for the callbacks {sorted(unknown)}, expected some of "
            f"{sorted(there)}."
        )


def _check_shapes(net: MultimodalNet, previous: MultimodalNet) -> None:
    """Raise ValueError unless two nets have weights of the same names and shapes."""
    now, before = (
        {name: tuple(weights.shape) for name, weights in each.module_.state_dict().items()}
        for each in (net, previous)
    )
    if now != before:
        name = next(name for name in {**now, **before} if now.get(name) != before.get(name))
        raise ValueError(
            "Training goes on with the network of the fit before, so parameters that change its "
            f"shape must stay as they were: expected {name} of shape {before.get(name)}, got "
            f"{now.get(name)}."
        )


def _check_memory(net: MultimodalNet, device: str) -> None:
    """Raise ValueError if weights, gradients and Adam's averages are more than there is."""
    weights = sum(each.numel() for each in net.module_.parameters())
    needed, there = COPIES * weights * net._dtype.itemsize, _memory(device)
    if there is not None and needed > there:
        raise ValueError(
            f"The network would have {weights:.3g} weights, {needed / 2**30:.0f} GiB in training, "
            f"expected at most the {there / 2**30:.0f} GiB of {device}: make its layers smaller, "
            "such as d_model, hidden_size, n_clusters, max_frames or the sizes of layers."
        )


def _check_padding(estimator: "NetworkEstimator", moments: dict[str, Any], device: str) -> None:
    """Raise ValueError if one padded video is more than there is memory."""
    width = sum(len(mean) for mean, _ in moments.values())
    needed, there = 4 * width * estimator.max_frames, _memory(device)
    if there is not None and needed > there:
        raise ValueError(
            f"max_frames={estimator.max_frames} with mask_padding=False makes "
            f"{needed / 2**30:.0f} GiB of every video, expected at most the "
            f"{there / 2**30:.0f} GiB of {device}."
        )


def _memory(device: str) -> int | None:
    """Bytes of memory of a device, None if nobody says."""
    if device.startswith("cuda"):
        return int(torch.cuda.get_device_properties(device).total_memory)
    if device.startswith("cpu") and "SC_PHYS_PAGES" in getattr(os, "sysconf_names", ()):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None
