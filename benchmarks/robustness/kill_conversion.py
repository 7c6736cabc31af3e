"""Kill conversion to a store at any time, fill the disk, forbid writing; nothing may be lost.

The killed processes are forked from a process that has imported everything. Linux only.
"""

import builtins
import contextlib
import ctypes
import errno
import io
import multiprocessing
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from unittest import mock

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests"))

import campaign
from youtube8m_writer import frame_level, write_shard

from sk_crossmodal.cli import main
from sk_crossmodal.datasets import _conversion, load_youtube8m
from sk_crossmodal.multimodal import Store, StoreWriter

PATIENCE = 5.0  # seconds within which workers must end after the process that started them
STARTING = 20.0  # the same where they may just be importing
STRAY = {".store.lock", "store/store.json.lock"}  # empty files that the last moment may leave
READ_ONLY_KINDS = ("open", "mkdir", "rename", "remove", "rmdir")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def make_shards(folder, n_shards=3, n_videos=4):
    """Frame-level shards, some videos without frames in a modality."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for i in range(n_shards):
        payloads = []
        for j in range(n_videos):
            lengths = rng.integers(0, 6, size=2)
            rgb, audio = (
                [rng.bytes(width) for _ in range(n)]
                for n, width in zip(lengths, (1024, 128), strict=True)
            )
            labels = rng.integers(3000, size=rng.integers(0, 4)).tolist()
            payloads.append(frame_level(b"%d-%d" % (i, j), labels, rgb, audio))
        write_shard(folder / f"{i}.tfrecord", payloads)


# Jobs to kill -----------------------------------------------------------------------------


def nothing(folder):
    """Leave the folder empty."""


def convert(folder):
    """The command line, in one process."""
    if main(["convert", "--quiet", str(folder / "shards"), str(folder / "store")]):
        raise OSError("the command failed")


def convert_in_two(folder):
    """Convert in two forked workers, which start at once."""
    with mock.patch.object(_conversion, "Parallel", Forked):
        load_youtube8m(folder / "shards", store=folder / "store", n_jobs=2, progress=False)


class Forked:
    """The part of `joblib.Parallel` that conversion needs."""

    def __init__(self, n_jobs, return_as):
        self.n_jobs = n_jobs

    def __call__(self, jobs):
        """Yield the results of the jobs."""
        fork = multiprocessing.get_context("fork")
        with fork.Pool(self.n_jobs, end_with, (os.getpid(),)) as pool:
            yield from pool.imap_unordered(call, list(jobs))


def end_with(starter):
    """End a worker when the process that started it ends, as its first job does."""
    _conversion._end_with(starter, os.getpid())


def call(job):
    """Call the function of a `joblib.delayed`."""
    function, args, more = job
    return function(*args, **more)


def convert_in_two_started(folder):
    """Two workers as joblib starts them by default."""
    load_youtube8m(folder / "shards", store=folder / "store", n_jobs=2, progress=False)


def convert_some(folder):
    """A finished store of all shards but one, with a file of the user's in it."""
    shards = sorted((folder / "shards").iterdir())[:-1]
    load_youtube8m(shards, store=folder / "store", progress=False)
    (folder / "store" / "mine.txt").write_text("of the user")


def save(folder):
    """Save a container."""
    loaded = load_youtube8m(folder / "shards")
    if not (folder / "store").exists():  # as a user would do after a crash
        loaded.data.save(folder / "store", ids=loaded.ids)


def write(folder):
    """Write parts of our own, where they are not done."""
    rng = np.random.default_rng(1)
    writer = StoreWriter(folder / "store", {"a": {"width": 4, "dtype": "float32"}}, {"by": "me"})
    for name in "pqr":
        given = [rng.normal(size=(n, 4)).astype(np.float32) for n in (5, 0, 7)]
        if writer.done(name):
            continue
        with writer.part(name) as part:
            for i, frames in enumerate(given):
                part.append({"a": (frames, [len(frames)])}, labels=[(i,)], ids=[f"{name}{i}"])
    writer.finish(list("pqr"), n_labels=3)


class Job(NamedTuple):
    """The function to kill, its preparation, and the states of the store allowed after a kill."""

    run: object
    before: object = nothing
    states: tuple = ("nothing", "unfinished")


JOBS = {
    "convert": Job(convert),
    "convert, 2 processes": Job(convert_in_two),
    "convert, 2 started processes": Job(convert_in_two_started),
    "add a shard": Job(convert, convert_some, ()),
    "save": Job(save, states=("nothing",)),
    "StoreWriter": Job(write),
}
ONE_PROCESS = ("convert", "add a shard", "save", "StoreWriter")


