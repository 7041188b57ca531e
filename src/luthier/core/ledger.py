"""The ledger: a driver's mirror of a study, and the only thing in it that changes.

Trial records are applied in the order in which they changed; ``snapshot`` gives the history as it
stands, which never changes afterwards.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, final

from luthier.core.events import LogEvent, evolve
from luthier.core.history import Columns, History, Prefix, Reported, reported
from luthier.core.objective import Objective
from luthier.core.rungs import ReportLog
from luthier.core.trial import NO_REPORTS, FrozenTrial, Metrics, Reports, TrialState, changed
from luthier.space import Param, Space
from luthier.space.trace import Trace

__all__ = ["Ledger"]


@final
class Ledger:
    """A driver's mirror of a study: apply trial records, take snapshots.

    Args:
        objective: What the study optimises.
        seed: The study's seed.

    Example:
        >>> ledger = Ledger(Objective(), seed=0)
        >>> ledger.apply(FrozenTrial(number=0, version=1))
        >>> len(ledger.snapshot().waiting)
        1
    """

    def __init__(self, objective: Objective, seed: int) -> None:
        self.objective = objective
        self.seed = seed
        self.version = 0
        self.state: dict[str, Any] = {}
        self.lock = threading.RLock()
        self._trials: list[FrozenTrial] = []
        self._heard: list[Any] = []  # number, attempt, step, metrics, and again: see hear()
        self._unstored: set[int] = set()
        self._trace = Trace(None)
        self._finished: tuple[list[FrozenTrial], ...] = ([], [], [])
        self._prefixes = list(map(Prefix, self._finished))
        self._live = {state: _Group() for state in TrialState if not state.is_finished}
        self._columns = Columns()
        self._log = ReportLog(objective)
        self._snapshot: History | None = None

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials as they now stand, by number."""
        if self._heard:
            self._take_heard()
        return self._trials

    @property
    def space(self) -> Space:
        """What is known of the space: declared, and learnt from the trials finished."""
        return self._trace.space

    @property
    def moving(self) -> bool:
        """Whether the objective computes its definitions, so that there may always be more."""
        return self._trace.moving

    @property
    def definitions(self) -> Mapping[str, Param]:
        """Each parameter's latest definition."""
        return self._trace.definitions

    def declare(self, space: Space, version: int) -> None:
        """Take in a newly declared space; what was learnt beside it stays known."""
        self._trace = self._trace.redeclared(space)
        self._advance(version)

    def apply(self, *trials: FrozenTrial, spaces: Sequence[tuple[int, Space]] = ()) -> None:
        """Take in trials as they now stand; new numbers must continue the ledger's.

        Args:
            *trials: The trials, in any order.
            spaces: Spaces declared meanwhile with their versions, oldest first: each takes its
                place among the ends of the trials.
        """
        known = len(self._trials)
        self._trials.extend(sorted((t for t in trials if t.number >= known), key=_number))
        ordered, done = sorted(trials, key=_finish_order), 0
        for version, space in spaces:
            until = bisect_left(ordered, version, key=_finish_order)
            self._take(ordered[done:until], known)
            self.declare(space, version)
            done = until
        self._take(ordered[done:], known)
        self._advance(max((t.version for t in trials), default=0))

    def _take(self, trials: Sequence[FrozenTrial], known: int) -> None:
        for trial in trials:
            before = self._trials[trial.number] if trial.number < known else None
            self._sort_in(trial, before)

    def apply_one(self, trial: FrozenTrial) -> None:
        """Take in one trial, as ``apply`` does."""
        before = None
        if trial.number < len(self._trials):
            before = self._trials[trial.number]
        else:
            self._trials.append(trial)
        self._sort_in(trial, before)
        self._advance(trial.version)

    def follow(
        self, event: LogEvent, requirements: Mapping[str, Callable[..., bool]] | None = None
    ) -> None:
        """Take in a line of the log.

        Args:
            event: The line after those taken in so far.
            requirements: Functions behind the named requirements of a stored space.
        """
        if event.kind == "space":
            space = Space.from_json(event.data["space"], requirements=requirements)
            self.declare(space, event.version)
        elif event.number is None:
            self.put_state({event.data["key"]: event.data["value"]}, event.version)
        else:
            known = event.number < len(self._trials)
            self.apply_one(evolve(self._trials[event.number] if known else None, event))

    def before_reports(self, number: int) -> FrozenTrial:
        """A trial as it was last looked at, perhaps without what it has reported since."""
        return self._trials[number]

    def is_running(self, number: int, attempt: int) -> bool:
        """Whether a trial is RUNNING at an attempt, without a look at what it has reported."""
        trial = self._trials[number]
        return trial.state is TrialState.RUNNING and trial.attempt == attempt

    def report(self, number: int, step: int, metrics: Metrics) -> FrozenTrial:
        """Take in a report of a RUNNING trial before any storage has it; return the trial."""
        self.hear(number, self._trials[number].attempt, step, metrics)
        return self.trials[number]

    def hear(self, number: int, attempt: int, step: int, metrics: Metrics) -> None:
        """Take in a report as ``report`` does, but later, when somebody looks; needs no lock.

        If that run of the trial is over by then, it counts no more.
        """
        self._heard.extend((number, attempt, step, metrics))  # at once, as other threads see it

    @property
    def unstored(self) -> set[int]:
        """Numbers of trials that were heard; who stores or drops what they said removes them."""
        self._take_heard()
        return self._unstored

    def _take_heard(self) -> None:
        with self.lock:
            heard = self._heard[:]
            if not heard:
                return
            del self._heard[: len(heard)]  # more may have been heard meanwhile
            for (number, attempt), (steps, metrics) in _by_run(heard).items():
                if self.is_running(number, attempt):
                    self._add_reports(self._trials[number], steps, metrics)

    def _add_reports(
        self, trial: FrozenTrial, steps: Sequence[int], metrics: Sequence[Metrics]
    ) -> None:
        after = changed(trial, reports=trial.reports.extended(steps, metrics))
        self._trials[trial.number] = after
        self._live[TrialState.RUNNING].put(after)
        self._log_new(after, trial.reports)
        self._unstored.add(trial.number)
        self._snapshot = None

    def _log_new(self, trial: FrozenTrial, before: Reports) -> None:
        if len(trial.reports) > len(before):
            self._log.extend(trial.number, trial.reports)

    def put_state(self, state: Mapping[str, Any], version: int) -> None:
        """Take in study-wide values."""
        self.state.update(state)
        self._advance(version)

    def snapshot(self) -> History:
        """Return the history as it stands; the same object until something changes."""
        with self.lock:
            trials = self.trials  # with all that was heard
            if self._snapshot is None:
                waiting, running, paused = map(_Group.all, self._live.values())
                completed, pruned, failed = self._prefixes
                self._snapshot = History(
                    self.version,
                    len(trials),
                    self.objective,
                    self.seed,
                    self.space,
                    completed,
                    pruned,
                    failed,
                    waiting,
                    running,
                    paused,
                    self.state.get("planned"),
                    self.state.get("planned_cost"),
                    self._columns,
                    Reported(self._log, len(self._log)),
                )
            return self._snapshot

    def _sort_in(self, trial: FrozenTrial, before: FrozenTrial | None) -> None:
        trial = self._with_reports(trial, before)
        self._trials[trial.number] = trial
        if before is not None and not before.state.is_finished and before.state != trial.state:
            self._live[before.state].drop(trial.number)
        if not trial.state.is_finished:
            self._live[trial.state].put(trial)
            if _has_ended_a_run(before, trial):
                self._trace.observe(trial.params, trial.declares, complete=False)
            return
        if before is None or not before.state.is_finished:
            self._take_finished(trial)
        elif trial.invalid is not None and before.invalid is None:
            self._forget(trial.number)

    def _with_reports(self, trial: FrozenTrial, before: FrozenTrial | None) -> FrozenTrial:
        """Log what a trial has newly reported; keep what was heard and isn't stored yet."""
        if trial.invalid is not None:
            return trial
        earlier = NO_REPORTS if before is None else before.reports
        if trial.reports.continues(earlier):
            self._log_new(trial, earlier)
        elif _runs_on(before, trial) and earlier.continues(trial.reports):
            return changed(trial, reports=earlier)
        else:  # a new run has begun: an earlier one's reports count no more
            self._trials[trial.number] = trial
            self._log_anew()
        return trial

    def _log_anew(self) -> None:
        self._log = reported(self.objective, (t for t in self._trials if t.invalid is None)).log
        self._columns = Columns()

    def _take_finished(self, trial: FrozenTrial) -> None:
        self._trace.observe(
            trial.params, trial.declares, complete=trial.state is TrialState.COMPLETE
        )
        if trial.invalid is None:
            group = trial.state - TrialState.COMPLETE
            self._finished[group].append(trial)
            self._prefixes[group] = Prefix(self._finished[group])

    def _forget(self, number: int) -> None:
        kept = ([t for t in group if t.number != number] for group in self._finished)
        self._finished = tuple(kept)  # new lists: snapshots taken before keep theirs
        self._prefixes = list(map(Prefix, self._finished))
        self._log_anew()

    def _advance(self, version: int) -> None:
        self.version = max(self.version, version)
        self._snapshot = None


