"""A damaged store raises a clear error, or its data are right."""

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from store_cases import write_all

from sk_crossmodal.multimodal import MultimodalArray, Store

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
OWN = ("campaign", "damaged_stores", "machine")


@pytest.fixture
def damages(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS / "robustness"))
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    for name in OWN:
        sys.modules.pop(name, None)
    yield __import__("damaged_stores")
    for name in OWN:
        sys.modules.pop(name, None)


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory by /proc")
def test_random_damage_raises_or_is_harmless(damages):
    figures = damages.run(damages=66, seed=1)
    assert figures["failures"] == []
    assert figures["tried"] >= 60
    assert figures["results"]["truncate"] == {"refused": 6}


def test_classify_wrong_numbers_raises(damages, tmp_path):
    """The classification of results."""
    damages.make(tmp_path / "store")
    good = damages.content(tmp_path / "store")
    before = {"store.json": (tmp_path / "store" / "store.json").read_bytes()}
    assert damages.classify(tmp_path / "store", good, before) == "read, right"
    other = before["store.json"].replace(b'"version": 1', b'"version": 3')
    with pytest.raises(AssertionError, match="read, and wrong"):
        damages.classify(tmp_path / "store", (good[0], good[1][1:]), {"store.json": other})


@pytest.fixture
def store(tmp_path):
    write_all(tmp_path / "store")
    return tmp_path / "store"


def assert_open_raises(store, match):
    for opened in (Store.open, MultimodalArray.open):
        with pytest.raises(ValueError, match=match) as raised:
            opened(store)
        assert str(store) in str(raised.value)


def forge(store, **changes):
    header = json.loads((store / "store.json").read_text())
    (store / "store.json").write_text(json.dumps({**header, **changes}))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"version": True}, "version True"),
        ({"version": 2}, "version 2"),
        ({"modalities": []}, "no modality"),
        ({"attributes": [1]}, "attributes"),
        ({"attributes": float("nan")}, "NaN"),
        ({"ids": 1}, "ids 1"),
        ({"n_labels": "5"}, "n_labels must be an integer >= 0 and <= 2147483648, got '5'"),
        ({"n_labels": -1}, "n_labels must be an integer >= 0"),
        ({"n_labels": 2**40}, "n_labels must be .* <= 2147483648, got 1099511627776"),
        ({"parts": [{"name": "../../x", "videos": 0, "frames": {}}]}, r"got '\.\./\.\./x'"),
        ({"parts": [{"name": "/etc", "videos": 0, "frames": {}}]}, "got '/etc'"),
        ({"parts": [{"name": "b", "videos": 2, "frames": 3}]}, "frames of part 'b'"),
        ({"parts": [{"name": "b", "videos": 1.5, "frames": {}}]}, r"videos of part 'b'.*1\.5"),
        ({"parts": [{"name": "b", "videos": 0, "frames": {}}] * 2}, "a part twice"),
        ({"modalities": [{"name": "v", "width": 2**70, "dtype": "uint8"}]}, "width"),
        ({"modalities": [{"name": "v", "width": 1, "dtype": "O"}]}, "dtype 'O'"),
        (
            {"modalities": [{"name": "v", "width": 1, "dtype": "uint8", "scale": 1e999}]},
            "Infinity",
        ),
    ],
)
def test_open_with_forged_header_raises(store, changes, match):
    forge(store, **changes)
    assert_open_raises(store, match)


def test_open_with_deeply_nested_header_raises(store):
    (store / "store.json").write_text("[" * 100_000)
    assert_open_raises(store, "cannot be read")


@pytest.mark.parametrize("name", ["store.json", "parts/b/video.frames.npy"])
@pytest.mark.parametrize("target", ["/dev/zero", "/"])
def test_open_with_link_to_no_file_raises(store, name, target):
    (store / name).unlink()
    (store / name).symlink_to(target)
    assert_open_raises(store, "is no file")


def test_open_with_pipe_raises_without_blocking(store):
    (store / "parts" / "b" / "audio.lengths.npy").unlink()
    os.mkfifo(store / "parts" / "b" / "audio.lengths.npy")
    assert_open_raises(store, "is no file")


@pytest.mark.parametrize("text", [b"(", b"(" * 9000, b"{'descr': '|O'", b"9" * 9000, b"open('x')"])
def test_open_with_invalid_npy_header_raises(store, text):
    file = store / "parts" / "b" / "video.frames.npy"
    head = b"\x93NUMPY\x01\x00" + (len(text) + 1).to_bytes(2, "little") + text + b"\n"
    file.write_bytes(head + file.read_bytes()[128:])
    assert_open_raises(store, r"Damaged store: .*video\.frames\.npy is no \.npy file")


def test_ids_that_are_not_text_raise(store):
    file = store / "parts" / "b" / "ids.text.npy"
    data = bytearray(file.read_bytes())
    data[-1] = 0xFF
    file.write_bytes(data)
    with pytest.raises(ValueError, match=r"Damaged store: ids in .* are not text"):
        Store.open(store).ids  # noqa: B018


def test_open_link_to_a_store(store, tmp_path):
    (tmp_path / "link").symlink_to(store)
    assert len(Store.open(tmp_path / "link")) == 5
    shutil.move(tmp_path / "link", tmp_path / "other")
    np.testing.assert_array_equal(
        MultimodalArray.open(tmp_path / "other").lengths("video"),
        MultimodalArray.open(store).lengths("video"),
    )
