"""Wrong calls of the pictures say what was given and what was expected."""

import pytest
from bad_calls_pictures import CASES

pytestmark = [pytest.mark.sample(0.4), pytest.mark.one_version]


@pytest.mark.parametrize(
    ("call", "exceptions", "message"), [pytest.param(*row, id=name) for name, *row in CASES]
)
def test_is_refused(call, exceptions, message):
    with pytest.raises(exceptions, match=message):
        call()
