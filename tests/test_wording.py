"""Messages of the commands speak of their own flags, not of Python's parameters."""

import argparse
import ast
import inspect
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from estimator_cases import make_videos
from table_cases import table_of, write
from youtube8m_writer import video_level, write_shard

import sk_crossmodal
from sk_crossmodal import datasets, hierarchy, metrics, persistence, report
from sk_crossmodal.cli import main
from sk_crossmodal.cli._parser import make_parser
from sk_crossmodal.cli._wording import Wording, flags_of

ROOT = Path(sk_crossmodal.__file__).parent
(COMMANDS,) = (
    action.choices
    for action in make_parser()._actions
    if isinstance(action, argparse._SubParsersAction)
)
ARGUMENTS = {
    "convert": ("convert", "a", "b"),
    "train": ("train", "a", "b"),
    "evaluate": ("evaluate", "a", "b"),
    "predict": ("predict", "a", "b", "c"),
    "report": ("report", "a", "b", "c"),
    "info": ("info", "a"),
}
# The subpackages whose messages a command may print.
DATA = ("datasets", "hierarchy", "multimodal", "store", "validation")
MODEL = (*DATA, "metrics", "persistence", "report")
TRAINING = (*MODEL, "classification", "compose", "correlation", "modules", "training")
REACHED = {
    **dict.fromkeys(("convert", "info"), DATA),
    **dict.fromkeys(("evaluate", "predict", "report"), MODEL),
    "train": TRAINING,
}
CALLED = (
    *(getattr(datasets, name) for name in datasets.__all__ if name.startswith("load_")),
    *(getattr(sk_crossmodal, name) for name in sk_crossmodal.__all__ if "Cross" in name),
    *(sk_crossmodal.CorrelationTower, hierarchy.HierarchyLabelBinarizer),
    *(metrics.hierarchy_report, persistence.save_model, persistence.load_model),
    report.write_report,
)
# Parameters that train does not set.
UNREACHED = {"callbacks", "freeze_towers", "pretrained", "verbose", "warm_start"}
PARAMETERS = {
    name for called in CALLED for name in inspect.signature(called).parameters
} - UNREACHED


def wording(command, *given):
    return Wording(make_parser().parse_args(ARGUMENTS[command]), given)


def texts_of(path):
    """The strings of a file that are no docstrings, with an x for each value put in."""
    tree = ast.parse(path.read_text())
    others = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        others.update(node.values if isinstance(node, ast.JoinedStr) else ())
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(p.value if isinstance(p, ast.Constant) else "x" for p in node.values)
        elif isinstance(node, ast.Constant) and node not in others and isinstance(node.value, str):
            yield node.value


def messages_of(packages):
    """The strings that name a parameter of Python with a value."""
    paths = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    paths = [path for path in paths if path.name != "_export.py"]  # no command exports
    texts = {text for path in paths for text in texts_of(path) if " " in text and "<" not in text}
    return sorted(text for text in texts if set(assigned(text)) & PARAMETERS)


def assigned(text):
    """Names that have a value in a message, not in a call and not after --set."""
    return re.findall(r"\b([a-z_]+)=", re.sub(r"\w+\([^()]*\)|--set \S+", "", text))


@pytest.mark.parametrize("command", ARGUMENTS)
def test_every_message_names_flags_that_the_command_has(command):
    flags = {name: set(flags_of(parser).values()) for name, parser in COMMANDS.items()}
    messages = messages_of(REACHED[command])
    assert len(messages) > 3
    for message in messages:
        text = wording(command)(message)
        assert not set(assigned(text)) & PARAMETERS, text
        borrowed = r"(--[a-z][a-z-]+)(?: \S+)? with ([a-z]+)"
        assert all(flag in flags[other] for flag, other in re.findall(borrowed, text)), text
        own = re.findall(r"(?<!\S)--[a-z][a-z-]+", re.sub(borrowed, "", text))
        assert set(own) <= flags[command], text
        assert not re.search(r"\.\.(?!\.)(?<!\.\.\.)|  ", text), text


@pytest.mark.parametrize(
    ("command", "message", "expected"),
    [
        ("convert", "bad (on_error='skip' skips it).", "bad (--on-error skip skips it)."),
        ("train", "max_epochs must be >= 1, got -1.", "--epochs must be >= 1, got -1."),
        ("train", "lr must be a number, got 'a'.", "--lr must be a number, got 'a'."),
        ("predict", "device must be a string.", "--device must be a string."),
        ("train", "checkpoint must be a path.", "--checkpoint must be a path."),
        ("train", "gate must be one of ('a',).", "--set gate must be one of ('a',)."),
        ("train", "long_videos['q'] must be", "--set long_videos['q'] must be"),
        ("train", "Bad: correlation_tower must be a", "Bad: --set correlation_tower must be a"),
        ("evaluate", "gate must be soft; the gate must be", "gate must be soft; the gate must be"),
        ("convert", "'a' twice; ids must be unique.", "'a' twice; ids must be unique."),
        ("convert", "rates must be of all, got 1.", "--rates must be of all, got 1."),
        ("convert", "[1]; as_multimodal(X, rates=...) sets it.", "[1]; --rates sets it."),
        ("train", "as_multimodal(X, rates=...) sets it.", "--rates with convert sets it."),
        ("train", "Lower `lr`, or gate='soft'.", "Lower --lr, or --set gate=soft."),
        ("train", "resume=True continues it", "--resume continues it"),
        ("train", "separator=' > ', or give paths as tuples of names.", "--separator ' > '."),
        ("info", "choose separator='>'.", "choose --separator '>' with train."),
        ("info", "modalities=['a', 'b'] leaves it out", "--modalities a,b leaves it out"),
        ("train", "'a/lr=0.1/b', c/seed=3/max_epochs is", "'a/lr=0.1/b', c/seed=3/max_epochs is"),
        ("info", "load_tfrecords(..., labels=...)", "in Python, load_tfrecords(..., labels=...)"),
    ],
)
def test_wording_of_a_message_is_that_of_the_command(command, message, expected):
    assert wording(command)(message) == expected


