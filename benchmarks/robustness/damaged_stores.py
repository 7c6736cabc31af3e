"""Damage a store in every way, and read it: the error is clear, or the data are right.

The numbers of frames have no checksum. Damage to them is counted separately, and must change
nothing but those numbers.
"""

import json
import random
import resource
import shutil
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import campaign
import numpy as np

from sk_crossmodal.multimodal import MultimodalArray, Store, StoreWriter

MODALITIES = {
    "video": {"width": 6, "dtype": "uint8", "scale": 0.5, "shift": -1.0},
    "a/b %": {"width": 3, "dtype": "float32"},
}
HUGE = (1 << 62, 1 << 31, 10**30, -1)


def make(folder):
    """Write a store of three parts, with labels and ids."""
    rng = np.random.default_rng(0)
    writer = StoreWriter(folder, MODALITIES, {"note": "é"})
    for name in ("b", "empty", "a"):
        with writer.part(name) as part:
            for i in range(0 if name == "empty" else 4):
                lengths = rng.integers(0, 4, size=2)
                frames = {
                    "video": (
                        rng.integers(0, 256, (lengths[0], 6)).astype(np.uint8),
                        [lengths[0]],
                    ),
                    "a/b %": (rng.normal(size=(lengths[1], 3)).astype("f4"), [lengths[1]]),
                }
                part.append(frames, labels=[(i, 5)], ids=[f"{name}{i}é"])
    writer.finish(["b", "empty", "a"], n_labels=6)


def content(folder):
    """Return everything that a user can read of a store, structure first."""
    store = Store.open(folder)
    X = MultimodalArray.open(folder)
    structure = (
        store.parts,
        [(name, X.lengths(name).tolist(), X.n_features[name]) for name in X.modality_names],
        X.quantization,
        store.attributes,
        None if store.target is None else store.target.toarray().tolist(),
        None if store.ids is None else store.ids.tolist(),
    )
    frames = [{name: each.tobytes() for name, each in X[row].items()} for row in range(len(X))]
    X.pad(np.arange(len(X)))
    return structure, frames


# Ways to damage ---------------------------------------------------------------------------


def pick(rng, folder, *patterns):
    """Choose a file."""
    return rng.choice(sorted(p for pattern in patterns for p in folder.rglob(pattern)))


def flip(rng, folder):
    """Change one byte of any file."""
    file = pick(rng, folder, "*.npy", "store.json")
    data = bytearray(file.read_bytes())
    data[rng.randrange(len(data))] ^= rng.randrange(1, 256)
    file.write_bytes(data)


def flip_numpy_header(rng, folder):
    """Change one byte of the header of an array."""
    file = pick(rng, folder, "*.npy")
    data = bytearray(file.read_bytes())
    data[rng.randrange(128)] ^= rng.randrange(1, 256)
    file.write_bytes(data)


def flip_lists(rng, folder):
    """Change one byte of the lengths, labels or ids."""
    file = pick(rng, folder, "*.lengths.npy", "labels.*.npy", "ids.*.npy")
    data = bytearray(file.read_bytes())
    data[rng.randrange(min(128, len(data) - 1), len(data))] ^= rng.randrange(1, 256)
    file.write_bytes(data)


def truncate(rng, folder):
    """Cut a file off."""
    file = pick(rng, folder, "*.npy", "store.json")
    file.write_bytes(file.read_bytes()[: rng.randrange(file.stat().st_size)])


def extend(rng, folder):
    """Append bytes to a file."""
    with open(pick(rng, folder, "*.npy", "store.json"), "ab") as file:
        file.write(rng.randbytes(rng.randrange(1, 200)))


def remove(rng, folder):
    """Remove a file or a part."""
    path = pick(rng, folder, "*.npy", "store.json", "parts/*", "parts")
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def swap(rng, folder):
    """Put one file in the place of another, or one part."""
    one, other = (pick(rng, folder, "*.npy") for _ in range(2))
    other.write_bytes(one.read_bytes())


def link(rng, folder):
    """Put a link in the place of a file: to nothing, to itself, to a folder, to a device."""
    file = pick(rng, folder, "*.npy", "store.json")
    file.unlink()
    file.symlink_to(rng.choice(["/nowhere/at/all", file.name, "/", "/dev/zero", "/dev/null"]))


def forge_numpy(rng, folder):
    """Declare another shape, dtype or order."""
    file = pick(rng, folder, "*.npy")
    length = rng.choice([*HUGE, 0, 1, 2, 3])
    shape = rng.choice([(length,), (length, 6), (length, 3), (length, length), (), (1, 1, length)])
    about = {
        "descr": rng.choice(
            ["|O", "<f8", ">f4", "|u1", "<i8", "<M8[s]", "|V9", "|S5", "nonsense"]
        ),
        "fortran_order": rng.choice([True, False]),
        "shape": shape,
    }
    text = rng.choice(
        [repr(about), repr(about), "(" * 9000, "__import__('os')", "{}", "[1]", "9" * 9000]
    )
    text = text.encode() + b" " * 8 + b"\n"
    head = (
        b"\x93NUMPY" + bytes([rng.choice([1, 1, 1, 2, 3, 9]), 0]) + len(text).to_bytes(2, "little")
    )
    file.write_bytes(head + text + file.read_bytes()[128:])


def forge_header(rng, folder):
    """Put another value in one place of store.json."""
    file = folder / "store.json"
    header = json.loads(file.read_text())
    keys = rng.choice(PLACES)
    place = header
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = rng.choice(VALUES)
    file.write_text(json.dumps(header))


