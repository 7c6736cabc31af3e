"""Invalid calls of displays raise errors with the given value and what was expected."""

import pytest
from bad_calls_displays import CASES

pytestmark = [pytest.mark.sample(0.4), pytest.mark.one_version]


@pytest.mark.parametrize(
    ("call", "exceptions", "message"), [pytest.param(*row, id=name) for name, *row in CASES]
)
def test_invalid_call_raises(call, exceptions, message):
    with pytest.raises(exceptions, match=message):
        call()
