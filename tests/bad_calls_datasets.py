"""Wrong calls of the public functions of data sets: the call, its error and the message."""

import atexit
import os
import shutil
import tempfile
from functools import cache, partial
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch
from youtube8m_writer import framed, video_level, write_shard

from sk_crossmodal.datasets import (
    audioset_hierarchy,
    concatenate_videos,
    join_modalities,
    load_tfrecords,
    load_youtube8m,
    make_crossmodal_videos,
    youtube8m_hierarchy,
)
from sk_crossmodal.multimodal import as_multimodal

HEAD = "Index,KnowledgeGraphId,Name,Vertical1,Vertical2,Vertical3\n"


@cache
def folder():
    """Create files for the wrong calls, until this process ends."""
    place = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    write_shard(place / "good.tfrecord", [video_level(b"a"), video_level(b"b")])
    write_shard(place / "again.tfrecord", [video_level(b"b")])
    (place / "empty.tfrecord").touch()
    (place / "cut.tfrecord").write_bytes(framed(video_level())[:-1])
    (place / "gzip.tfrecord").write_bytes(b"\x1f\x8b" + bytes(30))
    (place / "bare").mkdir()
    (place / "busy").mkdir()
    (place / "busy" / "thesis.txt").write_text("all of it")
    os.mkfifo(place / "pipe")
    (place / "good.csv").write_text(HEAD + "0,/m/a,A,Games,,\n")
    return place


def shards(*names, **options):
    paths = [folder() / name for name in names]
    return load_youtube8m(paths, **options)


def given(paths):
    return load_youtube8m(paths() if callable(paths) else paths)


def with_option(**options):
    return shards("good.tfrecord", **options)


def stored(**options):
    return shards("good.tfrecord", store=folder() / "store", **options)


def vocabulary(text, **options):
    path = folder() / "wrong.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return youtube8m_hierarchy(path, **options)


def make(**options):
    return make_crossmodal_videos(**{"n_videos": 3, **options})


def loading():
    """Rows for `load_youtube8m`."""
    for name, paths in {
        "None": None, "int": 3, "bytes": b"a.tfrecord", "bool": True, "list of int": [3],
        "list of bytes": [b"a"], "list of None": [None], "nested list": [["a"]],
    }.items():  # fmt: skip
        yield f"paths {name}", partial(given, paths), TypeError, r"path.* got .+"
    yield "paths empty", partial(given, []), ValueError, "paths is empty; give at least one"
    yield "paths empty str", partial(given, ""), (ValueError, FileNotFoundError), "path|folder"
    yield (
        "paths with a zero",
        partial(given, "a\0b"),
        (ValueError, FileNotFoundError),
        "no shard at a",
    )
    for name, error, message in (
        ("missing.tfrecord", FileNotFoundError, r"no shard at .*missing\.tfrecord"),
        ("missing*", ValueError, r"pattern .*missing\* matches no files"),
        ("bare", ValueError, r"folder .*bare has no \*\.tfrecord files"),
        ("pipe", ValueError, r"must be a file or a folder of files, .*pipe is neither"),
        ("empty.tfrecord", ValueError, r"empty\.tfrecord, byte 0: the shard is empty"),
        ("cut.tfrecord", ValueError, r"cut\.tfrecord, byte 0: the file ends inside a record"),
        ("gzip.tfrecord", ValueError, r"byte 0: .*looks gzip-compressed, decompress it first"),
        ("good.csv", ValueError, r"good\.csv, byte 0: the checksum of the length"),
    ):
        yield f"path {name}", partial(shards, name), error, message
    yield (
        "shard twice", partial(shards, "good.tfrecord", "good.tfrecord"), ValueError,
        r"shard .*good\.tfrecord is listed twice",
    )  # fmt: skip
    yield (
        "video in two shards", partial(shards, "good.tfrecord", "again.tfrecord"), ValueError,
        r"again\.tfrecord, byte 0: the video 'b' is in .*good\.tfrecord, too",
    )  # fmt: skip
    for value in ("ignore", None, True, 3, ["raise"], np.array(["raise", "skip"])):
        error = ValueError if isinstance(value, str) else (TypeError, ValueError)
        message = r"on_error must be one of \('raise', 'skip'\), got "
        yield f"on_error {value!r}", partial(with_option, on_error=value), error, message
    for value in ("3", 2.0, True, [3], np.array([1, 2]), np.nan):
        message = r"max_frames must be an integer >= 1, got "
        yield f"max_frames {value!r}", partial(with_option, max_frames=value), TypeError, message
    for value in (0, -1, np.int64(0)):
        message = r"max_frames must be an integer >= 1, got "
        yield f"max_frames {value!r}", partial(with_option, max_frames=value), ValueError, message
    for value in (1, "yes", None):
        message = r"return_X_y must be True or False, got "
        yield f"return_X_y {value!r}", partial(with_option, return_X_y=value), TypeError, message
    for value in (3, b"store", True, ["store"]):
        message = r"store must be a str, path-like or None, got "
        yield f"store {value!r}", partial(with_option, store=value), TypeError, message
    for value in (1.5, "2", True, [1]):
        yield (
            f"n_jobs {value!r}",
            partial(stored, n_jobs=value),
            TypeError,
            r"n_jobs must be .*got ",
        )
    yield "n_jobs 0", partial(stored, n_jobs=0), ValueError, r"n_jobs must be .*got 0"
    for value in (1, "yes"):
        message = r"progress must be True, False or None, got "
        yield f"progress {value!r}", partial(stored, progress=value), TypeError, message
    yield (
        "store is a file",
        partial(in_place, "good.csv"),
        ValueError,
        r"A store is a folder, but .*good\.csv is a file",
    )
    yield "store is no store", partial(in_place, "busy"), ValueError, r"busy is no store"


