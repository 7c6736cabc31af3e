"""Kinds of damage to shards, with the expected result of each."""

import gzip
import os
import struct
import sys
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from fuzz_shards import parse

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests"))

import youtube8m_writer as w
from google_crc32c import value as crc32c

WIDTHS = {"rgb": 1024, "audio": 128}


class Case(NamedTuple):
    """Shards, and the expected result of loading them.

    `must` are required videos in order; `may` are optional ones in between. `flawed` says whether
    an error must be raised, or something skipped.
    """

    shards: list
    must: list
    may: list = []  # noqa: RUF012 - a default that nobody writes to
    flawed: bool = True


# Shards without damage --------------------------------------------------------------------


def framed(payload):
    """Frame a payload, like the writer of the tests, but fast."""
    length = struct.pack("<Q", len(payload))
    return length + masked(length) + payload + masked(payload)


def masked(data):
    """Return the masked checksum of the format."""
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17 & 0xFFFFFFFF) + 0xA282EAD8) & 0xFFFFFFFF)


def payloads_of(data):
    """Return the payloads of an undamaged shard."""
    payloads, offset = [], 0
    while offset < len(data):
        (length,) = struct.unpack_from("<Q", data, offset)
        payloads.append(data[offset + 12 : offset + 12 + length])
        offset += length + 16
    return payloads


def video_of(payload):
    """Parse id, labels and frames of a payload with protobuf and a second schema."""
    context, lists = parse(payload)
    labels = tuple(sorted(set(context["labels"].int64_list.value))) if "labels" in context else ()
    if lists:
        frames = [
            b"".join(feature.bytes_list.value[0] for feature in lists[name].feature)
            for name in WIDTHS
        ]
    else:
        means = [context[f"mean_{name}"].float_list.value for name in WIDTHS]
        frames = [np.array(values, "<f4").tobytes() for values in means]
    return (context["id"].bytes_list.value[0].decode(), labels, *frames)


def write_frames(rng, n, prefix):
    """Return payloads of frame-level videos of up to six frames."""
    return [
        w.frame_level(
            b"%s%d" % (prefix, i),
            rng.integers(3862, size=rng.integers(0, 5)).tolist(),
            *([rng.bytes(width) for _ in range(rng.integers(0, 7))] for width in WIDTHS.values()),
        )
        for i in range(n)
    ]


# Bytes that change ------------------------------------------------------------------------


def edited(payloads, start, end, new):
    """Replace some bytes; all records without them are required."""
    records = [framed(payload) for payload in payloads]
    edges = np.cumsum([0, *map(len, records)])
    data = b"".join(records)
    after = data[:start] + new + data[end:]
    videos = [video_of(payload) for payload in payloads]
    untouched = [
        video
        for video, first, last in zip(videos, edges[:-1], edges[1:], strict=True)
        if end <= first or last <= start or (start == end and not first < start < last)
    ]
    # Missing whole records cannot be detected: a shard does not store their number.
    missing = not new and {start, end} <= set(edges.tolist())
    flawed = after != data and not missing
    return Case([after], videos if after == data else untouched, videos, flawed)


def edges_of(payloads):
    """Return the offsets of the records, and the end."""
    return np.cumsum([0, *(len(payload) + 16 for payload in payloads)]).tolist()


def flip_length(rng, payloads):
    """Change one byte of a length."""
    return flip_in(rng, payloads, lambda n: (0, 8))


def flip_length_checksum(rng, payloads):
    """Change one byte of the checksum of a length."""
    return flip_in(rng, payloads, lambda n: (8, 12))


def flip_payload(rng, payloads):
    """Change one byte of a payload."""
    return flip_in(rng, payloads, lambda n: (12, n - 4))


def flip_payload_checksum(rng, payloads):
    """Change one byte of the checksum of a payload."""
    return flip_in(rng, payloads, lambda n: (n - 4, n))


def flip_bit(rng, payloads):
    """Change one bit anywhere."""
    return flip_in(rng, payloads, lambda n: (0, n), bit=True)


def flip_in(rng, payloads, places, *, bit=False):
    """Change one byte or bit of a random record, at one of the offsets."""
    i = int(rng.integers(len(payloads)))
    record = framed(payloads[i])
    place = int(rng.integers(*places(len(record))))
    new = record[place] ^ (1 << int(rng.integers(8)) if bit else int(rng.integers(1, 256)))
    start = edges_of(payloads)[i] + place
    return edited(payloads, start, start + 1, bytes([new]))


def truncate(rng, payloads):
    """Truncate the file anywhere."""
    size = edges_of(payloads)[-1]
    return edited(payloads, int(rng.integers(1, size)), size, b"")


