"""Panels: several pairs of axes in one figure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.errors import UnknownParamError
from luthier.space import Constant, Space

__all__ = ["Panels", "blank", "chosen_params", "jittered"]

_HEIGHT: Final = 230
_TOP: Final = 112  # pixels above and below the panels
_BETWEEN: Final = 64  # pixels from a row to the next


@final
class Panels:
    """A grid of pairs of axes.

    Args:
        n: How many.
        columns: At most so many side by side.
        height: Of each row, in pixels.
    """

    def __init__(self, n: int, columns: int = 3, height: int = _HEIGHT) -> None:
        self.n = max(n, 1)
        self.columns = min(columns, self.n)
        self.rows = math.ceil(self.n / self.columns)
        self._height = height
        self._axes: dict[str, dict[str, Any]] = {}
        self._words: list[dict[str, Any]] = []

    def axes(self, k: int) -> dict[str, str]:
        """What a trace of the k-th panel must say."""
        end = "" if k == 0 else str(k + 1)
        return {"xaxis": f"x{end}", "yaxis": f"y{end}"}

    def is_first(self, k: int) -> bool:
        """Whether a panel is the first of its row."""
        return k % self.columns == 0

    def set_x(self, k: int, axis: Mapping[str, Any]) -> None:
        """Describe the x axis of the k-th panel."""
        self._set("x", k, axis)

    def set_y(self, k: int, axis: Mapping[str, Any]) -> None:
        """Describe the y axis of the k-th panel."""
        self._set("y", k, axis)

    def say(self, k: int, text: str) -> None:
        """Put a few words into the k-th panel, which has nothing else to show."""
        end = "" if k == 0 else str(k + 1)
        where = {"xref": f"x{end} domain", "yref": f"y{end} domain", "x": 0.5, "y": 0.5}
        self._words.append({**where, "text": text, "showarrow": False})

    def layout(self, *, share_y: bool = False) -> dict[str, Any]:
        """The layout of the figure.

        Args:
            share_y: Whether all panels have one y axis, as for one metric.
        """
        found: dict[str, Any] = {}
        for k in range(self.n):
            row, column = divmod(k, self.columns)
            end = "" if k == 0 else str(k + 1)
            x, y = self._axes.get(f"x{k}", {}), self._axes.get(f"y{k}", {})
            across = 0.03 if share_y else 0.08
            between = _BETWEEN / (self._height * self.rows)
            found[f"xaxis{end}"] = {
                "type": "linear",
                **x,
                "anchor": f"y{end}",
                "domain": _domain(column, self.columns, across),
            }
            found[f"yaxis{end}"] = {
                "type": "linear",
                **y,
                "anchor": f"x{end}",
                "domain": _domain(self.rows - 1 - row, self.rows, between),
            }
            if share_y and k:
                found[f"yaxis{end}"]["matches"] = "y"
                found[f"yaxis{end}"]["showticklabels"] = self.is_first(k)
        said = {"annotations": self._words} if self._words else {}
        return found | said | {"height": self._height * self.rows + _TOP}

    def _set(self, way: str, k: int, axis: Mapping[str, Any]) -> None:
        self._axes[f"{way}{k}"] = dict(axis)


def chosen_params(space: Space, params: Sequence[str] | None, most: int) -> list[str]:
    """Return the parameters that a figure shows.

    Args:
        space: The space.
        params: Those that were asked for; None: all that vary, at most ``most``.
        most: How many.

    Raises:
        UnknownParamError: The space doesn't have one of them.
    """
    if params is None:
        varying = [n for n, p in space.items() if not isinstance(p, Constant) and p.size > 1]
        return varying[:most]
    unknown = [name for name in params if name not in space]
    if unknown:
        raise UnknownParamError(
            f"The space has no parameter {unknown[0]!r}. It has: {', '.join(space) or 'none'}.",
            name=unknown[0],
        )
    return list(params)


def jittered(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move points at the same place apart, the same way each time."""
    golden = 0.6180339887498949
    spread = (np.arange(len(places)) * golden) % 1.0 - 0.5
    return np.asarray(places + 0.5 * spread)


def blank(why: str) -> dict[str, Any]:
    """The layout of a figure that has nothing to show, and says why."""
    hidden = {"visible": False, "type": "linear", "range": [0, 1]}
    words = {"text": why, "x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper", "showarrow": False}
    return {"xaxis": hidden, "yaxis": hidden, "annotations": [{**words, "font": {"size": 14}}]}


def _domain(k: int, n: int, gap: float) -> list[float]:
    """The share of the figure that the k-th of n panels gets."""
    width = (1 - gap * (n - 1)) / n
    start = k * (width + gap)
    return [round(start, 4), round(min(start + width, 1.0), 4)]
