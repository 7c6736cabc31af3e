"""Measure time and memory in forked processes with all imports done. Linux only."""

import ctypes
import gc
import multiprocessing
import time
from pathlib import Path

MB = 1e6


def resident(field):
    """Return resident memory of this process in bytes: "VmRSS" (now) or "VmHWM" (peak)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def memory_and_time(call):
    """Return the increase of peak resident memory during a call in MB, and its seconds."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # so that freed memory cannot be used again
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before, start = resident("VmRSS"), time.perf_counter()
    call()
    seconds = time.perf_counter() - start
    return max(0.0, (resident("VmHWM") - before) / MB), seconds


def in_fork(function, *args):
    """Call a function in a forked process; its errors are raised as RuntimeError."""
    fork = multiprocessing.get_context("fork")
    receiver, sender = fork.Pipe(duplex=False)
    process = fork.Process(target=_send, args=(sender, function, args))
    process.start()
    sender.close()
    try:
        success, result = receiver.recv()
    except EOFError:
        success, result = False, "the process was killed, perhaps out of memory"
    process.join()
    if not success:
        raise RuntimeError(result)
    return result


def _send(pipe, function, args):
    try:
        result = True, function(*args)
    except Exception as error:
        result = False, f"{type(error).__name__}: {error}"
    pipe.send(result)
