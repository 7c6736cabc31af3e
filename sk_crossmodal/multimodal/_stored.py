"""Frames that stay on disk: a table over the files of a store, read by position."""

import os
from bisect import bisect_right
from functools import lru_cache

import numpy as np

OPEN_FILES = 64  # of one modality of one store, in one process; the limit is often 1024 in all


class StoredFrames:
    """The frames of one modality of a store, as much of an array as `Frames` needs.

    Parameters
    ----------
    files : FrameFiles
        Where they are.
    columns : slice, optional
        The features to give, by default all.
    """

    ndim = 2

    def __init__(self, files, columns=slice(None)):
        self.files, self.columns = files, columns
        self.dtype = files.dtype
        self.shape = (files.ends[-1], len(range(files.width)[columns]))

    @property
    def finite(self):
        """Whether all frames were found to be finite when they were written."""
        return self.files.finite

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, key):
        """Read ``[start:stop]``, or choose features without reading, ``[:, start:stop:step]``."""
        if isinstance(key, tuple):
            return StoredFrames(
                self.files, _slice_of_slice(self.columns, key[1], self.files.width)
            )
        start, stop, _ = key.indices(len(self))
        out = np.empty((max(0, stop - start), self.shape[1]), self.dtype)
        self.read_into(out, start)
        return out

    def read_into(self, out, start):
        """Fill C-contiguous `out` (k, n_features) with k frames, of which `start` is the first."""
        if self.shape[1] == self.files.width and self.columns.step in (None, 1):
            self.files.read_into(out, start)
        else:
            whole = np.empty((len(out), self.files.width), self.dtype)
            self.files.read_into(whole, start)
            out[:] = whole[:, self.columns]


class FrameFiles:
    """The files of one modality, one a part, read as if they lay behind each other.

    Reading is by `os.preadv` into the caller's buffer, and not by a memory map, whose pages count
    against limits on a process's memory. Threads and forked processes may read at the same time.
    A pickle, and ``joblib.hash``, know where the files are and not what is in them.

    Parameters
    ----------
    folder : str
        Absolute path of the folder of the parts.
    parts : tuple of str
        Their names, in order.
    name : str
        Name of the file in each.
    counts, offsets : tuple of int
        Frames of each part, and bytes of its file before the first.
    dtype : numpy.dtype
        What frames are made of.
    width : int
        Features of a frame.
    finite : bool
        Whether all were found to be finite when they were written.
    """

    def __init__(self, folder, parts, name, counts, offsets, dtype, width, finite):
        self._arguments = (folder, parts, name, counts, offsets, dtype, width, finite)
        self.parts, self.counts, self.offsets = parts, counts, offsets
        self.dtype, self.width, self.finite = dtype, width, finite
        self.ends = [0, *np.cumsum(counts).tolist()]  # the n-th part begins at ends[n]
        self._path = os.path.join(folder, "{}", name)
        self._open = lru_cache(OPEN_FILES)(_OpenFile)

    def __reduce__(self):
        return FrameFiles, self._arguments

    def read_into(self, out, start):
        """Fill C-contiguous `out` (k, width) with k frames, of which `start` is the first."""
        part = bisect_right(self.ends, start) - 1
        while len(out):
            here = out[: self.ends[part + 1] - start]
            if len(here):
                self._read_part(here, start - self.ends[part], part)
            out, start, part = out[len(here) :], start + len(here), part + 1

    def _read_part(self, out, start, part):
        row, head = self.width * self.dtype.itemsize, self.offsets[part]
        path = self._path.format(self.parts[part])
        # Whoever reads holds the file, so that it is not closed when others push it out.
        file = self._open(path, head + self.counts[part] * row)
        file.read_into(out, head + start * row)


class _OpenFile:
    """A descriptor that is closed when nobody holds it any more, and not before."""

    def __init__(self, path, size):
        self.path, self.size, self.fd = path, size, None
        try:
            self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise FileNotFoundError(
                f"{path} is gone: the store was moved or deleted after it was opened."
            ) from None
        self._check()

    def read_into(self, out, place):
        """Fill an array with the bytes from `place` on."""
        done = os.preadv(self.fd, [out], place)
        if done < out.nbytes:  # at most 2 GB at a time, or the file has become shorter
            self._check()
            self.read_into(out.reshape(-1).view(np.uint8)[done:], place + done)

    def _check(self):
        if (size := os.fstat(self.fd).st_size) != self.size:
            raise ValueError(
                f"{self.path} has {size} bytes, and had {self.size} when the store was opened: "
                "the store was changed since."
            )

    def __del__(self):
        if self.fd is not None:
            os.close(self.fd)


def _slice_of_slice(outer, inner, length):
    """Return the slice that picks what `inner` picks of what `outer` picks of `length`."""
    picked = range(length)[outer][inner]
    stop = None if picked.stop < 0 else picked.stop  # down to the first one
    return slice(picked.start, stop, picked.step)