def records(**options):
    """Rows for `load_tfrecords` differ from those of `load_youtube8m` in its own parameters."""
    return load_tfrecords(folder() / "good.tfrecord", **options)


def tfrecords():
    """Rows for `load_tfrecords`, and for the segments of `load_youtube8m`."""
    wanted = r"features must be a dict of modality: \(feature, width\).*got "
    for value in ("audio", ["audio"], {"a": "audio"}, {"a": ("audio",)}, {"a": ("audio", 1.0)},
                  {"a": ("audio", True)}, {"a": (3, 128)}):  # fmt: skip
        yield f"features {value!r}", partial(records, features=value), TypeError, wanted
    yield "features names", partial(records, features={3: ("audio", 128)}), TypeError, "got 3"
    for value in ({}, {"a": ("audio", 0)}, {"a": ("x", 1), "b": ("x", 1)}):
        yield f"features {value!r}", partial(records, features=value), ValueError, wanted
    for value in (3, [3], b"labels"):
        message = r"labels must be the name of a feature, or several .*got "
        yield f"labels {value!r}", partial(records, labels=value), TypeError, message
    for value in ("", [], ["a", ""]):
        message = r"ids must be the name of a feature, or several .*got "
        yield f"ids {value!r}", partial(records, ids=value), ValueError, message
    yield "ids None", partial(records, ids=None), TypeError, "ids must be the name"
    for value in (2, "-2,2", (1, 2, 3), (None, 2)):
        message = r"quantization must be .*got "
        yield f"quantization {value!r}", partial(records, quantization=value), TypeError, message
    for value in ((2, -2), (1, 1), (0, np.inf)):
        message = r"quantization must be .*got "
        yield f"quantization {value!r}", partial(records, quantization=value), ValueError, message
    yield "tfrecords on_error", partial(records, on_error="no"), ValueError, "on_error must be one"
    yield "tfrecords max_frames", partial(records, max_frames=0), ValueError, "max_frames must be"
    yield "tfrecords n_jobs", partial(records, n_jobs=0), ValueError, "n_jobs must be"
    yield "tfrecords X_y", partial(records, return_X_y=1), TypeError, "return_X_y must be"
    yield "tfrecords store", partial(records, store=3), TypeError, "store must be"
    yield "tfrecords progress", partial(records, progress=1), TypeError, "progress must be"
    for value, error in (("some", ValueError), (None, TypeError), (1, TypeError), ([], TypeError)):
        message = r"segments must be False, True, 'rated' or 'all', got "
        yield f"segments {value!r}", partial(with_option, segments=value), error, message
    means = r"segments need frame-level shards, .*good\.tfrecord is video-level"
    yield "segments of means", partial(with_option, segments=True), ValueError, means


