"""Every wrong call of the metrics and of the hierarchy raises an error of this package."""

import traceback
from pathlib import Path

import pytest
from bad_calls_ground import CASES

import sk_crossmodal

pytestmark = [pytest.mark.sample(0.4), pytest.mark.one_version]

PACKAGE = str(Path(sk_crossmodal.__file__).parent)
# The messages of scikit-learn's own validation are as clear.
ALSO = ("sklearn/utils/validation.py", "sklearn/utils/_")


@pytest.mark.parametrize(
    ("call", "errors", "pattern"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_wrong_call_raises_with_the_given_value(call, errors, pattern):
    with pytest.raises(errors, match=pattern) as caught:
        call()
    last = traceback.extract_tb(caught.value.__traceback__)[-1].filename
    assert last.startswith(PACKAGE) or any(part in last for part in ALSO), last


def test_cases_have_unique_names():
    assert len({case[0] for case in CASES}) == len(CASES) > 100
