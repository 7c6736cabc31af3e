"""Tables in HTML, for notebooks and reports."""

from collections.abc import Iterable, Sequence
from html import escape

# Colours are inherited from the page, which may be dark.
STYLE = """<style>
.skcm-table { overflow-x: auto; max-width: 100%; }
.skcm-table table { border-collapse: collapse; font-size: 0.9em; margin: 0;
  font-variant-numeric: tabular-nums; }
.skcm-table caption { text-align: left; padding: 0 0 0.5em; opacity: 0.8;
  max-width: calc(100vw - 3rem); }
.skcm-table th, .skcm-table td { padding: 0.3em 0.8em; text-align: right; vertical-align: top;
  border: 0; border-bottom: 1px solid rgba(128, 128, 128, 0.3); background: none; }
.skcm-table td { white-space: nowrap; }
.skcm-table th { font-weight: 600; }
.skcm-table thead th, .skcm-table thead td { vertical-align: bottom; overflow-wrap: normal;
  border-bottom: 2px solid rgba(128, 128, 128, 0.6); }
.skcm-table .text { text-align: left; white-space: normal; overflow-wrap: break-word;
  min-width: 7em; max-width: 22em; }
</style>
"""


def table(
    caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], *, n_text: int = 1
) -> str:
    """Return a table as HTML; all content is escaped, and the first `n_text` columns are text."""
    title = _text(caption)
    kinds = [' class="text"' if i < n_text else "" for i in range(len(heads))]
    head = "".join(
        f'<th scope="col"{kind}>{_text(name)}</th>' if name else f"<td{kind}></td>"
        for name, kind in zip(heads, kinds, strict=True)
    )
    body = "\n".join(
        f'<tr><th scope="row"{kinds[0]}>{_text(row[0])}</th>'
        + "".join(
            f"<td{kind}>{_text(cell)}</td>" for cell, kind in zip(row[1:], kinds[1:], strict=True)
        )
        + "</tr>"
        for row in rows
    )
    # tabindex: a box that scrolls must be reachable by keyboard.
    return (
        f'<div class="skcm-table" role="region" tabindex="0" aria-label="{escape(caption)}">\n'
        f"<table>\n<caption>{title}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody>\n</table>\n</div>\n"
    )


def _text(value: str) -> str:
    return escape(value).replace("\n", "<br>")
