import os
import struct
import tracemalloc

import google_crc32c
import numpy as np
import pytest
from youtube8m_writer import crc32c, framed, masked, varint, write_shard

from sk_crossmodal.datasets import _tfrecord
from sk_crossmodal.datasets._reader import ErrorLog
from sk_crossmodal.datasets._tfrecord import masked_crc32c, read_records

PAYLOADS = [b"first", b"", b"third " * 50, b"last"]
OFFSETS = np.cumsum([0, *(len(framed(payload)) for payload in PAYLOADS)]).tolist()


@pytest.fixture
def shard(tmp_path):
    return write_shard(tmp_path / "some.tfrecord", PAYLOADS)


def read(path, on_error="raise"):
    errors = ErrorLog(on_error)
    return list(read_records(path, errors)), errors.entries


def flip(path, position):
    data = bytearray(path.read_bytes())
    data[position] ^= 0x10
    path.write_bytes(data)


def test_writer_has_the_published_check_values():
    # RFC 3720, B.4
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(b"123456789") == 0xE3069283 == google_crc32c.value(b"123456789")
    assert varint(300) == b"\xac\x02"


@pytest.mark.parametrize("data", [b"", b"a", bytes(range(256)) * 3])
def test_masked_checksum_equals_that_of_the_independent_writer(data):
    assert struct.pack("<I", masked_crc32c(data)) == masked(data)


def test_records_come_in_order_with_their_offsets(shard):
    records, skipped = read(shard)
    assert records == list(zip(OFFSETS[:-1], PAYLOADS, strict=True))
    assert skipped == []


@pytest.mark.parametrize("record", range(4))
def test_damaged_payload_loses_only_its_record(shard, record):
    # The first byte of the payload, or of its checksum where it has none.
    flip(shard, OFFSETS[record] + 12)
    with pytest.raises(ValueError, match=rf"some\.tfrecord, byte {OFFSETS[record]}: .*payload"):
        read(shard)
    records, skipped = read(shard, "skip")
    assert [payload for _, payload in records] == PAYLOADS[:record] + PAYLOADS[record + 1 :]
    ((path, offset, reason),) = skipped
    assert (path, offset) == (str(shard), OFFSETS[record])
    assert "payload" in reason


def test_damaged_payload_checksum_loses_only_its_record(shard):
    flip(shard, OFFSETS[1] - 1)
    records, skipped = read(shard, "skip")
    assert [payload for _, payload in records] == PAYLOADS[1:]
    assert [entry[1] for entry in skipped] == [0]


@pytest.mark.parametrize("byte", range(12))
def test_damaged_length_loses_only_its_record(shard, byte):
    flip(shard, OFFSETS[2] + byte)
    with pytest.raises(ValueError, match=rf"some\.tfrecord, byte {OFFSETS[2]}: .*length"):
        read(shard)
    records, skipped = read(shard, "skip")
    assert records == [(OFFSETS[i], PAYLOADS[i]) for i in (0, 1, 3)]
    ((_, offset, reason),) = skipped
    assert offset == OFFSETS[2]
    assert f"{OFFSETS[3] - OFFSETS[2]} bytes cannot be read" in reason


def test_damaged_length_of_the_last_record_loses_the_rest(shard):
    flip(shard, OFFSETS[3])
    records, skipped = read(shard, "skip")
    assert [payload for _, payload in records] == PAYLOADS[:3]
    assert f"{OFFSETS[4] - OFFSETS[3]} bytes cannot be read" in skipped[0][2]


@pytest.mark.parametrize("offset", [*range(-30, 3), 10**6])
def test_reading_continues_after_any_number_of_damaged_bytes(tmp_path, monkeypatch, offset):
    # Headers are searched by windows; this one lies before, on and behind the edge of one.
    monkeypatch.setattr(_tfrecord, "_WINDOW", 1000)
    rubbish = b"\x01" * (1000 + offset)
    path = tmp_path / "some.tfrecord"
    path.write_bytes(framed(b"good") + rubbish + framed(b"better") + framed(b"best"))
    records, skipped = read(path, "skip")
    assert [payload for _, payload in records] == [b"good", b"better", b"best"]
    ((_, place, reason),) = skipped
    assert place == len(framed(b"good"))
    assert f"{len(rubbish)} bytes cannot be read" in reason


