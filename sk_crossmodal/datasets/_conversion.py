"""Conversion of shards to a store on disk: one part per shard, in parallel, resumable."""

import json
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from itertools import chain, pairwise, starmap
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed
from tqdm import tqdm

from .._files import naming
from ..multimodal import Store, StoreWriter
from ..store import IDS, PARTS, read_header, read_lists
from ._loading import DuplicateChecker, DuplicateVideoError, describe
from ._reader import Block, Description, Reader
from ._stored import LABELS

FILES = "files"  # the attribute with name and size of the files, which must stay the same
_NOTES = "shards"  # folder in the store: size and skipped errors of each part's shard

_Tick = Callable[[int], object]  # called with the number of videos converted


def convert(
    reader: Reader,
    files: Sequence[Path],
    path: str | os.PathLike[str],
    *,
    n_jobs: int | None = None,
    progress: bool | None = None,
    rates: Any = None,
) -> Store:
    """Convert all shards that are not in the store yet, and open it."""
    shards = reader.shards(files)
    about = describe(reader, shards, rates)
    parts = {f"{i:05d}-{shard.name}"[:200]: shard for i, shard in enumerate(shards)}
    writer = _open_writer(reader, about, parts, path)
    store = _open_finished(writer.path, parts)
    if store is not None and rates is not None and store.data.rates is None:
        store = None  # finished again, with the rates
    if store is None:
        _convert_missing(reader, about, writer, parts, n_jobs, progress)
    notes = {name: _read_note(writer.path, name) for name in parts if reader.incremental}
    reader.errors.entries.clear()
    for name, note in notes.items():
        for offset, reason in note["skipped"]:  # in this call or an earlier one
            reader.errors.report(parts[name], offset, reason)
    if store is not None:
        return store
    n_labels = about.n_labels if about.labels is None else len(about.labels)
    if n_labels is not None:
        n_labels = max([n_labels, *(note["n_labels"] for note in notes.values())])
    writer.finish(parts, n_labels)
    return Store.open(writer.path)


def _open_writer(
    reader: Reader, about: Description, parts: dict[str, Path], path: str | os.PathLike[str]
) -> StoreWriter:
    """Open the store; ValueError unless the shards are those in it, or also new ones behind."""
    attributes = dict(about.attributes)
    if not reader.incremental:
        attributes[FILES] = {name: reader.size(shard) for name, shard in parts.items()}
        if about.labels is not None:
            attributes[LABELS] = about.labels
        exists = os.path.exists(os.path.join(path, "store.json"))
        if exists and read_header(os.path.abspath(path)).attributes != attributes:
            store = f"The store at {os.fspath(path)} is made from other files, or older ones"
            raise ValueError(f"{store}; give another folder, or remove this one.")
    writer = StoreWriter(path, about.modalities, attributes)
    _check_same_shards(writer.path, parts)
    return writer


def _check_same_shards(path: str, parts: dict[str, Path]) -> None:
    for name in sorted(file.stem for file in Path(path, _NOTES).glob("*.json")):
        if name not in parts:
            number, _, shard = name.partition("-")
            raise ValueError(
                f"The store at {path} has {shard} as its shard {int(number)}, which is missing or "
                "in another place now; only add shards behind it."
            )
        before, size = _read_note(path, name)["size"], parts[name].stat().st_size
        if before != size:
            raise ValueError(f"{parts[name]} has {size} bytes; had {before} when converted.")


def _open_finished(path: str, parts: Iterable[str]) -> Store | None:
    """Open the store if it is finished and has these parts."""
    try:
        store = Store.open(path)
    except ValueError:  # not finished; if it is damaged, `finish` raises the same error
        return None
    return store if store.parts == tuple(parts) else None


def _convert_missing(
    reader: Reader,
    about: Description,
    writer: StoreWriter,
    parts: dict[str, Path],
    n_jobs: int | None,
    progress: bool | None,
) -> None:
    """Convert the missing parts; ValueError if a video is in two parts."""
    names, shards, counts = list(parts), list(parts.values()), about.n_videos
    sizes = counts or [shard.stat().st_size for shard in shards]
    checker = DuplicateChecker(reader, shards, lambda i: _read_ids(writer, names[i]))
    done = dict.fromkeys(i for i, name in enumerate(names) if writer.done(name))
    errors: list[DuplicateVideoError] = []
    jobs = (
        (i, reader, about, writer, names[i], shards[i])
        for i in range(len(names))
        if i not in done and not errors  # after an error no further shard is begun
    )
    with tqdm(
        desc="converting",
        total=sum(sizes),
        unit=" videos" if counts else "B",
        unit_scale=not counts,
        disable=None if progress is None else not progress,
    ) as bar:
        for i in chain(done, _run(jobs, n_jobs, bar.update if counts else None)):
            if i in done or not counts:
                bar.update(sizes[i])
            try:
                if reader.incremental:
                    checker.add(i)
            except DuplicateVideoError as error:
                errors.append(error)
    if errors:
        first = min(errors, key=lambda error: error.number)
        # The store may continue without this shard, and then those behind it get other numbers.
        _remove_parts(writer, names[first.number :])
        raise first


