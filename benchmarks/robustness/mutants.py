"""Mutation testing of the metrics and the hierarchy: a test must fail where the code is wrong.

Every mutant is one small change of one function: a comparison, a Boolean or arithmetic operator,
a number, a name of an option, a flag, a condition, what is returned, a keyword argument or a call
left out. Messages, docstrings and annotations stay as they are. The tests of the room are
run once as they are; then each mutant is a fork, in which the code of its function is replaced and
those tests that execute it run until one fails, first those that killed mutants lately. Property
tests are left out for their time. What survives must have its reason in
``mutants_explained.json``, or counts as failed.
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
# Times, memory and processes are no business of a mutant's, and cost most.
SKIPPED = "not fast and not memory and not grid_search and not deep_chain"
LONG = 0.25  # seconds of a test that is left out: what survives would cost minutes
SECONDS = 120  # a mutant that runs longer is caught
SURVIVED = ("survived", "no test")
SWAPS = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE,
    ast.GtE: ast.Gt, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.And: ast.Or, ast.Or: ast.And, ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div,
    ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd, ast.Mod: ast.Mult,
}  # fmt: skip


def changes(node):
    """Name and function, which changes the node in place, of every mutation of a node."""
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
        if keyword.arg != "strict":  # zip says what holds anyway
            yield "keyword", lambda n, i=i: n.keywords.pop(i)


def another(value):
    """Another value of the type of a constant."""
    if isinstance(value, bool):
        return not value
    return f"{value[:-1]}!" if isinstance(value, str) else value + 1


def become(node, other):
    """Turn a node into another one, in its place."""
    location = {name: getattr(node, name) for name in ("lineno", "col_offset")}
    node.__class__ = type(other)
    node.__dict__.clear()
    node.__dict__.update(vars(other) | location)


def mutable(node):
    """Nodes below a node that may be changed: no messages, docstrings or annotations."""
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
    """Qualified name and node of every function of a module and of its classes."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from functions(node, f"{prefix}{node.name}.")


def mutants(room):
    """All mutants of a room, as a dictionary each: where, what, and the code of the function."""
    seen = Counter()
    for path in sorted((ROOT / "sk_crossmodal" / room).glob("_*.py")):
        for name, function in functions(ast.parse(path.read_text())):
            before = ast.unparse(function).splitlines()
            for place, node in enumerate(mutable(function)):
                for number, (kind, _) in enumerate(changes(node)):
                    changed = copy.deepcopy(function)
                    target = list(mutable(changed))[place]
                    list(changes(target))[number][1](target)
                    after = ast.unparse(ast.fix_missing_locations(changed)).splitlines()
                    what = difference(before, after)
                    key = f"{room}/{path.name} {name}: {what}"
                    seen[key] += 1
                    yield {
                        "key": key if seen[key] == 1 else f"{key} ({seen[key]})",
                        "module": f"sk_crossmodal.{room}.{path.stem}",
                        "function": name,
                        "kind": kind,
                        "tree": changed,
                    }


def difference(before, after):
    """The first line that differs, before and after."""
    start = next(i for i in range(len(before)) if before[i : i + 1] != after[i : i + 1])
    gone = len(before) > len(after)
    return f"`{before[start].strip()}` -> `{'' if gone else after[start].strip()}`"


def replace(mutant):
    """Give the function, wherever it was imported to, the code of the mutant."""
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
    if len(old.__code__.co_freevars) != len(new.__code__.co_freevars):  # super() is left out
        setattr(owner, name, new)
        return
    old.__code__ = new.__code__
    old.__defaults__, old.__kwdefaults__ = new.__defaults__, new.__kwdefaults__


def current(mutant):
    """The function of a mutant as it is."""
    owner = import_module(mutant["module"])
    *owners, name = mutant["function"].split(".")
    for outer in owners:
        owner = getattr(owner, outer)
    return plain(vars(owner)[name])


def plain(member):
    """The function behind a property, a class method and so on."""
    if isinstance(member, property):
        return member.fget
    if isinstance(member, cached_property):
        return member.func
    return getattr(member, "__func__", member)


class Loop:
    """Plugin of pytest: in place of running the tests once, run them for every mutant."""

    def __init__(self, mutants, jobs):
        self.mutants, self.jobs, self.results, self.running = mutants, jobs, {}, {}
        self.terminal = os.dup(2)
        self.codes, self.seconds = {}, {}  # of a test, what it executes and how long it takes

    def pytest_runtestloop(self, session):
        """Run mutants, several at a time; the tests that killed one come first for the next."""
        for item in session.items:
            self.codes[item], start = set(), time.process_time()
            sys.settrace(lambda frame, *_, seen=self.codes[item]: seen.add(frame.f_code))
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            sys.settrace(None)
            self.seconds[item] = time.process_time() - start
        if session.testsfailed:
            raise RuntimeError("tests fail without any mutant")
        quick = [item for item in session.items if self.seconds[item] < LONG]
        self.order = sorted(quick, key=self.seconds.get)
        cost = sum(map(self.seconds.get, quick))
        self.say(f"{len(quick)} of {len(session.items)} tests, {cost:.1f} s together")
        gc.freeze()  # pages that nobody writes to are shared by all forks
        for number, mutant in enumerate(self.mutants):
            self.start(session, mutant)
            if len(self.running) >= self.jobs:
                self.collect(number)
        while self.running:
            self.collect(len(self.mutants))
        return True

    def start(self, session, mutant):
        """Fork a process that runs those tests that execute the function of a mutant."""
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
        """Wait for one process; note which test killed its mutant, or how it ended."""
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
        """Write to where pytest captures nothing."""
        os.write(self.terminal, f"{text}\n".encode())


def child(session, mutant, tests, out):
    """In a process of its own, tell the number of the first test that fails."""
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


def run(room, chosen, jobs):
    """Run the tests of a room for some of its mutants; return the fate of each."""
    files = [str(ROOT / "tests" / f"test_{name}.py") for name in TESTS[room]]
    loop = Loop(chosen, jobs)
    arguments = [*files, "-k", SKIPPED, "-q", f"--rootdir={ROOT}"]
    code = pytest.main([*arguments, "-p", "no:cacheprovider", "-p", "no:xdist"], plugins=[loop])
    assert code == 0, f"pytest ended with {code!r}"
    return loop.results


def campaign(mutants_of_a_room, jobs, seed):
    """Try mutants of both rooms; those that survive without a reason count as failed."""
    reasons = json.loads(REASONS.read_text())
    figures, survivors = {}, {}
    for room in TESTS:
        everything = list(mutants(room))
        chosen = everything
        if len(everything) > mutants_of_a_room:
            chosen = random.Random(seed).sample(everything, mutants_of_a_room)
        start = time.perf_counter()
        fates = run(room, chosen, jobs)
        alive = [key for key, fate in fates.items() if fate in SURVIVED]
        survivors |= {key: reasons.get(key, "") for key in alive}
        figures[room] = {
            "mutants": len(chosen),
            "by_kind": Counter(mutant["kind"] for mutant in chosen),
            "killed": sum("::" in fate for fate in fates.values()),
            "timeout": list(fates.values()).count("timeout"),
            "crash": list(fates.values()).count("crash"),
            "survived": len(alive),
            "seconds": round(time.perf_counter() - start, 1),
        }
    failed = sum(not reason for reason in survivors.values())
    return {"failed": failed, "rooms": figures, "survivors": survivors}


if __name__ == "__main__":
    main(campaign, {"mutants_of_a_room": 10_000, "jobs": 2}, {"mutants_of_a_room": 3, "jobs": 2})
