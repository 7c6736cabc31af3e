"""Mutation testing of the metrics and the hierarchy: a test must fail if the code is wrong.

Each mutant is one small change of a function: a comparison, a Boolean or arithmetic operator, a
number, the name of an option, a flag, a condition, a return value, or a missing keyword argument
or call. Messages, docstrings and annotations do not change. The tests of the subpackage run once
without changes; then, for each mutant, a forked process replaces the code of the function and runs
the tests that execute it until one fails, those that killed the latest mutants first. Property
tests are excluded, as they take long. Mutants that survive need a reason in
``mutants_explained.json``, or they count as failures.
"""

import ast
import copy
import gc
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from functools import cached_property
from importlib import import_module
from pathlib import Path

import pytest
from campaign import main

ROOT = Path(__file__).resolve().parents[2]
REASONS = Path(__file__).with_name("mutants_explained.json")
TESTS = {
    "metrics": [
        *("metrics_errors", "metrics_scores", "metrics_oracle", "metrics_report"),
        *("metrics_scorers", "bad_calls_ground"),
    ],
    "hierarchy": ["hierarchy", "bad_calls_ground"],
}
# Tests of time, memory and processes detect no mutants, and take long.
SKIPPED = "not fast and not memory and not grid_search and not deep_chain"
LONG = 0.25  # seconds, above which a test is excluded
SECONDS = 120  # a mutant that takes longer is killed
SURVIVED = ("survived", "no test")
SWAPS = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE,
    ast.GtE: ast.Gt, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.And: ast.Or, ast.Or: ast.And, ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div,
    ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd, ast.Mod: ast.Mult,
}  # fmt: skip


def changes(node):
    """Yield the name of each mutation of a node, and a function that changes it in place."""
    if isinstance(node, ast.Compare):
        for i, op in enumerate(node.ops):
            yield "comparison", lambda n, i=i, op=op: n.ops.__setitem__(i, SWAPS[type(op)]())
    elif isinstance(node, ast.BoolOp | ast.BinOp | ast.AugAssign) and type(node.op) in SWAPS:
        kind = "boolean" if isinstance(node, ast.BoolOp) else "arithmetic"
        yield kind, lambda n: setattr(n, "op", SWAPS[type(n.op)]())
    elif isinstance(node, ast.UnaryOp):
        yield "unary", lambda n: become(n, n.operand)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float | str):
        yield "constant", lambda n: setattr(n, "value", another(n.value))
    elif isinstance(node, ast.Return) and not isinstance(node.value, ast.Constant | None):
        yield "return", lambda n: setattr(n, "value", ast.Constant(None))
    elif isinstance(node, ast.Raise | ast.Expr):
        yield "left out", lambda n: become(n, ast.Pass())
    elif isinstance(node, ast.Break):
        yield "left out", lambda n: become(n, ast.Continue())
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        yield "condition", lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), n.test))
    for i in range(len(getattr(node, "ifs", ()))):
        yield "condition", lambda n, i=i: n.ifs.__setitem__(i, ast.UnaryOp(ast.Not(), n.ifs[i]))
    for i, keyword in enumerate(node.keywords if isinstance(node, ast.Call) else ()):
        if keyword.arg != "strict":  # strict of zip changes nothing
            yield "keyword", lambda n, i=i: n.keywords.pop(i)


def another(value):
    """Return another value of the type of a constant."""
    if isinstance(value, bool):
        return not value
    return f"{value[:-1]}!" if isinstance(value, str) else value + 1


def become(node, other):
    """Turn a node into another one in place."""
    location = {name: getattr(node, name) for name in ("lineno", "col_offset")}
    node.__class__ = type(other)
    node.__dict__.clear()
    node.__dict__.update(vars(other) | location)


