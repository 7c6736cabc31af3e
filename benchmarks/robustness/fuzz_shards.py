"""Coverage-guided fuzzing of the readers of shards, records and the vocabulary.

Atheris (``pip install atheris``) mutates inputs and keeps those that reach new code. Any input
must be read in bounded memory and time, or raise a ValueError that names the offset; the result
must equal that of protobuf with a second schema below.
"""

import io
import json
import os
import re
import subprocess
import sys
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from campaign import main
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests"))

import youtube8m_writer as w

FULL = {"payload": 1_000_000, "shard": 70_000, "vocabulary": 50_000}
QUICK = {"payload": 2_000, "shard": 1_000, "vocabulary": 500}
WIDTHS = {"video": 1024, "audio": 128}
RSS_MB, SECONDS = 2048, 20  # limits per input, enforced by libFuzzer


# Checks -----------------------------------------------------------------------------------


def check_payload(payload):
    """Read a record and compare with protobuf; return whether it was accepted."""
    from sk_crossmodal.datasets._records import RecordError, read_video

    try:
        video = read_video(payload)
    except RecordError as error:
        expect(0 < len(str(error)) < 1000, error)
        return False
    context, lists = parse(payload)
    names = context.get("id") or context["video_id"]
    assert [video.name.encode()] == list(names.bytes_list.value)
    labels = context["labels"].int64_list.value if "labels" in context else ()
    assert video.labels == tuple(sorted(set(labels)))
    assert all(0 <= label < 2**31 for label in video.labels)
    assert (video.level == "frame") == bool(lists)
    for key, (mean, frame) in {
        "video": ("mean_rgb", "rgb"),
        "audio": ("mean_audio", "audio"),
    }.items():
        found, width = video.frames[key], WIDTHS[key]
        if lists:
            strings = [feature.bytes_list.value for feature in lists[frame].feature]
            assert all(len(each) == 1 for each in strings)
            expected, dtype = b"".join(each[0] for each in strings), np.uint8
        else:
            expected, dtype = np.array(context[mean].float_list.value, "<f4").tobytes(), np.float32
        assert (found.dtype, found.shape[1], found.tobytes()) == (dtype, width, expected)
        assert dtype == np.uint8 or np.isfinite(found).all()
    return True


def check_shard(data):
    """Read a shard with on_error "raise" and "skip"; return the number of videos."""
    from sk_crossmodal.datasets import load_youtube8m

    path = scratch("fuzzed.tfrecord")
    path.write_bytes(data)
    bunches = {}
    for on_error in ("raise", "skip"):
        try:
            bunches[on_error] = load_youtube8m(path, on_error=on_error)
        except ValueError as error:
            nothing = f"no video could be read from 1 shard(s); first: {path}, byte "
            expect(str(error).startswith((f"{path}, byte ", nothing)), error)
            expect(len(str(error)) < 2000, error)
    for on_error, bunch in bunches.items():
        assert on_error == "skip" or not bunch.skipped
        assert len(set(bunch.ids.tolist())) == len(bunch.ids) == len(bunch.data)
        for name in bunch.ids.tolist():
            assert name.encode() in data
    if "raise" in bunches:
        assert bunches["raise"].data.digest() == bunches["skip"].data.digest()
    return len(bunches["skip"].ids) if "skip" in bunches else 0


def check_vocabulary(data):
    """Read a vocabulary; return whether it was accepted."""
    from sk_crossmodal.datasets import youtube8m_hierarchy

    path = scratch("fuzzed.csv")
    path.write_bytes(data)
    try:
        hierarchy = youtube8m_hierarchy(path)
    except ValueError as error:
        expect(str(path) in str(error) and len(str(error)) < 2000, error)
        return False
    indices = [node for node in hierarchy.nodes if isinstance(node, int)]
    assert indices
    assert indices == sorted(set(indices))
    assert all(hierarchy.parents(index) for index in indices)
    return True


def expect(condition, error):
    """Check the form of an error message."""
    if not condition:
        raise AssertionError(f"unexpected message: {error}") from error


def scratch(name):
    """Return a file of this process for inputs, which TMPDIR may place in memory."""
    return Path(tempfile.gettempdir(), f"sk_crossmodal-{os.getpid()}-{name}")


CHECKS = {"payload": check_payload, "shard": check_shard, "vocabulary": check_vocabulary}


# The second schema, as text ---------------------------------------------------------------

SCHEMA = """
BytesList: repeated bytes value = 1
FloatList: repeated float value = 1
Int64List: repeated int64 value = 1
Feature: optional BytesList bytes_list = 1, optional FloatList float_list = 2,
         optional Int64List int64_list = 3
FeatureList: repeated Feature feature = 1
FeatureEntry: optional string key = 1, optional Feature value = 2
FeatureListEntry: optional string key = 1, optional FeatureList value = 2
Features: repeated FeatureEntry feature = 1
FeatureLists: repeated FeatureListEntry feature_list = 1
SequenceExample: optional Features context = 1, optional FeatureLists feature_lists = 2
"""


