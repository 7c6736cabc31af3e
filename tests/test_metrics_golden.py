"""Scores equal the values of google/youtube-8m's evaluator (../shared/metrics_reference)."""

import json

import numpy as np
import pytest

from sk_crossmodal.metrics import (
    gap_score,
    hierarchy_report,
    hit_at_1_score,
    map_score,
    perr_score,
)

TOLERANCE = 1e-9


def value(number):
    return float("nan") if number is None else number


def assert_equals(got, expected, what):
    np.testing.assert_allclose(
        got, value(expected), rtol=0, atol=TOLERANCE, equal_nan=True, err_msg=what
    )


@pytest.fixture(scope="module")
def golden(reference_dir):
    return json.loads((reference_dir / "golden.json").read_text())


@pytest.fixture(scope="module")
def problems(golden, reference_dir):
    """Every seeded case with its labels, scores and levels, checked against the checksum."""
    from recipe import digest, make_problem

    made = []
    for case in golden["cases"]:
        y_score, y_true, levels = make_problem(case["spec"])
        used = levels if case["spec"].get("levels") else None
        assert case["sha256"] in (digest(y_score, y_true, used), digest(y_score, y_true, levels))
        made.append((case, y_true, y_score, levels))
    assert len(made) == 58
    return made


def assert_google(block, y_true, y_score, top_k, what):
    """Everything with Google's conventions, `top_k` as given."""
    for name, options in (("map", {}), ("map_zero", {"empty_classes": "zero"})):
        if name in block:
            got = map_score(y_true, y_score, top_k=top_k, **options)
            assert_equals(got, block[name], f"{what} {name}")
    assert_equals(gap_score(y_true, y_score, top_k=top_k), block["gap"], f"{what} gap")
    if "perr" in block:
        perr = perr_score(y_true, y_score, positive_scores_only=True)
        assert_equals(perr, block["perr"], f"{what} perr")
        assert_equals(hit_at_1_score(y_true, y_score), block["hit_at_1"], f"{what} hit_at_1")


def test_scores_of_inline_problems_equal_google(golden):
    assert len(golden["inline"]) == 6
    for case in golden["inline"]:
        y_true, y_score = case["labels"], case["scores"]
        assert_google(case["google"], y_true, y_score, case["top_k"], case["name"])
        assert_google(case["google_full"], y_true, y_score, None, case["name"])


def test_scores_of_seeded_problems_equal_google(problems):
    exact = [problem for problem in problems if problem[0]["exact"]]
    assert len(exact) == 45
    for case, y_true, y_score, _ in exact:
        top_k = case["spec"].get("top_k", 20)
        assert_google(case["google"], y_true, y_score, top_k, case["name"])
        assert_google(case["google_full"], y_true, y_score, None, case["name"])
        full = case["spec"]["L"]
        assert_google(case["google_full"], y_true, y_score, full, case["name"])


def test_hit_at_1_with_ties_equals_google(problems):
    for case, y_true, y_score, _ in problems:
        if not case["exact"]:
            got = hit_at_1_score(y_true, y_score)
            assert_equals(got, case["google"]["hit_at_1"], case["name"])


def test_map_of_single_labels_equals_the_reference(problems):
    for case, y_true, y_score, _ in problems:
        for place, label in enumerate(case.get("classes", [])):
            one = np.s_[:, [label]]
            got = map_score(y_true[one], y_score[one])
            assert_equals(got, case["ap_full"][place], f"{case['name']} label {label}")


def test_scores_with_ties_equal_scikit_learn_conventions(problems):
    for case, y_true, y_score, _ in problems:
        top_k = case["spec"].get("top_k", 20)
        got = {
            "gap": gap_score(y_true, y_score, top_k=top_k),
            "gap_full": gap_score(y_true, y_score, top_k=None),
            "map_full": map_score(y_true, y_score),
            "map_full_zero": map_score(y_true, y_score, empty_classes="zero"),
            "perr_stable": perr_score(y_true, y_score),
            "perr_stable_guarded": perr_score(y_true, y_score, positive_scores_only=True),
            "perr_stable_skip_empty": perr_score(y_true, y_score, empty_videos="skip"),
            "hit_at_1_stable": hit_at_1_score(y_true, y_score),
            "hit_at_1_skip_empty": hit_at_1_score(y_true, y_score, empty_videos="skip"),
        }
        assert set(case["sklearn"]) <= set(got)
        for name, expected in case["sklearn"].items():
            assert_equals(got[name], expected, f"{case['name']} {name}")


def test_scores_with_ties_are_within_the_bounds(problems):
    tied = [problem for problem in problems if "bounds" in problem[0]]
    assert len(tied) == 13
    for case, y_true, y_score, _ in tied:
        top_k = case["spec"].get("top_k", 20)
        got = {
            "gap": gap_score(y_true, y_score, top_k=top_k),
            "gap_full": gap_score(y_true, y_score, top_k=None),
            "map_full": map_score(y_true, y_score),
            "perr": perr_score(y_true, y_score, positive_scores_only=True),
            "hit_at_1": hit_at_1_score(y_true, y_score),
        }
        assert set(case["bounds"]) == set(got)
        for name, (low, high) in case["bounds"].items():
            assert low - TOLERANCE <= got[name] <= high + TOLERANCE, (case["name"], name)


# The reference drops videos with "neither truth nor a top-k prediction", and a prediction there
# is a score above 0. This equals `rows="either"` with a threshold of 0.
@pytest.mark.parametrize(
    ("block", "rows"), [("all", "all"), ("no_truth", "truth"), ("neither", "either")]
)
def test_report_by_level_equals_the_reference(problems, block, rows):
    with_levels = [problem for problem in problems if "levels" in problem[0]]
    assert len(with_levels) == 4
    for case, y_true, y_score, levels in with_levels:
        top_k = case["spec"].get("top_k", 20)
        report = hierarchy_report(y_true, y_score, levels, top_k=top_k, rows=rows, threshold=0.0)
        assert report.rows[1:] == tuple(f"level {level['level']}" for level in case["levels"])
        for place, level in enumerate(case["levels"], start=1):
            what = f"{case['name']} level {level['level']}"
            expected = level["within"][block]
            assert report.n_videos[place] == expected["n_rows"], what
            assert report.n_labels[place] == level["n_classes"], what
            for name in ("gap", "perr", "hit_at_1"):
                assert_equals(getattr(report, name)[place], expected[name], f"{what} {name}")


@pytest.mark.parametrize("block", ["all", "no_truth", "neither"])
def test_scores_by_level_equal_google(problems, block):
    for case, y_true, y_score, levels in problems:
        top_k = case["spec"].get("top_k", 20)
        for level in case.get("levels", []):
            columns = levels == level["level"]
            truth, scores = y_true[:, columns], y_score[:, columns]
            keep = {
                "all": np.ones(len(truth), bool),
                "no_truth": truth.any(axis=1),
                "neither": truth.any(axis=1) | (scores > 0).any(axis=1),
            }[block]
            expected = level["within"][block]
            assert_google(expected, truth[keep], scores[keep], top_k, case["name"])
