"""How values, trials and tables look on a terminal and in files.

What others wrote into a storage is data: control characters in it are shown, never obeyed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

import click

__all__ = ["cell", "pairs", "print_table", "to_json"]


def cell(value: object) -> str:
    r"""Return a value as a person wants to read it, on one line.

    Args:
        value: Anything; floats get six digits.

    Example:
        >>> cell(0.1 + 0.2), cell(None), cell("two\nlines")
        ('0.3', 'None', 'two\\nlines')
    """
    from luthier.space.visible import visible

    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return visible(text)


def pairs(values: Mapping[str, object]) -> str:
    """Return named values as ``name=value``, separated by commas.

    Example:
        >>> pairs({"lr": 0.001, "units": 32})
        'lr=0.001, units=32'
    """
    return ", ".join(f"{cell(name)}={cell(value)}" for name, value in values.items())


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table to stdout; numbers stand at the right of their column.

    Args:
        columns: The headings.
        rows: A value for each column; "" where there is none.
    """
    from rich.cells import cell_len

    body = [list(row) for row in rows]
    lines = [list(map(cell, columns)), *(list(map(cell, row)) for row in body)]
    for position in range(len(columns)):
        width = max(cell_len(line[position]) for line in lines)
        right = _is_numeric([row[position] for row in body])
        for line in lines:
            gap = " " * (width - cell_len(line[position]))
            line[position] = gap + line[position] if right else line[position] + gap
    for line in lines:
        click.echo("  ".join(line).rstrip())


def _is_numeric(values: Sequence[object]) -> bool:
    given = [value for value in values if value not in (None, "")]
    return bool(given) and all(isinstance(value, int | float) for value in given)


def to_json(value: object) -> str:
    """Return JSON values as indented JSON text; infinite numbers must have been tagged."""
    return json.dumps(value, indent=2, allow_nan=False)
