"""The loop behind ``study.optimize``: start trials while limits allow, record what ends."""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from luthier.core.events import StudyStopped
from luthier.core.history import History
from luthier.core.jobs import Outcome
from luthier.core.protocols import Executor
from luthier.core.trial import FrozenTrial, TrialState
from luthier.errors import (
    AllTrialsFailedError,
    ArgumentError,
    ObjectiveError,
    TrialLostError,
    WorkerLostError,
)
from luthier.executors import Inline
from luthier.study.channel import RunChannel
from luthier.study.driver import Driver
from luthier.study.goal import GOAL
from luthier.study.interruption import Interruption
from luthier.study.narration import narrate
from luthier.study.stopping import MaxCost, MaxSeconds, StopRule, is_number, is_rule, is_whole
from luthier.study.trial import Trial, describe
from luthier.study.work import TrialWork

if TYPE_CHECKING:
    from luthier.study.study import Study

__all__ = ["Limits", "Retries", "run_loop"]

logger = logging.getLogger("luthier")
_LOOK_AGAIN_SECONDS = 0.05
_PULSE_SECONDS = 0.2  # how soon a second Ctrl-C is seen to
_LISTEN_SECONDS = 1.0  # how soon running trials are seen to that a user has stopped
_EXHAUSTED = "the space is exhausted"


@final
@dataclass(frozen=True, slots=True)
class Limits:
    """When to stop.

    Attributes:
        n_trials: So many trials started in this call, or None.
        total_trials: So many trials in the study, or None.
        timeout: No new trial after so many seconds, or None.
        stop: A further rule or several, any of which stops.
        fail_fast: Give up after so many trials if all failed, or None.
        rules: All rules, the timeout's among them.
    """

    n_trials: int | None
    total_trials: int | None
    timeout: float | None
    stop: StopRule | Sequence[StopRule]
    fail_fast: int | None
    rules: tuple[StopRule, ...] = field(init=False)

    def __post_init__(self) -> None:
        for name, least in (("n_trials", 0), ("total_trials", 0), ("fail_fast", 1)):
            value = getattr(self, name)
            if value is not None and (not is_whole(value) or value < least):
                raise ArgumentError(
                    f"optimize: {name} must be an integer >= {least}, got {value!r}."
                )
        if self.n_trials is not None and self.total_trials is not None:
            raise ArgumentError(
                "optimize: give n_trials (more trials) or total_trials (trials in all), not both."
            )
        stop = self.stop
        if isinstance(stop, Sequence) and not isinstance(stop, str):
            rules = tuple(stop)
        else:
            rules = (stop,)
        for rule in rules:
            if not is_rule(rule):
                raise ArgumentError(
                    f"optimize: stop takes rules such as Saturation(20), got {rule!r}."
                )
        if self.timeout is not None:
            if not is_number(self.timeout) or not self.timeout >= 0:
                raise ArgumentError(
                    f"optimize: timeout must be seconds, at least 0, got {self.timeout!r}."
                )
            rules = (*rules, MaxSeconds(self.timeout))
        object.__setattr__(self, "rules", rules)

    def work(self, spent: float, slots: int) -> float | None:
        """Seconds of work that the study's trials may come to, of which some are spent; or None."""
        times = [spent + r.seconds * slots for r in self.rules if isinstance(r, MaxSeconds)]
        costs = [r.seconds for r in self.rules if isinstance(r, MaxCost)]
        return min(filter(math.isfinite, [*times, *costs]), default=None)


@final
@dataclass(frozen=True, slots=True)
class Retries:
    """How often a trial is run again after which exceptions."""

    times: Mapping[type[Exception], int]

    def __post_init__(self) -> None:
        entries = self.times.items() if isinstance(self.times, Mapping) else [(None, None)]
        for kind, times in entries:
            known = isinstance(kind, type) and issubclass(kind, Exception)
            if not known or not is_whole(times) or times < 0:
                raise ArgumentError(
                    "optimize: retries maps exception classes to how often, such as "
                    f"{{ConnectionError: 3}}, got {self.times!r}."
                )

    def allow(self, error: BaseException, before: int) -> bool:
        """Whether a run that failed should be repeated, after so many repetitions."""
        allowed = (n for kind, n in self.times.items() if isinstance(error, kind))
        return before < max(allowed, default=0)


