"""The table of wrong calls of persistence and compose."""

import traceback

import pytest
from bad_calls_models import CASES, COMPOSING, LATE, PATHS, TABLE
from sklearn.preprocessing import LabelEncoder

from sk_crossmodal import ModalityTransformer, TransformedTargetClassifier

pytestmark = [pytest.mark.sample(0.4), pytest.mark.one_version]


@pytest.mark.parametrize(
    ("call", "errors", "words"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_wrong_call_raises(call, errors, words):
    with pytest.raises(errors, match=words) as caught:
        call()
    files = [frame.filename for frame in traceback.extract_tb(caught.tb)]
    assert not any(f"/{package}/" in files[-1] for package in ("torch", "skorch"))


def test_table_of_wrong_calls_is_complete():
    assert len(CASES) >= 60
    assert len({case[0] for case in CASES}) == len(CASES)
    assert len(COMPOSING) > 25


@pytest.mark.parametrize(
    "estimator",
    [
        ModalityTransformer(remainder="keep"),
        ModalityTransformer(block_size=0),
        TransformedTargetClassifier("svm"),
        TransformedTargetClassifier(LATE, transformer=LabelEncoder),
    ],
    ids=repr,
)
def test_failed_fit_leaves_no_attributes(estimator):
    before = dict(vars(estimator))
    with pytest.raises(TypeError if estimator.get_params().get("block_size") != 0 else ValueError):
        estimator.fit(TABLE, PATHS)
    assert vars(estimator) == before
