"""The loop behind ``study.optimize``: start trials while limits allow, record what ends."""

from __future__ import annotations

import gc
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, final

from luthier.core.events import StudyStopped
from luthier.core.history import History
from luthier.core.jobs import Outcome
from luthier.core.protocols import Channel, Executor
from luthier.core.trial import FrozenTrial, TrialState
from luthier.errors import AllTrialsFailedError, ArgumentError
from luthier.executors import Inline, Threads
from luthier.study.driver import Driver
from luthier.study.narration import narrate
from luthier.study.stopping import MaxSeconds, StopRule
from luthier.study.trial import Ticket, Trial, describe, run_trial

if TYPE_CHECKING:
    from luthier.study.study import Study

__all__ = ["Limits", "Retries", "run_loop"]

logger = logging.getLogger("luthier")
_LOOK_AGAIN_SECONDS = 0.05


@final
@dataclass(frozen=True, slots=True)
class Limits:
    """When to stop.

    Attributes:
        n_trials: So many trials started in this call, or None.
        total_trials: So many trials in the study, or None.
        rules: Further rules, any of which stops.
        fail_fast: Give up after so many trials if all failed, or None.
    """

    n_trials: int | None
    total_trials: int | None
    rules: tuple[StopRule, ...]
    fail_fast: int | None

    @classmethod
    def of(
        cls,
        *,
        n_trials: int | None,
        total_trials: int | None,
        timeout: float | None,
        stop: StopRule | Sequence[StopRule],
        fail_fast: int | None,
    ) -> Limits:
        """Check the arguments of ``optimize``.

        Raises:
            ArgumentError: A limit that makes no sense.
        """
        for name, value in (("n_trials", n_trials), ("total_trials", total_trials)):
            if value is not None and (not _is_int(value) or value < 0):
                raise ArgumentError(f"optimize: {name} must be an integer >= 0, got {value!r}.")
        if n_trials is not None and total_trials is not None:
            raise ArgumentError(
                "optimize: give n_trials (more trials) or total_trials (trials in all), not both."
            )
        if fail_fast is not None and (not _is_int(fail_fast) or fail_fast < 1):
            raise ArgumentError(f"optimize: fail_fast must be an integer >= 1, got {fail_fast!r}.")
        rules = tuple(stop) if isinstance(stop, Sequence) else (stop,)
        for rule in rules:
            if not callable(getattr(rule, "reason", None)):
                raise ArgumentError(
                    f"optimize: stop takes rules such as Saturation(20), got {rule!r}."
                )
        if timeout is not None:
            rules = (*rules, MaxSeconds(timeout))
        return cls(n_trials, total_trials, rules, fail_fast)