def forge_structure(rng, folder):
    """Leave out, repeat or add something in store.json."""
    file = folder / "store.json"
    header = json.loads(file.read_text())
    what = rng.choice([header["parts"], header["modalities"]])
    way = rng.randrange(6)
    if way == 0:
        what.append(rng.choice(what))
    elif way == 1:
        what.pop(rng.randrange(len(what)))
    elif way == 2:
        what.reverse()
    elif way == 3:
        del rng.choice([header, *what])[rng.choice(["name", "parts", "ids", "width", "videos"])]
    elif way == 4:
        rng.choice(what)[rng.choice(["scales", "x"])] = 1
    else:
        file.write_text(rng.choice(["[" * 100_000, "", "null", "[]", "\x00", '{"format": 1}']))
        return
    file.write_text(json.dumps(header))


PLACES = [
    *[
        (key,)
        for key in ("format", "version", "modalities", "attributes", "parts", "n_labels", "ids")
    ],
    *[
        ("modalities", i, key)
        for i in (0, 1)
        for key in ("name", "width", "dtype", "scale", "shift", "finite")
    ],
    *[("parts", i, key) for i in (0, 2) for key in ("name", "videos", "frames")],
    ("parts", 0, "frames", "video"),
    ("parts", 2, "frames", "a/b %"),
]
VALUES = [
    None, True, False, 0, 1, 2, 3, 5, 7, -1, 1.5, 1e308, *HUGE, float("nan"), float("inf"), "",
    "video", "../../x", "/etc", "..", ".", "a/b", "b", "a", "\ud800", "x" * 5000, "uint8", "O",
    "float32", ">f4", [], [1], {}, {"name": 1}, {"video": 1}, [[]], [None],
]  # fmt: skip
WAYS = (
    flip,
    flip_numpy_header,
    flip_lists,
    truncate,
    extend,
    remove,
    swap,
    link,
    forge_numpy,
    forge_header,
    forge_structure,
)


def classify(folder, good, before):
    """Read a damaged store and return the class of the result; AssertionError if it is wrong."""
    try:
        structure, frames = content(folder)
    except (ValueError, OSError) as raised:
        error = raised
    else:
        error = None
    if error is not None:
        assert str(folder) in str(error), f"the error names no file: {error!r}"
        assert not isinstance(error, UnicodeError), f"a raw error: {error}"
        return "refused"
    if (structure, frames) == good:
        return "read, right"
    if changed(folder, before) <= {"numbers"}:
        return "read, other numbers that have no checksum"
    raise AssertionError("read, and wrong where the format can detect it")


def changed(folder, before):
    """Return the kinds of differences to the files before."""
    kinds = set()
    for name, data in before.items():
        path = folder / name
        if name == "store.json":
            now, was = json.loads(path.read_text()), json.loads(data)
            kinds |= {"numbers"} if json_free(now, was) else {"header"} if now != was else set()
        elif path.read_bytes() != data:
            same = path.read_bytes()[:128] == data[:128]
            kinds.add("numbers" if same else "array header")
    return kinds


def json_free(now, was):
    """Whether headers differ only in attributes, scaling and names, which may have any value."""

    def rest(header):
        plain = {k: v for k, v in header.items() if k not in ("attributes", "n_labels", "ids")}
        plain["modalities"] = [
            {k: v for k, v in m.items() if k not in ("scale", "shift", "finite")}
            for m in header["modalities"]
        ]
        # Fewer parts, or in another order, are another store of the same parts.
        plain["parts"] = [p["name"] for p in header["parts"]]
        return plain

    now, was = rest(now), rest(was)
    names = now.pop("parts")
    parts = set(names) <= set(was.pop("parts")) and len(set(names)) == len(names)
    modalities = {json.dumps(m, sort_keys=True) for m in now.pop("modalities")}
    return (
        parts
        and modalities
        <= {json.dumps(m) for m in (dict(sorted(m.items())) for m in was.pop("modalities"))}
        and now == was
    )


def run(damages, seed=0):
    """Damage and read a store many times; return the counts.

    Parameters
    ----------
    damages : int
        Number of trials.
    seed : int
        Random seed.
    """
    rng, results, failures = random.Random(seed), Counter(), []
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    with TemporaryDirectory() as folder:
        store, whole = Path(folder) / "store", Path(folder) / "whole"
        make(whole)
        good = content(whole)
        before = {
            str(p.relative_to(whole)): p.read_bytes() for p in whole.rglob("*") if p.is_file()
        }
        resource.setrlimit(resource.RLIMIT_AS, (used + (512 << 20), hard))
        try:
            for number in range(damages):
                shutil.rmtree(store, ignore_errors=True)
                shutil.copytree(whole, store)
                way = WAYS[number % len(WAYS)]
                try:
                    way(rng, store)
                except KeyError:  # the key to leave out is not there
                    continue
                try:
                    results[way.__name__, classify(store, good, before)] += 1
                except Exception as error:
                    failures.append(f"{number}, {way.__name__}: {type(error).__name__}: {error}")
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    table = {way.__name__: {} for way in WAYS}
    for (way, result), count in results.items():
        table[way][result] = count
    return {
        "tried": sum(results.values()) + len(failures),
        "results": table,
        "failed": len(failures),
        "failures": failures[:50],
    }


if __name__ == "__main__":
    campaign.main(run, full={"damages": 3000}, quick={"damages": 200})
