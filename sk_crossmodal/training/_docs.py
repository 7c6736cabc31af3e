"""Docstrings of estimators: inherited parameters and attributes are added."""

import re
from inspect import cleandoc

SECTIONS = ("Parameters", "Attributes")


def inherit_entries(doc: str, inherited: str) -> str:
    """Add to a class docstring the parameters and attributes that its base class documents."""
    doc, inherited = cleandoc(doc), cleandoc(inherited)
    for before, section in zip((None, *SECTIONS), SECTIONS, strict=False):
        more = _entries(inherited, section)
        own = _entries(doc, section)
        entries = {**own, **more, **own}  # its own come first, and win
        text = "\n".join((section, "-" * len(section), *entries.values()))
        if own:
            doc = _pattern(section).sub(text.replace("\\", r"\\"), doc, count=1)
        elif more:
            match = before and _pattern(before).search(doc)
            end = match.end() if match else len(doc)
            doc = f"{doc[:end]}\n\n{text}{doc[end:]}"
    return doc + "\n"


def _pattern(section: str) -> re.Pattern[str]:
    """Match a section up to the next heading."""
    return re.compile(rf"^{section}\n-+\n(.*?)(?=\n\n[^\n]+\n-{{3,}}\n|\Z)", re.S | re.M)


def _entries(doc: str, section: str) -> dict[str, str]:
    """Text of each entry of a section, by name, without blank lines between them."""
    match = _pattern(section).search(doc)
    if match is None:
        return {}
    entries = re.split(r"\n(?=\S)", match[1].strip())
    return {entry.split(" :")[0]: entry.rstrip() for entry in entries}