@cache
def sequence_example():
    """Return the class of `SequenceExample`, with maps as lists of entries."""
    field, file = descriptor_pb2.FieldDescriptorProto, descriptor_pb2.FileDescriptorProto()
    file.name, file.package, file.syntax = "fuzzed.proto", "fuzzed", "proto3"
    for line in re.sub(r",\n +", ", ", SCHEMA.strip()).split("\n"):
        name, _, fields = line.partition(": ")
        message = file.message_type.add(name=name)
        if name == "Feature":
            message.oneof_decl.add(name="kind")
        for each in fields.split(", "):
            label, kind, key, _, number = each.split()
            one = message.field.add(name=key, number=int(number))
            one.label = getattr(field, f"LABEL_{label.upper()}")
            if name == "Feature":
                one.oneof_index = 0
            if kind[0].isupper():
                one.type, one.type_name = field.TYPE_MESSAGE, f".fuzzed.{kind}"
            else:
                one.type = getattr(field, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("fuzzed.SequenceExample"))


def parse(payload):
    """Return context and feature lists as dicts.

    The last of repeated entries counts, but protobuf's fast implementation ignores entries with
    unknown fields.
    """
    message = sequence_example()()
    try:
        message.ParseFromString(payload)
    except DecodeError:
        raise AssertionError("accepted, but invalid for protobuf") from None
    entries = message.context.feature, message.feature_lists.feature_list
    context, lists = (
        {entry.key: entry.value for entry in each if not len(UnknownFieldSet(entry))}
        for each in entries
    )
    return context, lists


# Initial inputs ---------------------------------------------------------------------------

#: Inputs of past failures, and unusual ones; the tests replay them.
PAST = {
    "payload": [
        b"",
        b"\x0a",
        b"\x0b",
        b"\x12\x00",
        b"\x0a\x02\x0a\x00",
        b"\x0a" + b"\xff" * 11,
        b"\x0a\xff\xff\xff\xff\x7f",
        w.block(1, b"") * 3,
        w.block(1, w.block(1, w.block(1, b"\xff"))),
        w.frame_level(b"abcd", (3,), [], []),
        w.frame_level(b"a\x00", (3,), [], []),
        w.frame_level(b"x" * 10_000, (3,), [], []),
        w.frame_level(b"abcd", (-1,), [], []),
        w.frame_level(b"abcd", (2**31,), [], []),
        w.frame_level(b"abcd", range(5000), [bytes(1024)], [bytes(128)] * 2),
        w.frame_level(b"abcd", (), [bytes(1024)] * 2, [bytes(128)]) * 2,
        w.block(
            1,
            w.mapping({"id": w.bytes_feature(b"a")})
            + w.block(1, w.block(1, b"id") + w.block(2, w.bytes_feature(b"b")) + b"=    "),
        )
        + w.block(2, w.mapping({"rgb": b"", "audio": b""})),
        w.sequence_example(
            {"id": w.bytes_feature(b"a")}, {"rgb": [w.bytes_feature(*[b""] * 9999)], "audio": []}
        ),
        w.video_level(mean_rgb=w.block(2, w.block(1, b"\0" * 4097))),
    ],
    "shard": [
        b"",
        bytes(1000),
        b"\x1f\x8b" + bytes(30),
        w.framed(b""),
        w.framed(w.frame_level(b"a", (), [], [])) * 2,
        w.framed(w.frame_level(b"a", (), [], []))[:-1] + w.framed(w.frame_level(b"b", (), [], [])),
        w.framed(w.frame_level(b"a", (), [], [])) + w.framed(w.video_level(b"b")),
    ],
    "vocabulary": [],
}
HEAD = b"Index,KnowledgeGraphId,Name,Vertical1,Vertical2,Vertical3\n"
PAST["vocabulary"] = [
    b"",
    HEAD,
    HEAD + b"0,/m/a,A,Games,,\n1,/m/b,B,Games,Sports,\n",
    HEAD + b"0,/m/a,\xff,Games,,\n",
    HEAD + b'0,/m/a,"A,Games,,\n',
    HEAD + b"0,/m/a,A" + b"x" * 140_000 + b",Games,,\n",
    HEAD + b"9" * 5000 + b",/m/a,A,Games,,\n",
    HEAD + b"0,/m/a,A\0,Games,,\n",
    HEAD + b"0,/m/a,A,Games,,\r1,/m/b,B,,,\n",
    HEAD + b"0,/m/a,A,,,,further,columns\n",
    HEAD + b"11\x1d,/m/a,A,,,\n",
]  # fmt: skip