def truncate_between(rng, payloads):
    """Truncate the file after a record, to a valid shorter shard."""
    edges = edges_of(payloads)
    return edited(payloads, edges[rng.integers(1, len(edges) - 1)], edges[-1], b"")


def stretch(rng, payloads):
    """Return two offsets in a shard, mostly close to each other."""
    size = edges_of(payloads)[-1]
    start = int(rng.integers(size))
    return start, min(size, start + int(2 ** rng.uniform(0, 13)))


def zeros(rng, payloads):
    """Overwrite a range with zeros."""
    start, end = stretch(rng, payloads)
    return edited(payloads, start, end, bytes(end - start))


def noise(rng, payloads):
    """Overwrite a range with random bytes."""
    start, end = stretch(rng, payloads)
    return edited(payloads, start, end, rng.bytes(end - start))


def removed(rng, payloads):
    """Remove a range."""
    start, end = stretch(rng, payloads)
    return edited(payloads, start, end, b"")


def inserted(rng, payloads):
    """Insert random bytes."""
    start, end = stretch(rng, payloads)
    return edited(payloads, start, start, rng.bytes(end - start))


def cut_and_rewritten(rng, payloads):
    """Cut a write, and repeat it after the rest."""
    edges = edges_of(payloads)
    i = int(rng.integers(len(payloads)))
    start = int(rng.integers(edges[i] + 1, edges[i + 1]))
    return edited(payloads, start, start, framed(payloads[i])[: start - edges[i]])._replace(
        shards=[b"".join(map(framed, payloads[:i])) + framed(payloads[i])[: start - edges[i]]
                + b"".join(map(framed, payloads[i:]))],
        must=[video_of(payload) for payload in payloads],
    )  # fmt: skip


# Records that are moved -------------------------------------------------------------------


def whole(payloads, must=None, *, flawed):
    """Return the case of an undamaged shard."""
    must = [video_of(payload) for payload in (payloads if must is None else must)]
    return Case([b"".join(map(framed, payloads))], must, flawed=flawed)


def duplicated(rng, payloads):
    """Repeat some records anywhere after the original."""
    many = list(payloads)
    for i in rng.choice(len(payloads), rng.integers(1, len(payloads)), replace=False):
        many.insert(int(rng.integers(many.index(payloads[i]) + 1, len(many) + 1)), payloads[i])
    return whole(many, payloads, flawed=True)


def same_name(rng, payloads):
    """Add another video with the id of an existing one."""
    other = w.video_level(video_of(payloads[0])[0].encode(), (1,))
    if b"rgb" in payloads[0] and b"mean_rgb" not in payloads[0]:
        other = w.frame_level(video_of(payloads[0])[0].encode(), (1,), [rng.bytes(1024)], [])
    return whole([*payloads, other], payloads, flawed=True)


def reordered(rng, payloads):
    """Reorder the records."""
    return whole([payloads[i] for i in rng.permutation(len(payloads))], flawed=False)


def concatenated(rng, payloads):
    """Concatenate two shards."""
    cut = int(rng.integers(len(payloads)))
    return whole(payloads[cut:] + payloads[:cut], flawed=False)


def concatenated_with_itself(rng, payloads):
    """Concatenate a shard with itself."""
    return whole(payloads * 2, payloads, flawed=True)


def in_two_shards(rng, payloads):
    """Put a record in two shards, which is always an error."""
    case, again = whole(payloads, flawed=True), framed(payloads[rng.integers(len(payloads))])
    return case._replace(shards=[*case.shards, again], must=None)


# Forged lengths and payloads with valid checksums -----------------------------------------


def forged_length(rng, payloads):
    """Replace a length and its checksum: small, similar, within the file, beyond it, huge."""
    i = int(rng.integers(len(payloads)))
    edges, n = edges_of(payloads), len(payloads[i])
    rest = edges[-1] - edges[i]
    lengths = [0, 1, n - 1, n + 1, rest - 17, rest - 16, rest - 15, rest, edges[-1] + 1, 2**24]
    lengths += [edges[-1] - edges[i] - 16, 2**31, 2**32 + n, 2**40, 2**63 - 1, 2**63, 2**64 - 1]
    lengths += [edge - edges[i] - 16 for edge in edges[i + 2 :]]
    length = struct.pack("<Q", rng.choice(np.array([x for x in lengths if x != n], np.uint64)))
    return edited(payloads, edges[i], edges[i] + 12, length + masked(length))


