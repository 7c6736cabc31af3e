"""Wrong calls of the container and the store are told what was given and what is expected."""

import pytest
from bad_calls_store import CASES

pytestmark = [pytest.mark.sample(0.4), pytest.mark.one_version]


@pytest.mark.parametrize(
    ("call", "error", "message"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_wrong_call_is_told(call, error, message):
    with pytest.raises(error, match=message) as raised:
        call()
    assert raised.type is error


def test_each_is_another_call():
    assert len({case[0] for case in CASES}) == len(CASES) >= 60