def mutable(node):
    """Yield the nodes that may change: no messages, docstrings or annotations."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
            strict = isinstance(child, ast.keyword) and child.arg == "strict"
            skipped = isinstance(child, ast.JoinedStr) or docstring or strict
            if isinstance(child, ast.AST) and not skipped:
                yield child
                warns = isinstance(child, ast.Expr) and ast.unparse(child).startswith("warnings.")
                if not (warns or isinstance(child, ast.Raise)):
                    yield from mutable(child)


def functions(tree, prefix=""):
    """Yield the qualified name and node of each function of a module and its classes."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from functions(node, f"{prefix}{node.name}.")


def mutants(subpackage):
    """Return all mutants of a subpackage as dicts, with the code of the function."""
    seen = Counter()
    for path in sorted((ROOT / "sk_crossmodal" / subpackage).glob("_*.py")):
        for name, function in functions(ast.parse(path.read_text())):
            before = ast.unparse(function).splitlines()
            for place, node in enumerate(mutable(function)):
                for number, (kind, _) in enumerate(changes(node)):
                    changed = copy.deepcopy(function)
                    target = list(mutable(changed))[place]
                    list(changes(target))[number][1](target)
                    after = ast.unparse(ast.fix_missing_locations(changed)).splitlines()
                    what = difference(before, after)
                    key = f"{subpackage}/{path.name} {name}: {what}"
                    seen[key] += 1
                    yield {
                        "key": key if seen[key] == 1 else f"{key} ({seen[key]})",
                        "module": f"sk_crossmodal.{subpackage}.{path.stem}",
                        "function": name,
                        "kind": kind,
                        "tree": changed,
                    }


def difference(before, after):
    """Return the first line that differs, before and after."""
    start = next(i for i in range(len(before)) if before[i : i + 1] != after[i : i + 1])
    gone = len(before) > len(after)
    return f"`{before[start].strip()}` -> `{'' if gone else after[start].strip()}`"


def replace(mutant):
    """Replace the code of the function by that of the mutant, also where it was imported."""
    module = import_module(mutant["module"])
    *owners, name = mutant["function"].split(".")
    old = current(mutant)
    tree = ast.Module([mutant["tree"]], type_ignores=[])
    holder, owner = vars(module), module
    for outer in owners:  # within its class, so that super() finds it
        owner = getattr(owner, outer)
        tree = ast.Module(
            [ast.ClassDef(outer, [], [], tree.body, [], type_params=[])], type_ignores=[]
        )
    own = dict(holder)
    exec(compile(ast.fix_missing_locations(tree), module.__file__, "exec"), own)  # noqa: S102
    new = vars(own[owners[0]])[name] if owners else own[name]
    new = plain(new)
    if len(old.__code__.co_freevars) != len(new.__code__.co_freevars):  # without super()
        setattr(owner, name, new)
        return
    old.__code__ = new.__code__
    old.__defaults__, old.__kwdefaults__ = new.__defaults__, new.__kwdefaults__


def current(mutant):
    """Return the current function of a mutant."""
    owner = import_module(mutant["module"])
    *owners, name = mutant["function"].split(".")
    for outer in owners:
        owner = getattr(owner, outer)
    return plain(vars(owner)[name])


def plain(member):
    """Return the function of a property, a class method and so on."""
    if isinstance(member, property):
        return member.fget
    if isinstance(member, cached_property):
        return member.func
    return getattr(member, "__func__", member)


