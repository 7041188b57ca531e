"""Members: the lines of trials that make up a population, read from the history.

Each member starts as one trial. When it is replaced, its trial ends and a clone of another's goes
on in its place: the next trial of the line. Clones say in their data which member they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.history import History
from luthier.core.lineage import metrics_at, position_of
from luthier.core.objective import Objective
from luthier.core.rungs import Rung
from luthier.core.trial import FrozenTrial, TrialState
from luthier.schedulers.ladder import best_first

__all__ = ["Member", "Population", "compared_at"]

_PATIENCE: Final = 3  # failures in a row after which a member is given up


@final
@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One member of a population.

    Attributes:
        number: Which, from 0.
        line: Its trials, oldest first; the last is the present one.
    """

    number: int
    line: tuple[FrozenTrial, ...]

    @property
    def head(self) -> FrozenTrial:
        """Its present trial."""
        return self.line[-1]

    @property
    def position(self) -> int:
        """The step up to which it has been trained."""
        return position_of(self.head)

    @property
    def vacant(self) -> bool:
        """Whether its trial has ended early, and another should take its place."""
        if self.head.state is TrialState.FAILED:
            latest = self.line[-_PATIENCE:]
            return len(latest) < _PATIENCE or any(
                trial.state is not TrialState.FAILED for trial in latest
            )
        return self.head.state is TrialState.PRUNED

    def at(self, step: int) -> FrozenTrial:
        """The trial that it was when members were compared at a step."""
        return next((t for t in reversed(self.line) if compared_at(t) < step), self.line[0])


@final
@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """All members, as a history shows them.

    Attributes:
        trials: All trials by number.
        members: The members, by number.
        objective: What is optimised.
        names: The metrics that members are compared by.
    """

    trials: Mapping[int, FrozenTrial]
    members: tuple[Member, ...]
    objective: Objective
    names: tuple[str, ...]

    @classmethod
    def of(cls, history: History, metric: str | None) -> Population:
        """Read a history.

        Args:
            history: What has happened.
            metric: What members are compared by; the objectives if None.
        """
        found = chain(history.completed, history.pruned, history.failed, history.live)
        trials = {t.number: t for t in sorted(found, key=_number)}
        lines: list[list[FrozenTrial]] = []
        for trial in trials.values():
            member = trial.origin.data.get("member")
            if isinstance(member, int) and member < len(lines):
                lines[member].append(trial)
            else:
                lines.append([trial])
        members = tuple(Member(k, tuple(line)) for k, line in enumerate(lines))
        names = history.objective.names if metric is None else (metric,)
        return cls(trials, members, history.objective, names)

    def member_of(self, trial: FrozenTrial) -> Member | None:
        """The member whose present trial this is."""
        return next((m for m in self.members if m.head.number == trial.number), None)

    def reached(self, step: int, members: Sequence[Member]) -> int:
        """How many of some members have got to a step."""
        return sum(position_of(member.at(step)) >= step for member in members)

    def order(self, step: int) -> list[int]:
        """Return the numbers of the members that have got to a step, the best there first.

        Of several objectives the non-dominated ranks count; constraints that are broken come
        before everything else. Members whose trials failed are left out.
        """
        needed = dict.fromkeys([*self.names, *(c.metric for c in self.objective.constraints)])
        numbers, values, violations = [], [], []
        for member in self.members:
            trial = member.at(step)
            if trial.state is TrialState.FAILED or position_of(trial) < step:
                continue
            metrics = metrics_at(self.trials, trial, step, tuple(needed))
            if metrics is not None:
                numbers.append(member.number)
                values.append([self._sign(n) * metrics.get(n, np.nan) for n in self.names])
                violations.append(self._violation(metrics))
        rung = Rung(
            step,
            np.array(numbers, dtype=np.int64),
            np.array(values, dtype=np.float64).reshape(-1, len(self.names)),
            np.array(violations, dtype=np.float64),
        )
        ordered: list[int] = best_first(rung).tolist()
        return ordered

    def scores(self, trial: FrozenTrial, steps: Sequence[int]) -> NDArray[np.float64]:
        """What a trial was at some steps by the first metric, lower is better, shape (n,)."""
        name = self.names[0]
        found = (metrics_at(self.trials, trial, step, (name,)) or {} for step in steps)
        return self._sign(name) * np.array([m.get(name, np.nan) for m in found])

    def _sign(self, name: str) -> float:
        return 1.0 if self.objective.direction_of(name) == "minimize" else -1.0

    def _violation(self, metrics: Mapping[str, float]) -> float:
        known = {c.metric for c in self.objective.constraints} <= metrics.keys()
        return self.objective.violation(metrics) if known else 0.0


def compared_at(trial: FrozenTrial) -> int:
    """The step at which members were compared when a clone was made; 0 if it isn't a clone."""
    return int(trial.origin.data.get("step", 0)) if "member" in trial.origin.data else 0


def _number(trial: FrozenTrial) -> int:
    return trial.number
