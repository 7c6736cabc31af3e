"""Let the writing of checkpoints fail, or end the process, at a given operation.

The operations of one checkpoint are: create the new file, write half of it, write the rest, flush
it to the disk (before and after), rename it (before and after).
"""

import builtins
import os
import stat
from contextlib import contextmanager
from unittest import mock

from sk_crossmodal import _files

FSYNC, REPLACE = os.fsync, os.replace


class Operations:
    """Counts the operations, and calls `act` at one of them.

    Parameters
    ----------
    at : int
        Number of the operation, from 0; operations are only counted if it is not reached.
    act : callable
        Raises an error, or ends the process.
    lasting : bool
        Whether later operations fail as well, as on a full disk.
    """

    def __init__(self, at, act, lasting=False):
        self.at, self.act, self.lasting, self.count = at, act, lasting, 0

    def next(self):
        """Count an operation."""
        number, self.count = self.count, self.count + 1
        if number == self.at or (self.lasting and number > self.at):
            self.act()

    def open(self, path, mode="r", *args, **kwargs):
        """Open a file; when writing, each half is an operation."""
        if "x" not in mode:
            return builtins.open(path, mode, *args, **kwargs)
        self.next()
        return Halves(builtins.open(path, mode, *args, **kwargs), self)

    def fsync(self, number):
        """Flush a file to the disk; a folder, whose errors are ignored, is no operation."""
        is_folder = stat.S_ISDIR(os.fstat(number).st_mode)
        if not is_folder:
            self.next()
        FSYNC(number)
        if not is_folder:
            self.next()

    def replace(self, *paths):
        """Rename a file."""
        self.next()
        REPLACE(*paths)
        self.next()

    @contextmanager
    def installed(self):
        """Write checkpoints with these operations."""
        with (
            mock.patch.multiple(os, fsync=self.fsync, replace=self.replace),
            mock.patch.object(_files, "open", self.open, create=True),
        ):
            yield self


class Halves:
    """A file that is written in two halves."""

    def __init__(self, file, operations):
        self.file, self.operations = file, operations

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def __getattr__(self, name):
        return getattr(self.file, name)

    def write(self, data):
        """Write half of the data, and then the rest."""
        half = len(data) // 2
        self.operations.next()
        self.file.write(data[:half])
        self.file.flush()
        self.operations.next()
        return half + self.file.write(data[half:])