class Loop:
    """Plugin of pytest that runs the tests once per mutant."""

    def __init__(self, mutants, jobs):
        self.mutants, self.jobs, self.results, self.running = mutants, jobs, {}, {}
        self.terminal = os.dup(2)
        self.codes, self.seconds = {}, {}  # by test: executed code and time

    def pytest_runtestloop(self, session):
        """Run mutants in parallel; tests that killed one come first for the next."""
        for item in session.items:
            self.codes[item], start = set(), time.process_time()
            sys.settrace(lambda frame, *_, seen=self.codes[item]: seen.add(frame.f_code))
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            sys.settrace(None)
            self.seconds[item] = time.process_time() - start
        if session.testsfailed:
            raise RuntimeError("tests fail without mutants")
        quick = [item for item in session.items if self.seconds[item] < LONG]
        self.order = sorted(quick, key=self.seconds.get)
        cost = sum(map(self.seconds.get, quick))
        self.say(f"{len(quick)} of {len(session.items)} tests, {cost:.1f} s in total")
        gc.freeze()  # keeps memory pages shared by all forks
        for number, mutant in enumerate(self.mutants):
            self.start(session, mutant)
            if len(self.running) >= self.jobs:
                self.collect(number)
        while self.running:
            self.collect(len(self.mutants))
        return True

    def start(self, session, mutant):
        """Fork a process that runs the tests that execute the function of a mutant."""
        code = current(mutant).__code__
        tests = [item for item in self.order if code in self.codes[item]]
        ours, theirs = os.pipe()
        process = os.fork()
        if not process:
            os.close(ours)
            child(session, mutant, tests, theirs)
        os.close(theirs)
        self.running[process] = mutant, tests, ours

    def collect(self, done):
        """Wait for one process; record the test that killed its mutant, or its end."""
        process, status = os.wait()
        mutant, tests, pipe = self.running.pop(process)
        number = os.read(pipe, 9)
        os.close(pipe)
        fate = "survived" if tests else "no test"
        if number:
            killer = tests[int(number)]
            self.order.remove(killer)
            self.order.insert(0, killer)
            fate = killer.nodeid
        elif status:
            fate = "timeout" if os.WTERMSIG(status) == signal.SIGALRM else "crash"
        self.results[mutant["key"]] = fate
        if fate in SURVIVED:
            self.say(f"{fate}: {mutant['key']}")
        if done % 50 == 0:
            self.say(f"{done} of {len(self.mutants)} mutants")

    def say(self, text):
        """Print without capture by pytest."""
        os.write(self.terminal, f"{text}\n".encode())


def child(session, mutant, tests, out):
    """Report the number of the first failing test from the forked process."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    signal.alarm(SECONDS)
    try:
        replace(mutant)
        for number, item in enumerate(tests):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            if session.testsfailed:
                os.write(out, str(number).encode())
                break
    finally:
        os._exit(0 if sys.exc_info()[0] is None else 1)


def run(subpackage, chosen, jobs):
    """Run the tests of a subpackage for some of its mutants; return the result of each."""
    files = [str(ROOT / "tests" / f"test_{name}.py") for name in TESTS[subpackage]]
    loop = Loop(chosen, jobs)
    arguments = [*files, "-k", SKIPPED, "-q", f"--rootdir={ROOT}"]
    code = pytest.main([*arguments, "-p", "no:cacheprovider", "-p", "no:xdist"], plugins=[loop])
    assert code == 0, f"pytest ended with {code!r}"
    return loop.results


def campaign(mutants_of_a_room, jobs, seed):
    """Try mutants of both subpackages; survivors without a reason count as failures."""
    reasons = json.loads(REASONS.read_text())
    figures, survivors = {}, {}
    for subpackage in TESTS:
        everything = list(mutants(subpackage))
        chosen = everything
        if len(everything) > mutants_of_a_room:
            chosen = random.Random(seed).sample(everything, mutants_of_a_room)
        start = time.perf_counter()
        fates = run(subpackage, chosen, jobs)
        alive = [key for key, fate in fates.items() if fate in SURVIVED]
        survivors |= {key: reasons.get(key, "") for key in alive}
        figures[subpackage] = {
            "mutants": len(chosen),
            "by_kind": Counter(mutant["kind"] for mutant in chosen),
            "killed": sum("::" in fate for fate in fates.values()),
            "timeout": list(fates.values()).count("timeout"),
            "crash": list(fates.values()).count("crash"),
            "survived": len(alive),
            "seconds": round(time.perf_counter() - start, 1),
        }
    failed = sum(not reason for reason in survivors.values())
    return {"failed": failed, "subpackages": figures, "survivors": survivors}


if __name__ == "__main__":
    main(campaign, {"mutants_of_a_room": 10_000, "jobs": 2}, {"mutants_of_a_room": 3, "jobs": 2})