@final
class _Group:
    """Trials in one state, in order of number; the tuple of them is made when it is asked for."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._trials: list[FrozenTrial] = []
        self._all: tuple[FrozenTrial, ...] | None = ()

    def all(self) -> tuple[FrozenTrial, ...]:
        if self._all is None:
            self._all = tuple(self._trials)
        return self._all

    def put(self, trial: FrozenTrial) -> None:
        self._all = None
        place = bisect_left(self._numbers, trial.number)
        if self._is_at(place, trial.number):
            self._trials[place] = trial
        else:
            self._numbers.insert(place, trial.number)
            self._trials.insert(place, trial)

    def drop(self, number: int) -> None:
        self._all = None
        place = bisect_left(self._numbers, number)
        if self._is_at(place, number):
            del self._numbers[place], self._trials[place]

    def _is_at(self, place: int, number: int) -> bool:
        return place < len(self._numbers) and self._numbers[place] == number


def _runs_on(before: FrozenTrial | None, trial: FrozenTrial) -> bool:
    """Whether a trial is still in the same run as before."""
    running = trial.state is TrialState.RUNNING
    return running and before is not None and before.attempt == trial.attempt


def _has_ended_a_run(before: FrozenTrial | None, trial: FrozenTrial) -> bool:
    """Whether a live trial has come to the end of a run, and shows what it has asked for."""
    if before is None:
        return trial.cost is not None
    return trial.state is TrialState.PAUSED is not before.state


def _number(trial: FrozenTrial) -> int:
    return trial.number


def _finish_order(trial: FrozenTrial) -> int:
    return trial.finished_version or trial.version


def _by_run(heard: list[Any]) -> dict[tuple[int, int], tuple[list[int], list[Metrics]]]:
    """The steps and metrics of what was heard, by trial and attempt."""
    numbers, attempts, steps, metrics = (heard[place::4] for place in range(4))
    if all(same.count(same[0]) == len(same) for same in (numbers, attempts)):  # as mostly
        return {(numbers[0], attempts[0]): (steps, metrics)}
    runs: defaultdict[Any, Any] = defaultdict(lambda: ([], []))
    for number, attempt, step, found in zip(numbers, attempts, steps, metrics, strict=True):
        own = runs[number, attempt]
        own[0].append(step)
        own[1].append(found)
    return runs
