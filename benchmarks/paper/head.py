"""Where, when and with what a report was made."""

import datetime
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path

import torch

PACKAGES = ("sk_crossmodal", "torch", "scikit-learn", "skorch", "numpy", "scipy")


def head_points(results, command, seconds):
    """Return the report's head as points."""
    done = [results.numbers(*key)["seconds"] for key in results.done]
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    missing = f" **{results.n_missing} planned runs are missing.**" if results.n_missing else ""
    return [
        f"Command: `{command}`",
        f"Date: {datetime.date.today().isoformat()}",
        f"Machine: {machine()}",
        f"Versions: Python {platform.python_version()}, {versions}",
        f"{len(done)} runs of {sum(done):.0f} seconds together; this command took "
        f"{seconds:.0f} s.{missing}",
    ]


def machine():
    """Describe the machine, without its name."""
    cpu = platform.machine()
    if (info := Path("/proc/cpuinfo")).exists():
        models = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        cpu = models[0].split(":", 1)[1].strip() if models else cpu
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"{os.cpu_count()} cores ({cpu}), {gpu}, {platform.system()}"


def settings_points(results):
    """Return the settings of everything that was trained, one of each kind, as points."""
    shown = {}
    for run in results.runs:
        if run["kind"] != "videos":
            name = run["name"]
            chosen = run["settings"].get("params", {})
            shown.setdefault(name, f"{name}: `{json.dumps(chosen, sort_keys=True)}`")
    return list(shown.values())
