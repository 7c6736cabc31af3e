"""Every link between pages, to a file or to a heading, has a target."""

import re
from itertools import count
from pathlib import Path
from urllib.parse import unquote

import pytest

pytestmark = pytest.mark.one_version

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/paper/*/*.md")])
BUILT = ROOT / "docs" / "auto_examples"  # generated with the pages


def prose(text):
    """The page without code."""
    text = re.sub(r"^(`{3,}|:{3,}).*?^\1", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]+`", "", text)


def links(text):
    """Targets of links and images, without external addresses."""
    found = re.findall(r"\]\(([^)\s]+)\)", prose(text))
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def anchors(text):
    """Anchors of a page's headings, by the rule of code hosts and MyST."""
    headings = re.findall(r"^#+ +(.*?)\s*$", re.sub(r"(?ms)^```.*?^```", "", text), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    seen = {}
    for name in plain:
        number = next(seen.setdefault(name, count()))
        yield f"{name}-{number}" if number else name


def problem(page, target):
    """The problem of a link, or None."""
    path, _, anchor = unquote(target).partition("#")
    target_file = (page.parent / path).resolve() if path else page
    if target_file.is_relative_to(BUILT):
        return None
    if not target_file.exists():
        return f"{target}: no such file"
    if anchor and anchor not in set(anchors(target_file.read_text())):
        return f"{target}: no such heading"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_have_targets(page):
    found = [problem(page, target) for target in links(page.read_text())]
    assert not list(filter(None, found))


def test_pages_include_readme_and_guide():
    names = {str(page.relative_to(ROOT)) for page in PAGES}
    assert {"README.md", "CONTRIBUTING.md", "docs/guide.md"} <= names
    assert len(links((ROOT / "README.md").read_text())) > 20


def test_problem_of_broken_links_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Some `code`, twice\n[a](#some-code-twice) [b](page.md#no) [c](gone.md)\n")
    found = [problem(page, target) for target in links(page.read_text())]
    assert found == [None, "page.md#no: no such heading", "gone.md: no such file"]
