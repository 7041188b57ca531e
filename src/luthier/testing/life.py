"""The life of a study in steps, as material for the storage checks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, final

from luthier.core.checkpoint import Checkpoint
from luthier.core.protocols import Changes, Storage
from luthier.core.trial import FrozenTrial, Origin, Reports, TrialState
from luthier.space import Float

__all__ = ["Mirror", "ended", "in_threads", "life", "refused", "running", "same"]


@final
class Mirror:
    """A reader's copy of a study, kept up to date by changes."""

    def __init__(self) -> None:
        self.version = 0
        self.trials: dict[int, str] = {}
        self.state: dict[str, Any] = {}
        self.spaces: list[tuple[int, str]] = []

    def copy(self) -> Mirror:
        """An independent copy."""
        mirror = Mirror()
        mirror.version, mirror.trials = self.version, dict(self.trials)
        mirror.state, mirror.spaces = dict(self.state), list(self.spaces)
        return mirror

    def apply(self, changes: Changes) -> None:
        """Take in what a storage says has changed."""
        self.version = changes.version
        self.trials |= {t.number: repr(t) for t in changes.trials}
        self.trials = dict(sorted(self.trials.items()))
        self.state = dict(sorted((self.state | dict(changes.state)).items()))
        self.spaces += changes.spaces


def life(storage: Storage, study: int) -> Sequence[Callable[[], object]]:
    """One of everything that can happen to a study, as steps."""
    paused = replace(running(3), state=TrialState.PAUSED, reports=Reports([(1, {"loss": 3.0})]))
    return (
        lambda: storage.put_space(study, "{}"),
        lambda: storage.add_trials(study, [running(0), FrozenTrial(number=1)]),
        lambda: storage.report(study, 0, 1, Reports([(1, {"loss": math.nan})])),
        lambda: storage.add_trials(study, [replace(ended(running(2)), invalid="old"), paused]),
        lambda: storage.claim(study, 1, "w", attempt=0, at=7.5),
        lambda: storage.put_state(study, "k", 1),
        lambda: storage.report(study, 0, 1, Reports([(2, {"loss": 1.0}), (3, {"loss": 0.5})])),
        lambda: storage.release(study, 1, 1, TrialState.PAUSED, "budget"),
        lambda: storage.claim(study, 3, "w", attempt=1, at=8.5),
        lambda: storage.checkpoint(
            study, 3, 2, Checkpoint(2, "ab", 10), Reports([(2, {"loss": 2.0})])
        ),
        lambda: storage.finish(
            study, replace(running(3), attempt=2, state=TrialState.PAUSED, cost=1.0)
        ),
        lambda: storage.claim(study, 3, "w", attempt=2, at=8.75, budget=9),
        lambda: storage.claim(study, 3, "v", attempt=3, at=8.8),
        lambda: storage.set_attrs(study, 0, {"note": [1]}),
        lambda: storage.finish(study, ended(running(0))),
        lambda: storage.claim(study, 1, "v", attempt=1, at=9.5),
        lambda: storage.put_state(study, "k", {"x": None}),
        lambda: storage.finish(
            study, replace(running(1), attempt=2, state=TrialState.FAILED, error="boom")
        ),
        lambda: storage.invalidate(study, 0, "bug"),
        lambda: storage.put_space(study, '{"v": 2}'),
        lambda: storage.set_attrs(study, 2, {"late": True}),
    )


def running(number: int) -> FrozenTrial:
    """A trial that runs at its first attempt."""
    return FrozenTrial(
        number=number,
        state=TrialState.RUNNING,
        param_names=("x", "kind"),
        param_values=(0.5, "a"),
        started=1.5,
        worker="host:1:2",
        attempt=1,
        origin=Origin("{}", "random", number),
    )


def ended(trial: FrozenTrial) -> FrozenTrial:
    """The trial with a result."""
    return replace(
        trial,
        state=TrialState.COMPLETE,
        param_names=("x", "kind", "y"),
        param_values=(0.5, "a", 3),
        metric_names=("loss", "mb"),
        metric_values=(0.25, 4.0),
        reports=Reports([(1, {"loss": 0.75})]),
        finished=2.5,
        cost=1.0,
        declares={"y": Float(0.0, 5.0)},
    )


def same(got: object, expected: object, rule: str) -> None:
    """Compare with types: by ``repr``, to which 1, 1.0 and True differ and NaN equals NaN."""
    if repr(got) != repr(expected):
        raise AssertionError(
            f"Storage contract: {rule}.\n  got      {got!r}\n  expected {expected!r}"
        )


def refused(
    error: type[Exception], act: Callable[..., object], *args: object, **options: object
) -> None:
    """Check that a call raises an error."""
    try:
        result = act(*args, **options)
    except error:
        return
    raise AssertionError(f"Storage contract: {error.__name__} must be raised, got {result!r}.")


def in_threads(n: int, work: Callable[[], None]) -> None:
    """Do some work n times at once, and wait for all of it."""
    with ThreadPoolExecutor(n) as pool:
        for future in [pool.submit(work) for _ in range(n)]:
            future.result()
