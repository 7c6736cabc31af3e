"""Best and worst examples: the rule, by hand; and their tables."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from sk_crossmodal import LabelHierarchy
from sk_crossmodal.inspection import _examples as module
from sk_crossmodal.inspection import error_examples

TREE = LabelHierarchy.from_paths(["a:b", "c:d"])  # a, a:b, c, c:d
SETS = [["a:b"], ["a:b"], ["c"], ["c:d"], ["a"]]
P = np.array(
    [
        [0.9, 0.8, 0.3, 0.1],  # 0.8 - 0.3
        [0.9, 0.2, 0.7, 0.1],  # 0.2 - 0.7
        [0.1, 0.0, 0.6, 0.5],  # 0.6 - 0.5
        [0.2, 0.1, 0.9, 0.9],  # 0.9 - 0.2
        [0.4, 0.8, 0.1, 0.1],  # 0.4 - 0.8
    ]
)
MARGINS = [0.5, -0.5, 0.1, 0.7, -0.4]


def rows(examples):
    return [each.row for each in examples]


def test_examples_without_baseline_are_ranked_by_margin():
    examples = error_examples(SETS, P, TREE, n_examples=2)
    assert examples.rule == "margin"
    assert rows(examples.best) == [3, 0]
    assert rows(examples.worst) == [1, 2]  # the other one of a comes after one of c
    found = {each.row: each.merit for each in (*examples.best, *examples.worst)}
    assert found == pytest.approx({row: MARGINS[row] for row in found})
    first = examples.best[0]
    assert first.id == "video 3"
    assert first.truth == (("c:d", 0.9),)  # only the deepest label
    assert first.predictions == (("c", 0.9, True), ("c:d", 0.9, True), ("a", 0.2, False))
    assert first.baseline is None


def test_top_level_labels_take_turns():
    everything = error_examples(SETS, P, TREE, n_examples=9)
    assert sorted(rows(everything.best)) == [0, 1, 2, 3, 4]
    assert rows(everything.best) == rows(everything.worst)[::-1]
    three = error_examples(SETS, P, TREE, n_examples=3)
    assert rows(three.worst) == [1, 4, 2]  # 1, then 2 of c, then 4 of a again; the worst first
    flat = error_examples(TREE.indicator_matrix(SETS), P, n_examples=2)
    assert rows(flat.worst) == [1, 2]


def test_examples_with_baseline_are_ranked_by_gain():
    base = np.full(P.shape, 0.5)
    examples = error_examples(SETS, P, TREE, baseline=base, n_examples=1, top_k=1)
    sign = 2 * TREE.indicator_matrix(SETS).toarray() - 1
    gains = ((P - base) * sign).sum(axis=1)
    assert examples.rule == "gain"
    assert rows(examples.best) == [gains.argmax()]
    assert rows(examples.worst) == [gains.argmin()]
    assert examples.worst[0].merit == pytest.approx(gains.min())
    assert examples.best[0].baseline == (("a", 0.5, False),)


@pytest.mark.parametrize("block", [1, 2, 100])
def test_examples_do_not_depend_on_block_or_form(block, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", block)
    dense = TREE.indicator_matrix(SETS).toarray()
    expected = str(error_examples(SETS, P, TREE))
    for y_true in (dense, csr_array(dense), dense.tolist()):
        assert str(error_examples(y_true, P.astype(np.float32), TREE)) == expected


def test_video_without_labels_has_margin_below_zero():
    examples = error_examples([[0, 0], [1, 0]], [[0.1, 0.0], [0.6, 0.5]], n_examples=1)
    assert rows(examples.best) == [1]
    assert rows(examples.worst) == [0]
    assert examples.worst[0].merit == pytest.approx(-0.1)
    assert "true labels: none" in str(examples)


def test_names_of_videos_and_labels_are_shown():
    examples = error_examples(
        [[1, 0]], [[0.9, 0.4]], ids=np.array(["clip"]), label_names=("car", "bird")
    )
    assert str(examples).splitlines()[2:6] == [
        "Best examples",
        "  clip (margin +0.50)",
        "    true labels: car: 0.90",
        "    predictions: car: 0.90 *; bird: 0.40",
    ]
    assert error_examples([[1, 0]], [[0.9, 0.4]]).best[0].truth == (("label 0", 0.9),)
    named = LabelHierarchy({7: []}, names={7: "seven"})
    assert error_examples([[1]], [[0.9]], named).best[0].truth == (("seven", 0.9),)


def test_examples_to_frame_has_columns():
    frame = error_examples(SETS, P, TREE, n_examples=2).to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert frame["kind"].tolist() == ["best", "best", "worst", "worst"]
    assert frame["row"].tolist() == [3, 0, 1, 2]
    assert frame.columns.tolist() == ["kind", "id", "row", "margin", "truth", "predictions"]
    with_baseline = error_examples(SETS, P, TREE, baseline=P).to_frame()
    assert {"gain", "baseline"} <= set(with_baseline)


def test_examples_to_html_escapes_names():
    names = ["<script>alert(1)</script>", 'a"b']
    examples = error_examples([[1, 0]], [[0.9, 0.4]], label_names=names, ids=["<b>"])
    html = examples.to_html()
    assert html == examples._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;: 0.90 ✓" in html
    assert '<th scope="row" class="text">&lt;b&gt;</th>' in html
    assert html.count("<table>") == html.count("<caption>") == 2
