"""``sk-crossmodal train``: a model file from data."""

import argparse
import shlex
import warnings
from typing import Any

from ._arguments import add_columns, add_command, add_data, add_path, positive
from ._data import Data, open_data
from ._files import check_free
from ._models import check_labelled
from ._recipe import FAMILIES, FUSIONS, Recipe, make_recipe
from ._separator import warn_separator

_DESCRIPTION = """\
Train a cross-modal classifier on labelled videos, and save it to a file that holds no code:
parameters, weights and labels.

Labels are paths such as Transport:Land:Car, of which everything above is true, too; or the
vocabulary indices of YouTube-8M, for which --vocabulary knows what is above what.
"""
_EXAMPLES = """\
examples:
  sk-crossmodal train videos.parquet model.safetensors
  sk-crossmodal train store model.safetensors --family netvlad --fusion late --epochs 20 --lr 1e-3
  sk-crossmodal train "yt8m/video/train*.tfrecord" model.safetensors \\
      --vocabulary yt8m/vocabulary.csv --min-frequency 30
  sk-crossmodal train store model.safetensors --config train.toml --set dropout=0.3

a train.toml, with names of the flags and of the constructor's parameters:
  family = "netvlad"
  fusion = "cross_modal_gated"
  epochs = 20
  lr = 1e-3
  n_clusters = { video = 64, audio = 32 }
  min_frequency = 30
  [correlation_tower]
  encoder = "mean"

--set has the same names, and goes before the file; other flags go before both. All parameters:
  python -c "import sk_crossmodal; help(sk_crossmodal.CrossModalTransformerClassifier)"
"""


def add_to(commands: Any) -> None:
    """Add the command to the parser."""
    parser = add_command(
        commands, "train", "DATA... MODEL", "train a model on data", _DESCRIPTION, _EXAMPLES
    )
    add_data(parser)
    add_path(parser, "MODEL", "the file to write, such as model.safetensors")
    parser.add_argument("--overwrite", action="store_true", help="replace MODEL if it is there")
    add_path(parser, "--config", "a TOML file with parameters", metavar="TOML")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any parameter, its value as in TOML; repeat for several: --set gate=soft "
        "--set n_heads=4",
    )
    _add_model(parser)
    _add_training(parser)
    _add_labels(parser)
    add_columns(parser, modalities=True)
    parser.set_defaults(run=_run, interrupted="no model was written")


def _add_model(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("model")
    group.add_argument(
        "--family", choices=tuple(FAMILIES), help="kind of encoder (default: transformer)"
    )
    group.add_argument(
        "--fusion",
        choices=FUSIONS,
        help="how modalities come together (default: cross_modal_concat)",
    )


def _add_training(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("training")
    group.add_argument("--epochs", type=positive, metavar="N", help="at most (default: 10)")
    group.add_argument("--lr", type=float, help="learning rate at the start (default: 2e-4)")
    group.add_argument(
        "--batch-size", type=positive, metavar="N", help="videos a batch (default: 128)"
    )
    group.add_argument("--device", help="auto, cpu, cuda, ... (default: auto)")
    group.add_argument("--seed", type=int, metavar="N", help="decides all chance (default: 0)")
    group.add_argument(
        "--validation-fraction",
        type=float,
        metavar="F",
        help="share of the videos held out to stop early (default: 0.1)",
    )
    group.add_argument(
        "--early-stopping",
        action=argparse.BooleanOptionalAction,
        help="hold videos out and keep the best weights (default: from 1000 videos on)",
    )
    add_path(group, "--checkpoint", "keep the state of training in this folder", metavar="FOLDER")
    group.add_argument(
        "--resume", action="store_true", default=None, help="go on from the checkpoint"
    )


def _add_labels(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("labels")
    group.add_argument(
        "--min-frequency",
        type=_frequency,
        metavar="N",
        help="leave out labels of fewer videos, a number or a share (default: keep all)",
    )
    add_path(
        group, "--vocabulary", "vocabulary.csv of YouTube-8M, for its hierarchy", metavar="CSV"
    )
    group.add_argument(
        "--separator", metavar="TEXT", help="between the names of a label path (default: :)"
    )


def _run(args: argparse.Namespace) -> int:
    check_free(args.model, overwrite=args.overwrite)
    recipe = make_recipe(args)
    model = _build(recipe)
    data = open_data(args.data, quiet=args.quiet, **recipe.data)
    y = check_labelled(data)
    warn_separator(
        dict.fromkeys(label for each in y for label in each), recipe.labels.get("separator", ":")
    )
    if not args.quiet:
        _tell_begin(data, recipe)
    interrupted = _fit(model, data.X, y, quiet=args.quiet)
    from ..persistence import save_model

    for classifier in (model.classifier, model.classifier_):
        # They name places of this machine, and the file would not hold them.
        classifier.set_params(checkpoint=None, resume=False, memory=None)
    save_model(model, args.model)
    if not args.quiet:
        _tell_end(args, model, interrupted)
    return 130 if interrupted else 0


def _build(recipe: Recipe) -> Any:
    """Make the unfitted model."""
    import sk_crossmodal

    from ..datasets import youtube8m_hierarchy

    params = dict(recipe.params)
    if isinstance(params.get("correlation_tower"), dict):
        params["correlation_tower"] = sk_crossmodal.CorrelationTower(**params["correlation_tower"])
    labels = dict(recipe.labels)
    if (vocabulary := labels.pop("vocabulary", None)) is not None:
        labels["hierarchy"] = youtube8m_hierarchy(vocabulary)
    return sk_crossmodal.TransformedTargetClassifier(
        getattr(sk_crossmodal, FAMILIES[recipe.family])(**params),
        transformer=sk_crossmodal.HierarchyLabelBinarizer(sparse_output=True, **labels),
    )


def _fit(model: Any, X: Any, y: Any, *, quiet: bool) -> bool:
    """Fit the model; whether that was interrupted, with weights that can be used."""
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


def _tell_begin(data: Data, recipe: Recipe) -> None:
    modalities = ", ".join(f"{name} ({width})" for name, width in data.X.n_features.items())
    print(f"{data.about}: {len(data.X):,} videos with {modalities}; training a {recipe.family}")


def _tell_end(args: argparse.Namespace, model: Any, interrupted: bool) -> None:
    classifier, hierarchy = model.classifier_, model.hierarchy_
    best = classifier.best_validation_score_
    print(
        f"{args.model}: {type(classifier).__name__} for {_count(len(hierarchy), 'label')} on "
        f"{_count(hierarchy.n_levels, 'level')}, trained for {_count(classifier.n_iter_, 'epoch')}"
        + (" until it was interrupted" if interrupted else "")
        + (
            ""
            if best is None
            else f"; the best one has all labels of {best:.1%} of the videos held out right"
        )
    )
    path = shlex.quote(args.model)
    print(f"next: sk-crossmodal evaluate {path} DATA    (error rates on videos it has not seen)")
    print(f"      sk-crossmodal predict {path} DATA predictions.csv")


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _frequency(text: str) -> float:
    try:
        return int(text) if text.isdigit() else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a number or a share is needed, got {text!r}") from None
