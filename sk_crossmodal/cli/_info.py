"""``sk-crossmodal info``: what is in a model, a store, shards or tables."""

import argparse
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

from ._arguments import add_columns, add_command, add_path
from ._data import MODEL, Data, open_data
from ._data import kind_of_file as kind_of
from ._separator import warn_separator

_DESCRIPTION = """\
Tell what is in a model file: parameters, labels, modalities and widths, the version that wrote
it, and whether its checksum is that of its content; or in data: videos, frames, modalities,
labels and what a store notes.
"""
_EXAMPLES = """\
examples:
  sk-crossmodal info model.safetensors
  sk-crossmodal info videos.parquet
  sk-crossmodal info yt8m/store --json
"""
_SHOWN = 10  # labels


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands,
        "info",
        "MODEL_OR_DATA...",
        "tell what is in a model or in data",
        _DESCRIPTION,
        _EXAMPLES,
    )
    add_path(parser, "MODEL_OR_DATA", "a model file, or data of any kind", nargs="+")
    parser.add_argument("--json", action="store_true", help="print all of it as JSON")
    add_columns(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    paths = args.model_or_data
    if len(paths) == 1 and os.path.isfile(paths[0]) and kind_of(paths[0]) == MODEL:
        about = _about_model(paths[0])
    else:
        about = _about_data(
            open_data(paths, labels=args.labels, ids=args.ids, quiet=args.quiet or args.json)
        )
    if args.json:
        print(json.dumps(about, indent=2, ensure_ascii=False, default=str))
        return
    for name, value in about.items():
        print(_line(name, value))


def _about_model(path: str) -> dict[str, Any]:
    from ..persistence import from_bytes, read_file
    from ._models import innermost, load, widths_of

    estimator = load(path)  # which checks all of it
    document, _ = from_bytes(read_file(Path(path)))
    classifier = innermost(estimator)
    about = {
        "model": path,
        "class": type(estimator).__name__,
        "file": {
            "bytes": os.path.getsize(path),
            "format": document["format"],
            "written by": f"sk_crossmodal {document['package']}",
            "checksum": "ok",
        },
    }
    if classifier is not estimator:
        about["classifier"] = type(classifier).__name__
    if (widths := widths_of(estimator)) is not None:
        about["modalities"] = {name: f"{width} numbers a frame" for name, width in widths.items()}
    if (hierarchy := getattr(estimator, "hierarchy_", None)) is not None:
        levels = Counter(hierarchy.levels.tolist())
        about["labels"] = _about_labels(hierarchy.nodes)
        about["labels by level"] = {str(level): levels[level] for level in sorted(levels)}
    if hasattr(classifier, "n_iter_"):
        about["epochs"] = classifier.n_iter_
    about["parameters"] = {
        name: value if isinstance(value, str | int | float | list | tuple | None) else repr(value)
        for name, value in sorted(classifier.get_params(deep=False).items())
        if name != "hierarchy"
    }
    return about


def _about_data(data: Data) -> dict[str, Any]:
    X = data.X
    about: dict[str, Any] = {
        "data": data.about,
        "kind": data.kind,
        "videos": len(X),
        "frames": int(X.timeline_lengths().sum()),
        "modalities": {name: _about_modality(X, name) for name in X.modality_names},
        "ids": f"such as {data.ids[0]}" if data.has_ids else "none",
    }
    if data.y is not None:
        counts = Counter(label for each in data.y for label in set(each))
        about["labels"] = _about_labels([label for label, _ in counts.most_common()])
        warn_separator(counts)
        about["videos without labels"] = sum(not each for each in data.y)
    else:
        about["labels"] = "none"
    if data.others:
        about["other columns"] = f"{', '.join(data.others)} (--labels, --ids name them)"
    attributes = {key: value for key, value in data.attributes.items() if key != "labels"}
    return {**about, "attributes": attributes} if attributes else about


def _about_modality(X: Any, name: str) -> str:
    lengths = X.lengths(name)
    return (
        f"{X.n_features[name]} numbers a frame, {lengths.min()} to {lengths.max()} frames a "
        f"video, {lengths.sum():,} in all, {(lengths == 0).sum():,} videos without"
    )


def _about_labels(labels: Any) -> dict[str, Any]:
    return {"number": len(labels), "such as": list(labels[:_SHOWN])}


def _line(name: str, value: Any) -> str:
    """A name and its value, to read."""
    if isinstance(value, dict):
        return "\n  ".join([f"{name}:", *(_line(key, each) for key, each in value.items())])
    if isinstance(value, list | tuple):
        return f"{name}: {', '.join(map(str, value))}"
    number = isinstance(value, int) and not isinstance(value, bool)
    return f"{name}: {value:,}" if number else f"{name}: {' '.join(str(value).split())}"
