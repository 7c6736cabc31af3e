"""The table of wrong calls of data sets."""

import re

import pytest
from bad_calls_datasets import CASES, folder

pytestmark = [pytest.mark.sample(0.4), pytest.mark.one_version]


@pytest.mark.parametrize(("call", "errors", "message"), [case[1:] for case in CASES],
                         ids=[case[0] for case in CASES])  # fmt: skip
def test_wrong_call_raises_the_expected_error(call, errors, message):
    with pytest.raises(errors) as caught:
        call()
    assert re.search(message, str(caught.value), re.DOTALL), str(caught.value)
    assert not (folder() / "store").exists()


def test_table_has_unique_ids_and_enough_cases():
    assert len({case[0] for case in CASES}) == len(CASES) >= 100
