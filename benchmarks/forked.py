"""Measure in a process of its own, forked from one that has imported everything. Linux only."""

import ctypes
import gc
import multiprocessing
import time
from pathlib import Path

MB = 1e6


def resident(field):
    """Resident memory of this process in bytes: "VmRSS", now, or "VmHWM", its peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def rise(call):
    """Return by how many MB a call makes resident memory rise at its peak, and its seconds."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what was freed before must not be there to be used again
    Path("/proc/self/clear_refs").write_text("5")  # the peak is that of now
    before, start = resident("VmRSS"), time.perf_counter()
    call()
    taken = time.perf_counter() - start
    return max(0.0, (resident("VmHWM") - before) / MB), taken


def alone(function, *args):
    """Call a function in a process of its own; what it raises there, raise as RuntimeError."""
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe(duplex=False)
    process = fork.Process(target=_send, args=(theirs, function, args))
    process.start()
    theirs.close()
    try:
        fine, result = ours.recv()
    except EOFError:
        fine, result = False, "the process was killed, maybe for want of memory"
    process.join()
    if not fine:
        raise RuntimeError(result)
    return result


def _send(pipe, function, args):
    try:
        answer = True, function(*args)
    except Exception as error:
        answer = False, f"{type(error).__name__}: {error}"
    pipe.send(answer)
