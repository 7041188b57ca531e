"""What experiment trackers are told of trials: what all of them share.

Trackers are callbacks of ``optimize``. They hear of reports as they come, and of each trial when it
has ended, where the study is driven: also where trials run in other processes, or were paused and
resumed in between. They are always given the whole record, and bring what the tracker holds up to
it: what is there already isn't written again, and what a killed run had written too much goes.
"""

from __future__ import annotations

import json
import math
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from luthier.core.events import Event, TrialReported
from luthier.core.settings import Number
from luthier.core.trial import FrozenTrial, Metrics
from luthier.errors import ArgumentError

if TYPE_CHECKING:
    from luthier.study.study import Study

__all__ = ["Tracker", "flat_params", "points", "series", "tags"]


class Tracker(ABC):
    """A callback of ``optimize`` that also hears of reports.

    Args:
        every: Seconds that have to pass between two writes of a running trial, at least 0;
            infinity to write trials that have ended alone.

    Raises:
        ArgumentError: ``every`` is below 0.
    """

    def __init__(self, every: float) -> None:
        if every != math.inf and Number(0).read(every) is None:
            raise ArgumentError(f"Trackers: every must be at least 0 seconds, got {every!r}.")
        self._every = every
        self._wrote: dict[tuple[str, int], float] = {}  # when, of trials that go on

    def __call__(self, study: Study, trial: FrozenTrial) -> None:
        """Write a trial that has ended; the same again changes nothing.

        Args:
            study: Its study.
            trial: Its record.

        Raises:
            ArgumentError: The trial hasn't ended.
        """
        if not trial.state.is_finished:
            raise ArgumentError(
                "Trackers take trials that have ended, "
                f"got trial {trial.number}: {trial.state.name}."
            )
        self._write(study.study_name, trial)
        self._wrote.pop((study.study_name, trial.number), None)

    def hear(self, event: Event) -> None:
        """Write what a trial has reported so far, unless that was done a moment ago."""
        if isinstance(event, TrialReported):
            key, now = (event.study, event.trial.number), time.monotonic()
            if now - self._wrote.get(key, -math.inf) > self._every:
                self._wrote[key] = now
                self._write(event.study, event.trial)

    @abstractmethod
    def _write(self, study: str, trial: FrozenTrial) -> None:
        """Bring what the tracker holds of a trial up to its record.

        Args:
            study: The study's name.
            trial: The record of a trial that runs, or has ended.
        """


def flat_params(trial: FrozenTrial) -> dict[str, bool | int | float | str]:
    """Return the active parameters as numbers, truth values or text.

    Example:
        >>> names, values = ("lr", "layers", "act"), (0.1, (8, 8), None)
        >>> flat_params(FrozenTrial(number=0, param_names=names, param_values=values))
        {'lr': 0.1, 'layers': '[8, 8]', 'act': 'null'}
    """
    return {name: _plain(value) for name, value in trial.params.items()}


def series(trial: FrozenTrial) -> list[tuple[int, Metrics]]:
    """Return what was reported, by rising step.

    Example:
        >>> from luthier.core.trial import Reports
        >>> reports = Reports([(2, {"loss": 0.1}), (1, {"loss": 0.2})])
        >>> series(FrozenTrial(number=0, reports=reports))
        [(1, {'loss': 0.2}), (2, {'loss': 0.1})]
    """
    return sorted(trial.reports.items(), key=lambda item: item[0])


def points(trial: FrozenTrial) -> list[tuple[int, Metrics]]:
    """Return what was reported, by rising step, and a step later the result, if there is one."""
    result = [((trial.last_step or 0) + 1, trial.metrics)] if trial.metrics else []
    return [*series(trial), *result]


def tags(study: str, trial: FrozenTrial) -> dict[str, str]:
    """Return what identifies and describes a trial, as text by name.

    Example:
        >>> tags("mnist", FrozenTrial(number=3))["luthier.trial"]
        '3'
    """
    told = {"study": study, "trial": trial.number, "state": trial.state.name}
    told |= {"reason": trial.origin.reason, "error": trial.error}
    told |= {f"attr.{name}": _plain(value) for name, value in trial.user_attrs.items()}
    return {f"luthier.{name}": str(text) for name, text in told.items() if text not in ("", None)}


def _plain(value: Any) -> bool | int | float | str:
    return value if isinstance(value, bool | int | float | str) else json.dumps(value)
