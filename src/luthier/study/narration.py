"""What a study says while it runs: a line for every trial that ends, on the "luthier" logger."""

from __future__ import annotations

import logging
import sys
from typing import Any

import numpy as np

from luthier.core.history import History
from luthier.core.trial import FrozenTrial, TrialState
from luthier.errors import ArgumentError
from luthier.study.driver import Driver
from luthier.study.tradeoffs import least_infeasible

__all__ = ["incumbent", "narrate", "set_verbosity"]

logger = logging.getLogger("luthier")
_VERBS = {
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "was pruned",
    TrialState.PAUSED: "is paused",
}
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}


def set_verbosity(level: str | int) -> None:
    """Choose what Luthier says on stderr.

    Args:
        level: "debug", "info" (a line per trial), "warning", "error", "critical" or a number of
            the ``logging`` module.

    Raises:
        ArgumentError: Not one of these.
    """
    number = _LEVELS.get(level.lower()) if isinstance(level, str) else level
    if not isinstance(number, int) or isinstance(number, bool):
        raise ArgumentError(
            f"set_verbosity: level must be one of {', '.join(_LEVELS)} or a number, got {level!r}."
        )
    _handler()
    logger.setLevel(number)


def narrate(driver: Driver, trial: FrozenTrial) -> None:
    """Log how a trial ended."""
    if trial.state is TrialState.FAILED:
        if logger.isEnabledFor(logging.WARNING):
            first = (trial.error or "").split("\n", 1)[0]
            logger.warning("Trial %d failed: %s Parameters: %s", trial.number, first, trial.params)
        return
    if not logger.isEnabledFor(logging.INFO):
        return
    values = ", ".join(f"{n}={v:.6g}" for n, v in trial.metrics.items()) or "no value"
    verb = _VERBS[trial.state]
    tail = _so_far(driver.mirror.latest())
    logger.info("Trial %d %s: %s with %s.%s", trial.number, verb, values, trial.params, tail)


def _so_far(history: History) -> str:
    if (best := incumbent(history)) is not None:
        return f" Best so far: trial {best.number} with {best.metric_values[0]:.6g}."
    if (least := least_infeasible(history)) is not None:
        return f" None is feasible so far, trial {least.number} is the least infeasible."
    return ""


def incumbent(history: History) -> FrozenTrial | None:
    """The best feasible completed trial of a single-objective study, or None."""
    if len(history.objective.names) > 1 or not len(history.completed):
        return None
    values = np.where(history.violations <= 0, history.Y[:, 0], np.nan)
    return None if np.isnan(values).all() else history.completed[int(np.nanargmin(values))]


class _StderrHandler(logging.StreamHandler[Any]):
    """Writes to whatever ``sys.stderr`` is now, as notebooks and tests replace it."""

    @property
    def stream(self) -> Any:
        return sys.stderr

    @stream.setter
    def stream(self, value: Any) -> None:
        """The stream can't be set."""


def _handler() -> None:
    if not any(isinstance(h, _StderrHandler) for h in logger.handlers):
        handler = _StderrHandler()
        handler.setFormatter(logging.Formatter("[%(levelname).1s %(asctime)s] %(message)s"))
        logger.addHandler(handler)
