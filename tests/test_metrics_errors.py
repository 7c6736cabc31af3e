"""Wrong input raises errors that name the given and the expected value."""

import numpy as np
import pytest
import scipy.sparse as sp

from sk_crossmodal.metrics import (
    gap_score,
    hierarchy_report,
    hierarchy_scorers,
    hit_at_1_score,
    map_score,
    perr_score,
)

Y = np.array([[1, 0, 1], [0, 0, 1]])
S = np.array([[0.9, 0.8, 0.1], [0.3, 0.7, 0.2]])


def report(y_true, y_score, **options):
    return hierarchy_report(y_true, y_score, [0, 0, 1], **options)


everywhere = pytest.mark.parametrize(
    "score", [gap_score, map_score, perr_score, hit_at_1_score, report]
)


@everywhere
@pytest.mark.parametrize(
    ("y_true", "y_score", "message"),
    [
        (Y, np.where(S == 0.7, np.nan, S), "must not contain NaN, got 1"),
        (2 * Y, S, "0 and 1 only, got 2"),
        (Y - 1, S, "0 and 1 only, got -1"),
        (Y * np.nan, S, "0 and 1 only, got nan"),
        (sp.csr_array(3 * Y), S, "0 and 1 only, got 3"),
        (sp.coo_array(([1, 1], ([0, 0], [1, 1])), shape=(2, 3)), S, "0 and 1 only, got 2"),
        (Y * 0.5, S, "0 and 1 only, got 0.5"),
        (Y[0], S[0], r"y_true must be .* got shape \(3,\)"),
        (sp.coo_array(Y[0]), S[0], r"y_true must be .* got shape \(3,\)"),
        (Y, S[0], r"y_score must be .* got shape \(3,\)"),
        (Y, [S, S], r"y_score must be .* got shape \(2, 2, 3\)"),
        (Y, S[:, :2], r"y_true and y_score must have one shape, got \(2, 3\), \(2, 2\)"),
        (Y[:1], S, r"y_true and y_score must have one shape, got \(1, 3\), \(2, 3\)"),
        (Y[:0], S[:0], r"shape \(0, 3\)"),
        (Y[:, :0], S[:, :0], r"shape \(2, 0\)"),
        (Y, sp.csr_array(S), "y_score must be dense"),
        (Y.astype(str), S, "y_true must be numbers or booleans, got dtype <U"),
        (
            np.array([[1, 0, "1"], [0, 0, 1]], object),
            S,
            "y_true must be numbers or booleans, got dtype object with '1'",
        ),
        (Y, S.astype(str), "y_score must be numbers or booleans"),
        (Y, S.astype(complex), "y_score must be numbers or booleans, got dtype complex"),
    ],
)
def test_score_of_wrong_labels_or_scores_raises(score, y_true, y_score, message):
    with pytest.raises(ValueError, match=message):
        score(y_true, y_score)


@everywhere
@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1, -1], "at least 0 .*got values from -1.0 to 1.0"),
        ([0, 0], "not all 0, got values from 0.0 to 0.0"),
        ([1, np.nan], "finite"),
        ([1, np.inf], "finite"),
        ([1, 1, 1], r"2 numbers, one for each video, got shape \(3,\)"),
        ([[1], [1]], r"got shape \(2, 1\)"),
        (1.0, r"got shape \(\)"),
        (["a", "b"], "dtype <U1"),
    ],
)
def test_score_with_wrong_weights_raises(score, weight, message):
    with pytest.raises(ValueError, match=message):
        score(Y, S, sample_weight=weight)


@pytest.mark.parametrize("score", [gap_score, map_score, report])
@pytest.mark.parametrize("top_k", [0, -1, 2.0, True, "all"])
def test_score_with_wrong_top_k_raises(score, top_k):
    with pytest.raises(ValueError, match=f"None or an integer of at least 1, got {top_k!r}"):
        score(Y, S, top_k=top_k)


@pytest.mark.parametrize(
    ("score", "option"),
    [
        (map_score, "empty_classes"),
        (perr_score, "empty_videos"),
        (hit_at_1_score, "empty_videos"),
        (report, "rows"),
    ],
)
@pytest.mark.parametrize("value", ["nan", None, 0])
def test_score_with_an_unknown_option_raises(score, option, value):
    with pytest.raises(ValueError, match=f"{option} must be one of .*, got {value!r}"):
        score(Y, S, **{option: value})


@pytest.mark.parametrize("threshold", [None, "half", float("nan")])
def test_report_with_a_wrong_threshold_raises(threshold):
    with pytest.raises(ValueError, match="threshold must be a number"):
        report(Y, S, threshold=threshold)


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ([0, 1], "got 2 nodes for 3 labels"),
        ([0, 1, 1, 2], "got 4 nodes for 3 labels"),
        ([[0, 1, 1]], r"shape \(1, 3\)"),
        ([0.0, 1.0, 1.0], "dtype float64"),
        ([0, -1, 1], "from 0"),
        ("abc", "got str"),
        ([], r"shape \(0,\)"),
    ],
)
def test_report_with_wrong_levels_raises(levels, message):
    with pytest.raises(ValueError, match=message):
        hierarchy_report(Y, S, levels)


def test_report_by_group_without_a_hierarchy_raises():
    with pytest.raises(ValueError, match=r"by_group=True needs a LabelHierarchy, got list"):
        hierarchy_report(Y, S, [0, 1, 1], by_group=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"top_k": 0}, "top_k"), ({"rows": "some"}, "rows"), ({"threshold": "x"}, "threshold")],
)
def test_scorers_with_wrong_options_raise_at_once(options, message):
    with pytest.raises(ValueError, match=message):
        hierarchy_scorers([0, 1], **options)
    with pytest.raises(ValueError, match="hierarchy must be"):
        hierarchy_scorers([[0, 1]])