def many_bad_payloads(rng, payloads):
    """Insert hundreds of records with a wrong checksum, which must cost little time."""
    record, place = bytearray(framed(payloads[0])), edges_of(payloads)[rng.integers(len(payloads))]
    record[-1] ^= 1
    return edited(payloads, place, place, bytes(record) * int(rng.integers(100, 400)))


def forged_headers(rng, payloads):
    """Insert up to 4 MB of lengths with checksums, which claim the same bytes.

    The reader may give up on the rest of the file, to limit the time.
    """
    i, size = int(rng.integers(len(payloads))), int(2 ** rng.uniform(12, 22))
    place, most = edges_of(payloads)[i], int(rng.choice([0, 100, 2**14, 2**24]))
    case = edited(payloads, place, place, headers(size, most))
    return case._replace(must=case.must[:i])


def headers(size, most):
    """Return consecutive forged headers, each of which claims the rest, or `most`."""
    lengths = (struct.pack("<Q", min(rest, most)) for rest in range(size, 12, -12))
    return b"".join(length + masked(length) for length in lengths)


def forged(rng, payloads):
    """Replace a payload by a wrong one."""
    made = FORGED_FRAMES if is_frame(payloads[0]) else FORGED_MEANS
    name = list(made)[rng.integers(len(made))]
    return with_forged(payloads, int(rng.integers(len(payloads))), made[name])


def with_forged(payloads, i, forged):
    """Replace a payload, with the expected video if it is valid."""
    payload, accepted = forged
    many = [*payloads[:i], payload, *payloads[i + 1 :]]
    must = many if accepted else payloads[:i] + payloads[i + 1 :]
    return whole(many, must, flawed=not accepted)


def mutated(rng, payloads):
    """Change random bytes of a payload with a valid checksum; protobuf gives the result."""
    i = int(rng.integers(len(payloads)))
    payload = bytearray(payloads[i])
    for _ in range(rng.integers(1, 4)):
        # Mostly at names, labels, tags and lengths.
        reach = len(payload) if rng.integers(3) == 0 else min(len(payload), 120)
        payload[rng.integers(reach)] = rng.integers(256)
    payload = bytes(payload)
    others = [video_of(each) for k, each in enumerate(payloads) if k != i]
    many = [*payloads[:i], payload, *payloads[i + 1 :]]
    try:
        may = [video_of(payload)]
    except (AssertionError, KeyError, IndexError, UnicodeDecodeError):
        return whole(many, payloads[:i] + payloads[i + 1 :], flawed=True)
    case = Case([b"".join(map(framed, many))], others, [*others, *may], None)
    ordered = [*others[:i], *may, *others[i:]]
    return case._replace(may=ordered)


def is_frame(payload):
    """Whether a payload is frame-level."""
    return bool(parse(payload)[1])


def example(rgb=None, audio=None, **changes):
    """Return a video-level payload with given, perhaps wrong, fields."""
    return w.video_level(b"forged", changes.pop("labels", (1,)), rgb, audio, **changes)


def frames(rgb=(bytes(1024),), audio=(bytes(128),), **changes):
    """Return a frame-level payload with given, perhaps wrong, fields."""
    return w.frame_level(b"forged", rgb=rgb, audio=audio, **changes)