def test_wording_of_a_value_that_was_given_has_no_more_quotes():
    words = wording("train", "--fusion", "cross_modal_gated")
    assert words("fusion='cross_modal_gated' has") == "--fusion cross_modal_gated has"


def test_wording_keeps_paths_of_the_user():
    text = "max_frames=2: max_frames=3/a.b has no labels, nor has n_jobs=4"
    expected = "--max-frames 2: max_frames=3/a.b has no labels, nor has n_jobs=4"
    assert wording("convert", "max_frames=3/a.b", "n_jobs=4", "2", "0.1")(text) == expected


# Provoked by commands ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Shards with the labels 0 to 4, some damaged, a vocabulary of fewer, tables and a model."""
    folder = tmp_path_factory.mktemp("files")
    rng = np.random.default_rng(0)
    for name, first in (("good", 0), ("bad", 100)):
        records = [
            video_level(f"{first + i}".encode(), [i % 5], rng.normal(size=1024)) for i in range(20)
        ]
        write_shard(folder / f"{name}.tfrecord", records)
    with open(folder / "bad.tfrecord", "ab") as file:
        file.write(b"damage")
    columns = "Index,KnowledgeGraphId,Name,Vertical1,Vertical2,Vertical3\n"
    rows = {"few": (0, 1), "none": (7, 8)}
    for name, indices in rows.items():
        text = columns + "".join(f"{i},/m/{i},Name {i},Games,,\n" for i in indices)
        (folder / f"{name}.csv").write_text(text)
    table = table_of(make_videos(8))
    nothing = pa.array([[]] * 8, pa.list_(pa.list_(pa.float32())))
    write(table.append_column("empty", nothing), folder / "empty.parquet")
    split = table.drop_columns("labels").append_column(
        "labels", pa.array([["https://a"], ["b: c"]] * 4)
    )
    write(split, folder / "split.parquet")
    write(table.append_column("boxes", pa.array([[1, 2]] * 8)), folder / "boxes.parquet")
    command = ("train", "--quiet", folder / "good.tfrecord", folder / "model", *LATE)
    assert main(list(map(str, command))) == 0
    return folder


SKIP = r"\(--on-error skip skips errors\)"
IGNORE = "train good.tfrecord OUT --unknown-labels ignore --vocabulary"
LATE = ("--fusion", "late", "--epochs", "1", "--set", "d_model=8", "--set", "n_heads=2")


@pytest.mark.parametrize(
    ("command", "code", "expected"),
    [
        ("train good.tfrecord OUT --vocabulary few.csv", 1, r"label \d; --unknown-labels ignore"),
        (f"{IGNORE} few.csv", 0, "the vocabulary lacks 3 of 5 labels, such as 2; they are left"),
        (f"{IGNORE} none.csv", 1, "has none of the 5 labels .*give another --vocabulary"),
        ("train good.tfrecord OUT --min-frequency 30", 1, "--min-frequency 30 leaves no label"),
        ("train good.tfrecord OUT --min-frequency 0.99", 1, "--min-frequency 0.99 leaves no"),
        ("train good.tfrecord OUT --seed -3", 1, "--seed, unless None"),
        ("info bad.tfrecord", 1, SKIP),
        ("train bad.tfrecord OUT", 1, SKIP),
        ("evaluate model bad.tfrecord", 1, SKIP),
        ("predict model bad.tfrecord OUT.csv", 1, SKIP),
        ("report model bad.tfrecord OUT.html", 1, SKIP),
        ("convert bad.tfrecord OUT", 1, SKIP),
        ("evaluate model bad.tfrecord --on-error skip", 0, r"1 damaged .* the first in \S+bad"),
        ("info empty.parquet --on-error skip", 1, "--on-error is for TFRecord shards, .*tables"),
        ("info empty.parquet", 1, "no frames .*; --modalities clip,clap leaves it out"),
        ("convert empty.parquet OUT", 1, "--modalities clip,clap leaves it out"),
        ("info boxes.parquet", 0, r"are \['clip', 'clap'\]; .* name all in --modalities\.$"),
        ("train boxes.parquet OUT", 0, r"To choose others, name all in --modalities\.$"),
        ("info split.parquet", 0, r"such as --separator ' > ' with train\.$"),
        ("train split.parquet OUT", 0, r"choose another separator, such as --separator ' > '\.$"),
    ],
)
def test_message_of_a_command_is_in_its_own_words(
    command, code, expected, files, tmp_path, capsys
):
    words = [word.replace("OUT", str(tmp_path / "out")) for word in command.split()]
    words = [str(files / word) if (files / word).exists() else word for word in words]
    assert main([*words, *(LATE if words[0] == "train" else ())]) == code
    err = capsys.readouterr().err
    lines = [line for line in err.splitlines() if re.search(expected, line)]
    assert len(lines) == 1, err
    assert not set(assigned(err)) & PARAMETERS