@pytest.mark.parametrize("length", [0, 1, 299, 301, 400])
def test_forged_length_loses_only_its_record(tmp_path, length):
    # What it claims ends inside of its own payload, or of those behind it.
    head, payloads = struct.pack("<Q", length), [b"a" * 300, b"b" * 200, b"c" * 100]
    rest = b"".join(framed(payload) for payload in payloads)[12:]
    path = tmp_path / "forged.tfrecord"
    path.write_bytes(head + masked(head) + rest)
    with pytest.raises(ValueError, match="byte 0: the checksum of the payload does not fit"):
        read(path)
    records, skipped = read(path, "skip")
    assert [payload for _, payload in records] == payloads[1:]
    ((_, place, reason),) = skipped
    assert place == 0
    assert "316 bytes cannot be read" in reason


def test_record_above_the_maximum_size_is_not_read(tmp_path):
    # The file is as large as it claims, and has no blocks on the disk.
    head = struct.pack("<Q", 2**34)
    path = tmp_path / "forged.tfrecord"
    with open(path, "wb") as file:
        file.write(head + masked(head))
        file.truncate(2**34 + 16)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=f"byte 0: a record claims {2**34} bytes, more than"):
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [99_000, 100_020])
def test_file_that_shrinks_during_reading_is_damage(tmp_path, size):
    payloads = [b"a" * 50_000, b"b" * 50_000, b"c"]
    path = write_shard(tmp_path / "some.tfrecord", payloads)
    records = read_records(path, ErrorLog("raise"))
    assert next(records) == (0, payloads[0])
    os.truncate(path, size)
    with pytest.raises(ValueError, match=r"some\.tfrecord, byte 50016: .*shorter"):
        list(records)


@pytest.mark.parametrize("record", range(4))
def test_truncation_inside_a_record_loses_the_rest(shard, record):
    data = shard.read_bytes()
    start, end = OFFSETS[record : record + 2]
    for size in range(start + 1, end):
        shard.write_bytes(data[:size])
        with pytest.raises(ValueError, match=f"byte {start}: the file ends inside a record"):
            read(shard)
        records, skipped = read(shard, "skip")
        assert [payload for _, payload in records] == PAYLOADS[:record]
        ((_, offset, reason),) = skipped
        assert offset == start
        assert f"{size - start} bytes cannot be read" in reason


@pytest.mark.parametrize("length", [2**20, 2**40, 2**63, 2**64 - 1])
def test_forged_length_allocates_nothing(tmp_path, length):
    # Its checksum is right: only the size of the file gives it away.
    head = struct.pack("<Q", length)
    path = tmp_path / "forged.tfrecord"
    path.write_bytes(framed(b"good") + head + masked(head) + b"a few bytes")
    with pytest.raises(ValueError, match=f"claims {length} bytes"):
        read(path)
    records, skipped = read(path, "skip")
    assert records == [(0, b"good")]
    assert len(skipped) == 1


def test_empty_file_is_damage(tmp_path):
    path = write_shard(tmp_path / "empty.tfrecord", [])
    with pytest.raises(ValueError, match=r"empty\.tfrecord, byte 0: the shard is empty"):
        read(path)
    assert read(path, "skip") == ([], [(str(path), 0, "the shard is empty")])


@pytest.mark.parametrize("kind", ["gzip", "zlib"])
def test_compressed_file_is_recognised(shard, kind):
    module = pytest.importorskip(kind)
    shard.write_bytes(module.compress(shard.read_bytes()))
    with pytest.raises(ValueError, match=f"looks {kind}-compressed, decompress it first"):
        read(shard)


def test_invalid_on_error_raises_an_error():
    with pytest.raises(
        ValueError, match=r"on_error must be one of \('raise', 'skip'\), got 'ignore'"
    ):
        ErrorLog("ignore")
