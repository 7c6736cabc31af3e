"""``sk-crossmodal train``: train a model on data, and save it."""

import argparse
import shlex
import warnings
from functools import partial
from typing import Any

from ._arguments import (
    add_columns,
    add_command,
    add_data,
    add_overwrite,
    add_path,
    check_output,
    positive,
)
from ._data import Data, open_data, warn_separator
from ._training_config import TrainConfig, choices, make_train_config, tower_class

_DESCRIPTION = """\
Train a cross-modal classifier on labelled videos, and save it to a file of parameters, weights
and labels that contains no code.

Labels are paths such as Transport:Land:Car, and each label implies its ancestors; or they are the
vocabulary indices of YouTube-8M, whose hierarchy is in the file for --vocabulary, or those of
AudioSet, whose hierarchy needs --vocabulary ontology.json --class-labels class_labels_indices.csv.
"""
_EXAMPLES = """\
examples:
  sk-crossmodal train videos.parquet model.safetensors
  sk-crossmodal train store model.safetensors --family netvlad --fusion late --epochs 20 --lr 1e-3
  sk-crossmodal train "yt8m/video/train*.tfrecord" model.safetensors \\
      --vocabulary yt8m/vocabulary.csv --min-frequency 30
  sk-crossmodal train store model.safetensors --config train.toml --set dropout=0.3

a train.toml, with names of options or of the constructor's parameters:
  family = "netvlad"
  fusion = "cross_modal_gated"
  epochs = 20
  lr = 1e-3
  n_clusters = { video = 64, audio = 32 }
  min_frequency = 30
  [correlation_tower]
  encoder = "mean"

--set takes the same names and overrides the file; other options override both. All parameters:
  python -c "import sk_crossmodal; help(sk_crossmodal.CrossModalTransformerClassifier)"
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands, "train", "DATA... MODEL", "train a model on data", _DESCRIPTION, _EXAMPLES
    )
    add_data(parser)
    add_path(parser, "MODEL", "the file to write, such as model.safetensors")
    add_overwrite(parser, "MODEL")
    add_path(parser, "--config", "a TOML file with parameters", metavar="TOML")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set any parameter to a TOML value; may be repeated: --set gate=soft --set n_heads=4",
    )
    _add_model(parser)
    _add_training(parser)
    _add_labels(parser)
    add_columns(parser, modalities=True)
    parser.set_defaults(run=_run, interrupted="no model was written")


def _add_model(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("model")
    group.add_argument(
        "--family",
        type=partial(_registered, "family"),
        metavar="NAME",
        help="type of encoder: transformer, netvlad, rnn (default: transformer)",
    )
    group.add_argument(
        "--fusion",
        type=partial(_registered, "fusion"),
        metavar="NAME",
        help="how modalities are fused: early, late, cross_modal, cross_modal_gated, "
        "cross_modal_concat (default: cross_modal_concat)",
    )


def _registered(kind: str, text: str) -> str:
    """Check the name of a part, which may be of a plugin; --help does not import the parts."""
    if text not in (known := choices(kind)):
        wanted = f"choose from {', '.join(map(repr, known))}"
        raise argparse.ArgumentTypeError(f"invalid choice: {text!r} ({wanted})")
    return text


def _add_training(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("training")
    group.add_argument(
        "--epochs", type=positive, metavar="N", help="maximum number of epochs (default: 10)"
    )
    group.add_argument("--lr", type=float, help="initial learning rate (default: 2e-4)")
    group.add_argument(
        "--batch-size", type=positive, metavar="N", help="videos per batch (default: 128)"
    )
    group.add_argument("--device", help="auto, cpu, cuda, ... (default: auto)")
    group.add_argument("--seed", type=int, metavar="N", help="random seed (default: 0)")
    group.add_argument(
        "--validation-fraction",
        type=float,
        metavar="F",
        help="fraction of the videos held out for early stopping (default: 0.1)",
    )
    group.add_argument(
        "--early-stopping",
        action=argparse.BooleanOptionalAction,
        help="hold out videos and keep the best weights (default: for 1000 videos or more)",
    )
    add_path(group, "--checkpoint", "save the state of training in this folder", metavar="FOLDER")
    group.add_argument(
        "--resume", action="store_true", default=None, help="continue from the checkpoint"
    )


def _add_labels(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("labels")
    group.add_argument(
        "--min-frequency",
        type=_frequency,
        metavar="N",
        help="drop labels with fewer videos, as a count or a fraction (default: keep all)",
    )
    add_path(
        group,
        "--vocabulary",
        "vocabulary.csv of YouTube-8M, or ontology.json of AudioSet, for the hierarchy",
        metavar="FILE",
    )
    add_path(
        group,
        "--class-labels",
        "class_labels_indices.csv of AudioSet, beside its ontology.json",
        metavar="CSV",
    )
    group.add_argument(
        "--unknown-labels",
        choices=("error", "ignore"),
        help="of labels that the vocabulary lacks, stop at the first, or leave them out (default: "
        "error)",
    )
    group.add_argument(
        "--separator", metavar="TEXT", help="separator of names in label paths (default: :)"
    )


def _run(args: argparse.Namespace) -> int:
    from ..hierarchy import warn_of_split_names

    check_output(args.model, overwrite=args.overwrite)
    config = make_train_config(args)
    model = _build(config)
    data = open_data(args.data, on_error=args.on_error, quiet=args.quiet, **config.data)
    y = [frozenset(labels) for labels in data.require_labels()]  # not rows of an indicator
    separator = config.labels.get("separator", ":")
    labels = sorted(frozenset[Any]().union(*y), key=str)
    warn_separator(labels, separator)
    if model.transformer.hierarchy is None:
        warn_of_split_names(labels, separator)
    if str(config.labels.get("vocabulary")).endswith(".json"):
        _check_class_labels(config.labels, labels)
    _check_known(model.transformer, y)
    if not args.quiet:
        _print_start(data, config)
    interrupted = _fit(model, data.X, y, quiet=args.quiet)
    from ..persistence import save_model

    for classifier in (model.classifier, model.classifier_):
        # Paths of this machine, which a model file cannot contain.
        classifier.set_params(checkpoint=None, resume=False, memory=None)
    save_model(model, args.model)
    if not args.quiet:
        _print_result(args, model, interrupted)
    return 130 if interrupted else 0


def _build(config: TrainConfig) -> Any:
    """Return the unfitted model."""
    import sk_crossmodal

    params, labels = dict(config.params), dict(config.labels)
    if isinstance(params.get("correlation_tower"), dict):
        params["correlation_tower"] = tower_class()(**params["correlation_tower"])
    if (unknown := labels.pop("unknown_labels", None)) is not None:
        labels["handle_unknown"] = unknown
    vocabulary, classes = labels.pop("vocabulary", None), labels.pop("class_labels", None)
    if vocabulary is not None or classes is not None:
        labels["hierarchy"] = _read_hierarchy(vocabulary, classes)
    return sk_crossmodal.TransformedTargetClassifier(
        choices("family")[config.family](**params),
        transformer=sk_crossmodal.HierarchyLabelBinarizer(sparse_output=True, **labels),
    )


def _read_hierarchy(vocabulary: str | None, classes: str | None) -> Any:
    from ..datasets import audioset_hierarchy, youtube8m_hierarchy

    if vocabulary is not None and str(vocabulary).lower().endswith(".json"):
        return audioset_hierarchy(vocabulary, classes)
    if classes is not None or vocabulary is None:
        raise ValueError("--class-labels needs --vocabulary ontology.json, both of AudioSet.")
    return youtube8m_hierarchy(vocabulary)


def _check_class_labels(options: dict[str, Any], labels: list[Any]) -> None:
    """Raise ValueError if labels are indices, whose ids in the ontology are not given."""
    if options.get("class_labels") is None and any(isinstance(each, int) for each in labels):
        ids = "labels are indices, but those of ontology.json are ids such as /m/09x0r"
        raise ValueError(f"{ids}; give --class-labels class_labels_indices.csv, too.")


def _check_known(binarizer: Any, y: list[frozenset[Any]]) -> None:
    """Warn of labels that are left out because the vocabulary lacks them."""
    labels = frozenset[Any]().union(*y)
    if binarizer.hierarchy is None or binarizer.handle_unknown == "error":
        return
    unknown = sorted(labels.difference(binarizer.hierarchy.nodes), key=str)
    if len(unknown) == len(labels):
        given = f"{len(labels)} labels of the data, such as {unknown[0]!r}"
        raise ValueError(f"the vocabulary has none of the {given}; give another --vocabulary.")
    if unknown:
        some = f"{len(unknown)} of {len(labels)} labels, such as {unknown[0]!r}"
        warnings.warn(f"the vocabulary lacks {some}; they are left out.", stacklevel=2)


def _fit(model: Any, X: Any, y: Any, *, quiet: bool) -> bool:
    """Fit the model, and return whether it was interrupted with usable weights."""
    from ._progress import EpochProgress

    if not quiet:
        model.set_callbacks(EpochProgress())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
    model.set_callbacks()
    for warning in caught:
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return any("was interrupted after" in str(warning.message) for warning in caught)


def _print_start(data: Data, config: TrainConfig) -> None:
    modalities = ", ".join(f"{name} ({width})" for name, width in data.X.n_features.items())
    print(f"{data.source}: {len(data.X):,} videos with {modalities}; training a {config.family}")


def _print_result(args: argparse.Namespace, model: Any, interrupted: bool) -> None:
    classifier, hierarchy = model.classifier_, model.hierarchy_
    best = classifier.best_validation_score_
    print(
        f"{args.model}: {type(classifier).__name__} for {_count(len(hierarchy), 'label')} on "
        f"{_count(hierarchy.n_levels, 'level')}, trained for {_count(classifier.n_iter_, 'epoch')}"
        + (" until it was interrupted" if interrupted else "")
        + ("" if best is None else f"; best validation accuracy {best:.1%} (all labels correct)")
    )
    path = shlex.quote(args.model)
    print(f"next: sk-crossmodal evaluate {path} DATA    (error rates on new videos)")
    print(f"      sk-crossmodal predict {path} DATA predictions.csv")


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _frequency(text: str) -> float:
    try:
        return int(text) if text.isdigit() else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a count or a fraction, got {text!r}") from None
