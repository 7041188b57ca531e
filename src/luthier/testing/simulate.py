"""Simulated time: a study runs against tabulated curves, under a clock that only events move.

The study, its driver, scheduler, sampler and storage are the real ones; only the training isn't.
Each of the virtual workers takes the seconds that the table gives for a step, then reports what
the table says. So a week on 64 machines takes seconds, and comes out the same every time.

The time that decisions take is real, and counted where asked: the driver decides one thing after
another, and a worker waits for its decision.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.events import (
    Event,
    StudyStopped,
    TrialFailed,
    TrialFinished,
    TrialPaused,
    TrialReported,
    TrialStarted,
)
from luthier.core.settings import Number
from luthier.core.trial import FrozenTrial, Metrics
from luthier.errors import ArgumentError, TrialPruned
from luthier.schedulers import PBT
from luthier.study.channel import RunChannel
from luthier.study.driver import Driver
from luthier.study.study import Study
from luthier.study.trial import Trial, run_trial

__all__ = ["Happening", "Simulation", "Table", "Training", "simulate"]

Value = float | Metrics | Exception


@final
@dataclass(frozen=True, slots=True)
class Training:
    """What a configuration would report, and how long its steps take.

    Attributes:
        values: What is reported: from step 1 on, or by step, ascending. An exception is raised
            where it stands. The last value is the result.
        seconds: How long each step takes, or how long until each report.

    Example:
        >>> list(Training([0.5, 0.25], seconds=60.0).reports())
        [(1, 0.5, 60.0), (2, 0.25, 60.0)]
        >>> list(Training({10: 0.5, 20: 0.25}, seconds=3.0).reports())
        [(10, 0.5, 30.0), (20, 0.25, 30.0)]
    """

    values: Sequence[Value] | Mapping[int, Value]
    seconds: float | Sequence[float] = 1.0

    def reports(self) -> Iterator[tuple[int, Value, float]]:
        """Yield (step, value, seconds since the report before)."""
        by_step = isinstance(self.values, Mapping)
        items = self.values.items() if by_step else enumerate(self.values, 1)  # type: ignore[union-attr]
        before = 0
        for place, (step, value) in enumerate(items):
            steps, before = step - before, step
            each = self.seconds
            yield step, value, each * steps if isinstance(each, int | float) else each[place]


Table = Callable[[Mapping[str, Any]], Training]
"""Gives what a configuration would report. What it raises fails the trial at once."""


@final
@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened in a simulation.

    Attributes:
        at: Simulated seconds since its start.
        worker: Which virtual worker, from 0; None where none was concerned: a paused trial that
            the scheduler has ended.
        trial: The trial's number.
        kind: "started", "resumed", "reported", "paused", "complete", "pruned" or "failed".
        step: The step up to which the trial has reported; None before its first report.
    """

    at: float
    worker: int | None
    trial: int
    kind: str
    step: int | None


@final
@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    """What came of a simulated study.

    Attributes:
        events: What happened, in order of time.
        seconds: Simulated seconds until the last run ended.
        supplied: Simulated seconds until the last run was handed out: as long there was work.
        idle: Seconds that each worker was without work until then, shape (workers,).
        steps: How many steps were trained, those that were trained again included.
        best: Whenever a report of the first objective was the best so far: (seconds, value).
        decisions: CPU seconds of each decision: what to run next, or whether to go on after a
            report; shape (n,).
    """

    events: tuple[Happening, ...]
    seconds: float
    supplied: float
    idle: NDArray[np.float64]
    steps: int
    best: tuple[tuple[float, float], ...]
    decisions: NDArray[np.float64]

    @property
    def idle_share(self) -> NDArray[np.float64]:
        """The share of the time with work that each worker was without it, shape (workers,)."""
        return self.idle / self.supplied if self.supplied else np.zeros_like(self.idle)

    def when(self, *kinds: str) -> list[tuple[float, int, str]]:
        """When which trial did something of these kinds: (seconds, number, kind)."""
        return [(e.at, e.trial, e.kind) for e in self.events if e.kind in kinds]

    def best_at(self, seconds: float) -> float | None:
        """The best value reported by then, or None."""
        return next((value for at, value in reversed(self.best) if at <= seconds), None)


