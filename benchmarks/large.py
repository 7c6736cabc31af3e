"""Train on a store that is larger than memory.

It writes a store of videos like those of YouTube-8M (120 to 300 8-bit frames of 1024 + 128
features), fits a classifier for one epoch in a process with limited address space (`RLIMIT_AS`, as
``ulimit -v``), and prints the loss and the peaks of resident memory and of address space. For
comparison, it measures the network alone: a manual training loop on one batch in another process.
The labels can be learned, as the mean of the frames depends on the label. Linux only.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from sk_crossmodal import CrossModalRNNClassifier, MultimodalArray
from sk_crossmodal.modules.scaling import RawFrames
from sk_crossmodal.multimodal import Store, StoreWriter

WIDTHS = {"video": 1024, "audio": 128}
SCALE, SHIFT = 4 / 255, 1 / 512 - 2  # YouTube-8M's
N_LABELS = 20
VIDEOS_PER_PART = 256
MB, GB = 1e6, 1e9


def parse(arguments=None):
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--gb", type=float, default=8.0, help="size of the store")
    parser.add_argument("--limit-gb", type=float, default=3.0, help="address space of the fit")
    parser.add_argument("--batch-size", type=int, default=128, help="videos per batch")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads of torch")
    parser.add_argument("--folder", type=Path, help="folder of the store, which is kept")
    parser.add_argument("--out", type=Path, help="JSON file for the numbers")
    # Internal options of the child processes.
    parser.add_argument("--do", choices=("fit", "by_hand"), help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def write_store(path, size):
    """Write a store of about `size` bytes, in parts."""
    rng = np.random.default_rng(0)
    patterns = {n: rng.integers(32, size=(N_LABELS, w), dtype=np.uint8) for n, w in WIDTHS.items()}
    about = {"dtype": "uint8", "scale": SCALE, "shift": SHIFT}
    writer = StoreWriter(path, {name: {"width": w, **about} for name, w in WIDTHS.items()})
    parts = []
    while size > 0:
        lengths = np.minimum(rng.integers(120, 341, size=VIDEOS_PER_PART), 300)
        labels = rng.integers(N_LABELS, size=VIDEOS_PER_PART)
        frames = {}
        for name, width in WIDTHS.items():
            values = rng.integers(224, size=(lengths.sum(), width), dtype=np.uint8)
            values += np.repeat(patterns[name][labels], lengths, axis=0)
            frames[name] = (values, lengths)
            size -= values.nbytes
        parts.append(f"{len(parts):05d}")
        with writer.part(parts[-1]) as part:
            part.append(
                frames,
                labels=[(int(label),) for label in labels],
                ids=[f"{parts[-1]}-{i}" for i in range(VIDEOS_PER_PART)],
            )
    writer.finish(parts, n_labels=N_LABELS)


def make_classifier(args):
    """Return a classifier with little computation, so that reading takes a large share."""
    return CrossModalRNNClassifier(
        fusion="late",
        rnn_type=None,
        n_clusters=4,
        hidden_size=32,
        dropout=0.0,
        lr=2e-3,
        batch_size=args.batch_size,
        max_epochs=1,
        early_stopping=False,
        device="cpu",
        random_state=0,
    )


def peaks():
    """Return the peaks of resident memory and address space of this process in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    kib = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith("Vm")}
    return {"resident_mb": int(kib["VmHWM"]) * 1024 / MB, "address_mb": int(kib["VmPeak"]) / 1e3}


