"""Machine, date and versions of a report."""

import datetime
import json
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import numpy as np
import settings
import torch

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("sk_crossmodal", "torch", "scikit-learn", "skorch", "numpy", "scipy")


def head_points(results, command, seconds):
    """Return the head of a report, as points."""
    done = [results.numbers(*key)["seconds"] for key in results.done]
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    missing = f" **{results.n_missing} planned runs are missing.**" if results.n_missing else ""
    return [
        f"Command: `{command}`",
        f"Date: {datetime.date.today().isoformat()}",
        f"Machine: {machine()}",
        f"Videos: {_videos(results)}",
        f"Versions: Python {platform.python_version()}, {versions}",
        *_commit(),
        f"{len(done)} runs of {sum(done):.0f} seconds in total; this command took "
        f"{seconds:.0f} s.{missing}",
    ]


def machine():
    """Describe the machine."""
    cpu = platform.machine()
    if (info := Path("/proc/cpuinfo")).exists():
        models = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = models[0].split(":", 1)[1].strip() if models else cpu
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"{os.cpu_count()} cores ({cpu}), {gpu}, {platform.system()}"


def _videos(results):
    """Describe the numbers of videos and labels."""
    seeds = list(results.videos)
    counts = [
        sorted({results.numbers("videos", seed)[key] for seed in seeds})
        for key in ("n_train", "n_test")
    ]
    train, test = (" or ".join(f"{count:,}" for count in column) for column in counts)
    shared = " (the same for every seed)" if len(seeds) > 1 and results.shares_test_videos else ""
    labels = f"{len(results.label_names)} classes"
    if results.multilabel:
        levels = len(np.unique(results.hierarchy.levels))
        labels = f"{len(results.label_names)} labels on {levels} levels"
    return f"{train} for training, {test} for testing{shared} in each {results.unit}; {labels}"


def _commit():
    """Return the commit of this code as a point, or no point without git."""
    if not (ROOT / ".git").exists():
        return []
    try:
        commit = _git("rev-parse", "--short", "HEAD")
        changes = _git("status", "--porcelain", "--", "sk_crossmodal", "benchmarks")
    except (OSError, subprocess.CalledProcessError):
        return []
    return [f"Commit of the report: {commit}{' + changes' * bool(changes)}"]


def _git(*arguments):
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def settings_points(results):
    """Return the settings of each trained model, as points."""
    shown, data = {}, {}
    for run in results.runs:
        name, chosen = run["name"], run["settings"]
        if run["kind"] == "videos":
            data = chosen["data"]
        elif name not in shown:
            searched = ("sizes", "n_videos", "n_folds")
            shown[name] = {**chosen.get("params", {}), **_of(chosen, searched)}
    shown = {"data": data, **shown}
    return [
        f"{settings.heading(name)}: `{json.dumps(values, sort_keys=True)}`"
        for name, values in shown.items()
    ]


def _of(chosen, keys):
    return {key: chosen[key] for key in keys if key in chosen}
