"""Replay: recompute every recorded proposal from the history it was made from.

The log is folded forward once. Before each proposal the ledger is brought to the version that
the sampler had seen; the sampler, built anew from its recorded settings, must then propose the
very same parameters. That it does is the promise everything else rests on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from luthier.core.events import LogEvent, evolve
from luthier.core.ledger import Ledger
from luthier.core.protocols import Sampler
from luthier.core.rng import generator
from luthier.core.trial import FrozenTrial
from luthier.errors import LuthierError
from luthier.strategies import make_sampler
from luthier.study.driver import Driver
from luthier.study.proposing import propose

__all__ = ["Mismatch", "Replay", "replay"]


@final
@dataclass(frozen=True, slots=True)
class Mismatch:
    """A proposal that came out differently.

    Attributes:
        number: The trial.
        recorded: The parameters proposed then.
        recomputed: The parameters proposed now, or None for no proposal.
    """

    number: int
    recorded: Mapping[str, Any]
    recomputed: Mapping[str, Any] | None


@final
@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay found.

    Attributes:
        checked: How many proposals were recomputed.
        skipped: Trials that no sampler of ours proposed: enqueued, added, or by a sampler
            that can't be built from its settings.
        mismatches: Proposals that came out differently; empty if all is well.
    """

    checked: int
    skipped: int
    mismatches: tuple[Mismatch, ...]

    @property
    def exact(self) -> bool:
        """Whether every proposal checked came out the same."""
        return not self.mismatches

    def __str__(self) -> str:
        verdict = "all the same" if self.exact else f"{len(self.mismatches)} differ"
        skipped = f", {self.skipped} not proposed by a sampler" if self.skipped else ""
        return f"{self.checked} proposals recomputed, {verdict}{skipped}"


def replay(driver: Driver) -> Replay:
    """Recompute all proposals of a study."""
    driver.refresh()
    events = driver.storage.events(driver.record.id)
    steps, fold = driver.in_step, _Fold(driver, events)
    checked, skipped, mismatches = 0, 0, []
    for event in events:
        if event.kind != "added":
            continue
        trial = evolve(None, event)
        sampler = _sampler(driver, trial)
        if sampler is None:
            skipped += 1
            continue
        ledger = fold.seen_by(trial) if steps is None else steps.seen_by(trial.number)
        again = _again(sampler, ledger, trial)
        checked += 1
        if again != trial.params:
            mismatches.append(Mismatch(trial.number, trial.params, again))
    return Replay(checked, skipped, tuple(mismatches))


@final
class _Fold:
    """A ledger that is brought forward event by event."""

    def __init__(self, driver: Driver, events: list[LogEvent]) -> None:
        record = driver.record
        self._ledger = Ledger(record.objective, record.seed)
        self._requirements = driver.mirror.requirements
        self._events = events
        self._next = 0

    def seen_by(self, trial: FrozenTrial) -> Ledger:
        """Apply all events up to and including the version that a trial was proposed from."""
        version = trial.origin.history_version
        while self._next < len(self._events) and self._events[self._next].version <= version:
            event = self._events[self._next]
            self._next += 1
            self._ledger.follow(event, self._requirements)
        return self._ledger


def _sampler(driver: Driver, trial: FrozenTrial) -> Sampler | None:
    if trial.origin.sampler in ("enqueued", "added", "objective"):
        return None
    spec = json.loads(trial.origin.sampler)
    if "scheduler" in spec:
        return None
    if spec == dict(driver.proposer.spec):
        return driver.proposer
    try:
        return make_sampler(spec)
    except LuthierError:
        return None


def _again(sampler: Sampler, ledger: Ledger, trial: FrozenTrial) -> dict[str, Any] | None:
    rng = generator(ledger.seed, trial.number)
    proposal = propose(sampler, ledger.snapshot(), trial.declares, rng)
    return None if proposal is None else dict(proposal.params)
