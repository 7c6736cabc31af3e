"""Synthetic embeddings as Parquet and Arrow files."""

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
from estimator_cases import make_videos, rows_of

FRAMES = pa.list_(pa.list_(pa.float32()))


def table_of(videos, ids="v", names=("clip", "clap"), frames=FRAMES):
    """A table of the videos of `make_crossmodal_videos`."""
    columns = {
        name: pa.array([list(each) for each in rows_of(videos.data, modality)], frames)
        for name, modality in zip(names, ("video", "audio"), strict=True)
    }
    columns["labels"] = [list(labels) for labels in videos.target]
    columns["id"] = [f"{ids}{i}" for i in range(len(videos.target))]
    return pa.table(columns)


def write(table, path, **options):
    """Write a table as the name of the file says."""
    if path.suffix == ".parquet":
        pq.write_table(table, path, **options)
    elif path.suffix == ".feather":
        pyarrow.feather.write_feather(table, str(path), **options)
    else:
        with pa.ipc.new_stream(str(path), table.schema) as stream:
            stream.write_table(table)
    return path


def write_videos(path, n=48, seed=0, **params):
    return write(table_of(make_videos(n, seed, **params)), path)


def ragged_rows(n=300, width=4, seed=0):
    """Videos of 0 to 4 frames, as lists of arrays."""
    rng = np.random.default_rng(seed)
    return [list(rng.normal(size=(rng.integers(0, 5), width)).astype("f")) for _ in range(n)]
