"""Measure the structure of the package: its size, its checks, its language and its call paths.

    python benchmarks/structure.py            # prints the table, with the goals beside it
    python benchmarks/structure.py FOLDER     # the same for another package, without call paths

How the numbers are counted:

- Code lines have no blank lines, no lines of comments alone and no docstrings.
- A function body is its code lines, the docstring left out.
- Code that only refuses input: `raise` statements; `if`, `elif` and `except` blocks whose body is
  one `raise`, with their heads; and functions named `check_*`, `_check*` or `validate_*`.
- A constructor has the named parameters of `__init__`, or the fields of a dataclass.
- A circle is a set of files that import each other, also when only for type checking.
- A private import takes an underscore name, or any name of an underscore module, from another
  subpackage. An import statement counts once. The underscore modules beside the subpackages
  belong to all.
- A call path is the sequence of named functions of the package between a public call and its
  return, each at its first entry, in the thread of the call. Its changes of file are counted in
  that order. Functions that run once per process have run before.
"""

import argparse
import ast
import re
import statistics
import sys
import tempfile
import warnings
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "sk_crossmodal"
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

# Names of the rows and what the refactoring aims at; the values before it in the third column.
GOALS = {
    "lines of the package, all files": ("<= 22,500", "27,859"),
    "lines of the package, Python": ("", "27,799"),
    "code lines": ("", "15,597"),
    "function body: median / 90th percentile / largest": ("keep", "6 / 18 / 55"),
    "code lines that only refuse input": ("<= 11 %", "19.6 %"),
    '"what" per 1,000 words of docstrings': ("<= 1", "9.0"),
    '"what" per 1,000 words of pages': ("<= 1", ""),
    "parameters of the largest constructor": ("no new ones", "41"),
    "import circles, files in each": ("none", "8, 2"),
    "private imports from another subpackage": ("0", "23"),
}
PATHS = {
    "fit, cross_modal_concat": ("<= 150 / 25 / 90", "279 / 37 / 173"),
    "fit, late": ("<= 110 / 20 / 70", "207 / 32 / 138"),
    "predict_proba, cross_modal_concat": ("<= 60 / 15 / 30", "109 / 22 / 56"),
    "load_youtube8m into a store": ("<= 60 / 12 / 35", "101 / 21 / 62"),
    "save_model": ("<= 35 / 9 / 18", "35 / 10 / 22"),
    "hierarchy_report": ("keep", "58 / 11 / 32"),
}


# ---------------------------------------------------------------------------- lines and words


class SourceFile:
    """A Python file: its syntax tree, code lines and docstrings."""

    def __init__(self, path):
        self.path = path
        text = path.read_text(encoding="utf-8")
        self.tree = ast.parse(text)
        self.nodes = list(ast.walk(self.tree))
        self.docstrings = list(filter(None, map(docstring, self.nodes)))
        self.n_lines = text.count("\n")
        lines = enumerate(text.splitlines(), 1)
        code = {i for i, line in lines if line.strip() and not line.strip().startswith("#")}
        self.code = code.difference(*map(lines_of, self.docstrings))

    def bodies(self):
        """Code lines of every function's body."""
        for node in self.nodes:
            if isinstance(node, FUNCTIONS):
                start, end = node.body[0].lineno, node.body[-1].end_lineno
                yield len(self.code.intersection(range(start, end + 1)))

    def refusals(self):
        """Number of code lines that only refuse input."""
        lines = set()
        for node in self.nodes:
            if isinstance(node, ast.Raise) or only_raises(node) or is_check(node):
                lines |= set(lines_of(node))
            elif isinstance(node, ast.If) and is_raise(node.body):
                lines |= set(range(node.lineno, node.body[0].end_lineno + 1))  # not the else
        return len(lines & self.code)


def source_files(package):
    """The Python files of a package, without its tests."""
    paths = sorted(Path(package).rglob("*.py"))
    return [SourceFile(p) for p in paths if "tests" not in p.relative_to(package).parts]


def docstring(node):
    """The statement that is a node's docstring, or None."""
    if isinstance(node, (ast.Module, ast.ClassDef, *FUNCTIONS)) and node.body:
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(getattr(first.value, "value", None), str):
            return first
    return None


def lines_of(node):
    """Line numbers of a node."""
    return range(node.lineno, node.end_lineno + 1)


