"""Hindsight: what a scheduler would have done to a study that has been run without it.

The log is gone through once more. Every report is shown to the scheduler when it was made; of a
trial that it stops the rest is left out, of one that it pauses the rest is kept back until it
resumes it, which takes no time here. Trials are the recorded ones: what a sampler would have
proposed after other results isn't known.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from luthier.core.events import evolve
from luthier.core.jobs import Clone, Decision, Resume, Stop
from luthier.core.ledger import Ledger
from luthier.core.protocols import Scheduler
from luthier.core.rng import generator
from luthier.core.trial import EMPTY, NO_REPORTS, FrozenTrial, Metrics, TrialState, changed
from luthier.errors import ArgumentError, StudyError
from luthier.strategies import make_scheduler
from luthier.strategies.names import SchedulerLike
from luthier.study.driver import Driver

__all__ = ["Hindsight", "hindsight"]


@final
@dataclass(frozen=True, slots=True)
class Hindsight:
    """What a scheduler would have done to the trials of a study.

    Attributes:
        scheduler: Its name.
        best: The number of the best trial.
        step: The step at which it would have ended the best trial; None if it wouldn't have.
        reason: Why, in words; "" if it wouldn't have.
        ended: All trials that it would have ended, with their last steps.
        steps: How many steps all trials were trained.
        saved_steps: How many of them it would have saved.
        saved_share: Which share of the cost, 0 to 1: of the seconds of work, each trial's spread
            evenly over its steps.
    """

    scheduler: str
    best: int
    step: int | None
    reason: str
    ended: Mapping[int, int]
    steps: int
    saved_steps: int
    saved_share: float

    def __bool__(self) -> bool:
        """Whether it would have ended the best trial."""
        return self.step is not None

    def __str__(self) -> str:
        end = "kept the best trial" if self.step is None else "ended the best trial"
        when = "" if self.step is None else f" at step {self.step} ({self.reason})"
        return (
            f"{self.scheduler!r} would have {end}, {self.best},{when} and saved "
            f"{self.saved_share:.0%} of the cost: {self.saved_steps} of {self.steps} steps."
        )


def hindsight(driver: Driver, best: FrozenTrial, given: SchedulerLike) -> Hindsight:
    """Replay a study's reports under a scheduler; see ``Study.would_have_stopped_best``."""
    scheduler = make_scheduler(given)
    if best.last_step is None:
        raise StudyError(
            f"Trial {best.number}, the best of study {driver.record.name!r}, has reported nothing: "
            "what a scheduler would have decided can't be told. Call trial.report(value, step)."
        )
    driver.refresh()
    again = _Again(driver, scheduler)
    again.play()
    recorded = {t.number: t for t in driver.ledger.trials if t.reports and t.invalid is None}
    left = {n: _steps(trial) for n, trial in recorded.items()}
    used = {n: min(_steps(again.ledger.trials[n]), left[n]) for n in recorded}
    cost = {n: trial.cost or 0.0 for n, trial in recorded.items()}
    total, steps = sum(cost.values()), sum(left.values())
    saved = sum(cost[n] * (1 - used[n] / left[n]) for n in recorded)
    saved_steps = steps - sum(used.values())
    ended = {n: again.ledger.trials[n].last_step or 0 for n in recorded if n in again.reasons}
    return Hindsight(
        str(scheduler.spec["name"]),
        best.number,
        ended.get(best.number),
        again.reasons.get(best.number, ""),
        ended,
        steps,
        saved_steps,
        saved / total if total else saved_steps / steps,
    )


def _steps(trial: FrozenTrial) -> int:
    """How many steps a trial was trained; the first of them may be called 0."""
    return (trial.last_step or 0) + (0 in trial.reports)


@final
class _Again:
    """A study run once more, on the records of the first time."""

    def __init__(self, driver: Driver, scheduler: Scheduler) -> None:
        self._driver = driver
        self._scheduler = scheduler
        self._recorded = driver.ledger.trials
        self.ledger = Ledger(driver.record.objective, driver.record.seed)
        self.ledger.declare(driver.ledger.space, 1)
        self.ledger.put_state({"planned": len(self._recorded)}, 1)
        self.reasons: dict[int, str] = {}
        self._kept: dict[int, deque[tuple[int, Metrics]]] = {}
        self._over: set[int] = set()

    def play(self) -> None:
        """Go through the log; then resume what is due until nothing is."""
        present: dict[int, FrozenTrial] = {}
        for event in self._driver.storage.events(self._driver.record.id):
            if event.number is None:
                continue
            trial = present[event.number] = evolve(present.get(event.number), event)
            if event.kind == "added":
                self._add(trial)
            known = self._kept[trial.number]
            heard = {step for step, _ in known} | set(self.ledger.trials[trial.number].reports)
            known += [item for item in trial.reports.items_in_order() if item[0] not in heard]
            if trial.state.is_finished:
                self._over.add(trial.number)
            self._go_on(trial.number)
        self._do_what_is_due()
        for trial in self.ledger.snapshot().paused:
            self.reasons[trial.number] = "paused, and never resumed"

    def _add(self, trial: FrozenTrial) -> None:
        """Start a trial, or take in one that doesn't count."""
        self._do_what_is_due()
        self._kept[trial.number] = deque()
        budget = self._scheduler.budget(self.ledger.snapshot(), trial.number)
        begun = changed(
            trial, state=TrialState.RUNNING, reports=NO_REPORTS, budget=budget, attempt=1
        )
        if self._recorded[trial.number].invalid is not None:
            begun = changed(begun, state=TrialState.FAILED, invalid="invalidated")
        self._put(begun)

    def _go_on(self, number: int) -> None:
        """Let a running trial report what is known of it by now."""
        kept = self._kept[number]
        while kept and self.ledger.trials[number].state is TrialState.RUNNING:
            step, metrics = kept.popleft()
            trial = self.ledger.report(number, step, metrics)
            decision = self._scheduler.decide(self.ledger.snapshot(), trial, step)
            if decision is Decision.STOP:
                self._stop(number, "stopped by its report")
            elif decision is Decision.PAUSE:
                self._put(changed(trial, state=TrialState.PAUSED, cost=0.0))
        trial = self.ledger.trials[number]
        if number in self._over and not kept and trial.state is TrialState.RUNNING:
            self._put(changed(self._recorded[number], reports=trial.reports, budget=trial.budget))

    def _do_what_is_due(self) -> None:
        """Resume and end paused trials as long as the scheduler says so."""
        rng = generator(self.ledger.seed, len(self.ledger.trials))
        while True:
            job = self._scheduler.next(self.ledger.snapshot(), rng)
            if isinstance(job, Resume):
                trial = self.ledger.trials[job.trial]
                budget = trial.budget if job.budget is None else job.budget
                self._put(
                    changed(
                        trial, state=TrialState.RUNNING, budget=budget, attempt=trial.attempt + 1
                    )
                )
                self._go_on(job.trial)
            elif isinstance(job, Stop):
                self._stop(job.trial, job.reason)
            elif isinstance(job, Clone):
                raise ArgumentError(
                    f"would_have_stopped_best: {self._scheduler.spec['name']!r} clones trials with "
                    "other parameters; what they would have reported isn't known."
                )
            else:
                return

    def _stop(self, number: int, reason: str) -> None:
        self.reasons[number] = reason
        self._put(changed(self.ledger.trials[number], state=TrialState.PRUNED, error=reason))

    def _put(self, trial: FrozenTrial) -> None:
        version = self.ledger.version + 1
        ended = version if trial.state.is_finished else None
        self.ledger.apply(changed(trial, version=version, finished_version=ended, declares=EMPTY))
