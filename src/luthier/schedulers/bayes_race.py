"""Racing one fold at a time: the next fold goes to the trial of which it says most.

Every trial runs one fold and pauses. A model of candidates, folds and chance
(``luthier.numerics.fold_model``) then says who leads, and who may still turn out better. While a
challenger's expected gain is worth it, it or the leader runs another fold; then new trials are
started; in the end the leader runs the folds that it lacks, and the others are dropped.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np

from luthier.core.folds import fold_scores
from luthier.core.history import History
from luthier.core.jobs import NEW, Decision, Job, Resume, Stop
from luthier.core.settings import Number, Rule, settle, spec_of
from luthier.core.trial import FrozenTrial
from luthier.numerics.fold_model import choose
from luthier.schedulers.stopping import paused_at_budget

__all__ = ["BayesRace"]

_RULES: Final[Mapping[str, Rule]] = {"folds": Number(2, whole=True)}
_BOUND: Final = Number(-math.inf, open="both")
_MOST_PAUSED: Final = 200
_MOST_COMPLETED: Final = 50


@final
@dataclass(frozen=True, slots=True)
class BayesRace:
    """Give the next fold to the trial of which it says most about who is best.

    It runs the fewest folds of all races. Trials pause after each fold, so that few run to their
    end; objectives take up the folds where they were (``luthier.study.folds.Folds``).

    Args:
        folds: How many folds a trial has.
        bound: The best score that a fold can have, such as 1 of accuracy. Trials that can't get
            ahead even so run no further fold. None is unknown; one that is exceeded isn't believed.

    Raises:
        ArgumentError: ``folds`` isn't a whole number of at least 2, ``bound`` no finite number.

    Example:
        >>> BayesRace(10).spec
        {'name': 'bayes_race', 'folds': 10, 'bound': None}

    References:
        Yerramilli and Apley, Fractional cross-validation for optimizing hyperparameters
        (Technometrics 2025): one fold at a time with a hierarchical model.
    """

    folds: int
    bound: float | None = None

    def __post_init__(self) -> None:
        settle(self, _RULES if self.bound is None else {**_RULES, "bound": _BOUND})

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("bayes_race", self)

    @property
    def is_race(self) -> bool:
        """True: trials must know their incumbent."""
        return True

    @property
    def rungs(self) -> tuple[int, ...]:
        """Every number of folds: samplers learn from the highest that enough trials have run."""
        return tuple(range(1, self.folds + 1))

    def budget(self, history: History, number: int) -> int | None:
        """One fold; all of them for the first trial, which is the first incumbent."""
        first = not (history.completed or history.live or history.pruned)
        return self.folds if first else 1

    def next(self, history: History, rng: np.random.Generator) -> Job | None:
        """Give the next fold where it is worth it, else start a trial, else end the race."""
        rows = self._rows(history)
        paused = {trial.number for trial in history.paused}
        free = [trial.number in paused for trial, _ in rows]
        may_start = history.planned is None or history.next_number < history.planned
        if not any(free):
            return NEW if may_start or not paused else self._end(history)
        least = -math.inf if self.bound is None else _sign(history) * self.bound
        place, worth = choose(np.array([scores for _, scores in rows]), np.array(free), least)
        chosen = rows[place][0]
        resume = Resume(chosen.number, self._reached(chosen) + 1)
        if worth:
            return resume
        unbounded = history.planned is None and free[place]  # it may end at any time
        if may_start and not unbounded:
            return NEW
        return resume if free[place] else self._end(history)

    def decide(self, history: History, trial: FrozenTrial, step: int) -> Decision:
        """Pause the trial where its budget ends."""
        return paused_at_budget(trial, step, 1, self.folds)

    def _end(self, history: History) -> Job | None:
        """Drop those that are paused, once nothing runs."""
        if history.running or not history.paused:
            return None
        return Stop(history.paused[0].number, "lost the race: no further fold was worth running")

    def _reached(self, trial: FrozenTrial) -> int:
        return max(trial.last_step or 0, trial.budget or 0)

    def _rows(self, history: History) -> list[tuple[FrozenTrial, list[float]]]:
        """Trials with their scores on all folds, lower is better; NaN where they weren't run.

        Those that have run none are left out, and those with a score that is no number.
        """
        sign = _sign(history)
        best = [history.completed[place] for place in history.best(_MOST_COMPLETED)]
        trials = [*best, *history.running, *history.paused[-_MOST_PAUSED:]]
        rows = []
        for trial in sorted(trials, key=lambda t: t.number):
            scores = fold_scores(trial.reports)
            known = [sign * scores.get(fold, math.nan) for fold in range(self.folds)]
            if scores and all(map(math.isfinite, scores.values())) and any(v == v for v in known):
                rows.append((trial, known))
        return rows


def _sign(history: History) -> float:
    return 1.0 if history.objective.directions[0] == "minimize" else -1.0