#: Payload, and whether it is valid.
FORGED_ANY = {
    "empty": (b"", False),
    "varint of eleven bytes": (b"\x0a" + b"\xff" * 10 + b"\x01", False),
    "length beyond the end": (b"\x0a\xff\xff\xff\xff\x07", False),
    "negative length": (b"\x0a" + w.varint(-5), False),
    "wire type of a group": (b"\x0b" * 200, False),
    "unknown wire type": (b"\x0f\x0f", False),
    "deep nesting": (b"\x0b" * 10_000 + b"\x0c" * 10_000, False),
    "name that is not UTF-8": (w.block(1, w.block(1, w.block(1, b"\xff\xfe"))), False),
    "field 1 as a number": (b"\x08\x01", False),
    "a million names": (w.block(1, b"".join(w.block(1, w.block(1, b"%d" % i))
                                            for i in range(100_000))), False),
}  # fmt: skip
FORGED_MEANS = {
    **FORGED_ANY,
    "no id": (example(id=None), False),
    "id that is not UTF-8": (example(id=w.bytes_feature(b"\xff")), False),
    "id with a zero": (example(id=w.bytes_feature(b"a\0")), False),
    "huge id": (example(id=w.bytes_feature(b"x" * 1_000_000)), False),
    "no means": (example(mean_rgb=None), False),
    "no sound": (example(mean_audio=None), False),
    "narrow": (example([0.0] * 1023), False),
    "wide": (example(audio=[0.0] * 129), False),
    "a million floats": (example(mean_rgb=w.block(2, w.block(1, bytes(4_000_000)))), False),
    "packed floats of odd length": (example(mean_rgb=w.block(2, w.block(1, bytes(4097)))), False),
    "integers instead of floats": (example(mean_rgb=w.int_feature([1] * 1024)), False),
    "NaN": (example([np.nan] * 1024), False),
    "infinity": (example(audio=[np.inf] + [0.0] * 127), False),
    "negative label": (example(labels=w.int_feature([-1])), False),
    "label beyond 32 bits": (example(labels=w.int_feature([2**31])), False),
    "label beyond 63 bits": (example(labels=w.int_feature([2**63])), False),
    "labels as bytes": (example(labels=w.bytes_feature(b"1")), False),
    "labels as floats": (example(labels=w.float_feature([1.0])), False),
    "largest label": (example(labels=w.int_feature([2**31 - 1])), True),
    "no labels": (example(labels=None), True),
    "a hundred thousand labels": (example(labels=w.int_feature(range(100_000))), True),
    "unpacked floats": (example(mean_rgb=w.float_feature([0.5] * 1024, packed=False)), True),
    "unknown features": (example(other=w.int_feature([1] * 9)), True),
}
FORGED_FRAMES = {
    **FORGED_ANY,
    "no rgb": (frames(rgb=None), False),
    "no audio": (frames(audio=None), False),
    "narrow frame": (frames(rgb=[bytes(1023)]), False),
    "one wide frame": (frames(audio=[bytes(128), bytes(129)]), False),
    "negative label": (frames(labels=(-1,)), False),
    "id with a zero": (w.frame_level(b"a\0", rgb=[], audio=[]), False),
    "frame of many strings": (
        w.sequence_example({"id": w.bytes_feature(b"a")},
                           {"rgb": [w.bytes_feature(*[b""] * 100_000)], "audio": []}), False),
    "a hundred thousand empty frames": (
        w.sequence_example({"id": w.bytes_feature(b"a")},
                           {"rgb": [b""] * 100_000, "audio": []}), False),
    "frames of floats": (
        w.sequence_example({"id": w.bytes_feature(b"a")},
                           {"rgb": [w.float_feature([0.0] * 1024)], "audio": []}), False),
    "cut off": (frames()[:-1], False),
    "more audio than video frames": (frames(audio=[bytes(128)] * 9), True),
    "no frames": (frames(rgb=[], audio=[]), True),
    "label out of the vocabulary": (frames(labels=(9999,)), True),
}  # fmt: skip

#: Kinds of damage: functions of a random generator and payloads that return a case.
KINDS = {
    function.__name__.replace("_", " "): function
    for function in (
        flip_length, flip_length_checksum, flip_payload, flip_payload_checksum, flip_bit,
        truncate, truncate_between, zeros, noise, removed, inserted, cut_and_rewritten,
        duplicated, same_name, reordered, concatenated, concatenated_with_itself, in_two_shards,
        forged_length, many_bad_payloads, forged_headers, forged, mutated,
    )
}  # fmt: skip


# Files that are not shards ----------------------------------------------------------------


def odd_files(folder):
    """Return paths of files that are not shards or have no records, by description."""
    record = framed(w.video_level())
    contents = {
        "empty file": b"",
        "eight megabytes of zeros": bytes(8 << 20),
        "gzip": gzip.compress(record),
        "zlib": zlib.compress(record),
        "text": b"Index,KnowledgeGraphId,Name\n" * 1000,
        "one byte": b"\0",
        "only a header": record[:12],
    }
    paths = {name: Path(folder, f"{name}.tfrecord") for name in contents}
    for name, path in paths.items():
        path.write_bytes(contents[name])
    paths["folder without shards"] = Path(folder, "bare")
    paths["folder without shards"].mkdir()
    paths["folder named like a shard"] = Path(folder, "folder.tfrecord")
    paths["folder named like a shard"].mkdir()
    paths["pipe"] = Path(folder, "pipe.tfrecord")
    os.mkfifo(paths["pipe"])
    paths["link to nowhere"] = Path(folder, "link.tfrecord")
    paths["link to nowhere"].symlink_to(Path(folder, "nowhere"))
    paths["endless device"] = Path("/dev/zero")
    sparse = Path(folder, "sparse.tfrecord")
    with open(sparse, "wb") as file:
        length = struct.pack("<Q", (64 << 20) - 16)
        file.write(length + masked(length))
        file.truncate(64 << 20)
    return {**paths, "length as large as its sparse file": sparse}
