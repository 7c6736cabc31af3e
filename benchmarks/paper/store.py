"""Files of runs, named by their settings and written atomically."""

import hashlib
import json

import joblib
import numpy as np

from sk_crossmodal._files import atomic_path


def digest(settings):
    """Return a short hash of settings."""
    text = json.dumps(settings, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def stem(out, run):
    """Return the path of the files of a run, without suffix."""
    name = run["name"].replace(" ", "-").replace("+", "-plus-")
    folder = out / run["data_set"] / f"seed{run['seed']}"
    return folder / f"{name}-{digest(run['settings'])}"


def is_done(out, run):
    """Whether a run is finished."""
    return _path(out, run, ".npz").exists()


def save(out, run, numbers, arrays):
    """Save the results of a run; the arrays come last, and mark it as finished."""
    text = json.dumps({"name": run["name"], "settings": run["settings"], **numbers}, indent=1)
    _write(_path(out, run, ".json"), lambda file: file.write(text.encode()))
    _write(_path(out, run, ".npz"), lambda file: np.savez_compressed(file, **arrays))


def read(out, run):
    """Return a run's numbers and arrays."""
    numbers = json.loads(_path(out, run, ".json").read_text())
    with np.load(_path(out, run, ".npz")) as arrays:
        return numbers, dict(arrays)


def save_object(out, run, value):
    """Save a Python object of a run: a fitted tower, or properties of videos."""
    _write(_path(out, run, ".joblib"), lambda file: joblib.dump(value, file))


def read_object(out, run):
    """Load an object saved with `save_object`."""
    return joblib.load(_path(out, run, ".joblib"))


def _path(out, run, suffix):
    path = stem(out, run)
    return path.with_name(path.name + suffix)


def _write(path, write):
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path, hidden=True) as part, open(part, "wb") as file:
        write(file)
