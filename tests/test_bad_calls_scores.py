"""Wrong calls of comparisons and pictures of scores say what was given and what was expected."""

import pytest
from bad_calls_scores import CASES

pytestmark = [pytest.mark.sample(0.4), pytest.mark.one_version]


@pytest.mark.parametrize(
    ("call", "exceptions", "message"), [pytest.param(*row, id=name) for name, *row in CASES]
)
def test_is_refused(call, exceptions, message):
    with pytest.raises(exceptions, match=rf"(?s){message}"):
        call()


def test_names_are_unique():
    names = [name for name, *_ in CASES]
    assert len(set(names)) == len(names) >= 100
