"""Wrong calls of modules and displays say what was given and what was expected."""

import pytest
from bad_calls_modules import CASES

pytestmark = [pytest.mark.sample(0.4), pytest.mark.one_version]


@pytest.mark.parametrize(
    ("call", "exceptions", "message"), [pytest.param(*row, id=name) for name, *row in CASES]
)
def test_wrong_call_raises_an_error(call, exceptions, message):
    with pytest.raises(exceptions, match=message):
        call()


def test_names_of_cases_are_unique():
    names = [name for name, *_ in CASES]
    assert len(set(names)) == len(names) >= 40
