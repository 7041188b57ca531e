"""The situation: what the choice of a method depends on, read off the space and the history."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import median
from typing import Final, final

from luthier.core.history import History
from luthier.space import Float, Space
from luthier.space.relations import Check

__all__ = ["Situation", "situation_of"]

_FEW: Final = 1000
_RECENT: Final = 100


@final
@dataclass(frozen=True, slots=True)
class Situation:
    """What a space and a history look like.

    Attributes:
        width: How many columns the space has, encoded.
        n_choices: How many of them are choices without order.
        conditional: Whether some parameters are active only sometimes.
        continuous: Whether all parameters are numbers without steps.
        size: How many configurations there are, if they are few; else None.
        n_objectives: How many objectives there are.
        n_points: How many trials a model sees.
        n_completed: How many of them have a value.
        n_failed: How many crashed.
        n_hurdles: How many models there are beside the objective's: of crashes and constraints.
        n_live: How many are running or waiting.
        planned: How many trials the study is to have, or None where nobody said.
        affordable: How many it can have in the time that is planned, if trials go on costing what
            the median of recent ones did; None without a limit of time, or before any has ended.
        seconds: What a trial costs, as a power of 4 that is at most the median of recent ones,
            so that the same study chooses the same on a machine that is a little slower; 0 before
            any trial has ended.
    """

    width: int
    n_choices: int
    conditional: bool
    continuous: bool
    size: int | None
    n_objectives: int
    n_points: int
    n_completed: int
    n_failed: int
    n_hurdles: int
    n_live: int
    planned: int | None
    affordable: int | None
    seconds: float

    @property
    def budget(self) -> int | None:
        """How many trials are likely to come in all: as planned, or as time allows if less."""
        known = (n for n in (self.planned, self.affordable) if n is not None)
        return min(known, default=None)

    @property
    def words(self) -> str:
        """All this in a sentence."""
        kinds = f"{self.width - self.n_choices} numbers and {self.n_choices} choices"
        parts = [f"{kinds}, {'with' if self.conditional else 'without'} conditions"]
        parts += [f"{self.size} configurations in all"] if self.size is not None else []
        parts += [f"{self.n_objectives} objectives"] if self.n_objectives > 1 else []
        parts += [f"{self.n_completed} completed trials, {self.n_failed} failed"]
        parts += [f"{self.n_live} running or waiting"] if self.n_live else []
        parts += [f"{self.planned} planned"] if self.planned is not None else []
        if self.affordable is not None:
            parts.append(f"about {self.affordable} likely in all in the time there is")
        parts += [f"at least {self.seconds:g} s a trial"] if self.seconds else []
        return "; ".join(parts)


def situation_of(space: Space, history: History) -> Situation:
    """Look at a space, which isn't empty, and a history."""
    columns = space.encoding.columns
    costs = [trial.cost or 0.0 for trial in history.completed[-_RECENT:]]
    middle = median(costs) if costs else 0.0
    return Situation(
        width=len(columns),
        n_choices=sum(column.categories > 0 for column in columns),
        conditional=bool(space.activity.rules),
        continuous=_is_continuous(space),
        size=_few(space, space.checks),
        n_objectives=len(history.objective.names),
        n_points=history.n_trials,
        n_completed=len(history.completed),
        n_failed=len(history.failed),
        n_hurdles=bool(len(history.failed)) + len(history.objective.constraints),
        n_live=len(history.pending),
        planned=history.planned,
        affordable=_affordable(history, middle),
        seconds=4.0 ** math.floor(math.log(middle, 4)) if middle > 0 else 0.0,
    )


@lru_cache(maxsize=64)
def _is_continuous(space: Space) -> bool:
    params = (space[column.name] for column in space.encoding.columns)
    return all(isinstance(param, Float) and param.step is None for param in params)


def _affordable(history: History, middle: float) -> int | None:
    """How many trials there will be when the work planned is done, one costing ``middle``."""
    if history.planned_cost is None or not middle > 0:
        return None
    left = max(0.0, history.planned_cost - history.cost)
    return history.n_finished + math.ceil(left / middle)


@lru_cache(maxsize=64)
def _few(space: Space, checks: tuple[Check, ...]) -> int | None:
    """The number of configurations if they are few, else None."""
    configs = space.every(_FEW)
    return None if configs is None else len(configs)
