"""Docstrings in numpydoc's form: taken apart, and completed by those of other classes."""

import re
from collections.abc import Iterable
from inspect import cleandoc

ORDER = ("Parameters", "Attributes", "Returns", "Raises", "See Also", "Notes", "References")
INHERITED = ("See Also", "References")  # sections of a base class, unless a class has its own


def split_sections(doc: str) -> tuple[str, dict[str, str]]:
    """Return the text before the first section, and the content of each section."""
    head, *parts = re.split(r"\n\n([A-Z][A-Za-z ]+)\n-{3,}\n", cleandoc(doc))
    return head, dict(zip(parts[::2], parts[1::2], strict=True))


def join_sections(head: str, sections: dict[str, str]) -> str:
    """Return a docstring with its sections in numpydoc's order."""
    names = [name for name in dict.fromkeys((*ORDER, *sections)) if name in sections]
    return "\n\n".join([head, *(f"{n}\n{'-' * len(n)}\n{sections[n]}" for n in names)]) + "\n"


def split_entries(section: str) -> dict[str, str]:
    """Return the entry of each parameter; one entry may describe several, as in ``low, high``."""
    entries = re.split(r"\n(?=\S)", section.strip()) if section.strip() else []
    return {
        name.strip("*"): entry.rstrip()
        for entry in entries
        for name in entry.split(" : ")[0].split(", ")
    }


def join_entries(entries: Iterable[str]) -> str:
    """Return a section of entries, each once."""
    return "\n".join(dict.fromkeys(entries))


def inherit_entries(doc: str, inherited: str) -> str:
    """Complete the docstring of a class by the entries and references of its base class."""
    head, sections = split_sections(doc)
    _, more = split_sections(inherited)
    for name in ("Parameters", "Attributes"):
        own, of_base = (split_entries(each.get(name, "")) for each in (sections, more))
        if entries := {**own, **of_base, **own}:  # its own come first, and win
            sections[name] = join_entries(entries.values())
    return join_sections(head, {n: more[n] for n in INHERITED if n in more} | sections)