def seeds(kind):
    """Return initial inputs: past failures, valid records, and real records if available."""
    data = Path(os.environ.get("SK_CROSSMODAL_DATA", Path(__file__).parents[3] / "shared/data"))
    real = sorted(data.glob("youtube8m/video_level/*.tfrecord"))[:3]
    inputs = list(PAST[kind])
    if kind == "vocabulary":
        inputs += [path.read_bytes()[:20_000] for path in data.glob("youtube8m/labels/vocab*.csv")]
    for path in real if kind != "vocabulary" else ():
        with io.BytesIO(path.read_bytes()[:50_000]) as file:
            length = int.from_bytes(file.read(8), "little")
            record = file.read(4 + length + 4)
        inputs.append(record[4:-4] if kind == "payload" else file_of(path, 2))
    if kind == "shard":
        frames = [
            w.frame_level(b"%d" % i, (i,), [bytes(1024)] * i, [bytes(128)]) for i in range(3)
        ]
        inputs.append(b"".join(map(w.framed, frames)))
        inputs.append(b"P" + b"\xfe\xfe".join(frames))
    return inputs


def file_of(path, n_records):
    """Return the first records of a shard."""
    data, end = path.read_bytes(), 0
    for _ in range(n_records):
        end += 16 + int.from_bytes(data[end : end + 8], "little")
    return data[:end]


# Run --------------------------------------------------------------------------------------


def target(kind, counted):
    """Return the function that is called with each input; a shard that starts with P is framed."""
    check = CHECKS[kind]
    counts = {"tried": 0, "accepted": 0}

    def run(data):
        if kind == "shard" and data[:1] == b"P":
            data = b"".join(map(w_framed, data[1:].split(b"\xfe\xfe")))
        counts["accepted"] += bool(check(data))
        counts["tried"] += 1
        if counts["tried"] % 500 == 0:
            Path(counted).write_text(json.dumps(counts))

    return run


def w_framed(payload):
    """Frame a payload with the fast checksum."""
    from sk_crossmodal.datasets._tfrecord import masked_crc32c

    length = len(payload).to_bytes(8, "little")
    checksums = (masked_crc32c(part).to_bytes(4, "little") for part in (length, payload))
    return length + next(checksums) + payload + next(checksums)


def fuzz(kind, counted, arguments):
    """Fuzz one part in this process, which ends with it."""
    import atheris

    with atheris.instrument_imports(include=["sk_crossmodal.datasets"]):
        import sk_crossmodal.datasets  # noqa: F401 - to instrument it
    sequence_example()
    atheris.Setup([sys.argv[0], *arguments], target(kind, counted))
    atheris.Fuzz()


def campaign(seed, **runs):
    """Fuzz each part in a new process."""
    results = {kind: run(kind, count, seed) for kind, count in runs.items()}
    return {**results, "failed": sum(one["crashes"] for one in results.values())}


def run(kind, count, seed):
    """Run the fuzzer on one part, and parse its report."""
    with tempfile.TemporaryDirectory() as folder:
        corpus, crashes = Path(folder, "corpus"), Path(folder, "crashes")
        corpus.mkdir()
        crashes.mkdir()
        for i, data in enumerate(seeds(kind)):
            Path(corpus, str(i)).write_bytes(data)
        options = [f"-runs={count}", f"-seed={seed + 1}", "-max_len=20000", f"-timeout={SECONDS}"]
        options += [f"-rss_limit_mb={RSS_MB}", f"-artifact_prefix={crashes}/", str(corpus)]
        command = [sys.executable, __file__, "fuzz", kind, f"{folder}/counts", *options]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        found = [path.read_bytes()[:300].hex() for path in sorted(crashes.iterdir())]
        inputs = len(list(corpus.iterdir()))
        counts = Path(folder, "counts")
        counts = json.loads(counts.read_text()) if counts.exists() else {}
    states = re.findall(r"#(\d+)\s+\w+\s+cov: (\d+) ft: (\d+)", done.stderr)
    ran = re.search(r"Done (\d+) runs in (\d+)", done.stderr)
    tail = done.stderr[-1500:] if found or not ran else ""
    if tail:
        print(tail, file=sys.stderr)
    peaks = [int(mb) for mb in re.findall(r"rss: (\d+)Mb", done.stderr)]
    return {
        "executions": int(ran[1]) if ran else int(states[-1][0]) if states else 0,
        "seconds": int(ran[2]) if ran else None,
        "accepted": counts.get("accepted"),
        "seeds": len(seeds(kind)),
        "corpus": inputs,
        "edges_at_first": int(states[0][1]) if states else None,
        "edges": int(states[-1][1]) if states else None,
        "features": int(states[-1][2]) if states else None,
        "peak_mb": max(peaks, default=None),
        "crashes": max(len(found), 0 if ran else 1),
        "found": found,
    }


if __name__ == "__main__":
    if sys.argv[1:2] == ["fuzz"]:
        fuzz(sys.argv[2], sys.argv[3], sys.argv[4:])
    else:
        if find_spec("atheris") is None:
            sys.exit("atheris is missing: pip install atheris")
        main(campaign, FULL, QUICK, packages=("atheris", "protobuf", "google-crc32c"))