@final
@dataclass(frozen=True, slots=True)
class Retries:
    """How often a trial is run again after which exceptions."""

    times: Mapping[type[Exception], int]

    def __post_init__(self) -> None:
        for kind, times in self.times.items():
            known = isinstance(kind, type) and issubclass(kind, Exception)
            if not known or not _is_int(times) or times < 0:
                raise ArgumentError(
                    "optimize: retries maps exception classes to how often, such as "
                    f"{{ConnectionError: 3}}, got {{{kind!r}: {times!r}}}."
                )

    def allow(self, trial: FrozenTrial, outcome: Outcome) -> bool:
        """Whether a failed run should be repeated."""
        if not self.times or outcome.exception is None:
            return False
        allowed = (n for kind, n in self.times.items() if isinstance(outcome.exception, kind))
        return trial.attempt <= max(allowed, default=0)


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
    started_at: float = field(default_factory=time.monotonic)
    started: set[int] = field(default_factory=set)
    running: set[int] = field(default_factory=set)
    stop_reason: str | None = None
    fatal: BaseException | None = None
    waited: bool = False

    @property
    def local_study(self) -> Study | None:
        """The study, where trials run in its own process."""
        return self.study if isinstance(self.executor, (Inline, Threads)) else None

    def go(self) -> None:
        self.driver.refresh()
        stopped_before = self.driver.ledger.state.get("stopped")
        try:
            while True:
                while self.stop_reason is None and len(self.running) < self.executor.slots:
                    if not self._start_one(stopped_before):
                        break
                if self.running:
                    for number, result in self.executor.wait():
                        self._end(number, result)
                elif self.stop_reason is None:
                    time.sleep(_LOOK_AGAIN_SECONDS)
                else:
                    break
        except BaseException as error:
            self._abandon(error)
            raise
        finally:
            self.executor.shutdown()
        self.driver.emit(StudyStopped(self.driver.record.name, self.stop_reason or "done"))
        if self.fatal is not None:
            raise self.fatal

    def _start_one(self, stopped_before: object) -> bool:
        history = self.driver.refresh()
        self.stop_reason = self._reason(history, stopped_before)
        if self.stop_reason is not None:
            return False
        total = self.limits.total_trials
        trial = self.driver.start(total=total, history=history)
        if trial is None:
            if not self.running and not self._others_at_work():
                full = total is not None and self.driver.ledger.snapshot().n_trials >= total
                self.stop_reason = (
                    "the study has all its trials" if full else "the space is exhausted"
                )
            return False
        self.started.add(trial.number)
        self.running.add(trial.number)
        ticket = self.driver.ticket(trial)
        work = partial(_work, self.function, ticket, self.local_study)
        self.executor.submit(trial.number, work, self.driver)
        return True

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
        n_trials = self.limits.n_trials
        if n_trials is not None and len(self.started) >= n_trials:
            return f"{n_trials} trials were run"
        elapsed = time.monotonic() - self.started_at
        for rule in self.limits.rules:
            if (reason := rule.reason(history, elapsed)) is not None:
                return reason
        return None

    def _end(self, number: int, result: Outcome | BaseException) -> None:
        self.running.discard(number)
        if isinstance(result, BaseException):
            result = Outcome(
                TrialState.FAILED,
                self.driver.trial(number).params,
                error=describe(result),
                exception=result,
            )
        error = result.exception
        if error is not None and self.retries.allow(self.driver.trial(number), result):
            self.started.discard(number)
            self.driver.release(number, f"to be retried after {result.error}")
            return
        trial = self.driver.finish(number, result)
        if self.collect_garbage:
            gc.collect()
        if error is not None and not isinstance(error, self.catch) and _is_users(error):
            self.fatal = self.fatal or error
        if trial is None:
            return
        narrate(self.driver, trial)
        for callback in self.callbacks:
            callback(self.study, trial)
        self._check_failures()

    def _check_failures(self) -> None:
        history = self.driver.ledger.snapshot()
        limit, failed = self.limits.fail_fast, history.failed
        if limit is None or len(failed) < limit or history.n_finished > len(failed):
            return
        if self.fatal is None:
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


def _is_users(error: BaseException) -> bool:
    from luthier.errors import ObjectiveError

    return not isinstance(error, ObjectiveError)


def run_loop(
    study: Study,
    driver: Driver,
    function: Callable[[Trial], object],
    limits: Limits,
    *,
    catch: type[Exception] | Sequence[type[Exception]],
    retries: Retries,
    callbacks: tuple[Callable[[Study, FrozenTrial], object], ...],
    executor: Executor | None,
    n_jobs: int,
    show_progress_bar: bool,
    gc_after_trial: bool,
) -> None:
    """Run trials until a limit is reached; see ``Study.optimize`` for the arguments."""
    if not callable(function):
        raise ArgumentError(f"optimize: the objective must be callable, got {function!r}.")
    for callback in callbacks:
        if not callable(callback):
            raise ArgumentError(f"optimize: a callback takes (study, trial), got {callback!r}.")
    run = _Run(
        study,
        driver,
        function,
        limits,
        _executor(n_jobs) if executor is None else executor,
        _exception_kinds(catch),
        retries,
        callbacks,
        gc_after_trial,
    )
    if show_progress_bar:
        from luthier.study.progress import progress

        context: Any = progress(driver, limits.n_trials, limits.total_trials)
    else:
        context = nullcontext()
    with context:
        run.go()


def _work(
    function: Callable[[Trial], object], ticket: Ticket, study: Study | None, channel: Channel
) -> Outcome:
    trial = Trial(ticket, channel)
    trial.study = study
    return run_trial(function, trial)


def _executor(n_jobs: int) -> Executor:
    if not _is_int(n_jobs) or n_jobs == 0 or n_jobs < -1:
        raise ArgumentError(
            f"optimize: n_jobs must be at least 1, or -1 for all cores, got {n_jobs!r}."
        )
    slots = (os.cpu_count() or 1) if n_jobs == -1 else n_jobs
    return Inline() if slots == 1 else Threads(slots)


def _exception_kinds(catch: Any) -> tuple[type[Exception], ...]:
    kinds = (catch,) if isinstance(catch, type) else tuple(catch)
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, Exception)):
            raise ArgumentError(f"optimize: catch takes exception classes, got {kind!r}.")
    return kinds


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