# Trials --------------------------------------------------------------------------------


def look(folder):
    """Return the state of the store: nothing, unfinished, or the content of a finished one."""
    try:
        store = Store.open(folder / "store")
    except FileNotFoundError:
        return "nothing"
    except ValueError as error:
        if "is not finished" in str(error):
            return "unfinished"
        raise
    target = None if store.target is None else store.target.toarray().tobytes()
    return store.parts, store.data.digest(), target, store.ids.tolist()


def tree(folder):
    """Bytes of all files, and None for folders."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


class Trial:
    """A job in a new folder each time, compared with the result of a complete run."""

    def __init__(self, name, folder, shards):
        self.job, self.folder, self.shards = JOBS[name], Path(folder) / "trial", shards
        self.fresh()
        self.old = look(self.folder)
        self.seconds = min(self._run_forked() for _ in range(3))
        self.whole, self.files = look(self.folder), tree(self.folder)
        self.states = {*self.job.states, self.whole[1], self.old[1] if self.old else None}
        self.stray, self.found, self.idle = Counter(), Counter(), 0

    def _run_forked(self):
        self.fresh()
        start = time.perf_counter()
        code, said = finished(forked(self.job.run, self.folder)), self.folder / "said.txt"
        assert code == 0, said.read_text() if said.exists() else f"exit code {code}"
        return time.perf_counter() - start

    def fresh(self):
        """Make the folder as it is before."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        shutil.copytree(self.shards, self.folder / "shards")
        (self.folder / "mine.txt").write_text("of the user")
        self.job.before(self.folder)

    def check(self):
        """Check the store after a kill or an error, run again, and check the result."""
        (self.folder / "said.txt").unlink(missing_ok=True)
        found = look(self.folder)
        if isinstance(found, tuple):
            kind = "whole" if found == self.whole else "as before"
            assert found in (self.whole, self.old), "the store reads, and is wrong"
        else:
            kind = found
            assert found in self.job.states, f"the store is {found}"
        self.found[kind] += 1
        # Not with workers that would stay, as children of this process.
        run = convert if self.job.run is convert_in_two_started else self.job.run
        run(self.folder)
        assert look(self.folder) == self.whole, "the store differs after it was resumed"
        files = tree(self.folder)
        extra = {name for name in files if name not in self.files}
        assert extra <= STRAY, f"never removed: {extra}"
        assert not any(files.pop(name) for name in extra), "a lock file holds something"
        assert files == self.files, "files differ"
        self.stray.update(extra)


# Kills and errors -------------------------------------------------------------------------


def forked(run, *args, before=nothing):
    """Run in a forked process, which is silent; return its number."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        before(*args)
        run(*args)
        code = 0
    except BaseException:
        Path(args[0], "said.txt").write_text(traceback.format_exc())
    finally:
        os._exit(code)


def finished(pid):
    """Wait for a process; return its exit code, or minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def orphans_end(seconds):
    """Wait for processes that a killed one left behind, which are ours then; count the others."""
    deadline = time.monotonic() + seconds
    while (left := children()) and time.monotonic() < deadline:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        time.sleep(0.005)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return len(left)


def children():
    """Numbers of the processes whose parent is this one."""
    me = os.getpid()
    return [int(pid) for pid in Path(f"/proc/{me}/task/{me}/children").read_text().split()]


class Trap:
    """Count operations on the files below a folder, and do something at one and those after it.

    Parameters
    ----------
    folder : Path
        Below it operations count.
    at : int
        Number of the operation, from 1 on.
    spring : callable
        Called with the kind and the path before that operation, and before all that follow.
    kinds : tuple of str
        Which to count: "open" (to write), "mkdir", "rename", "remove", "rmdir", "write", "fsync".
    """

    def __init__(self, folder, at, spring, kinds):
        self.folder, self.at, self.spring, self.kinds = str(folder), at, spring, kinds
        self.count, self._fsync, self._open = 0, os.fsync, builtins.open

    def __enter__(self):
        trap = self

        class File(io.FileIO):
            def write(self, data):
                trap.tick("write", self.name)
                return super().write(data)

        def opened(path, mode="r", *args, **more):
            if not str(path).startswith(self.folder) or mode not in ("xb", "w"):
                return self._open(path, mode, *args, **more)
            file = File(path, mode.replace("b", ""))
            if mode == "xb":  # every write is one of the system's, none waits in a buffer
                return file
            return io.TextIOWrapper(io.BufferedWriter(file), encoding="utf-8")

        def fsync(descriptor):
            self.tick("fsync", os.readlink(f"/proc/self/fd/{descriptor}"))
            self._fsync(descriptor)

        os.fsync, builtins.open = fsync, opened
        if not HOOKED:
            sys.addaudithook(lambda event, args: ACTIVE and ACTIVE[-1].audit(event, args))
            HOOKED.append(True)
        ACTIVE.append(self)
        return self

    def __exit__(self, *error):
        ACTIVE.remove(self)
        os.fsync, builtins.open = self._fsync, self._open

    def audit(self, event, args):
        """Python calls it before every operation of `os` and every `open`."""
        kind = event.removeprefix("os.")
        if kind not in ("open", "mkdir", "rename", "remove", "rmdir"):
            return
        if kind == "open" and not (isinstance(args[2], int) and args[2] & WRITING):
            return
        self.tick(kind, args[0])

    def tick(self, kind, path):
        """Count one operation."""
        below = isinstance(path, str) and path.startswith(self.folder)
        if kind not in self.kinds or not (below or kind in ("remove", "rmdir")):
            return
        self.count += 1
        if self.count >= self.at:
            self.spring(kind, path)