def ontologies():
    """Rows for `audioset_hierarchy`."""
    good = folder() / "good.csv"
    for value in (None, 3, ["a.json"]):
        message = "ontology_json must be a path and encoding a str, got "
        yield f"ontology {value!r}", partial(audioset_hierarchy, value), TypeError, message
    for value in (3, ["a.csv"]):
        message = "class_labels_csv must be a path and encoding a str, got "
        yield f"classes {value!r}", partial(audioset_hierarchy, good, value), TypeError, message
    for value, error in ((None, TypeError), ("klingon", ValueError)):
        call = partial(audioset_hierarchy, good, encoding=value)
        yield f"ontology encoding {value!r}", call, error, "encoding .*got "
    yield "ontology missing", partial(audioset_hierarchy, "no.json"), FileNotFoundError, "no.json"
    yield "ontology folder", partial(audioset_hierarchy, folder()), ValueError, "must be a file"
    yield "ontology CSV", partial(audioset_hierarchy, good), ValueError, r"good\.csv is not JSON"


def joins():
    """Rows for `join_modalities` and `concatenate_videos`."""
    X = as_multimodal({"a": np.ones((2, 1, 3))})
    good, other = Bunch(data=X, ids=["a", "b"]), Bunch(data=as_multimodal({"b": np.ones((2, 3))}))
    for name, function in (("join", join_modalities), ("concatenate", concatenate_videos)):
        for value, error in (
            (3, TypeError),
            (good, TypeError),
            ("ab", TypeError),
            ([], ValueError),
        ):
            message = "bunches must (be a list of|have at least one) data set"
            yield f"{name} {type(value).__name__}", partial(function, value), error, message
        call = partial(function, [good, X])
        yield f"{name} X", call, TypeError, "data set 1 must be a Bunch with data, .*got Multi"
        call = partial(function, [good, Bunch(data=None)])
        yield f"{name} without data", call, TypeError, "data set 1 must be a Bunch with data"
        call = partial(function, [Bunch(data=X, ids=["a"])])
        yield f"{name} few ids", call, ValueError, "data set 0 has 1 ids for 2 videos"
        call = partial(function, [Bunch(data=X, ids=["a", "b"], target=[()] * 3)])
        yield f"{name} labels", call, ValueError, "data set 0 has 3 target for 2 videos"
        for names in (["x"], "xy"):
            call = partial(function, [good, good], names=names)
            yield f"{name} names {names}", call, ValueError, "names must name 2 data sets, got "
        call = partial(function, [Bunch(data=X, ids=["a", "a"])])
        yield f"{name} id twice", call, ValueError, "the id 'a' is given twice in .*data set 0"
    yield "join no ids", partial(join_modalities, [good, other]), ValueError, "1 has no ids"
    yield "join one modality", partial(join_modalities, [good] * 2), ValueError, "is in several"
    call = partial(concatenate_videos, [good, other])
    yield "concatenate modalities", call, ValueError, "must have the same modalities"
    call = partial(concatenate_videos, [good, Bunch(data=X)])
    yield "concatenate ids", call, ValueError, "have ids, others none"


def in_place(name):
    return shards("good.tfrecord", store=folder() / name)


