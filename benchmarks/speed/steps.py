"""Training steps: with and without influence, share of the machine's rate, NetVLAD."""

from pathlib import Path

import networks
import torch
from measure import Row, seconds, side_by_side
from networks import CONCAT, LATE, QUICK, Size, make_batch, make_network, training_step
from plain_netvlad import PlainNetVLAD, residual_form
from torch.profiler import ProfilerActivity, profile

PRODUCTS = {f"aten::{name}" for name in ("mm", "addmm", "bmm", "baddbmm", "baddbmm_")}
STEP = "training step (forward, loss, backward, Adam)"


def _sizes(size):
    return {"videos": size.n_videos, "frames": size.n_frames, "widths": [size.video, size.audio]}


def _against_late(family, wanted, quick):
    size = QUICK if quick else Size()
    batch = make_batch(size)
    concat, late = (
        training_step(make_network(family, fusion, size), batch) for fusion in (CONCAT, LATE)
    )
    ours, theirs = side_by_side(concat, late, rounds=3 if quick else 7)
    flops = [networks.flops_of_step(family, fusion, size) for fusion in (CONCAT, LATE)]
    details = {
        **_sizes(size),
        "seconds": [float(min(ours)), float(min(theirs))],
        "GFLOPs": [n / 1e9 for n in flops],
        "least": flops[0] / flops[1],  # if all time were spent in products, at one rate
    }
    words = f"{STEP}, {family} cross_modal_concat"
    return Row(words, f"{family} L", list(ours / theirs), wanted, details=details)


def transformer_step(quick=False):
    """Compare the cross-modal Transformer with late fusion."""
    return _against_late("Transformer", 1.15, quick)


def netvlad_step(quick=False):
    """Compare cross-modal NetVLAD with late fusion."""
    return _against_late("NetVLAD", 1.25, quick)


def rnn_step(quick=False):
    """Compare the cross-modal RNN with late fusion."""
    return _against_late("RNN", 1.25, quick)


def _square(dtype, quick):
    """Return a function that multiplies two large matrices, and its FLOPs."""
    n = 256 if quick else 4096
    a, b = (torch.randn(n, n).to(dtype) for _ in range(2))
    out = torch.empty_like(a)
    return lambda: torch.mm(a, b, out=out), 2 * n**3


def _seconds_of_products(step):
    """Return the seconds of a step that are spent in matrix products."""
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        step()
    found = [each for each in profiler.key_averages() if each.key in PRODUCTS]
    return sum(each.self_cpu_time_total for each in found) / 1e6


def _share(dtype, wanted, quick):
    size = QUICK if quick else Size()
    bfloat16 = dtype == torch.bfloat16
    step = training_step(
        make_network("Transformer", CONCAT, size), make_batch(size), bfloat16=bfloat16
    )
    square, square_flops = _square(dtype, quick)
    flops = networks.flops_of_step("Transformer", CONCAT, size)
    ours, theirs = side_by_side(step, square, rounds=3 if quick else 7, warm=2)
    shares = (flops / ours) / (square_flops / theirs)
    details = {
        **_sizes(size),
        "step GFLOP/s": float(flops / min(ours) / 1e9),
        "product GFLOP/s": float(square_flops / min(theirs) / 1e9),
        # The rate of the products of the step, with their shapes.
        "share of products only": float(
            flops / _seconds_of_products(step) / (square_flops / min(theirs))
        ),
    }
    name = "bfloat16 under autocast" if bfloat16 else "float32"
    return Row(
        f"{STEP}, Transformer cross_modal_concat, {name}: share of the machine's rate of products",
        f"{name.split()[0]} product of two large square matrices",
        list(shares),
        wanted,
        at_least=True,
        details=details,
    )


def sgemm_share(quick=False):
    """Measure the share of the rate of single-precision matrix products in a step."""
    return _share(torch.float32, 0.60, quick)


def bf16_share(quick=False):
    """Measure the same in bfloat16, or return the reason why it is not measured."""
    cpu = Path("/proc/cpuinfo")
    if not quick and "avx512_bf16" not in (cpu.read_text() if cpu.exists() else ""):
        return "this CPU has no bfloat16 products (avx512_bf16)"
    return _share(torch.bfloat16, 0.45, quick)


def netvlad_plain(quick=False):
    """Compare the step of NetVLAD with a plain implementation of the same network."""
    size = QUICK if quick else Size()
    batch = make_batch(size)
    network = make_network("NetVLAD", LATE, size)
    plain = PlainNetVLAD(network)
    rounds = 3 if quick else 7
    ours, theirs = side_by_side(
        training_step(network, batch), training_step(plain, batch), rounds=rounds
    )
    details = {**_sizes(size), "seconds": [float(min(ours)), float(min(theirs))]}
    for name, options in {
        "without optimizers": ({"optimizer": False}, {"optimizer": False}),
        "theirs with torch's default AdamW": ({}, {"fused": False}),
        "ours in bfloat16": ({"bfloat16": True}, {}),
    }.items():
        pair = [
            training_step(x, batch, **kw) for x, kw in zip((network, plain), options, strict=True)
        ]
        a, b = side_by_side(*pair, rounds=3)
        details[f"ratio, {name}"] = float(min(a) / min(b))
    flops = networks.flops_of_step("NetVLAD", LATE, size)
    details["GFLOPs"] = flops / 1e9
    square, square_flops = _square(torch.float32, quick)
    square()
    details["seconds of bare products"] = flops / square_flops * seconds(square)
    one = Size(1, size.n_frames, size.video, size.audio, size.scale)
    details["seconds per video, residuals of all frames to all clusters"] = seconds(
        training_step(residual_form(network), make_batch(one), optimizer=False)
    )
    words = f"{STEP}, NetVLAD late"
    against = "a plain implementation (einsum, float32, torch's dropout), same optimizer"
    return Row(words, against, list(ours / theirs), 0.7, details=details)
