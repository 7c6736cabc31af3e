"""The table of wrong calls of Parquet and Arrow files, and of stores with labels."""

import re

import pytest
from bad_calls_tables import CASES

pytestmark = [pytest.mark.sample(0.4), pytest.mark.one_version]


@pytest.mark.parametrize(("call", "errors", "message"), [case[1:] for case in CASES],
                         ids=[case[0] for case in CASES])  # fmt: skip
def test_wrong_call_raises_the_expected_error(call, errors, message):
    with pytest.raises(errors) as caught:
        call()
    assert re.search(message, str(caught.value), re.DOTALL), str(caught.value)


def test_ids_are_unique():
    assert len({case[0] for case in CASES}) == len(CASES) >= 60
