"""Kill checkpointed trainings at any time, fill their disks, damage their files, and resume.

Each training resumes in a new forked process, and must reach the losses, weights and probabilities
of an undisturbed training, bit by bit.
"""

import errno
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from multiprocessing import get_context
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parent))
sys.path.append(str(Path(__file__).resolve().parents[1]))

import campaign
from damaged_checkpoints import damage
from failing_writer import Operations
from forked import in_fork
from training_cases import cases, fit

FULL = {"kills": 110, "file_kills": 63, "full_disks": 36, "damages": 600, "epochs": 8}
QUICK = {"kills": 4, "file_kills": 4, "full_disks": 4, "damages": 40, "epochs": 2}


def main():
    """Run the campaign from the command line."""
    campaign.main(kill_training, FULL, QUICK)


def kill_training(kills, file_kills, full_disks, damages, epochs, seed):
    """Run the campaign; return the counts."""
    rng = np.random.default_rng(seed)
    builds = cases(epochs)
    for build in cases(1).values():  # does late imports once, and not in each process
        fit(build)
    start = time.perf_counter()
    expected = {name: in_fork(fit, build) for name, build in builds.items()}
    seconds = (time.perf_counter() - start) / len(builds)
    figures = {
        "trainings": list(builds),
        "random kills": random_kills(builds, expected, kills, seconds, rng),
        "kills at file operations": operation_kills(builds, expected, file_kills, rng),
        "full disks": full_disk(builds, expected, full_disks, rng),
        "real file systems": real_file_systems(builds, expected),
        "damaged files": damage(builds, expected, damages, rng),
    }
    parts = [part for part in figures.values() if isinstance(part, dict)]
    return {"failed": sum(part["failed"] for part in parts), **figures}


def random_kills(builds, expected, count, seconds, rng):
    """Kill at random times, each training up to five times, until the number is reached."""
    found, names = Counter(), list(builds)
    while found["kills"] < count:
        name = names[found["trainings"] % len(names)]
        found["trainings"] += 1
        with tempfile.TemporaryDirectory() as folder:
            for _ in range(5):
                died = killed(rng.uniform(0, 0.8 * seconds), fit, builds[name], folder)
                found["kills"] += died
                found[moment(folder)] += died
            found["failed"] += in_fork(fit, builds[name], folder) != expected[name]
    return {"kills": 0, "failed": 0, **found}


def killed(delay, call, *args):
    """Call in a process and kill it after some seconds; return whether it was still running."""
    process = get_context("fork").Process(target=call, args=args)
    process.start()
    process.join(delay)
    process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL


def moment(folder):
    """Describe the state of the folder after a kill."""
    endings = {path.suffix for path in Path(folder).iterdir()}
    if ".part" in endings:
        return "with a half-written checkpoint"
    return "with a checkpoint" if ".pt" in endings else "before the first checkpoint"


def operation_kills(builds, expected, count, rng):
    """Kill at the k-th operation on files, for each k that a training reaches."""
    found, names = Counter(), list(builds)
    for k in range(count):
        name = names[k % len(names)]
        with tempfile.TemporaryDirectory() as folder:
            at = k // len(names) if k % 2 else int(rng.integers(7 * 6))
            died = killed(None, _dying, builds[name], folder, at)
            found["kills"] += died
            found["failed"] += in_fork(fit, builds[name], folder) != expected[name]
    return {"kills": 0, "failed": 0, **found}


def _dying(build, folder, at):
    with Operations(at, lambda: os.kill(os.getpid(), signal.SIGKILL)).installed():
        fit(build, folder)


def full_disk(builds, expected, count, rng):
    """Fail at the k-th operation, once or from then on, and when resuming as well."""
    found, names = Counter(), list(builds)
    for k in range(count):
        name, lasting = names[k % len(names)], bool(k % 2)
        code = (errno.ENOSPC, errno.EROFS, errno.EIO)[k % 3]
        with tempfile.TemporaryDirectory() as folder:
            at = int(rng.integers(7 * 6))
            full, warned = in_fork(_failing, builds[name], folder, at, lasting, code)
            found["said so"] += warned > 0
            found["went unnoticed"] += warned == 0 and at < 7
            left = [path for path in Path(folder).iterdir() if path.suffix != ".pt"]
            again = in_fork(fit, builds[name], folder)
            wrong = full != expected[name] or again != expected[name] or bool(left)
            found["failed"] += wrong or (warned == 0 and at < 7)
    return {"trainings": count, "failed": 0, **found}


def _failing(build, folder, at, lasting, code):
    def fail():
        raise OSError(code, os.strerror(code))

    with warnings.catch_warnings(record=True) as caught, Operations(at, fail, lasting).installed():
        warnings.simplefilter("always")
        result = fit(build, folder)
    return result, sum("No checkpoint could be written" in str(w.message) for w in caught)


def real_file_systems(builds, expected):
    """Train on a small tmpfs that fills up and on a read-only one, if mounting is permitted."""
    name = "transformer, concat with tower"
    found = {"failed": 0}
    with tempfile.TemporaryDirectory() as folder:
        if _system("mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", folder):
            return {**found, "skipped": "mounting is not permitted"}
        try:
            full, warned = in_fork(_failing, builds[name], folder, -1, False, errno.ENOSPC)
            found["full tmpfs, warnings"] = warned
            found["failed"] += full != expected[name] or not warned
            _system("mount", "-o", "remount,size=64m", folder)
            found["failed"] += in_fork(fit, builds[name], folder) != expected[name]
            _system("mount", "-o", "remount,ro", folder)
            try:
                in_fork(fit, builds["rnn, cross-modal, weight decay"], folder)
            except RuntimeError as error:
                found["read-only"] = str(error).replace(folder, "folder")
            found["failed"] += "Read-only file system" not in found.get("read-only", "")
        finally:
            _system("umount", folder)
    return found


def _system(*command):
    return subprocess.run(command, check=False, capture_output=True).returncode


if __name__ == "__main__":
    main()
