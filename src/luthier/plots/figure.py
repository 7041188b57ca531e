"""A figure: plain data in plotly's figure schema, and the ways to show it.

No plotting package is needed to make or to show one: a page holds its JSON, and the plotly.js in
``static`` draws it. The figure holds no colours of a page; a theme does (``theme.py``).
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import numpy as np

from luthier.errors import ArgumentError, require_extra
from luthier.plots.page import fragment, page, show_in_browser
from luthier.plots.theme import THEMES, ThemeName, checked_theme

__all__ = ["Figure", "rounded"]

_PICTURES = {".png", ".svg", ".pdf", ".jpg", ".jpeg", ".webp"}
_DIGITS = 7  # more than a screen has pixels


@final
@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """A figure, as plain data.

    In a notebook it shows itself. Points of trials carry the trial's number as ``customdata``.

    Attributes:
        name: Which figure it is, such as "history".
        title: Its title, as plain text.
        data: The traces, in plotly's schema.
        layout: The layout, in plotly's schema, without a theme.
        note: What a reader must know besides, such as "showing 2,000 of 10,000 trials".

    Example:
        >>> figure = Figure("line", "A line", [{"type": "scatter", "x": [0, 1], "y": [0, 2]}])
        >>> figure.to_dict()["data"]
        [{'type': 'scatter', 'x': [0, 1], 'y': [0, 2]}]
        >>> figure.to_html().startswith("<!doctype html>")
        True
    """

    name: str
    title: str
    data: Sequence[Mapping[str, Any]] = ()
    layout: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def to_dict(self, theme: ThemeName | None = None) -> dict[str, Any]:
        """Return the figure as JSON values: ``{"data": [...], "layout": {...}}``.

        Args:
            theme: "light" or "dark" puts that theme into ``layout.template``; None and "auto"
                leave it to the page.

        Raises:
            ArgumentError: No such theme.
        """
        title = {"text": self.title, "subtitle": {"text": self.note}}
        layout = {
            "title": title,
            **self.layout,
            "margin": self._margin,
            "meta": {"name": self.name, "note": self.note, **self._room},
        }
        if theme is not None and checked_theme(theme) in THEMES:
            layout["template"] = THEMES[theme].template
        return {"data": _json_value(list(self.data)), "layout": _json_value(layout)}

    def to_json(self, theme: ThemeName | None = None) -> str:
        """Return what ``to_dict`` returns as JSON text; what isn't a finite number is null."""
        return json.dumps(self.to_dict(theme), separators=(",", ":"), allow_nan=False)

    def to_html(self, script: str = "inline", theme: ThemeName = "auto") -> str:
        """Return a whole page that shows the figure.

        Args:
            script: "inline" puts plotly.js into the page, which then needs no network; else the
                address of plotly.js.
            theme: "auto" follows what the reader prefers, also when that changes.

        Raises:
            ArgumentError: No such theme.
        """
        return page(self.title, [self.to_json()], script, checked_theme(theme))

    def to_plotly(self, theme: ThemeName = "light") -> Any:
        """Return the figure as a ``plotly.graph_objects.Figure``, to change or to export it.

        Args:
            theme: "light" or "dark"; "auto" is light.

        Raises:
            MissingExtraError: plotly isn't installed.
            ArgumentError: No such theme.
        """
        graphs = require_extra("plotly.graph_objects", "plot", "A figure as plotly's")
        return graphs.Figure(self.to_dict("dark" if checked_theme(theme) == "dark" else "light"))

    def save(self, path: str | os.PathLike[str], theme: ThemeName = "auto") -> Path:
        """Write the figure into a file; return its path.

        Args:
            path: ``.html`` is a page that needs no network, ``.json`` the data. Pictures
                (``.png``, ``.svg``, ``.pdf``) are drawn by the packages plotly and kaleido.
            theme: As for ``to_html`` and ``to_plotly``.

        Raises:
            ArgumentError: Another ending, or no such theme.
            MissingExtraError: A picture, and plotly isn't installed.
        """
        target = Path(path)
        ending = target.suffix.lower()
        if ending in _PICTURES:
            self.to_plotly(theme).write_image(target)
        elif ending == ".html":
            target.write_text(self.to_html(theme=theme), encoding="utf-8")
        elif ending == ".json":
            target.write_text(self.to_json(theme), encoding="utf-8")
        else:
            raise ArgumentError(
                f"save: the file's name must end in .html, .json, .png, .svg or .pdf, got "
                f"{target.name!r}."
            )
        return target

    def show(self, theme: ThemeName = "auto") -> None:
        """Show the figure in a browser window."""
        show_in_browser(self.to_html(theme=theme))

    @property
    def _room(self) -> dict[str, int]:
        """The least width in pixels, where panels stand side by side: on less, a page scrolls."""
        axes = [axis for name, axis in self.layout.items() if name.startswith("xaxis")]
        columns = len({axis["domain"][0] if "domain" in axis else 0 for axis in axes})
        a_column = 330 if "coloraxis2" in self.layout else 240
        return {"width": a_column * columns} if columns > 1 else {}

    @property
    def _margin(self) -> dict[str, Any]:
        """Room for the title, the note and the legend."""
        legend = self.layout.get("showlegend", len(self.data) > 1)
        top = 48 + 22 * bool(self.note) + 24 * bool(legend)
        return {"t": top, **self.layout.get("margin", {})}

    def _repr_html_(self) -> str:
        return fragment([self.to_json()])

    def __repr__(self) -> str:
        return f"<Figure {self.name!r}: {self.title}>"


def rounded(numbers: Any) -> list[Any]:
    """Return numbers as a list of as many digits as a figure can show; None where not finite.

    Example:
        >>> rounded(np.array([1 / 3, np.nan, 2.0]))
        [0.3333333, None, 2.0]
    """
    array = np.asarray(numbers)
    if array.dtype.kind in "iub":
        listed: list[Any] = array.tolist()
        return listed
    return [_round(value) for value in array.astype(np.float64).tolist()]


def _round(value: float) -> float | None:
    return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None


def _json_value(value: Any) -> Any:
    """Arrays as lists, and null for numbers that JSON doesn't have."""
    if isinstance(value, Mapping):
        return {key: _json_value(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _json_value(value.tolist())
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