def _run(jobs: Iterable[tuple[Any, ...]], n_jobs: int | None, tick: _Tick | None) -> Iterable[int]:
    """Convert shards, in parallel unless `tick` is called for their blocks."""
    if tick is not None:
        return starmap(partial(_convert_shard, tick=tick), jobs)
    converted: Iterable[int] = Parallel(n_jobs, return_as="generator_unordered")(
        delayed(_convert_shard)(*job, parent=os.getpid()) for job in jobs
    )
    return converted


def _remove_parts(writer: StoreWriter, names: Sequence[str]) -> None:
    """Make parts look as if their writer was killed; `finish` removes them."""
    for name in names:
        if writer.done(name):
            folder = os.path.join(writer.path, PARTS)
            os.rename(os.path.join(folder, name), os.path.join(folder, f".{name}.part"))
        _note(writer.path, name).unlink(missing_ok=True)


@cache  # one thread per process; a forked one has its parent's cache, but another id
def _end_with(parent: int, own: int) -> None:
    """End this worker process when its parent process ends, for whatever reason."""
    process = multiprocessing.parent_process()
    if process is not None and process.pid == parent:  # joblib's own worker, not Dask's or Ray's
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.2)  # less than a writer waits for a lock
    os._exit(1)


def _convert_shard(
    number: int,
    reader: Reader,
    about: Description,
    writer: StoreWriter,
    name: str,
    shard: Path,
    tick: _Tick | None = None,
    parent: int | None = None,
) -> int:
    """Write the part of one shard, maybe in a worker process; return its number."""
    if parent is not None:
        _end_with(parent, os.getpid())
    size = shard.stat().st_size
    with writer.part(name) as part:
        n_labels = _write_blocks(part, reader.blocks(shard), about.labels, tick)
        if reader.incremental:  # before the part is complete, so that each part has a note
            note = {"size": size, "n_labels": n_labels, "skipped": reader.errors.take(shard)}
            _write_note(writer.path, name, note)
    return number


def _write_blocks(
    part: Any, blocks: Iterable[Block], labels: list[Any] | None, tick: _Tick | None
) -> int:
    """Write each block while the next is read; return the number of columns that labels need."""
    columns = None if labels is None else {label: i for i, label in enumerate(labels)}
    n_labels, written = 0, None
    with ThreadPoolExecutor(1) as executor:
        for block in blocks:
            numbers = block.labels
            if columns and numbers is not None:
                numbers = [tuple(columns[label] for label in each) for each in numbers]
            n_labels = max(n_labels, 1 + max(chain.from_iterable(numbers or ()), default=-1))
            frames = {name: (each, block.lengths[name]) for name, each in block.frames.items()}
            if written is not None:
                written.result()
            written = executor.submit(part.append, frames, labels=numbers, ids=block.ids)
            if tick is not None:
                tick(len(next(iter(block.lengths.values()))))
        if written is not None:
            written.result()
    return n_labels


def _read_ids(writer: StoreWriter, name: str) -> Iterator[str]:
    """Read the names of the videos of a part."""
    folder = os.path.join(writer.path, PARTS, name)
    if not os.path.exists(os.path.join(folder, IDS[0])):  # there are no videos
        return
    indptr, text = read_lists(folder, IDS)
    flat = text.tobytes()
    for first, last in pairwise(indptr.tolist()):
        yield flat[first:last].decode()


def _note(path: str, name: str) -> Path:
    return Path(path, _NOTES, f"{name}.json")


def _read_note(path: str, name: str) -> Any:
    return json.loads(_note(path, name).read_text(encoding="utf-8"))


def _write_note(path: str, name: str, note: dict[str, Any]) -> None:
    file = _note(path, name)
    file.parent.mkdir(exist_ok=True)
    # Always one name, unlike `atomic_path`, so that a file left by a killed writer is replaced.
    temporary = file.with_suffix(".tmp")
    with naming(temporary), open(temporary, "w", encoding="utf-8") as opened:
        opened.write(json.dumps(note))
        opened.flush()
        os.fsync(opened.fileno())
    temporary.replace(file)
