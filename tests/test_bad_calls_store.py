"""Invalid calls of the container and the store raise errors that say what was expected."""

import pytest
from bad_calls_store import CASES

pytestmark = [pytest.mark.sample(0.4), pytest.mark.one_version]


@pytest.mark.parametrize(
    ("call", "error", "message"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_invalid_call_raises(call, error, message):
    with pytest.raises(error, match=message) as raised:
        call()
    assert raised.type is error


def test_invalid_calls_have_unique_names():
    assert len({case[0] for case in CASES}) == len(CASES) >= 60
