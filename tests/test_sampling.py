"""`make test` draws a sample of the large tables, and `make test-all` runs everything."""

from collections import Counter
from types import SimpleNamespace

import pytest
from sampling import draw, select, stratum_of_id

pytestmark = pytest.mark.one_version


def item(name, marks=(), **params):
    """A collected test, as far as `select` looks at it."""
    found = {mark.name: mark.mark for mark in marks}
    test = SimpleNamespace(nodeid=f"test_x.py::{name}", get_closest_marker=found.get)
    if params:
        case_id = "-".join(map(str, params.values()))
        test.nodeid += f"[{case_id}]"
        test.callspec = SimpleNamespace(id=case_id, params=params)
    return test


@pytest.mark.parametrize(
    ("case_id", "stratum"),
    [
        ("Tower.fit: lr 3", "Tower.fit: lr"),
        ("Tower.predict: unfitted", "Tower.predict: unfitted"),
        ("predictions: baseline='early'", "predictions: baseline"),
        ("gap-no scores", "gap"),
        ("n_jobs '2'", "n_jobs"),
        ("'text'", ""),
    ],
)
def test_stratum_is_method_and_parameter_of_an_id(case_id, stratum):
    assert stratum_of_id(case_id) == stratum


@pytest.mark.parametrize(
    ("keep", "counts"),
    [
        (1, {"a": 1, "b": 1}),
        (3, {"a": 3, "b": 1}),
        (0.5, {"a": 5, "b": 1}),
        (1.0, {"a": 10, "b": 1}),
    ],
)
def test_draw_takes_something_of_each_stratum(keep, counts):
    strata = ["a"] * 10 + ["b"]
    drawn = draw(strata, keep, seed=0)
    assert Counter(strata[i] for i in drawn) == counts
    assert drawn == sorted(set(drawn))


def test_draw_repeats_with_the_same_seed_and_reaches_every_case():
    strata = ["a"] * 10
    assert draw(strata, 2, seed=5) == draw(strata, 2, seed=5)
    assert {i for seed in range(60) for i in draw(strata, 2, seed)} == set(range(10))


def test_select_leaves_out_full_tests_and_samples_marked_ones():
    sample = pytest.mark.sample(1, by=("method",))
    items = [
        item("test_plain"),
        item("test_campaign", [pytest.mark.full]),
        *(item("test_call", [sample], method=m, value=v) for m in "fg" for v in range(5)),
        item("test_table", [sample]),
        *(item("test_other", value=v) for v in range(3)),
    ]
    kept = select(items, seed=0)
    assert [each.nodeid.split("[")[0].split("::")[1] for each in kept] == [
        "test_plain",
        "test_call",
        "test_call",
        "test_table",
        "test_other",
        "test_other",
        "test_other",
    ]
    assert [each.callspec.params["method"] for each in kept[1:3]] == ["f", "g"]
    assert kept == [each for each in items if each in kept]


def test_select_draws_the_same_cases_beside_other_tests():
    sample = pytest.mark.sample(2)
    cases = [item("test_call", [sample], value=f"a {v}") for v in range(20)]
    assert select(cases, seed=7) == select([item("test_plain"), *cases], seed=7)[1:]


def test_select_with_a_share_keeps_some_of_each_file():
    items = [item(f"test_{i}") for i in range(20)]
    for each in items[10:]:
        each.nodeid = each.nodeid.replace("test_x.py", "test_y.py")
    for share, counts in ((0.4, [4, 4]), (0.0, [1, 1])):
        kept = select(items, 0, share)
        assert [sum(name in each.nodeid for each in kept) for name in ("x.py", "y.py")] == counts
    assert select(items, 0, 0.4) != select(items, 1, 0.4)
