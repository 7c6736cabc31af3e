"""Subpackages import only from layers below them, without circles and without private names."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest

import sk_crossmodal

pytestmark = pytest.mark.one_version

ROOT = Path(sk_crossmodal.__file__).parent
CONTRIBUTING = Path(__file__).resolve().parents[1] / "CONTRIBUTING.md"

# Every subpackage and which others it may import from. BASE imports nothing of the package but
# itself; the layer above it, GROUND, knows no estimators.
BASE = {"_arrow", "_docs", "_files", "_html", "_links", "_registry", "_types", "validation"}
GROUND = BASE | {"store", "modules", "multimodal", "hierarchy", "metrics"}
ESTIMATORS = {"classification", "correlation", "compose", "training"}
MAY_IMPORT = {
    "cli": BASE | {"datasets", "hierarchy", "metrics", "persistence", "report"},
    "report": GROUND | ESTIMATORS | {"inspection", "persistence"},
    "persistence": GROUND | ESTIMATORS,
    "utils": GROUND | {"classification", "correlation", "training", "datasets"},
    "inspection": GROUND | {"classification", "correlation", "training", "datasets"},
    "classification": GROUND | {"correlation", "training"},
    "correlation": GROUND | {"training"},
    "compose": GROUND | {"training"},
    "training": GROUND,
    "datasets": BASE | {"store", "multimodal", "hierarchy"},
    "multimodal": BASE | {"store"},
    "store": BASE,
    "modules": BASE,
    "hierarchy": BASE,
    "metrics": BASE,
    **dict.fromkeys(BASE, BASE),
}
MAY_NOT_IMPORT = {"modules": {"sklearn", "skorch", "scipy", "pandas"}, "metrics": {"torch"}}


def load_structure():
    """`benchmarks/structure.py`, which finds circles and private imports."""
    path = CONTRIBUTING.parent / "benchmarks" / "structure.py"
    spec = importlib.util.spec_from_file_location("structure", path)
    structure = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(structure)
    return structure


structure = load_structure()


def imported_packages(path):
    """Top-level packages outside this one that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.split(".")[0]


def table_entries(text):
    """Names of subpackages in the table of a page, with and without underscore."""
    entries, inside = set(), False
    for line in text.splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        first = line.split("|")[1]
        inside = inside or first.strip() in ("subpackage", "subpackages", "layer")
        if inside:
            names = re.findall(r"`(?:sk_crossmodal/)?([a-z]\w*|_[a-z]\w*)(?:/|\.py)?`", first)
            entries.update(names)
    return entries


FILES = sorted(
    path
    for name in MAY_IMPORT
    for path in [*(ROOT / name).rglob("*.py"), *ROOT.glob(f"{name}.py")]
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_subpackage_imports_only_lower_layers(path):
    module = path.relative_to(ROOT).with_suffix("").parts
    name = module[0]
    module = module[:-1] if module[-1] == "__init__" else module
    others = {target[0] for _, target in structure.imports(module, path) if target}
    assert others <= MAY_IMPORT[name] | {name}
    packages = set(imported_packages(path))
    assert not packages & MAY_NOT_IMPORT.get(name, set())
    assert name == "training" or "skorch" not in packages


def test_table_of_layers_has_every_subpackage():
    subpackages = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()}
    files = {path.stem for path in ROOT.glob("*.py")} - {"__init__", "__main__"}
    assert subpackages | files == set(MAY_IMPORT)


def test_layers_have_an_order():
    """No two subpackages may import each other."""
    graph = {name: others - {name} - BASE for name, others in MAY_IMPORT.items()}
    assert not [name for name in graph if name in structure.reachable(graph, name)]


def test_files_do_not_import_each_other_in_circles():
    assert structure.import_circles() == []


def test_subpackages_take_no_private_names_from_each_other():
    assert structure.private_imports() == []


def test_contributing_names_the_subpackages_of_the_table():
    entries = table_entries(CONTRIBUTING.read_text())
    assert entries <= set(MAY_IMPORT)
    assert {name for name in entries if not name.startswith("_")} == {
        name for name in MAY_IMPORT if not name.startswith("_")
    }


# The functions that look at the files, on packages with the faults that they look for.
PACKAGE = {
    "__init__.py": "from .one import a\n",
    "_shared.py": "X = 1\n",
    "one/__init__.py": "from ._first import a\nfrom .._shared import X\n",
    "one/_first.py": "a = 1\nif TYPE_CHECKING:\n    from ._second import b\n",
    "one/_second.py": "from . import _third\nb = 1\n",
    "one/_third.py": "import package.one._first\n",
    "two/__init__.py": "",
    "two/_own.py": "from ..one import a\nfrom ..one._first import c\nfrom ..one import _second\n",
}


@pytest.fixture
def package(tmp_path):
    for name, text in PACKAGE.items():
        path = tmp_path / "package" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "package"


def test_import_circles_include_imports_for_type_checking(package):
    circle = ["one/_first.py", "one/_second.py", "one/_third.py"]
    assert structure.import_circles(package) == [circle]


def test_private_imports_leave_out_shared_files(package):
    assert structure.private_imports(package) == [
        "two/_own.py:2 from one._first",
        "two/_own.py:3 from one._second",
    ]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("| subpackage | use |\n|---|---|\n| `modules/` | `x/` |\n", {"modules"}),
        ("| subpackage |\n|---|\n| `a/`, `_b.py` |\n| `sk_crossmodal/c/` |\n", {"a", "_b", "c"}),
        ("| you add | test |\n|---|---|\n| `modules/` | x |\n", set()),
        ("| subpackage |\n|---|\n\n| other |\n|---|\n| `d/` |\n", set()),
    ],
)
def test_table_entries_are_subpackages_of_the_right_table(text, names):
    assert table_entries(text) == names