def is_raise(body):
    """Whether a block is one `raise`."""
    return len(body) == 1 and isinstance(body[0], ast.Raise)


def only_raises(node):
    """Whether a node is an `except` block that is one `raise`."""
    return isinstance(node, ast.ExceptHandler) and is_raise(node.body)


def is_check(node):
    """Whether a node is a function that checks input, by its name."""
    return isinstance(node, FUNCTIONS) and re.match("check_|_check|validate_", node.name)


def what_per_1000(texts):
    """How often "what" stands among 1,000 words."""
    words = [word.lower() for text in texts for word in re.findall("[A-Za-z]+", text)]
    return 1000 * words.count("what") / max(1, len(words))


def page_texts():
    """The prose of README and documentation pages, code blocks left out."""
    for path in sorted([ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("docs/*.rst")]):
        yield re.sub(r"^(`{3,}).*?^\1", "", path.read_text("utf-8"), flags=re.M | re.S)


def constructor_sizes(files):
    """(Number of parameters, class) of every public class."""
    nodes = [node for file in files for node in file.nodes if isinstance(node, ast.ClassDef)]
    classes = {node.name: node for node in nodes}
    for name in classes:
        if not name.startswith("_"):
            yield len(parameters(name, classes)), name


def parameters(name, classes):
    """Names of the parameters of a class's constructor, inherited ones included."""
    if name not in classes:
        return set()
    node = classes[name]
    for each in node.body:
        if isinstance(each, FUNCTIONS) and each.name == "__init__":
            return {a.arg for a in (*each.args.posonlyargs, *each.args.args[1:])} | {
                a.arg for a in each.args.kwonlyargs
            }
    inherited = (parameters(getattr(base, "id", None), classes) for base in node.bases)
    found = set().union(*inherited)
    if any("dataclass" in ast.unparse(each) for each in node.decorator_list):
        fields = [each for each in node.body if isinstance(each, ast.AnnAssign)]
        found |= {f.target.id for f in fields if "ClassVar" not in ast.unparse(f.annotation)}
    return found


# ------------------------------------------------------------------------------------ imports


