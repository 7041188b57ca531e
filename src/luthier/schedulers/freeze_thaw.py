"""Freeze-thaw: train a little wherever that is likeliest to pay, for as long as there is budget.

Every trial pauses after a few steps. Then one is chosen from all that are paused, and a new one
that hasn't begun: the one whose forecast learning curve is likeliest to beat the best value by a
margin, at a horizon, that are drawn anew for each choice (``luthier.numerics.freeze_thaw``). There
are no rungs, and nobody is ever given up; what isn't promising just isn't continued.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.history import History
from luthier.core.jobs import NEW, Decision, Job, Resume
from luthier.core.rng import generator
from luthier.core.settings import Number, Rule, settle, spec_of
from luthier.core.trial import FrozenTrial, TrialState
from luthier.errors import ArgumentError
from luthier.numerics.freeze_thaw import choose
from luthier.schedulers.curve import Curve
from luthier.schedulers.stopping import paused_at_budget

__all__ = ["FreezeThaw"]

_RULES: Final[Mapping[str, Rule]] = {
    "max_resource": Number(1, whole=True),
    "stride": Number(1, whole=True),
    "share": Number(0.0, 1.0, open="low"),
}
_MOST_PAUSED: Final = 64
_MOST_ENDED: Final = 32


@final
@dataclass(frozen=True, slots=True)
class FreezeThaw:
    """Continue the trial whose learning curve promises the most, a few steps at a time.

    For a fixed amount of training, few workers, and curves that can be forecast. Save checkpoints:
    trials are paused and resumed often.

    Args:
        max_resource: The step at which a trial has finished: its last epoch, say.
        stride: A trial pauses after so many steps.
        share: How much may be trained in all, as a share of training all the trials to the end; the
            best trial by then is finished in any case.
        metric: The reported metric to look at; the first objective if None.

    Raises:
        ArgumentError: A setting is out of range.

    Example:
        >>> FreezeThaw(50, stride=5).spec["share"]
        0.25

    References:
        Swersky et al., Freeze-thaw Bayesian optimization, arXiv:1406.3896.
        Rakotoarison et al., arXiv:2404.16795: the choice, MFPI-random.
    """

    max_resource: int
    stride: int = 1
    share: float = 0.25
    metric: str | None = None

    def __post_init__(self) -> None:
        settle(self, _RULES)
        if self.stride > self.max_resource:
            raise ArgumentError(
                f"FreezeThaw: stride must be at most max_resource={self.max_resource}, got "
                f"{self.stride!r}.",
                stride=self.stride,
            )

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("freeze_thaw", self)

    def budget(self, history: History, number: int) -> int | None:
        """The first few steps."""
        return self.stride

    def next(self, history: History, rng: np.random.Generator) -> Job | None:
        """Resume the paused trial that promises the most, or start a new one if that does."""
        paused = self._foremost(history)
        trials = chain(history.completed, history.pruned, history.failed, history.live)
        spent = sum(trial.last_step or 0 for trial in trials)
        if history.planned is not None and spent >= self._allowed(history):
            return self._last(history, paused)
        completed = history.completed[-_MOST_ENDED:]
        rows = [self._row(history, trial) for trial in (*paused, *completed)]
        if history.next_number != history.planned:
            rows.append(np.full(len(self._steps), np.nan))
        if not rows:
            return None
        own = generator(history.seed, "freeze-thaw", history.next_number, spent)
        place = choose(np.array(rows), self._steps, own)
        if place is None or place >= len(paused):
            return None if place is None else NEW
        chosen = paused[place]
        reached = max(chosen.last_step or 0, chosen.budget or 0)
        return Resume(chosen.number, min(reached + self.stride, self.max_resource))

    def _last(self, history: History, paused: list[FrozenTrial]) -> Job | None:
        """Where all is spent, finish the best by now, unless that has been."""
        if history.running or not paused:
            return None
        seen = (*history.completed, paused[0])
        *ended, best = (Curve.of(history, trial, self.metric).best for trial in seen)
        due = not ended or best < np.fmin.reduce(ended)
        return Resume(paused[0].number, self.max_resource) if due else None

    def decide(self, history: History, trial: FrozenTrial, step: int) -> Decision:
        """Pause the trial where its budget ends."""
        return paused_at_budget(trial, step, self.stride, self.max_resource)

    @property
    def _steps(self) -> list[int]:
        return [*range(self.stride, self.max_resource, self.stride), self.max_resource]

    def _allowed(self, history: History) -> float:
        """How many steps may be trained in all."""
        trials = max(history.planned or 0, history.n_trials)
        return self.share * self.max_resource * trials

    def _foremost(self, history: History) -> list[FrozenTrial]:
        """The paused trials that are best by now: as many as can be weighed quickly."""
        best = {t.number: Curve.of(history, t, self.metric).best for t in history.paused}

        def order(trial: FrozenTrial) -> tuple[bool, float]:
            return math.isnan(best[trial.number]), best[trial.number]

        return sorted(history.paused, key=order)[:_MOST_PAUSED]

    def _row(self, history: History, trial: FrozenTrial) -> NDArray[np.float64]:
        """The last finite value up to each step that the trial has reached, NaN beyond.

        A trial that has completed is at the end of its curve, wherever that was.
        """
        values = Curve.of(history, trial, self.metric).values
        known = {s: v for s, v in values.items() if math.isfinite(v)}
        row, before = np.full(len(self._steps), np.nan), -1
        for place, step in enumerate(self._steps):
            within = [s for s in known if before < s <= step]
            if within:
                row[place] = known[max(within)]
            before = step
        if trial.state is TrialState.COMPLETE and known:
            row[-1] = known[max(known)]
        return row
