"""Videos, writers and processes for the tests of the store."""

import multiprocessing

import numpy as np
from test_multimodal import videos

from sk_crossmodal.multimodal import StoreWriter

MODALITIES = {"video": {"width": 4, "dtype": "float32"}, "audio": {"width": 3, "dtype": "uint8"}}
LABELS = [[3, 1], [], [0], [4, 0, 4], [2]]
Y = np.array([[0, 1, 0, 1, 0], [0] * 5, [1, 0, 0, 0, 0], [1, 0, 0, 0, 1], [0, 0, 1, 0, 0]])
IDS = ["abcd", "é—日", "", "abcd", "a longer one"]
PARTS = {"b": [1, 0], "empty": [], "a": [4, 2, 3]}  # the videos in each part
ORDER = [1, 0, 4, 2, 3]


def content():
    """Five videos, ragged, of two dtypes."""
    return {"video": videos(np.float32)["video"], "audio": videos(np.uint8)["audio"]}


def flat(part, rows):
    """Return frames and lengths of one modality, as `append` takes them."""
    chosen = [part[row] for row in rows]
    nothing = np.empty((0, part[0].shape[1]), part[0].dtype)
    return np.concatenate([nothing, *chosen]), [len(each) for each in chosen]


def write_part(writer, name):
    """Write one of `PARTS`, one video after the other."""
    with writer.part(name) as part:
        for row in PARTS[name]:
            frames = {n: flat(each, [row]) for n, each in content().items()}
            part.append(frames, labels=[LABELS[row]], ids=[IDS[row]])


def write_all(path):
    """Write the missing parts of a store, and finish it."""
    writer = StoreWriter(path, MODALITIES, {"source": "synthetic", "sizes": [1, 2.5]})
    for name in PARTS:
        if not writer.done(name):
            write_part(writer, name)
    writer.finish(PARTS, n_labels=5)
    return writer


def files(path):
    """Return the bytes of every file below a folder, hidden files included."""
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def in_child(function, *args):
    """Call a function in a forked process; return its exit code."""
    child = multiprocessing.get_context("fork").Process(target=function, args=args)
    child.start()
    child.join()
    return child.exitcode
