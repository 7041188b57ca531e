"""``study.plot``: a method for each figure."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, final

from luthier.core.history import History
from luthier.plots.figure import Figure
from luthier.plots.registry import FIGURES

__all__ = ["Plots"]


@final
class Plots:
    """The figures of a study: ``study.plot.history()``, ``study.plot.slice(params=["lr"])``, ...

    ``names`` lists them; their options are those of the functions in ``luthier.plots``.

    Args:
        look: Returns the study's history as it is now.

    Example:
        >>> import luthier
        >>> study = luthier.create_study(seed=0)
        >>> study.optimize(lambda trial: trial.suggest_float("x", -1, 1) ** 2, n_trials=5)
        >>> study.plot.history()
        <Figure 'history': value over trials>
    """

    def __init__(self, look: Callable[[], History]) -> None:
        self._look = look

    @property
    def names(self) -> tuple[str, ...]:
        """The figures that have something to show of the study as it is now."""
        history = self._look()
        return tuple(n for n, kind in FIGURES.items() if kind.applies(history, history.space))

    def __getattr__(self, name: str) -> Callable[..., Figure]:
        if name not in FIGURES:
            raise AttributeError(f"There is no figure {name!r}. There are: {', '.join(FIGURES)}.")
        draw = FIGURES[name].draw

        def method(**options: Any) -> Figure:
            history = self._look()
            return draw(history, history.space, **options)

        update_wrapper(method, draw, assigned=("__doc__",), updated=())
        method.__name__ = name
        return method

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *FIGURES]