@final
@dataclass
class _Run:
    """One call of ``optimize``."""

    study: Study
    driver: Driver
    function: Callable[[Trial], object]
    limits: Limits
    executor: Executor
    catch: tuple[type[Exception], ...]
    retries: Retries
    callbacks: tuple[Callable[[Study, FrozenTrial], object], ...]
    collect_garbage: bool
    prints: Path | None
    started_at: float = field(default_factory=time.monotonic)
    started: set[int] = field(default_factory=set)
    running: dict[int, float] = field(default_factory=dict)  # since when
    retried: Counter[int] = field(default_factory=Counter)
    put_back: set[int] = field(default_factory=set)
    over: Counter[int] = field(default_factory=Counter)  # how often seen to run on when stopped
    listen_at: float = 0.0
    goal_before: object = None
    stop_reason: str | None = None
    fatal: BaseException | None = None
    failed: int = 0
    failed_before: int = 0
    waited: bool = False

    def go(self) -> None:
        history = self.driver.refresh()
        self.failed_before = len(history.failed)
        self._plan(history)
        stopped_before = self.driver.ledger.state.get("stopped")
        self.goal_before = self.driver.ledger.state.get(GOAL)
        interruption = Interruption(isinstance(self.executor, Inline))
        try:
            with interruption:
                while self._go_on(interruption, stopped_before):
                    pass
        except BaseException as error:
            self._abandon(error)
            raise
        finally:
            self.executor.shutdown()
        self._say_why()
        interruption.pass_on()
        if self.fatal is not None:
            raise self.fatal

    def _go_on(self, interruption: Interruption, stopped_before: object) -> bool:
        """Start what can be started, record what ends; return whether there is more to do."""
        while self.stop_reason is None and len(self.running) < self.executor.slots:
            if interruption.asked or not self._start_one(stopped_before):
                break
        if self.running:
            for number, result in self._wait(interruption):
                self._end(number, result)
        elif self.stop_reason is None:
            time.sleep(_LOOK_AGAIN_SECONDS)
        else:
            return False
        if interruption.heeded(len(self.running)):
            self.stop_reason = "interrupted"
        return True

    def _wait(self, interruption: Interruption) -> list[tuple[int, Outcome | BaseException]]:
        """Wait until a trial has ended, until there is more room, or until Ctrl-C."""
        slots = self.executor.slots
        self._listen()
        while not (ended := self.executor.wait(_PULSE_SECONDS)):
            self._listen()
            in_step = self.driver.in_step is not None and len(self.running) < slots
            more = in_step or self.executor.slots > slots  # another driver's trial may have ended
            if interruption.heeded(len(self.running)) or more:
                break
        return ended

    def _listen(self) -> None:
        """End runs of trials that a user has stopped, if a look later they still go on."""
        if time.monotonic() < self.listen_at:
            return
        self.listen_at = time.monotonic() + _LISTEN_SECONDS
        self.driver.refresh()
        for number in self.running:
            if self.driver.stopped(number) is None:
                continue
            self.over[number] += 1
            if self.over[number] == 2 and not self.executor.cancel(number):
                logger.warning(
                    "Trial %d was stopped, but its run can't be ended from outside: it goes on "
                    "until its next report. In processes it is ended: n_jobs=2.",
                    number,
                )

    def _limits(self) -> tuple[int | None, int | None]:
        """How many trials this call may start, and the study may have; a user may change it."""
        goal = self.driver.ledger.state.get(GOAL)
        if goal is None or goal == self.goal_before:
            return self.limits.n_trials, self.limits.total_trials
        return None, goal["trials"]

    def _plan(self, history: History) -> None:
        """Tell samplers how many trials there will be, and how much work, where that is known."""
        limits, known = self.limits, history.n_trials - len(history.waiting)
        more = None if limits.n_trials is None else known + limits.n_trials
        planned = more if limits.total_trials is None else limits.total_trials
        self.driver.mirror.plan(None if planned is None else int(planned))
        self.driver.mirror.plan_cost(limits.work(history.cost, self.executor.slots))

    def _start_one(self, stopped_before: object) -> bool:
        def stops(history: History) -> bool:
            self.stop_reason = self._reason(history, stopped_before)
            return self.stop_reason is not None or self._limits() != (wanted, total)

        wanted, total = self._limits()
        new = wanted is None or len(self.started) < wanted
        trial = self.driver.start(total=total, new=new, unless=stops)
        if trial is None:
            if self.stop_reason is not None:
                return False
            if self._limits() != (wanted, total):
                return True
            if not self.running and (not new or not self._others_at_work()):
                if self.driver.mirror.conclude():
                    return True
                self.stop_reason = self._nothing_left(new)
            return False
        again = trial.number in self.put_back
        if new and (trial.cost is None or again):  # not resumed
            self.started.add(trial.number)
        self.running[trial.number] = time.monotonic()
        work = TrialWork(
            self.function, self.driver.ticket(trial), self.study, self.prints, self.collect_garbage
        )
        self.executor.submit(trial.number, work, RunChannel(self.driver, trial))
        return True

    def _nothing_left(self, new: bool) -> str:
        wanted, total = self._limits()
        if not new:
            return f"{wanted} trials were run"
        if total is not None and self.driver.ledger.snapshot().n_trials >= total:
            return "the study has all its trials"
        if self.driver.in_step is not None and self.driver.in_step.held_up is not None:
            return f"the next trial must know the result of trial {self.driver.in_step.held_up}"
        return "the scheduler is done" if self.driver.is_done() else _EXHAUSTED

    def _say_why(self) -> None:
        reason = self.stop_reason or "done"
        level = logging.WARNING if reason == _EXHAUSTED and any(self._limits()) else logging.INFO
        logger.log(level, "Study %r stops: %s.", self.driver.record.name, reason)
        self.driver.emit(StudyStopped(self.driver.record.name, reason))

    def _others_at_work(self) -> bool:
        """Whether other processes run trials that may fail, die or teach us the space."""
        numbers = self.driver.elsewhere()
        if numbers and not self.waited:
            self.waited = True
            logger.warning("Waiting for trials of other processes: %s.", numbers)
        return bool(numbers)

    def _reason(self, history: History, stopped_before: object) -> str | None:
        if self.driver.ledger.state.get("stopped") != stopped_before:
            return "the study was asked to stop"
        if self.fatal is not None:
            return "an exception ended it"
        elapsed = time.monotonic() - self.started_at
        rules, steps = self.limits.rules, self.driver.in_step
        if steps is not None:
            seen = None if history.waiting else steps.seen()
            if seen is None:  # no new trial depends on them yet
                rules = tuple(rule for rule in rules if isinstance(rule, MaxSeconds))
            else:
                history = seen.snapshot()
                self._check_failures(len(history.failed) - self.failed_before, history)
                if self.fatal is not None:
                    return "an exception ended it"
        for rule in rules:
            if (reason := rule.reason(history, elapsed)) is not None:
                return reason
        return None

    def _end(self, number: int, result: Outcome | BaseException) -> None:
        began = self.running.pop(number)
        if (stopped := self.driver.stopped(number)) is not None:
            self._ended(stopped)
            return
        if isinstance(result, WorkerLostError):
            self._lost(number, result, time.monotonic() - began)
            return
        if isinstance(result, BaseException):
            result = self._broken_off(number, result, time.monotonic() - began)
        error = result.exception
        if error is not None and self.retries.allow(error, self.retried[number]):
            self.retried[number] += 1
            self._put_back(number, f"to be retried after {result.error}")
            return
        trial = self.driver.finish(number, result)
        stopped = None if trial is not None else self.driver.stopped(number)
        if error is not None and stopped is None:
            self._raise_unless_caught(error)
        if (ended := trial or stopped) is not None:
            self._ended(ended)

    def _lost(self, number: int, error: WorkerLostError, cost: float) -> None:
        """Have a trial run again whose worker is gone, unless that was too often."""
        trial = self.driver.lapse(number, str(error), cost)
        if trial.state is TrialState.WAITING:
            logger.warning("Trial %d is run again: %s", number, error)
            self._starts_anew(number)
        elif trial.state is TrialState.FAILED:
            self._raise_unless_caught(WorkerLostError(str(trial.error), number=number))
            self._ended(trial)

    def _raise_unless_caught(self, error: BaseException) -> None:
        if not isinstance(error, (ObjectiveError, TrialLostError, *self.catch)):
            self.fatal = self.fatal or error

    def _ended(self, trial: FrozenTrial) -> None:
        """Tell of a run that has ended, and count it."""
        narrate(self.driver, trial)
        if trial.state is TrialState.PAUSED:
            return
        for callback in self.callbacks:
            callback(self.study, trial)
        if trial.state is TrialState.FAILED:
            self.failed += 1
            self._check_failures(self.failed)

    def _put_back(self, number: int, reason: str) -> None:
        """Have a trial run again, before any new one."""
        self._starts_anew(number)
        self.driver.release(number, reason)

    def _starts_anew(self, number: int) -> None:
        """Count a trial's next run as its first."""
        self.started.discard(number)
        self.put_back.add(number)

    def _broken_off(self, number: int, error: BaseException, cost: float) -> Outcome:
        """The outcome of a run that couldn't say itself how it ended."""
        record = self.driver.trial(number)
        return Outcome(
            TrialState.FAILED,
            record.params,
            reports=record.reports,
            error=describe(error),
            exception=error,
            cost=cost,
        )

    def _check_failures(self, failures: int, seen: History | None = None) -> None:
        if seen is None and self.driver.in_step is not None:  # checked before each proposal
            return
        history = self.driver.mirror.latest() if seen is None else seen
        limit, failed = self.limits.fail_fast, history.failed
        worked = history.n_finished > len(failed) or history.paused
        if limit is None or failures < limit or worked:
            return
        if self.fatal is None and failed:
            first = min(failed, key=lambda t: t.number)
            self.fatal = AllTrialsFailedError(
                f"All {len(failed)} trials of study {self.driver.record.name!r} have failed. The "
                f"first error, of trial {first.number}: {first.error} -- Correct the objective, "
                "or pass fail_fast=None to go on regardless.",
                failed=len(failed),
            )

    def _abandon(self, error: BaseException) -> None:
        """Something other than a trial broke (Ctrl-C, a callback): leave a consistent study."""
        for number in sorted(self.running):
            self.driver.release(number, f"interrupted by {type(error).__name__}")


