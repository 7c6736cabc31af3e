"""From shards to a store on disk: a part a shard, in parallel, and on from where it stopped."""

import json
import multiprocessing
import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed
from tqdm import tqdm

from ..multimodal import Store, StoreWriter
from ..store import IDS, PARTS, read_lists
from ._blocks import DTYPES, SCALING, Block, find_level, read_blocks
from ._records import WIDTHS
from ._tfrecord import DamageLog
from ._unique import Uniqueness, VideoTwiceError

_N_LABELS = 3862  # the vocabulary since 2018; the one before had more
_NOTES = "shards"  # folder in the store: where each part is from, and what was left out


def convert(
    shards: Sequence[Path],
    path: str | os.PathLike[str],
    damage: DamageLog,
    *,
    max_frames: int | None = None,
    n_jobs: int | None = None,
    progress: bool | None = None,
) -> Store:
    """Convert shards to a store, or what is not converted yet."""
    path = os.path.abspath(path)
    about = _describe(find_level(shards, damage.on_error), max_frames)
    writer = StoreWriter(path, **about)
    parts = {f"{i:05d}-{shard.name}": shard for i, shard in enumerate(shards)}
    _check_same_shards(path, parts)
    if (store := _find_finished(path, parts)) is None:
        _convert_missing(writer, parts, [about, damage.on_error], n_jobs, progress)
    notes = {name: _read_note(path, name) for name in parts}
    for name, note in notes.items():
        for offset, reason in note["skipped"]:  # again, if it was written before
            damage.report(parts[name], offset, reason)
    if store is None:
        writer.finish(parts, max([_N_LABELS, *(note["n_labels"] for note in notes.values())]))
        store = Store.open(path)
    return store


def _find_finished(path: str, parts: dict[str, Path]) -> Store | None:
    """Open the store if it is finished and has these parts."""
    try:
        store = Store.open(path)
    except ValueError:  # not finished; of damage `finish` complains in the same words
        return None
    return store if store.parts == tuple(parts) else None


def _convert_missing(
    writer: StoreWriter,
    parts: dict[str, Path],
    options: list[Any],
    n_jobs: int | None,
    progress: bool | None,
) -> None:
    """Convert all that is missing, and see to it that no video is in two parts."""
    names, numbers = list(parts), {name: i for i, name in enumerate(parts)}
    unique = Uniqueness(list(parts.values()), lambda i: _read_ids(writer, names[i]))
    there = dict.fromkeys(name for name in names if writer.done(name))
    missing = [name for name in names if name not in there]
    about, on_error = options
    here = os.getpid()
    twice: list[VideoTwiceError] = []
    jobs = (
        delayed(_work)(here, writer.path, about, name, parts[name], on_error)
        for name in missing
        if not twice
    )
    done = Parallel(n_jobs, return_as="generator_unordered")(jobs)
    sizes = {name: shard.stat().st_size for name, shard in parts.items()}
    with tqdm(
        desc="converting",
        total=sum(sizes.values()),
        unit="B",
        unit_scale=True,
        disable=None if progress is None else not progress,
    ) as bar:
        for name in chain(there, done):
            bar.update(sizes[name])
            try:
                unique.add(numbers[name])
            except VideoTwiceError as error:
                twice.append(error)  # no shard is begun any more; those under way go on
    if twice:
        first = min(error.number for error in twice)
        # Then the store goes on without this shard: those behind it get other numbers.
        _take_back(writer, names[first:])
        raise next(error for error in twice if error.number == first)


def _take_back(writer: StoreWriter, names: Sequence[str]) -> None:
    """Leave of parts what a writer leaves that was killed; `finish` clears it up."""
    for name in names:
        if writer.done(name):
            os.rename(_part(writer, name), os.path.join(writer.path, PARTS, f".{name}.part"))
        _note(writer.path, name).unlink(missing_ok=True)


def _describe(level: str, max_frames: int | None) -> dict[str, Any]:
    """What a writer of the store is told; one with another description refuses to go on."""
    scale, shift = SCALING[level]
    about = {"dtype": DTYPES[level].name, "scale": scale, "shift": shift}
    return {
        "modalities": {name: {"width": width, **about} for name, width in WIDTHS.items()},
        "attributes": {
            "source": "YouTube-8M",
            "level": level,
            "max_frames": None if max_frames is None else int(max_frames),
        },
    }


