"""What every scheduler must keep, as checks that anybody can run on theirs.

    from luthier.testing.schedulers import SCHEDULER_CHECKS, check_scheduler

    check_scheduler(MyScheduler)

A check takes a factory of schedulers and raises AssertionError with what is wrong.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from luthier.core.history import History
from luthier.core.jobs import Clone, Decision, Resume, Start, Stop
from luthier.core.objective import Objective
from luthier.core.protocols import Scheduler
from luthier.core.rng import generator
from luthier.core.trial import FrozenTrial, TrialState
from luthier.space import Float, Space
from luthier.strategies import known_schedulers, make_scheduler
from luthier.testing.rehearsal import Rehearsal

__all__ = ["SCHEDULER_CHECKS", "SchedulerFactory", "check_scheduler", "situations"]

SchedulerFactory = Callable[[], Scheduler]
_SPACE: Final = Space(x=Float(0.0, 1.0))
_OBJECTIVES: Final = (
    Objective(),
    Objective.of(direction="maximize"),
    Objective.of(metrics={"accuracy": "maximize", "latency": "minimize"}),
)


def situations() -> Iterator[tuple[History, FrozenTrial, int]]:
    """Yield histories with a running trial that has just reported a step.

    There are completed trials or none, steps that others skipped, NaN, infinities, several
    metrics, and reports that lack the objective.
    """
    for objective in _OBJECTIVES:
        name = objective.names[0]
        for others in (0, 1, 8):
            for values in _CURVES:
                play = Rehearsal(_SPACE, objective=objective)
                for k in range(others):
                    _complete(play, k, name)
                running = play.add({"x": 0.5})
                for step, value in values.items():
                    running = play.report(running, step, {name: value, "other": 1.0})
                    yield play.history, running, step
                lone = play.report(play.add({"x": 0.25}), 3, {"other": math.nan})
                yield play.history, lone, 3


_CURVES: Final[tuple[Mapping[int, float], ...]] = (
    {0: 0.5, 1: 0.4, 2: 0.3, 3: 0.2},
    {0: 0.5, 1: 0.6, 2: 0.7, 3: 0.8, 4: 0.9, 5: 1.0},
    {0: math.nan},
    {0: 0.1, 1: math.nan, 2: math.nan},
    {0: math.inf, 1: -math.inf, 2: 0.0},
    {7: 0.5, 100: 0.5, 10**9: 0.5},
)


def _complete(play: Rehearsal, k: int, name: str) -> None:
    trial = play.add({"x": k / 10})
    for step in range(k % 5):
        value = (math.nan, math.inf, -math.inf, k / 10 + step, 0.5)[(k + step) % 5]
        trial = play.report(trial, step, {name: value})
    play.end(trial, TrialState.PRUNED if k == 3 else TrialState.COMPLETE, value=float(k))


def check_scheduler(factory: SchedulerFactory) -> None:
    """Run all checks on a scheduler.

    Args:
        factory: Builds the scheduler, the same one each time.

    Raises:
        AssertionError: It breaks a rule; the message says which.

    Example:
        >>> from luthier.schedulers import Median
        >>> check_scheduler(Median)
    """
    for check in SCHEDULER_CHECKS:
        check(factory)


def check_spec(factory: SchedulerFactory) -> None:
    """Its spec is JSON with a name, and builds an equal one if the name is registered."""
    scheduler = factory()
    spec = json.loads(json.dumps(dict(scheduler.spec), allow_nan=False))
    assert spec == dict(scheduler.spec), f"spec must survive JSON, got {scheduler.spec!r}"
    assert isinstance(spec.get("name"), str), f"spec must have a name, got {spec!r}"
    if spec["name"] in known_schedulers():
        rebuilt = make_scheduler(spec)
        assert rebuilt == scheduler, f"make_scheduler(spec) must build an equal, got {rebuilt!r}"


def check_next(factory: SchedulerFactory) -> None:
    """It starts, resumes or clones something, or nothing; in a new study it starts a trial."""
    empty = Rehearsal(_SPACE).history
    job = factory().next(empty, generator(0, 0))
    assert isinstance(job, Start), f"a new study must start with a new trial, got {job!r}"
    for history, _, _ in situations():
        job = factory().next(history, generator(0, 0))
        assert job is None or isinstance(job, Start | Resume | Clone | Stop), f"no job: {job!r}"


def check_decide_is_total(factory: SchedulerFactory) -> None:
    """It decides whatever was reported: numbers, NaN, infinities, other metrics, odd steps."""
    scheduler = factory()
    for history, trial, step in situations():
        decision = scheduler.decide(history, trial, step)
        assert isinstance(decision, Decision), f"a Decision, got {decision!r} at step {step}"


def check_pure(factory: SchedulerFactory) -> None:
    """Same arguments, same decision, from one scheduler twice and from another built alike."""
    scheduler = factory()
    for history, trial, step in situations():
        first = scheduler.decide(history, trial, step)
        for again in (scheduler, factory()):
            got = again.decide(history, trial, step)
            assert got is first, f"same arguments must give {first}, got {got}"
    order = [scheduler.decide(*situation) for situation in situations()]
    backwards = [scheduler.decide(*situation) for situation in reversed(list(situations()))]
    assert order == backwards[::-1], "the order of questions must not matter"


def check_arguments_stay(factory: SchedulerFactory) -> None:
    """It changes neither the history nor the trial."""
    for history, trial, step in situations():
        trials = [*history.completed, *history.pruned, *history.failed, *history.live, trial]
        before = list(map(repr, trials))
        factory().decide(history, trial, step)
        assert list(map(repr, trials)) == before, "trials must stay as they were"


def check_unwatched(factory: SchedulerFactory) -> None:
    """Of steps it says it will let pass, it does, whatever is reported there."""
    scheduler = factory()
    unwatched = getattr(scheduler, "unwatched", None)
    if unwatched is None:
        return
    passing: dict[int, range] = {}
    for history, trial, step in situations():
        if len(trial.reports) == 1:  # another trial, of another history
            passing.clear()
        decision = scheduler.decide(history, trial, step)
        if step in passing.get(trial.number, ()):
            assert decision is Decision.CONTINUE, f"{decision} at step {step} it lets pass"
        passing[trial.number] = unwatched(trial, step)


SCHEDULER_CHECKS: Final[tuple[Callable[[SchedulerFactory], None], ...]] = (
    check_spec,
    check_next,
    check_decide_is_total,
    check_pure,
    check_arguments_stay,
    check_unwatched,
)
"""All checks; each takes a factory of schedulers."""