def vocabularies():
    """Rows for `youtube8m_hierarchy`."""
    for value in (None, 3, b"a.csv", ["a.csv"]):
        message = r"vocabulary_csv must be a path and encoding a str, got "
        yield f"vocabulary {value!r}", partial(youtube8m_hierarchy, value), TypeError, message
    path = folder() / "missing.csv"
    yield (
        "vocabulary missing",
        partial(youtube8m_hierarchy, path),
        FileNotFoundError,
        "missing.csv",
    )
    for name in ("bare", "pipe"):
        message = rf"vocabulary_csv must be a file, .*{name} is not"
        yield (
            f"vocabulary {name}",
            lambda n=name: youtube8m_hierarchy(folder() / n),
            ValueError,
            message,
        )
    for value in (None, 3, b"utf-8"):
        message = "path and encoding a str, got .*wrong"
        yield f"encoding {value!r}", partial(vocabulary, HEAD, encoding=value), TypeError, message
    for value in ("klingon", ""):
        message = "encoding must be one that Python knows, got "
        yield f"encoding {value!r}", partial(vocabulary, HEAD, encoding=value), ValueError, message
    for name, text, message in (
        ("empty", "", r"wrong\.csv lacks the columns Index, Know"),
        ("without rows", HEAD, r"wrong\.csv has no entities"),
        ("without a column", HEAD.replace(",Name", ""), r"lacks the columns Name"),
        ("not in UTF-8", HEAD.encode() + b"0,\xff,A,B,,\n", r"wrong\.csv is not utf-8-sig: "),
        ("quote open", HEAD + '0,/m/a,"A,B,,\n', r"wrong\.csv, line 2: unexpected end of data"),
        ("huge field", HEAD + f"0,/m/a,{'A' * 200_000},B,,\n", r"line 2: field larger than"),
        ("negative index", HEAD + "-1,/m/a,A,B,,\n", r"line 2: the Index must be .* got '-1'"),
        ("index no number", HEAD + "x,/m/a,A,B,,\n", r"line 2: the Index must be .* got 'x'"),
        ("index a float", HEAD + "1.0,/m/a,A,B,,\n", r"line 2: the Index must be .* got '1\.0'"),
        (
            "huge index",
            HEAD + "9" * 5000 + ",,,,,\n",
            r"line 2: the Index must be .* at most 9 digits",
        ),
        ("index twice", HEAD + "1,,,,,\n1,,,,,\n", r"line 3: the Index 1 is given twice"),
    ):
        yield f"vocabulary {name}", partial(vocabulary, text), ValueError, message


def made():
    """Rows for `make_crossmodal_videos`."""
    wrong = {
        "n_videos": [0, -1, 2.0, "3", None, True, np.nan],
        "n_distractors": [-1, 1.0, "2", None],
        "irrelevant_audio": [-0.1, 1.1, "0", None, np.nan, True],
        "music_bed": [2, None, np.inf],
        "static_video": [-1, "a"],
        "stretch": [-1, np.inf, np.nan, None, "1", True],
        "audio_detail": [-0.1, None],
        "video_noise": [-1, np.nan],
        "audio_noise": ["0", -np.inf],
        "n_frames": [5, (20, 16), (16.0, 22), (16, 20, 22), None, ("a", "b"), (0, 30)],
        "scene_frames": [(0, 1), (3, 2), 2],
        "lead": [(-1, 2), 3, (1, None)],
        "branching": [(8, 2, 2), (8, 2, 2, 0), 8, (8.0, 2, 2, 2), None, "8222", (True, 1, 1, 1)],
        "n_features": [64, {"video": 0}, {"text": 3}, {"video": 2.0}, {"audio": True}],
        "structure_seed": ["a", -1, 1.5, None, 2**32],
        "random_state": ["a", -1, 1.5, 2**40],
    }
    for name, values in wrong.items():
        for value in values:
            shown = rf"{name} must .*got .+"
            yield f"{name} {value!r}", partial(make, **{name: value}), ValueError, shown
    both = {"irrelevant_audio": 0.7, "static_video": 0.5}
    yield "shares above 1", partial(make, **both), ValueError, r"at most 1, got 0\.7 and 0\.5"
    few = {"branching": (3, 2, 2, 2)}
    yield "few labels", partial(make, **few), ValueError, r"need 4 top-level .* has 3"
    short = {"n_frames": (5, 9)}
    yield "no room", partial(make, **short), ValueError, r"need 14 frames, the shortest has 5"


CASES = [*loading(), *tfrecords(), *ontologies(), *joins(), *vocabularies(), *made()]
