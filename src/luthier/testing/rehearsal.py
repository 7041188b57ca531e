"""A rehearsal: a study in memory without storage, loop or objective, for testing plug-ins.

It drives samplers and schedulers as a study would, one step at a time, and shows them the same
kind of history.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import isnan
from typing import Any, final

from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.ledger import Ledger
from luthier.core.objective import Objective
from luthier.core.protocols import Sampler
from luthier.core.rng import generator
from luthier.core.trial import FrozenTrial, Origin, TrialState
from luthier.space import Space

__all__ = ["Rehearsal"]


@final
class Rehearsal:
    """A study that is played step by step.

    Args:
        space: The declared space.
        seed: The study's seed.
        objective: What is optimised; one minimised value if None.

    Example:
        >>> from luthier.samplers import Random
        >>> from luthier.space import Int
        >>> play = Rehearsal(Space(n=Int(1, 3)))
        >>> [trial] = play.start(Random())
        >>> play.end(trial, value=0.5).state.name, len(play.history.completed)
        ('COMPLETE', 1)
    """

    def __init__(self, space: Space, *, seed: int = 0, objective: Objective | None = None) -> None:
        self._ledger = Ledger(objective or Objective(), seed)
        self._ledger.declare(space, 1)

    @property
    def history(self) -> History:
        """The history as it stands."""
        return self._ledger.snapshot()

    def declare(self, space: Space) -> None:
        """Replace the declared space."""
        self._ledger.declare(space, self._ledger.version + 1)

    def propose(self, sampler: Sampler, n: int = 1) -> list[Proposal]:
        """Ask a sampler as a study does, without starting anything."""
        history = self.history
        rng = generator(history.seed, history.next_number)
        return sampler.suggest(history.space, history, n, rng)

    def start(self, sampler: Sampler, n: int = 1) -> list[FrozenTrial]:
        """Ask a sampler for n proposals and start a trial for each."""
        return [self.add(p.params, proposal=p) for p in self.propose(sampler, n)]

    def optimise(
        self, sampler: Sampler, objective: Callable[[Mapping[str, Any]], float], n: int
    ) -> list[float]:
        """Play n trials of a sampler's, one at a time; return their values. NaN is a crash."""
        values = []
        for _ in range(n):
            for trial in self.start(sampler):
                values.append(float(objective(trial.params)))
                state = TrialState.FAILED if isnan(values[-1]) else TrialState.COMPLETE
                self.end(trial, state, value=values[-1])
        return values

    def add(
        self,
        params: Mapping[str, Any],
        state: TrialState = TrialState.RUNNING,
        *,
        proposal: Proposal | None = None,
    ) -> FrozenTrial:
        """Add a trial with these parameters."""
        origin = Origin()
        if proposal is not None:
            origin = Origin("rehearsed", proposal.reason, fill=proposal.fill, data=proposal.data)
        return self._apply(
            FrozenTrial(
                number=self.history.next_number,
                state=state,
                param_names=tuple(params),
                param_values=tuple(params.values()),
                origin=origin,
            )
        )

    def report(self, trial: FrozenTrial, step: int, metrics: Mapping[str, float]) -> FrozenTrial:
        """Let a running trial report."""
        present = self._ledger.trials[trial.number]
        return self._apply(replace(present, reports=present.reports.adding(step, metrics)))

    def end(
        self,
        trial: FrozenTrial,
        state: TrialState = TrialState.COMPLETE,
        *,
        value: float = 0.0,
        metrics: Mapping[str, float] | None = None,
        params: Mapping[str, Any] | None = None,
        cost: float | None = None,
    ) -> FrozenTrial:
        """End a trial.

        Args:
            trial: A running trial.
            state: How it ends.
            value: What every objective gets if it completes.
            metrics: What it gives instead, objectives first.
            params: The parameters that it asked for; those proposed if None.
            cost: Seconds of work.
        """
        present = self._ledger.trials[trial.number]
        if metrics is None:
            complete = state is TrialState.COMPLETE
            metrics = dict.fromkeys(self._ledger.objective.names, value) if complete else {}
        asked = present.params if params is None else params
        return self._apply(
            replace(
                present,
                state=state,
                param_names=tuple(asked),
                param_values=tuple(asked.values()),
                metric_names=tuple(metrics),
                metric_values=tuple(metrics.values()),
                cost=cost,
                objectives=len(self._ledger.objective.names),
                finished_version=self._ledger.version + 1,
            )
        )

    def invalidate(self, trial: FrozenTrial) -> FrozenTrial:
        """Take a finished trial out of every decision."""
        return self._apply(replace(self._ledger.trials[trial.number], invalid="rehearsed"))

    def _apply(self, trial: FrozenTrial) -> FrozenTrial:
        trial = replace(trial, version=self._ledger.version + 1)
        self._ledger.apply(trial)
        return trial
