"""The conformance suite of executors: what a study relies on when it runs trials somewhere.

Works of the suite can be pickled, as a study's can; so it holds for executors that send them away.

``check_executor(factory)`` runs every check on executors that the factory makes;
``EXECUTOR_CHECKS`` lists them for a parametrised test.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, final

from luthier.core.checkpoint import Checkpoint
from luthier.core.jobs import Decision, Outcome
from luthier.core.protocols import Channel, Executor, Work
from luthier.core.trial import Metrics, TrialState

__all__ = ["EXECUTOR_CHECKS", "check_executor"]

Factory = Callable[[int], Executor]
_PATIENCE: Final = 60.0


@final
class _Notebook:
    """A channel that writes down what it is told."""

    def __init__(self) -> None:
        self.reports: list[tuple[int, int, dict[str, float]]] = []
        self.attrs: dict[int, dict[str, Any]] = {}
        self.saved: dict[int, Checkpoint] = {}
        self._lock = threading.Lock()

    def report(self, number: int, step: int, metrics: Metrics) -> Decision:
        with self._lock:
            self.reports.append((number, step, dict(metrics)))
        return Decision.STOP if metrics["value"] > 1 else Decision.CONTINUE

    def checkpoint(self, number: int, checkpoint: Checkpoint) -> None:
        with self._lock:
            self.saved[number] = checkpoint

    def set_attrs(self, number: int, attrs: Mapping[str, Any]) -> None:
        with self._lock:
            self.attrs.setdefault(number, {}).update(attrs)


@final
class _Refusing:
    """A channel that takes nothing."""

    def report(self, number: int, step: int, metrics: Metrics) -> Decision:
        raise KeyError("refused")

    def checkpoint(self, number: int, checkpoint: Checkpoint) -> None:
        raise KeyError("refused")

    def set_attrs(self, number: int, attrs: Mapping[str, Any]) -> None:
        raise KeyError("refused")


def check_executor(factory: Factory) -> None:
    """Run all checks.

    Args:
        factory: Makes an executor with so many slots; it may give fewer.

    Raises:
        AssertionError: A promise isn't kept; the message says which.

    Example:
        >>> from luthier.executors import Threads
        >>> check_executor(Threads)
    """
    for check in EXECUTOR_CHECKS:
        check(factory)


def check_runs_every_trial_once(factory: Factory) -> None:
    """More trials than slots, each run once, each result under its own number."""
    executor = factory(2)
    results = _run(executor, dict.fromkeys(range(7), _square))
    assert {n: r.metrics["value"] for n, r in results.items()} == {n: n * n for n in range(7)}


def check_hands_over_exceptions(factory: Factory) -> None:
    """Work that raises gives its exception, and harms no other trial."""
    executor = factory(2)
    results = _run(executor, {0: _square, 1: _crash, 2: _square}, keep_errors=True)
    error = results[1]
    assert isinstance(error, ZeroDivisionError), f"got {error!r} for work that divides by zero"
    assert isinstance(results[0], Outcome)
    assert isinstance(results[2], Outcome)


def check_channel_is_reached(factory: Factory) -> None:
    """Reports and notes arrive; decisions come back."""
    channel = _Notebook()
    results = _run(factory(2), dict.fromkeys(range(3), _report_twice), channel)
    assert sorted(channel.reports) == [(n, s, {"value": s}) for n in range(3) for s in (1, 2)]
    assert channel.attrs == {n: {"who": n} for n in range(3)}
    assert {r.error for r in results.values()} == {"CONTINUE then STOP"}


def check_what_the_channel_raises_is_raised_in_the_trial(factory: Factory) -> None:
    """A report that the study refuses is an exception of that class where it was made."""
    results = _run(factory(2), {0: _report_and_catch, 1: _square}, _Refusing())
    assert results[0].error == "KeyError", "the trial didn't get the channel's KeyError"
    assert results[1].state is TrialState.COMPLETE


def check_parts_may_be_shared(factory: Factory) -> None:
    """What works say they share is there in each, and what is mutable stays whole."""
    executor, table = factory(2), {n: n**3 for n in range(5)}
    results = _run(executor, {n: _TableLookup(table) for n in table})
    assert {n: r.metrics["value"] for n, r in results.items()} == table


def check_runs_again_after_shutdown(factory: Factory) -> None:
    """An executor that was shut down may be given trials again, under the same numbers too."""
    executor = factory(2)
    for _ in range(2):
        results = _run(executor, dict.fromkeys(range(3), _square))
        assert sorted(results) == [0, 1, 2]


def check_cancelling_ends_a_trial(factory: Factory) -> None:
    """After ``cancel`` said True the trial ends; after False it goes on. Others never notice."""
    executor = factory(2)
    works: dict[int, Callable[[int, Channel], Outcome]] = {0: _nap, 1: _square}
    results = _run(executor, works, keep_errors=True, cancelled=0)
    if results.pop("cancelled"):
        assert isinstance(results[0], BaseException), f"cancelled, but it gave {results[0]!r}"
    else:
        assert results[0].metrics["value"] == 1
    assert results[1].metrics["value"] == 1


def check_waiting_for_nothing_returns_at_once(factory: Factory) -> None:
    """With nothing running, ``wait`` gives an empty list."""
    executor = factory(1)
    try:
        assert executor.wait() == []
    finally:
        executor.shutdown()


def check_slots(factory: Factory) -> None:
    """There is at least one slot, and no more than was asked for."""
    executor = factory(3)
    try:
        assert 1 <= executor.slots <= 3
    finally:
        executor.shutdown()


def check_cancelling_the_unknown_is_harmless(factory: Factory) -> None:
    """``cancel`` of a trial that isn't running says False."""
    executor = factory(1)
    try:
        assert executor.cancel(99) is False
    finally:
        executor.shutdown()