def _work(starter: int, *args: Any) -> str:
    """Convert in a process that ends with the one that started it, however that ended."""
    _end_with(starter, os.getpid())
    return _convert(*args)


@cache  # one thread a process; a forked one has the cache of its parent, and another number
def _end_with(starter: int, here: int) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid == starter:  # its worker, and not Dask's or Ray's
        threading.Thread(target=_watch, args=(starter,), daemon=True).start()


def _watch(starter: int) -> None:
    while os.getppid() == starter:
        time.sleep(0.2)  # less than a writer waits for a lock
    os._exit(1)


def _convert(
    path: str | os.PathLike[str], about: dict[str, Any], name: str, shard: Path, on_error: str
) -> str:
    """Write the part of one shard; in a process of its own, so all arguments are plain."""
    damage = DamageLog(on_error)
    level, max_frames = about["attributes"]["level"], about["attributes"]["max_frames"]
    size = shard.stat().st_size
    with StoreWriter(path, **about).part(name) as part:
        n_labels = _write(part, read_blocks(shard, level, damage, max_frames))
        skipped = [(offset, reason) for _, offset, reason in damage.entries]
        # Before the part is complete, so that there is none without a note.
        _write_note(path, name, {"size": size, "n_labels": n_labels, "skipped": skipped})
    return name


def _write(part: Any, blocks: Iterable[Block]) -> int:
    """Write blocks, each while the next is being read; return by how much labels are exceeded."""
    n_labels, written = 0, None
    with ThreadPoolExecutor(1) as writer:
        for block in blocks:
            if written is not None:
                written.result()
            written = writer.submit(part.append, block.frames, labels=block.labels, ids=block.ids)
            n_labels = max(n_labels, 1 + max(chain.from_iterable(block.labels), default=-1))
    if written is not None:
        written.result()
    return n_labels


def _part(writer: StoreWriter, name: str) -> str:
    return os.path.join(writer.path, PARTS, name)


def _read_ids(writer: StoreWriter, name: str) -> Iterator[str]:
    """Ids of the videos of a part."""
    folder = _part(writer, name)
    if not os.path.exists(os.path.join(folder, IDS[0])):  # there are no videos
        return
    indptr, text = read_lists(folder, IDS)
    flat = text.tobytes()
    for first, last in pairwise(indptr.tolist()):
        yield flat[first:last].decode()


def _check_same_shards(path: str, parts: dict[str, Path]) -> None:
    """Raise ValueError unless what was converted before is the beginning of these parts."""
    found = sorted(file.stem for file in Path(path, _NOTES).glob("*.json"))
    for name in found:
        if name not in parts:
            number, _, shard = name.partition("-")
            raise ValueError(
                f"The store at {path} has {shard} as its shard {int(number)}, which is missing or "
                "stands elsewhere among those given now. Shards can be added behind those that "
                "are there; others need another store."
            )
        was, now = _read_note(path, name)["size"], parts[name].stat().st_size
        if was != now:
            raise ValueError(
                f"{parts[name]} has {now} bytes, and had {was} when it was converted to the store "
                f"at {path}."
            )


def _note(path: str | os.PathLike[str], name: str) -> Path:
    return Path(path, _NOTES, f"{name}.json")


def _read_note(path: str | os.PathLike[str], name: str) -> Any:
    return json.loads(_note(path, name).read_text(encoding="utf-8"))


def _write_note(path: str | os.PathLike[str], name: str, note: dict[str, Any]) -> None:
    file = _note(path, name)
    file.parent.mkdir(exist_ok=True)
    temporary = file.with_suffix(".tmp")
    try:
        with open(temporary, "w", encoding="utf-8") as opened:
            opened.write(json.dumps(note))
            opened.flush()
            os.fsync(opened.fileno())
    except OSError as error:  # that of a full disk does not say where
        raise OSError(error.errno, error.strerror, str(temporary)) from error
    temporary.replace(file)