def simulate(
    study: Study,
    table: Table,
    workers: int = 8,
    *,
    n_trials: int | None = None,
    seconds: float | None = None,
    checkpoints: bool = True,
    count_decisions: bool = False,
) -> Simulation:
    """Run a study against tabulated curves in simulated time.

    Trials are started, paused and resumed as ``optimize`` would do it. Nothing is random but what
    the sampler draws: without ``count_decisions`` the same call on a new study gives the same.

    Args:
        study: A study with a declared space. It holds the trials afterwards, as after
            ``optimize``; their costs are simulated seconds.
        table: What each configuration would report, and how long that would take.
        workers: How many trials run at once, at least 1.
        n_trials: So many new trials; then paused ones only, until none is resumed any more.
        seconds: Nothing is handed out after so many simulated seconds; what runs is finished.
        checkpoints: Whether a resumed trial goes on where it was paused, and a clone where its
            parent was; else it takes the time of all its steps again. Populations need them.
        count_decisions: Whether the CPU seconds of decisions count as simulated seconds.

    Returns:
        What happened when.

    Raises:
        ArgumentError: No limit, one out of range, or a study without a declared space.

    Example:
        >>> import luthier
        >>> study = luthier.create_study(
        ...     space=luthier.Space(x=luthier.Float(0, 1)),
        ...     sampler="random",
        ...     scheduler=luthier.schedulers.Asha(9),
        ...     seed=0,
        ... )
        >>> table = lambda params: Training([params["x"] + 1 / s for s in range(1, 10)])
        >>> run = simulate(study, table, workers=4, n_trials=9)
        >>> run.steps, run.seconds
        (29, 10.0)
    """
    for name, value, least in (("workers", workers, 1), ("n_trials", n_trials, 0)):
        if value is not None and Number(least, whole=True).read(value) is None:
            raise ArgumentError(
                f"simulate: {name} must be a whole number of at least {least}, got {value!r}."
            )
    if n_trials is None and seconds is None:
        raise ArgumentError("simulate: give n_trials, seconds or both: else it never ends.")
    driver = study._driver
    driver.refresh()
    if driver.declared is None:
        raise ArgumentError("simulate: the study needs a declared space, create_study(space=...).")
    simulator = _Simulator(driver, table, workers, n_trials, seconds, checkpoints, count_decisions)
    driver.listeners.append(simulator.hear)
    try:
        return simulator.run()
    finally:
        driver.listeners.remove(simulator.hear)


@final
@dataclass(slots=True)
class _Run:
    """One run of a trial by a worker: what it will report, and how far it has got."""

    worker: int
    trial: Trial
    reports: list[tuple[int, Value, float]]
    result: Value | None
    at: int
    place: int = 0
    spent: float = 0.0

    @property
    def due(self) -> float:
        """Seconds until the next report, 0 where there is none."""
        return self.reports[self.place][2] if self.place < len(self.reports) else 0.0


