"""Wrong calls of comparisons and plots of scores name the given and the expected value."""

import pytest
from bad_calls_scores import CASES

pytestmark = [pytest.mark.sample(0.4), pytest.mark.one_version]


@pytest.mark.parametrize(
    ("call", "exceptions", "message"), [pytest.param(*row, id=name) for name, *row in CASES]
)
def test_wrong_call_raises_with_the_given_value(call, exceptions, message):
    with pytest.raises(exceptions, match=rf"(?s){message}"):
        call()


def test_cases_have_unique_names():
    names = [name for name, *_ in CASES]
    assert len(set(names)) == len(names) >= 100
