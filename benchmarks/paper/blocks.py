"""A report as a list of blocks, written as Markdown and as one HTML file."""

import base64
import html
import re
from dataclasses import dataclass

MARKS = {
    "holds": "good",
    "does not hold": "bad",
    "within noise": "open",
    "cannot be tested here": "none",
}
CSS = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff;
       max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { line-height: 1.2; } h2 { margin-top: 3rem; border-bottom: 1px solid #ccc; }
p, ul { max-width: 48rem; }
nav { font-size: .9rem; columns: 18rem; } nav a { display: block; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .4rem; color: #444; max-width: 60rem; }
th, td { padding: .2rem .6rem; border-bottom: 1px solid #e2e2e2; vertical-align: top; }
th { text-align: left; border-bottom: 2px solid #888; }
table.numbers td:not(.label), table.numbers th:not(.label) { text-align: right; white-space: nowrap; }
.good { color: #00543c; background: #d5efe5; } .bad { color: #7a2f00; background: #fbe0d0; }
.open { color: #333; background: #ececec; } .none { color: #666; }
.good, .bad, .open { padding: 0 .4rem; border-radius: .3rem; white-space: nowrap; }
figure { margin: 1rem 0; } img { max-width: 100%; height: auto; }
figcaption { color: #444; font-size: .9rem; max-width: 48rem; }
"""  # noqa: E501


@dataclass
class Heading:
    """A heading; level 1 is the title."""

    text: str
    level: int = 2


@dataclass
class Paragraph:
    """Text with **bold**, *emphasised* and `code` parts."""

    text: str


@dataclass
class Listing:
    """A list of points."""

    points: list


@dataclass
class Table:
    """A table of strings; the first `n_labels` columns are text, the others numbers.

    The first line of a cell is coloured if it is one of `MARKS`.
    """

    head: list
    rows: list
    caption: str = ""
    n_labels: int = 1


@dataclass
class Plot:
    """A PNG file in the report's folder."""

    file: str
    caption: str


def to_markdown(blocks):
    """Return the report as Markdown, with links to plots."""
    return "\n\n".join(_MARKDOWN[type(block)](block) for block in blocks) + "\n"


def to_html(blocks, folder):
    """Return the report as one HTML file, which includes the plots from `folder`."""
    title = next(block.text for block in blocks if isinstance(block, Heading))
    chapters = [b.text for b in blocks if isinstance(b, Heading) and b.level == 2]
    links = "".join(f'<a href="#{_anchor(text)}">{_inline(text)}</a>' for text in chapters)
    body = [_HTML[type(block)](block, folder) for block in blocks]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{CSS}</style></head>\n<body>\n"
        + "\n".join([body[0], f"<nav>{links}</nav>", *body[1:]])
        + "\n</body></html>\n"
    )


def _table_to_markdown(table):
    def line(cells):
        return "| " + " | ".join(c.replace("|", r"\|").replace("\n", "<br>") for c in cells) + " |"

    sides = [":--" if i < table.n_labels else "--:" for i in range(len(table.head))]
    lines = [line(table.head), "|" + "|".join(sides) + "|", *map(line, table.rows)]
    return "\n".join([f"*{table.caption}*\n"] * bool(table.caption) + lines)


_MARKDOWN = {
    Heading: lambda block: f"{'#' * block.level} {block.text}",
    Paragraph: lambda block: block.text,
    Listing: lambda block: "\n".join(f"- {point}" for point in block.points),
    Table: _table_to_markdown,
    Plot: lambda block: f"![{block.caption}]({block.file})\n\n*{block.caption}*",
}


def _inline(text):
    text = html.escape(text, quote=False).replace("\n", "<br>")
    text = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", text)
    text = re.sub(r"\*(.+?)\*", r"<em>\1</em>", text)
    return re.sub(r"`(.+?)`", r"<code>\1</code>", text)


def _anchor(text):
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _heading_to_html(block, folder):
    tag = f"h{block.level}"
    return f'<{tag} id="{_anchor(block.text)}">{_inline(block.text)}</{tag}>'


def _table_to_html(table, folder):
    def cell(tag, i, text):
        first, _, rest = text.partition("\n")
        inner = _inline(text)
        if mark := MARKS.get(first):
            inner = f'<span class="{mark}">{first}</span><br>{_inline(rest)}'
        return f"<{tag}{' class=label' * (i < table.n_labels)}>{inner}</{tag}>"

    def line(tag, cells):
        return "<tr>" + "".join(cell(tag, i, text) for i, text in enumerate(cells)) + "</tr>"

    caption = f"<caption>{_inline(table.caption)}</caption>" if table.caption else ""
    rows = "\n".join(line("td", row) for row in table.rows)
    return (
        f'<div class="wide"><table class="numbers">{caption}<thead>{line("th", table.head)}'
        f"</thead><tbody>\n{rows}\n</tbody></table></div>"
    )


def _plot_to_html(block, folder):
    data = base64.b64encode((folder / block.file).read_bytes()).decode()
    return (
        f'<figure><img alt="{html.escape(block.caption)}" src="data:image/png;base64,{data}">'
        f"<figcaption>{_inline(block.caption)}</figcaption></figure>"
    )


def _listing_to_html(block, folder):
    return "<ul>" + "".join(f"<li>{_inline(point)}</li>" for point in block.points) + "</ul>"


_HTML = {
    Heading: _heading_to_html,
    Paragraph: lambda block, folder: f"<p>{_inline(block.text)}</p>",
    Listing: _listing_to_html,
    Table: _table_to_html,
    Plot: _plot_to_html,
}
