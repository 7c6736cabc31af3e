"""The page: one HTML file that loads nothing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files

from .._html import STYLE

# If markup got into the page in spite of escaping, the browser would neither run nor load it.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@dataclass(frozen=True)
class Section:
    """A section of the page; its parts are HTML."""

    id: str
    title: str
    parts: Sequence[str]


def paragraph(text: str) -> str:
    """A paragraph of text."""
    return f"<p>{escape(text)}</p>\n"


def note(text: str) -> str:
    """A paragraph that says why something is left out."""
    return f'<p class="note">{escape(text)}</p>\n'


def heading(text: str) -> str:
    """A heading inside a section."""
    return f"<h3>{escape(text)}</h3>\n"


def without_style(html: str) -> str:
    """A table of the package without its style, which the page has once."""
    return html.removeprefix(STYLE)


def details(summary: str, html: str) -> str:
    """HTML that opens on a click on its summary."""
    return f"<details>\n<summary>{escape(summary)}</summary>\n{html}</details>\n"


def key_numbers(pairs: Sequence[tuple[str, str]]) -> str:
    """Numbers with their names, on cards."""
    cards = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in pairs
    )
    return f'<dl class="numbers">{cards}</dl>\n'


def figure(source: str, size: tuple[float, float], alt: str, caption: str) -> str:
    """A figure on a white card, with a caption."""
    width, height = (round(each) for each in size)
    return (
        f'<figure>\n<div class="card" role="region" tabindex="0" aria-label="{escape(alt)}">'
        f'<img src="{source}" width="{width}" height="{height}" alt="{escape(alt)}"></div>\n'
        f"<figcaption>{escape(caption)}</figcaption>\n</figure>\n"
    )


def page(title: str, lead: str, sections: Sequence[Section], foot: str) -> str:
    """Return the whole page; `lead` is HTML below the title, `foot` is text."""
    # A class's name may break between its words.
    shown = re.sub("(?<=[a-z])(?=[A-Z])", "<wbr>", escape(title))
    contents = "".join(f'<li><a href="#{s.id}">{escape(s.title)}</a></li>' for s in sections)
    style = files(__package__).joinpath("report.css").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n{STYLE}<style>\n{style}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{shown}</h1>\n{lead}</header>\n"
        f'<nav aria-labelledby="contents"><h2 id="contents">Contents</h2>\n'
        f"<ol>{contents}</ol></nav>\n<main>\n{''.join(map(_section_html, sections))}</main>\n"
        f"<footer>{paragraph(foot)}</footer>\n</body>\n</html>\n"
    )


def _section_html(section: Section) -> str:
    title = f"{section.id}-title"
    return (
        f'<section id="{section.id}" aria-labelledby="{title}">\n'
        f'<h2 id="{title}">{escape(section.title)}</h2>\n{"".join(section.parts)}</section>\n'
    )