HOOKED, ACTIVE = [], []  # a hook stays as long as the process
KINDS = ("open", "mkdir", "rename", "remove", "rmdir", "write", "fsync")


def kill(kind, path):
    """End this process as the night does."""
    os.kill(os.getpid(), signal.SIGKILL)


def no_space(kind, path):
    """Fail as on a full disk; the error of a write does not name the file."""
    named = (path,) if kind in ("open", "mkdir", "rename") else ()
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), *named)


def read_only(kind, path):
    """Fail as on a disk that cannot be written to."""
    raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)


def count_operations(trial, kinds=KINDS):
    """Return how many operations a run makes."""
    trial.fresh()
    with Trap(trial.folder, sys.maxsize, kill, kinds) as trap:
        trial.job.run(trial.folder)
    return trap.count


def kill_at_operation(trial, at):
    """Kill before an operation; say whether it came to that."""
    trial.fresh()

    def run(folder):
        with Trap(folder, at, kill, KINDS):
            trial.job.run(folder)

    code = finished(forked(run, trial.folder))
    trial.check()
    return code == -signal.SIGKILL


def kill_at_moment(trial, rng):
    """Kill after a random time; say whether it was in time."""
    trial.fresh()
    pid = forked(trial.job.run, trial.folder)
    time.sleep(rng.uniform(0, 1.1 * trial.seconds))
    os.kill(pid, signal.SIGKILL)
    code = finished(pid)
    started = trial.job.run is convert_in_two_started
    left = orphans_end(STARTING if started else PATIENCE)
    trial.check()
    # A worker that was given nothing to do yet waits, and ends by joblib's own limit of time.
    trial.idle += left or 0
    assert started or not left, f"{left} workers outlive the process that started them"
    return code == -signal.SIGKILL


def error_at_operation(trial, at, spring, kinds):
    """Let all operations from one on fail; return whether the error was reported."""
    trial.fresh()
    failed = None
    err = io.StringIO()
    with Trap(trial.folder, at, spring, kinds), contextlib.redirect_stderr(err):
        try:
            trial.job.run(trial.folder)
        except (OSError, ValueError) as error:
            failed = f"{error} {err.getvalue()}"
    if failed is not None:
        assert str(trial.folder) in failed, f"the error names no path: {failed}"
        assert "Traceback" not in failed
    trial.check()
    return failed is not None


# On real file systems ---------------------------------------------------------------------


def mount(*arguments, program="mount"):
    """Call a program of the system's."""
    path = shutil.which(program) or program
    subprocess.run([path, *map(str, arguments)], check=True, capture_output=True)