def fit(args):
    """Fit on the whole store and predict a part of it, under the limit."""
    resource.setrlimit(resource.RLIMIT_AS, (int(args.limit_gb * GB),) * 2)
    torch.set_num_threads(args.threads)
    store, start = Store.open(args.folder), time.perf_counter()
    X, y = store.data, store.target.astype(np.uint8)
    classifier = make_classifier(args).fit(X, y)
    seconds = time.perf_counter() - start
    losses = np.array(classifier.net_.history[-1, "batches", :, "train_loss"])
    tenth = max(1, len(losses) // 10)
    some = slice(4 * args.batch_size)
    hits = classifier.predict_proba(X[some]).argmax(axis=1)
    return {
        **peaks(),
        "seconds": seconds,
        "epoch_seconds": classifier.history_[-1]["dur"],
        "videos": len(X),
        "batches": len(losses),
        "first_loss": losses[:tenth].mean(),
        "last_loss": losses[-tenth:].mean(),
        "hit_at_1": y[some].toarray()[np.arange(len(hits)), hits].mean(),
    }


def by_hand(args):
    """Train the same network on one batch in memory, with a manual loop."""
    torch.set_num_threads(args.threads)
    rng, n = np.random.default_rng(0), args.batch_size
    shape = (n, 300)
    flat = {
        name: rng.integers(256, size=(n * 300, w), dtype=np.uint8) for name, w in WIDTHS.items()
    }
    quantization = dict.fromkeys(WIDTHS, (SCALE, SHIFT))
    X = MultimodalArray.from_frames(
        flat, dict.fromkeys(WIDTHS, np.full(n, 300)), quantization=quantization
    )
    y = np.eye(N_LABELS, dtype=np.uint8)[rng.integers(N_LABELS, size=n)]
    module = make_classifier(args).set_params(batch_size=2).fit(X[:4], y[:4]).module_.train()
    frames = {
        name: RawFrames(torch.from_numpy(x.reshape(*shape, -1)), SCALE, SHIFT, torch.float32)
        for name, x in flat.items()
    }
    masks = {name: torch.ones(shape, dtype=torch.bool) for name in WIDTHS}
    optimizer = torch.optim.AdamW(module.parameters(), lr=2e-3, fused=True)
    for _ in range(5):
        optimizer.zero_grad()
        logits = module(frames, masks)
        torch.nn.functional.binary_cross_entropy_with_logits(
            logits, torch.from_numpy(y).float()
        ).backward()
        optimizer.step()
    return peaks()


def run(part, args, folder):
    """Run "fit" or "by_hand" in a new process."""
    command = [sys.executable, __file__, "--do", part, "--folder", str(folder)]
    for name in ("limit_gb", "batch_size", "threads"):
        command += [f"--{name.replace('_', '-')}", str(getattr(args, name))]
    finished = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(finished.stdout.splitlines()[-1])


def measure(args, folder):
    """Write the store, fit on it, and run the manual loop."""
    start = time.perf_counter()
    if not folder.exists():
        write_store(folder, args.gb * GB)
    written = time.perf_counter() - start
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    results = {"fit": run("fit", args, folder), "by_hand": run("by_hand", args, folder)}
    over = results["fit"]["resident_mb"] - results["by_hand"]["resident_mb"]
    sizes = {"store_mb": size / MB, "limit_mb": args.limit_gb * 1e3, "write_seconds": written}
    return {**sizes, **results, "over_mb": over, "batch_size": args.batch_size}


def describe(results):
    """Return the results as text."""
    fitted, manual = results["fit"], results["by_hand"]
    return "\n".join(
        [
            f"store: {results['store_mb']:,.0f} MB, {fitted['videos']:,} videos, written in "
            f"{results['write_seconds']:.0f} s",
            f"fit for one epoch, in batches of {results['batch_size']} videos: "
            f"{fitted['seconds']:.0f} s, of which the epoch {fitted['epoch_seconds']:.0f} s",
            f"loss: {fitted['first_loss']:.4f} in the first tenth of the batches, "
            f"{fitted['last_loss']:.4f} in the last; hit@1 {fitted['hit_at_1']:.3f}",
            f"peak: {fitted['resident_mb']:,.0f} MB resident, {fitted['address_mb']:,.0f} MB of "
            f"address space; limit {results['limit_mb']:,.0f} MB",
            f"network alone, on one batch: {manual['resident_mb']:,.0f} MB resident, "
            f"{manual['address_mb']:,.0f} MB of address space",
            f"difference: {results['over_mb']:,.0f} MB resident (goal: at most 400)",
        ]
    )


def main(arguments=None):
    """Measure, or run one part in a child process."""
    args = parse(arguments)
    if args.do:
        print(json.dumps({"fit": fit, "by_hand": by_hand}[args.do](args)))
        return
    with tempfile.TemporaryDirectory() as name:
        results = measure(args, args.folder or Path(name) / "store")
    print(describe(results))
    if args.out:
        args.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