def run_loop(
    study: Study,
    driver: Driver,
    function: Callable[[Trial], object],
    limits: Limits,
    *,
    catch: type[Exception] | Sequence[type[Exception]],
    retries: Retries,
    callbacks: Iterable[Callable[[Study, FrozenTrial], object]] | None,
    executor: Executor,
    show_progress_bar: bool,
    gc_after_trial: bool,
) -> None:
    """Run trials until a limit is reached; see ``Study.optimize`` for the arguments."""
    if not callable(function):
        raise ArgumentError(f"optimize: the objective must be callable, got {function!r}.")
    run = _Run(
        study,
        driver,
        function,
        limits,
        executor,
        _exception_kinds(catch),
        retries,
        _callbacks(callbacks or ()),
        gc_after_trial,
        driver.storage.logs(driver.record.id),
    )
    if show_progress_bar:
        from luthier.study.progress import progress

        context: Any = progress(driver, limits.n_trials, limits.total_trials)
    else:
        context = nullcontext()
    listeners = [callback.hear for callback in run.callbacks if hasattr(callback, "hear")]
    with context, driver.heard_by(listeners):
        run.go()


def _exception_kinds(catch: Any) -> tuple[type[Exception], ...]:
    kinds = tuple(catch) if isinstance(catch, Iterable) else (catch,)
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, Exception)):
            raise ArgumentError(f"optimize: catch takes exception classes, got {kind!r}.")
    return kinds


def _callbacks(given: Any) -> tuple[Callable[[Study, FrozenTrial], object], ...]:
    callbacks = (given,) if callable(given) or not isinstance(given, Iterable) else tuple(given)
    for callback in callbacks:
        if not callable(callback):
            raise ArgumentError(f"optimize: a callback takes (study, trial), got {callback!r}.")
    return callbacks
