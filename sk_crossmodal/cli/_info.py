"""``sk-crossmodal info``: describe a model, a store, shards or tables."""

import argparse
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

from ._arguments import add_columns, add_command, add_on_error, add_path
from ._data import MODEL, Data, kind_of_file, open_data, warn_separator

_DESCRIPTION = """\
Describe a model file: parameters, labels, modalities and widths, the version that wrote it, and
whether its checksum is correct. Or describe data: videos, frames, modalities, labels, and the
attributes of a store.
"""
_EXAMPLES = """\
examples:
  sk-crossmodal info model.safetensors
  sk-crossmodal info videos.parquet
  sk-crossmodal info yt8m/store --json
"""
_N_SHOWN = 10  # labels


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands, "info", "MODEL_OR_DATA...", "describe a model or data", _DESCRIPTION, _EXAMPLES
    )
    add_path(parser, "MODEL_OR_DATA", "a model file, or data of any kind", nargs="+")
    parser.add_argument("--json", action="store_true", help="print as JSON")
    add_on_error(parser)
    add_columns(parser, modalities=True)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> None:
    paths = args.model_or_data
    if len(paths) == 1 and os.path.isfile(paths[0]) and kind_of_file(paths[0]) == MODEL:
        about = _about_model(paths[0])
    else:
        quiet = args.quiet or args.json
        options = {
            name: getattr(args, name) for name in ("modalities", "labels", "ids", "on_error")
        }
        about = _about_data(open_data(paths, **options, quiet=quiet))
    if args.json:
        print(json.dumps(about, indent=2, ensure_ascii=False, default=str))
        return
    for name, value in about.items():
        print(_line(name, value))


def _about_model(path: str) -> dict[str, Any]:
    from ..persistence import from_bytes, read_file
    from ._models import innermost, load, widths_of

    estimator = load(path)  # checks the whole file, its checksum included
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
        about["modalities"] = {name: f"{width} features" for name, width in widths.items()}
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
    from ..hierarchy import warn_of_split_names

    X = data.X
    about: dict[str, Any] = {
        "data": data.source,
        "kind": data.kind,
        "videos": len(X),
        "frames": sum(int(X.lengths(name).sum()) for name in X.modality_names),
        "modalities": {name: _about_modality(X, name) for name in X.modality_names},
        "ids": f"such as {data.ids[0]}" if data.has_ids else "none",
        "labels": "none",
    }
    if data.y is not None:
        counts = Counter(label for each in data.y for label in set(each))
        about["labels"] = _about_labels([label for label, _ in counts.most_common()])
        warn_separator(counts)
        warn_of_split_names(counts, ":")
        about["videos without labels"] = sum(not each for each in data.y)
    if data.other_columns:
        columns = ", ".join(data.other_columns)
        about["other columns"] = f"{columns} (use them with --labels or --ids)"
    attributes = {key: value for key, value in data.attributes.items() if key != "labels"}
    return {**about, "attributes": attributes} if attributes else about


def _about_modality(X: Any, name: str) -> str:
    lengths = X.lengths(name)
    return (
        f"{X.n_features[name]} features, {lengths.min()} to {lengths.max()} frames per video, "
        f"{lengths.sum():,} frames in total, {(lengths == 0).sum():,} videos without frames"
        + (f", {X.rates[name]:g} frames per second" if X.rates else "")
    )


def _about_labels(labels: Any) -> dict[str, Any]:
    return {"number": len(labels), "such as": list(labels[:_N_SHOWN])}


def _line(name: str, value: Any) -> str:
    """Return a name and its value as text for people; tables are indented."""
    if isinstance(value, dict):
        return "\n  ".join([f"{name}:", *(_line(key, each) for key, each in value.items())])
    if isinstance(value, list | tuple):
        return f"{name}: {', '.join(map(str, value))}"
    number = isinstance(value, int) and not isinstance(value, bool)
    return f"{name}: {value:,}" if number else f"{name}: {' '.join(str(value).split())}"