def modules(package):
    """Files of the package by the names of their modules, as tuples below the package."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        found[parts[:-1] if parts[-1] == "__init__" else parts] = path
    return found


def imports(module, path, package=PACKAGE.name):
    """Yield (line, module or name imported) of a file's imports from the package.

    Both are tuples of names below the package.
    """
    here = module if path.name == "__init__.py" else module[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first, *below = alias.name.split(".")
                if first == package:
                    yield node.lineno, tuple(below)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(node.module.split(".")) if node.module else ()
            if node.level:
                source = here[: len(here) - node.level + 1] + names
            elif names[:1] == (package,):
                source = names[1:]
            else:
                continue
            for alias in node.names:
                yield node.lineno, (*source, alias.name)


def import_circles(package=PACKAGE):
    """Sets of files, as sorted lists of paths, that import each other, directly or not."""
    files = modules(package)
    graph = {
        module: {
            target if target in files else target[:-1]
            for _, target in imports(module, path, package.name)
        }
        & files.keys()
        for module, path in files.items()
    }
    reach = {module: reachable(graph, module) for module in graph}
    circles = {
        frozenset(other for other in reach[module] if module in reach[other])
        for module in graph
        if module in reach[module]
    }
    circles = (sorted(str(files[m].relative_to(package)) for m in circle) for circle in circles)
    return sorted(circles, key=lambda circle: (-len(circle), circle))


def reachable(graph, start):
    """Nodes that can be reached from a node in one step or more."""
    found, waiting = set(), [start]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def private_imports(package=PACKAGE):
    """Import statements that take something private from another subpackage, as lines of text."""
    found = set()
    for module, path in modules(package).items():
        for line, target in imports(module, path, package.name):
            if target[:1] not in ((), module[:1]) and not target[0].startswith("_"):
                private = [name for name in target[1:] if name.startswith("_")]
                if private:
                    source = ".".join(target[: target.index(private[0]) + 1])
                    found.add(f"{path.relative_to(package)}:{line} from {source}")
    return sorted(found)


# --------------------------------------------------------------------------------- call paths


def trace(call, package=PACKAGE):
    """(Functions entered, files, changes of file) of a call, and its result."""
    root, entered = f"{package}/", {}

    def note(frame, event, _):
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(root) and code.co_name[0] != "<":
            entered[code] = None

    sys.setprofile(note)
    try:
        result = call()
    finally:
        sys.setprofile(None)
    files = [code.co_filename for code in entered]
    changes = sum(one != other for one, other in pairwise(files))
    return (len(files), len(set(files)), changes), result


def call_paths(folder):
    """Counts of `trace` for the calls of `PATHS`, in their order, on synthetic data."""
    from sk_crossmodal import (
        CrossModalTransformerClassifier,
        HierarchyLabelBinarizer,
        save_model,
    )
    from sk_crossmodal.datasets import load_youtube8m, make_crossmodal_videos
    from sk_crossmodal.metrics import hierarchy_report

    videos = make_crossmodal_videos(40, random_state=0)
    labels = HierarchyLabelBinarizer()
    X, Y = videos.data, labels.fit_transform(videos.target)
    hierarchy = labels.hierarchy_

    def fit(fusion):
        return CrossModalTransformerClassifier(
            fusion=fusion,
            d_model=32,
            n_heads=2,
            max_epochs=1,
            hierarchy=hierarchy,
            random_state=0,
        ).fit(X, Y)

    shards = write_shards(folder)
    fit("cross_modal_concat")
    load_youtube8m(shards)
    yield (traced := trace(lambda: fit("cross_modal_concat")))[0]
    classifier = traced[1]
    yield trace(lambda: fit("late"))[0]
    counts, probabilities = trace(lambda: classifier.predict_proba(X))
    yield counts
    yield trace(lambda: load_youtube8m(shards, store=folder / "store"))[0]
    yield trace(lambda: save_model(classifier, folder / "model.safetensors"))[0]
    yield trace(lambda: hierarchy_report(Y, probabilities, hierarchy))[0]


def write_shards(folder):
    """Two small frame-level shards."""
    sys.path.append(str(ROOT / "tests"))
    from youtube8m_writer import frame_level, write_shard

    return [
        write_shard(
            folder / f"train{shard}.tfrecord",
            [
                frame_level(f"{shard}{video:03}".encode(), (3, 7), [b"\1" * 1024], [b"\2" * 128])
                for video in range(3)
            ],
        )
        for shard in range(2)
    ]


# ---------------------------------------------------------------------------------- the table


def measure(package):
    """Values of `GOALS`, in their order."""
    files = source_files(package)
    everything = [p for p in package.rglob("*") if p.is_file() and p.parent.name != "__pycache__"]
    lines = sum(path.read_bytes().count(b"\n") for path in everything)
    yield f"{lines:,}"
    yield f"{sum(file.n_lines for file in files):,}"
    code = sum(len(file.code) for file in files)
    yield f"{code:,}"
    bodies = sorted(size for file in files for size in file.bodies())
    yield f"{statistics.median(bodies):g} / {bodies[int(0.9 * len(bodies))]} / {bodies[-1]}"
    yield f"{100 * sum(file.refusals() for file in files) / code:.1f} %"
    yield f"{what_per_1000(each.value.value for file in files for each in file.docstrings):.1f}"
    yield f"{what_per_1000(page_texts()):.1f}" if package == PACKAGE else "-"
    size, name = max(constructor_sizes(files))
    yield f"{size} ({name})"
    yield ", ".join(str(len(circle)) for circle in import_circles(package)) or "none"
    yield str(len(private_imports(package)))


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("package", nargs="?", type=Path, default=PACKAGE)
    package = parser.parse_args().package.resolve()
    own = package == PACKAGE
    row = "{:51} {:38} {:17} {}".format
    print(row("", package.name, "goal", "before"))
    for (name, goals), value in zip(GOALS.items(), measure(package), strict=True):
        print(row(name, value, *(goals if own else ("", ""))))
    if own:
        print("\n" + row("calls: functions / files / changes of file", "", "", ""))
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            paths = call_paths(Path(folder))
            for (name, goals), counts in zip(PATHS.items(), paths, strict=True):
                print(row(name, " / ".join(map(str, counts)), *goals), flush=True)
    for circle in import_circles(package):
        print("\nimport circle:", *circle, sep="\n  ")
    private = private_imports(package)
    if private:
        print("\nprivate imports from another subpackage:", *private, sep="\n  ")


if __name__ == "__main__":
    main()
