"""Where runs lie: files that are named by their settings and written in one step."""

import hashlib
import json
import os

import joblib
import numpy as np


def digest(settings):
    """Return a short name of settings; other settings have another one."""
    text = json.dumps(settings, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def stem(out, run):
    """Return the path of a run's files, without a suffix."""
    name = run["name"].replace(" ", "-").replace("+", "-plus-")
    folder = out / run["data_set"] / f"seed{run['seed']}"
    return folder / f"{name}-{digest(run['settings'])}"


def is_done(out, run):
    """Tell whether a run's results are there."""
    return _path(out, run, ".npz").exists()


def save(out, run, numbers, arrays):
    """Store a run's results, the arrays last: they say that it is done."""
    text = json.dumps({"name": run["name"], "settings": run["settings"], **numbers}, indent=1)
    _write(_path(out, run, ".json"), lambda file: file.write(text.encode()))
    _write(_path(out, run, ".npz"), lambda file: np.savez_compressed(file, **arrays))


def read(out, run):
    """Return a run's numbers and arrays."""
    numbers = json.loads(_path(out, run, ".json").read_text())
    with np.load(_path(out, run, ".npz")) as arrays:
        return numbers, dict(arrays)


def save_object(out, run, thing):
    """Keep a Python object beside a run: a fitted tower, or what is known of the videos."""
    _write(_path(out, run, ".joblib"), lambda file: joblib.dump(thing, file))


def read_object(out, run):
    """Return what `save_object` kept."""
    return joblib.load(_path(out, run, ".joblib"))


def _path(out, run, suffix):
    path = stem(out, run)
    return path.with_name(path.name + suffix)


def _write(path, write):
    path.parent.mkdir(parents=True, exist_ok=True)
    # Renaming is all or nothing: a run that is broken off leaves no half of a result.
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    with open(unfinished, "wb") as file:
        write(file)
    os.replace(unfinished, path)