@final
@dataclass
class _Simulator:
    """One call of ``simulate``: the clock, the workers, and what is to happen next."""

    driver: Driver
    table: Table
    workers: int
    n_trials: int | None
    limit: float | None
    checkpoints: bool
    count_decisions: bool
    now: float = 0.0
    decided: float = 0.0  # when the latest decision was made
    ready: float = 0.0  # when who is at it now may go on
    started: int = 0
    steps: int = 0
    supplied: float = 0.0
    free: dict[int, float] = field(default_factory=dict)  # since when
    running: dict[int, _Run] = field(default_factory=dict)
    queue: list[tuple[float, int, _Run]] = field(default_factory=list)
    heard: list[Event] = field(default_factory=list)
    events: list[tuple[Any, ...]] = field(default_factory=list)  # as plain values: not collected
    best: list[tuple[float, float]] = field(default_factory=list)
    decisions: list[float] = field(default_factory=list)

    def run(self) -> Simulation:
        history = self.driver.ledger.snapshot()
        known = history.n_trials - len(history.waiting)
        self.driver.mirror.plan(None if self.n_trials is None else known + self.n_trials)
        self.free = dict.fromkeys(range(self.workers), 0.0)
        idle = np.zeros(self.workers)
        self._hand_out(idle)
        while self.queue:
            self.now, _, run = heapq.heappop(self.queue)
            self._go_on(run)
            self._hand_out(idle)
        for worker, since in self.free.items():
            idle[worker] += max(0.0, self.supplied - since)
        events = tuple(Happening(*event) for event in self.events)
        return Simulation(
            events,
            max((event.at for event in events), default=0.0),
            self.supplied,
            idle,
            self.steps,
            tuple(self.best),
            np.array(self.decisions),
        )

    def hear(self, event: Event) -> None:
        """Take in what the driver says has happened."""
        self.heard.append(event)

    def _hand_out(self, idle: NDArray[np.float64]) -> None:
        """Give work to free workers, as long as there is some."""
        for worker in sorted(self.free):
            if self.limit is not None and self.now >= self.limit:
                return
            new = self.n_trials is None or self.started < self.n_trials
            record = self._started(worker, new)
            if record is None:
                return
            self.started += new and record.cost is None
            self.supplied = self.ready
            idle[worker] += self.ready - self.free.pop(worker)
            self._begin(worker, record)

    def _started(self, worker: int, new: bool) -> FrozenTrial | None:
        with self._deciding():
            record = self.driver.start(new=new)
            if record is None and not self.running and self.driver.mirror.conclude():
                record = self.driver.start(new=new)
        self._write_down(worker)
        return record

    def _begin(self, worker: int, record: FrozenTrial) -> None:
        trial = Trial(self.driver.ticket(record), RunChannel(self.driver, record))
        try:
            reports = list(self.table(trial.params).reports())
        except Exception as error:  # noqa: BLE001  it fails the trial
            reports = [(0, error, 0.0)]
        result = reports[-1][1] if reports else None
        saved = 0 if record.checkpoint is None else record.checkpoint.step  # a clone's, say
        at = max(record.last_step or 0, saved) if self.checkpoints else 0
        left = [item for item in reports if item[0] > at or isinstance(item[1], Exception)]
        run = _Run(worker, trial, left, result, at)
        self.running[trial.number] = run
        self._wait_for(run)

    def _wait_for(self, run: _Run) -> None:
        heapq.heappush(self.queue, (self.ready + run.due, len(self.decisions), run))

    def _go_on(self, run: _Run) -> None:
        """Let a run do what is due now."""
        self.ready = self.now
        if run.place == len(run.reports):
            return self._end(run, run.result)
        step, value, seconds = run.reports[run.place]
        run.place += 1
        run.spent += seconds
        if isinstance(value, Exception):
            return self._end(run, value)
        self.steps += step - run.at
        run.at = step
        with self._deciding():
            run.trial.report(value, step)
            if self.checkpoints and isinstance(self.driver.scheduler, PBT):  # its donors are copied
                run.trial.save_checkpoint(b"", step)
        self._write_down(run.worker)
        if run.trial.should_prune():
            return self._end(run, TrialPruned(f"at step {step}"))
        if run.place == len(run.reports):
            return self._end(run, value)
        return self._wait_for(run)

    def _end(self, run: _Run, result: Value | None) -> None:
        def ending(_: Trial) -> Value | None:
            if isinstance(result, Exception):
                raise result
            return result

        outcome = replace(run_trial(ending, run.trial), cost=run.spent)
        self.driver.finish(run.trial.number, outcome)
        self._write_down(run.worker)
        del self.running[run.trial.number]
        self.free[run.worker] = self.ready

    @contextmanager
    def _deciding(self) -> Iterator[None]:
        """Take the time of a decision; where it counts, it begins when the last one is made."""
        begun = time.process_time()
        yield
        spent = time.process_time() - begun
        self.decisions.append(spent)
        begins = max(self.now, self.decided)
        self.ready = self.decided = begins + spent if self.count_decisions else self.now

    def _write_down(self, worker: int) -> None:
        """Write down what was heard, as of now."""
        for event in self.heard:
            if not isinstance(event, StudyStopped):
                trial = event.trial
                known = trial.number in self.running or isinstance(event, TrialStarted)
                worker_of = worker if known else None
                self.events.append(
                    (self.ready, worker_of, trial.number, _kind(event), trial.last_step)
                )
            if isinstance(event, TrialReported):
                self._compare(event.metrics)
        self.heard.clear()

    def _compare(self, metrics: Metrics) -> None:
        """Note a report that is better than all before."""
        objective = self.driver.record.objective
        name, sign = objective.names[0], 1 if objective.directions[0] == "minimize" else -1
        broken = any(
            c.metric in metrics and c.violation(metrics) > 0 for c in objective.constraints
        )
        value = metrics.get(name, np.nan)
        if not broken and sign * value < (sign * self.best[-1][1] if self.best else np.inf):
            self.best.append((self.ready, value))


def _kind(event: TrialStarted | TrialReported | TrialPaused | TrialFinished | TrialFailed) -> str:
    if isinstance(event, TrialStarted):
        return "started" if event.trial.attempt == 1 else "resumed"
    return "reported" if isinstance(event, TrialReported) else event.trial.state.name.lower()
