"""Each room knows only rooms below it, and only `training` knows skorch."""

import ast
from pathlib import Path

import pytest

import sk_crossmodal

ROOT = Path(sk_crossmodal.__file__).parent
SMALL = {
    "_files",
    "_html",
    "_links",
    "_registry",
    "_types",
    "validation",
}  # files that know nothing of the package
GROUND = SMALL | {"modules", "multimodal", "hierarchy", "metrics"}
BELOW = {
    "report": GROUND
    | {"classification", "correlation", "compose", "training", "inspection", "persistence"},
    "cli": {"_types", "datasets", "metrics", "persistence", "report"},
    "persistence": GROUND | {"classification", "correlation", "compose", "training"},
    "utils": GROUND | {"classification", "correlation", "training", "datasets"},
    "inspection": GROUND | {"classification", "correlation", "training", "datasets"},
    "classification": GROUND | {"correlation", "training"},
    "correlation": GROUND | {"training"},
    "compose": GROUND | {"training"},
    "training": GROUND,
    "datasets": {"_types", "multimodal", "hierarchy"},
    **dict.fromkeys(GROUND, SMALL),
}
FOREIGN = {"modules": {"sklearn", "skorch", "scipy", "pandas"}, "metrics": {"torch"}}


def imported(path):
    """Names of modules that a file imports, relative ones as rooms of the package."""
    depth = len(path.relative_to(ROOT).parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = {0: "", depth: "sk_crossmodal."}.get(node.level, ".")
            yield start + (node.module or "")


FILES = sorted(
    path for room in BELOW for path in [*(ROOT / room).rglob("*.py"), *ROOT.glob(f"{room}.py")]
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrows_point_downwards(path):
    room = path.relative_to(ROOT).with_suffix("").parts[0]
    names = list(imported(path))
    rooms = {name.split(".")[1] for name in names if name.startswith("sk_crossmodal.")}
    assert rooms <= BELOW[room] | {room}
    packages = {name.split(".")[0] for name in names}
    assert not packages & FOREIGN.get(room, set())
    assert room == "training" or "skorch" not in packages


def test_every_room_is_in_the_picture():
    rooms = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()}
    files = {path.stem for path in ROOT.glob("[!_]*.py")}
    assert (rooms | files) - SMALL == set(BELOW) - SMALL
