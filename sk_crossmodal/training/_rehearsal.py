"""Building a network without its numbers, to find before training what cannot be built."""

import os
from inspect import signature
from typing import TYPE_CHECKING, Any

import torch
from skorch.callbacks import Callback

from ._checks import short, surely_same
from ._device import resolve_device, seeded
from ._net import MultimodalNet

if TYPE_CHECKING:
    from ._estimator import NetworkEstimator

COPIES = 4  # of each weight in training: itself, its gradient, and two that Adam keeps
OWN_CALLBACKS = ("own_lr_schedule", "own_accuracy", "own_early_stopping")  # some not always
OWN_ENCODERS = "sk_crossmodal.modules"  # which can be built without numbers
NAMES = ("encoder", "encoder_params", "net_params", "callbacks")


def rehearse(
    estimator: "NetworkEstimator",
    arguments: dict[str, Any],
    cls: type[torch.nn.Module],
    previous: MultimodalNet | None = None,
) -> None:
    """Build a net as training will, on a device that holds no numbers."""
    device = resolve_device(arguments["device"])
    if previous is None or not _is_as_before(previous, cls, arguments):
        net = _rehearsed(estimator, arguments, cls)
        if previous is not None:
            _check_shapes(net, previous)
        _check_memory(net, device)
    if not estimator.mask_padding:
        _check_padding(estimator, arguments["module__moments"], device)


def uncompiled(net: MultimodalNet) -> torch.nn.Module:
    """Return the network of a net, whose weights have other names where it is compiled."""
    module: Any = net.module_
    network: torch.nn.Module = getattr(module, "_orig_mod", module)
    return network


def _is_as_before(
    previous: MultimodalNet, cls: type[torch.nn.Module], arguments: dict[str, Any]
) -> bool:
    """Whether a net was built with these arguments, so that one can be built again."""
    before = vars(previous)
    names = {name for name in before if "__" in name and name[0] != "_"}
    return (
        previous.module is cls
        and names == {name for name in arguments if "__" in name}
        and all(
            # The moments are taken from the net itself; data that was held out is not kept.
            name == "train_split"
            or (name == "module__moments" and value is before.get(name))
            or surely_same(value, before.get(name))
            for name, value in arguments.items()
        )
    )


def _rehearsed(
    estimator: "NetworkEstimator", arguments: dict[str, Any], cls: type[torch.nn.Module]
) -> MultimodalNet:
    """Return a net that has been built; raise TypeError or ValueError if none can be."""
    rehearsed = {
        name: value
        for name, value in arguments.items()
        # Fused optimizers are for real devices alone; callbacks are the user's own to start.
        if name != "optimizer__fused" and not name.startswith("callbacks")
    }
    try:
        _check_callbacks(arguments)
        net = _build(cls, {**rehearsed, "compile": False, "train_split": None})
        _build_for_real(arguments)
    except (MemoryError, ImportError):  # the machine's trouble
        raise
    except Exception as error:
        given = [f"{n}={short(getattr(estimator, n))}" for n in NAMES if hasattr(estimator, n)]
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"{type(estimator).__name__} cannot build its network with {', '.join(given)}: {error}"
        ) from error
    return net


def _build(cls: type[torch.nn.Module], arguments: dict[str, Any]) -> MultimodalNet:
    net: MultimodalNet
    encoder = str(getattr(arguments["module__encoder"], "__module__", ""))
    with seeded(0):
        try:
            with torch.device("meta"):
                net = MultimodalNet(cls, **{**arguments, "device": "meta"}).initialize()
        except Exception as error:
            if encoder.startswith(OWN_ENCODERS) and "meta" not in str(error).lower():
                raise
            # What is the user's own may have to look at its numbers.
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


def _check_callbacks(arguments: dict[str, Any]) -> None:
    """Raise TypeError or ValueError if callbacks cannot be had so; none is started or changed."""
    net = MultimodalNet(torch.nn.Module, torch.nn.Module, callbacks=arguments["callbacks"])
    there = dict(net._uniquely_named_callbacks())  # ValueError if two have one name
    start = "callbacks__"
    given = {k.removeprefix(start): v for k, v in arguments.items() if k.startswith(start)}
    for key in given:
        if not any(key == n or key.startswith(f"{n}__") for n in (*there, *OWN_CALLBACKS)):
            raise ValueError(
                f"net_params has arguments for the callbacks {[key.partition('__')[0]]}, expected "
                f"some of {sorted(there)}."
            )
    for name, callback in there.items():
        prefix = f"{name}__"
        names = [key.removeprefix(prefix) for key in given if key.startswith(prefix)]
        _check_callback(name, given.get(name, callback), names)


def _check_callback(name: str, callback: Any, params: list[str]) -> None:
    """Raise TypeError or ValueError unless it is a callback, or None, with these parameters."""
    if isinstance(callback, type) and issubclass(callback, Callback):
        try:
            signature(callback).bind(**dict.fromkeys(params))
        except TypeError as error:
            raise TypeError(f"the callback {name!r} of {callback}: {error}") from error
    elif callback is not None and not isinstance(callback, Callback):
        raise TypeError(f"callbacks__{name} must be a skorch callback, got {short(callback)}")
    elif params:
        there = [] if callback is None else sorted(callback.get_params())
        if unknown := [key for key in params if key.partition("__")[0] not in there]:
            raise ValueError(
                f"the callback {name!r}, {short(callback)}, has the parameters {there}, got "
                f"{unknown}"
            )


def _check_shapes(net: MultimodalNet, previous: MultimodalNet) -> None:
    """Raise ValueError unless two nets have weights of the same names and shapes."""
    now, before = (
        {name: tuple(weights.shape) for name, weights in uncompiled(each).state_dict().items()}
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