@contextlib.contextmanager
def small_disk(folder, kilobytes):
    """Mount a file system of that size; it needs root."""
    folder.mkdir(exist_ok=True)
    mount("-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder)
    try:
        yield folder
    finally:
        mount(folder, program="umount")


def mounted_trials(shards, folder, sizes, figures):
    """Convert to file systems that are too small, and to one that cannot be written to."""
    need = sum(path.stat().st_size for path in shards.iterdir()) // 1024
    whole = Path(folder) / "whole"
    load_youtube8m(shards, store=whole, progress=False)
    for size in range(8, need, max(1, need // sizes)):
        with small_disk(Path(folder) / "small", size) as disk:
            code, said = command(shards, disk / "store")
            assert code == 1, f"a disk of {size} KB is large enough"
            assert "No space left on device" in said, said
            assert str(disk) in said, said
            assert not (disk / "store").exists() or look(disk) == "unfinished"
            mount("-o", "remount,size=100m", disk)
            assert command(shards, disk / "store") == (0, "")
            assert tree(disk / "store") == tree(whole)
        figures["full disk, mounted"] += 1
    with small_disk(Path(folder) / "small", 100_000) as disk:
        some = sorted(shards.iterdir())[:-1]
        load_youtube8m(some, store=disk / "store", progress=False)
        before = tree(disk)
        mount("-o", "remount,ro", disk)
        load_youtube8m(some, store=disk / "store", progress=False)  # only reads
        for store in ("store", "new", "below/new"):
            code, said = command(shards, disk / store)
            assert (code, tree(disk)) == (1, before)
            assert "Read-only file system" in said, said
            assert str(disk) in said, said
            figures["read-only target, mounted"] += 1


def command(shards, store):
    """Run the command line; return its exit code and its error output."""
    err = io.StringIO()
    with contextlib.redirect_stderr(err):
        code = main(["convert", "--quiet", str(shards), str(store)])
    assert err.getvalue().count("\n") <= 1
    return code, err.getvalue()


def limited_file_sizes(trial, limits):
    """Limit the size of a file, which the kernel enforces for everybody."""
    done = 0
    for limit in limits:
        trial.fresh()
        pid = forked(trial.job.run, trial.folder, before=lambda _, size=limit: limit_files(size))
        code = finished(pid)
        trial.check()
        done += code == 1
    return done


def limit_files(size):
    """Let no file grow beyond a size."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


# The campaign -----------------------------------------------------------------------------


def run(moments, started, operations, errors, sizes, seed=0):
    """Try everything; return the figures.

    Parameters
    ----------
    moments : int
        Kills at random moments, of each job.
    started : int
        Kills at random moments with workers that are started, which takes seconds each.
    operations : int
        At most so many operations, evenly spread, of each job to kill at.
    errors : int
        At most so many to fail from on, with a full disk and with one that is read-only.
    sizes : int
        Disks that are too small.
    seed : int
        Of the moments.
    """
    rng, failures = random.Random(seed), []
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER: orphans become ours
    figures, tried = {}, Counter()
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108, for speed alone
    with TemporaryDirectory(dir=memory) as folder:
        shards = Path(folder) / "made"
        make_shards(shards)
        for name, job in JOBS.items():
            wanted = started if job.run is convert_in_two_started else moments
            if not wanted:
                continue
            trial = Trial(name, folder, shards)
            done = Counter()
            while done["kills at random moments"] < wanted:
                done["kills at random moments"] += attempt(
                    failures, name, kill_at_moment, trial, rng
                )
            if name in ONE_PROCESS:
                each_operation(trial, name, (operations, errors), done, failures)
            figures[name] = {
                "seconds of a run": round(trial.seconds, 3),
                **done,
                "found after a kill or an error": dict(trial.found),
                "empty lock files left": sum(trial.stray.values()),
                "idle workers left": trial.idle,
            }
            tried.update(done)
        try:
            attempt(failures, "mounted", mounted_trials, shards, folder, sizes, tried)
        except subprocess.CalledProcessError:
            tried["mounting is not permitted"] = 1
    return {"jobs": figures, "tried": dict(tried), "failed": len(failures), "failures": failures}


def each_operation(trial, name, most, done, failures):
    """Kill at, and have fail, the operations of a job."""
    whole_kinds = tuple(kind for kind in KINDS if kind not in ("remove", "rmdir"))
    for what, call, kinds in (
        ("kills at file operations", kill_at_operation, KINDS),
        ("full disk from an operation on", no_space, whole_kinds),
        ("read-only from an operation on", read_only, READ_ONLY_KINDS[:3]),
    ):
        count, limit = count_operations(trial, kinds), most[call is not kill_at_operation]
        for at in sorted({1 + i * count // limit for i in range(limit)}):
            if call is kill_at_operation:
                done[what] += attempt(failures, name, call, trial, at)
            else:
                done[what] += attempt(failures, name, error_at_operation, trial, at, call, kinds)
    if name == "convert":
        limits = [0, 50, 127, 128, 129, 200, 1000, 4000, 8000]
        done["limited size of files"] += limited_file_sizes(trial, limits)


def attempt(failures, name, call, *args):
    """Call it; note its error, if any, and count the attempt."""
    try:
        return call(*args)
    except subprocess.CalledProcessError:
        raise
    except Exception as error:
        where = [arg for arg in args if isinstance(arg, int)]
        failures.append(f"{name}, {call.__name__} {where}: {type(error).__name__}: {error}")
        return 1


if __name__ == "__main__":
    campaign.main(
        run,
        full={"moments": 50, "started": 3, "operations": 1000, "errors": 40, "sizes": 6},
        quick={"moments": 3, "started": 0, "operations": 12, "errors": 6, "sizes": 2},
    )
