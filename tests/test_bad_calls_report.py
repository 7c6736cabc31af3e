"""Invalid calls of examples and reports raise errors, and write nothing."""

import pytest
from bad_calls_report import CASES, folder

pytestmark = [pytest.mark.sample(0.4), pytest.mark.one_version]


@pytest.mark.parametrize(
    ("call", "errors", "match"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_invalid_call_raises(call, errors, match):
    with pytest.raises(errors, match=rf"(?s){match}"):
        call()
    assert sorted(path.name for path in folder().iterdir()) == ["dir.html", "old.html"]
    assert (folder() / "old.html").read_text() == "mine"


def test_ids_are_unique():
    assert len({case[0] for case in CASES}) == len(CASES) >= 40