def check_shutdown_twice_is_harmless(factory: Factory) -> None:
    """``shutdown`` may be called again."""
    executor = factory(1)
    executor.shutdown()
    executor.shutdown()


EXECUTOR_CHECKS: Final[tuple[Callable[[Factory], None], ...]] = (
    check_runs_every_trial_once,
    check_hands_over_exceptions,
    check_channel_is_reached,
    check_what_the_channel_raises_is_raised_in_the_trial,
    check_parts_may_be_shared,
    check_runs_again_after_shutdown,
    check_cancelling_ends_a_trial,
    check_waiting_for_nothing_returns_at_once,
    check_slots,
    check_cancelling_the_unknown_is_harmless,
    check_shutdown_twice_is_harmless,
)


@final
class _Bound:
    """A function of (number, channel) bound to its number; a class, so that it can be sent."""

    def __init__(self, function: Callable[[int, Channel], Outcome], number: int) -> None:
        self.function = function
        self.number = number

    @property
    def shared(self) -> tuple[object, ...]:
        """What is the same in several works."""
        return (self.function.table,) if isinstance(self.function, _TableLookup) else ()

    def __call__(self, channel: Channel) -> Outcome:
        return self.function(self.number, channel)


@final
class _TableLookup:
    """Work that shares a table with others."""

    def __init__(self, table: dict[int, int]) -> None:
        self.table = table

    def __call__(self, number: int, channel: Channel) -> Outcome:
        return Outcome(TrialState.COMPLETE, {}, {"value": float(self.table[number])})


def _run(
    executor: Executor,
    works: dict[int, Callable[[int, Channel], Outcome]],
    channel: Channel | None = None,
    *,
    keep_errors: bool = False,
    cancelled: int | None = None,
) -> dict[Any, Any]:
    """Run all works, as many at once as there are slots; cancel one as soon as it is submitted."""
    channel = _Notebook() if channel is None else channel
    left, running, results = list(works), set[int](), dict[Any, Any]()
    try:
        while left or running:
            while left and len(running) < executor.slots:
                number = left.pop(0)
                running.add(number)
                work: Work = _Bound(works[number], number)
                executor.submit(number, work, channel)
                if number == cancelled:
                    results["cancelled"] = executor.cancel(number)
            ended = executor.wait(_PATIENCE)
            assert ended, f"nothing ended in {_PATIENCE:g} s although {sorted(running)} run"
            for number, result in ended:
                assert number in running, f"trial {number} ended, but {sorted(running)} run"
                assert keep_errors or isinstance(result, Outcome), f"trial {number}: {result!r}"
                running.discard(number)
                results[number] = result
    finally:
        executor.shutdown()
    return results


def _square(number: int, channel: Channel) -> Outcome:
    return Outcome(TrialState.COMPLETE, {"n": number}, {"value": float(number**2)})


def _crash(number: int, channel: Channel) -> Outcome:
    raise ZeroDivisionError(f"trial {number}")


def _nap(number: int, channel: Channel) -> Outcome:
    time.sleep(1.0)
    return Outcome(TrialState.COMPLETE, {}, {"value": 1.0})


def _report_and_catch(number: int, channel: Channel) -> Outcome:
    try:
        channel.report(number, 1, {"value": 1.0})
    except KeyError as error:
        return Outcome(TrialState.FAILED, {}, error=type(error).__name__)
    return Outcome(TrialState.COMPLETE, {})


def _report_twice(number: int, channel: Channel) -> Outcome:
    channel.set_attrs(number, {"who": number})
    decisions = [channel.report(number, step, {"value": float(step)}) for step in (1, 2)]
    return Outcome(
        TrialState.PRUNED, {}, error=" then ".join(decision.name for decision in decisions)
    )
