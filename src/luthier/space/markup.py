"""Tables of HTML for notebooks: every cell is text, whatever it holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from luthier.space.visible import visible

__all__ = ["MOST_ROWS", "cell", "table"]

MOST_ROWS = 60
_LONGEST = 120


def table(caption: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table.

    Args:
        caption: What it shows.
        header: The names of its columns.
        rows: Its cells, row by row; of many rows the first are shown.

    Example:
        >>> table("a < b", ["x"], [["<script>"]]).count("&lt;")
        2
    """
    listed = list(rows)
    shown = ["".join(f"<td>{cell(item)}</td>" for item in row) for row in listed[:MOST_ROWS]]
    if len(listed) > MOST_ROWS:
        more = f"and {len(listed) - MOST_ROWS} more"
        shown.append(f'<td colspan="{len(header)}">{more}</td>')
    head = "".join(f'<th scope="col">{cell(name)}</th>' for name in header)
    body = "".join(f"<tr>{row}</tr>" for row in shown)
    return (
        f"<table><caption>{cell(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def cell(item: Any) -> str:
    """Return anything as text that markup can't hide in; a long one is cut.

    Example:
        >>> cell("<b>"), cell(0.1)
        ('&lt;b&gt;', '0.1')
    """
    return escape(visible(str(item), _LONGEST))
