"""What a driver knows of its study: the ledger, kept up with the storage.

It is read when asked for, never by itself; so what is decided is decided from one version.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import final

from luthier.core.events import LogEvent
from luthier.core.history import History
from luthier.core.ledger import Ledger
from luthier.core.lockstep import KEY as REPRODUCIBLE
from luthier.core.protocols import Changes, Storage, StudyRecord
from luthier.core.trial import FrozenTrial
from luthier.errors import TrialNotFoundError
from luthier.space import Param, Space
from luthier.study import lease
from luthier.study.instep import InStep
from luthier.study.lease import Lease, Terms
from luthier.study.trial import check_definitions

__all__ = ["Mirror"]

_NOTHING = Space()


@final
class Mirror:
    """A study as one driver has read it. Thread-safe.

    Args:
        storage: Where the study is kept.
        record: The study.
        requirements: Functions behind the named requirements of a stored space.

    Attributes:
        ledger: All that is known of its trials.
        lock: Held while anything is read or written.
        lease: The driver's hold on trials; told of what others do to them.
        declared: The declared space, if there is one.
        in_step: What may be looked at, where the study is reproducible.
        crowded_until: Until when other drivers are expected to write in between, on the monotonic
            clock.
    """

    def __init__(
        self,
        storage: Storage,
        record: StudyRecord,
        requirements: Mapping[str, Callable[..., bool]] | None = None,
    ) -> None:
        self.storage = storage
        self.record = record
        self.requirements = dict(requirements or {})
        self.ledger = Ledger(record.objective, record.seed)
        self.lock = self.ledger.lock
        self.lease = Lease(storage, record.id)
        self.declared: Space | None = None
        self.in_step: InStep | None = None
        self.crowded_until = 0.0
        self._behind = False  # whether others have written what is to be read next

    @property
    def space(self) -> Space:
        """The declared space; an empty one if there is none."""
        return _NOTHING if self.declared is None else self.declared

    def best(self) -> FrozenTrial | None:
        """The best trial by the first objective: asked of the storage if nothing is read yet."""
        return self.storage.best_trial(self.record.id, self.record.objective.directions[0])

    @property
    def unread(self) -> bool:
        """Whether this driver hasn't read the study's trials yet."""
        return self.ledger.version == 0

    def refresh(self) -> History:
        """Take in what others have written; return the history as it now stands."""
        with self.lock:
            changes = self.storage.changes_since(self.record.id, self.ledger.version)
            self._behind = False
            history = self.take_in(changes)
            self.lease.heed(changes.trials)
            return history

    def latest(self) -> History:
        """The history with all that this driver has written itself."""
        return self.refresh() if self._behind else self.ledger.snapshot()

    def catch_up(self) -> None:
        """Take in what this driver has written itself, and what others wrote in between."""
        if self._behind:
            self.refresh()

    def take_in(self, changes: Changes) -> History:
        """Take in what was read; return the history as it then stands. The lease isn't told."""
        if changes.version == self.ledger.version:
            return self.ledger.snapshot()
        spaces = [
            (version, Space.from_json(text, requirements=self.requirements))
            for version, text in changes.spaces
        ]
        if self.must_follow(changes):
            self._follow(changes.version)
        else:
            self.ledger.apply(*changes.trials, spaces=spaces)
        self.declared = spaces[-1][1] if spaces else self.declared
        self.ledger.put_state(changes.state, changes.version)
        if lease.KEY in changes.state:
            self.lease.terms = Terms.of(changes.state)
        if REPRODUCIBLE in changes.state and self.in_step is None:
            self.in_step = InStep(self.ledger, self.log, self._read_space)
        return self.ledger.snapshot()

    def _read_space(self, text: str) -> Space:
        """A space of the log; of the one that is declared now, the caller's own object."""
        if self.declared is not None and self.declared.to_json() == text:
            return self.declared
        return Space.from_json(text, requirements=self.requirements)

    def must_follow(self, changes: Changes) -> bool:
        """Whether the space is learnt from trials that pause, so that their pauses count as well.

        A record says when its trial ended, not when it was paused and what it had asked for then.
        """
        declared = () if self.declared is None else self.declared
        learnt = not declared or len(self.ledger.definitions) > len(declared)
        learnt = learnt or any(trial.declares for trial in changes.trials)
        return learnt and any(trial.budget is not None for trial in changes.trials)

    def _follow(self, version: int) -> None:
        """Take in the log up to a version, line by line."""
        for event in self.storage.events(self.record.id, self.ledger.version):
            if event.version <= version:
                self.ledger.follow(event, self.requirements)

    def declare(self, space: Space) -> None:
        """Record a new declared space, unless it is the present one."""
        with self.lock:
            self.refresh()
            if self.declared != space:
                self.storage.put_space(self.record.id, space.to_json())
                self.refresh()
            self.declared = space  # the caller's own: it may hold functions
            self.ledger.declare(space, self.ledger.version)

    def plan(self, n_trials: int | None) -> None:
        """Record how many trials the study is to have, if that is known; samplers may use it."""
        self._note("planned", n_trials)

    def plan_cost(self, seconds: float | None) -> None:
        """Record how many seconds of work its trials may come to, if that is known."""
        self._note("planned_cost", seconds)

    def _note(self, key: str, value: float | None) -> None:
        with self.lock:
            if self.ledger.state.get(key) != value:
                self.storage.put_state(self.record.id, key, value)
                self.refresh()

    def conclude(self) -> bool:
        """Record that no trials will come beside those there are, if paused ones may wait for them.

        Returns:
            Whether that was news, so that something may have become due.
        """
        with self.lock:
            history = self.refresh()
            if not history.paused or history.planned == history.next_number:
                return False
            self.plan(history.next_number)
            return True

    def trial(self, number: int) -> FrozenTrial:
        """A trial's present record.

        Raises:
            TrialNotFoundError: There is none of that number.
        """
        self.catch_up()
        trials = self.ledger.trials
        try:
            return trials[number.__index__() if number >= 0 else len(trials)]
        except (AttributeError, IndexError, TypeError):
            raise TrialNotFoundError(
                f"Study {self.record.name!r} has no trial {number!r}; it has {len(trials)} trials, "
                "numbered from 0.",
                number=number,
            ) from None

    def check_definitions(self, definitions: Mapping[str, Param]) -> None:
        """Refuse definitions that contradict the declared space.

        Raises:
            SpaceError: A condition or relation doesn't fit them.
        """
        if definitions:
            check_definitions(self.space, {**self.ledger.definitions, **definitions})

    def log(self, since: int) -> list[LogEvent]:
        """The log after a version."""
        return self.storage.events(self.record.id, since)

    def write(self, trial: FrozenTrial) -> FrozenTrial:
        """Take in a record that the storage has just returned."""
        with self.lock:
            if trial.version == self.ledger.version + 1:
                self.ledger.apply_one(trial)
                self._behind = False
            elif self.in_step is None and time.monotonic() < self.crowded_until:
                self._behind = True  # others wrote in between, and will before the next look
            else:
                self.refresh()
            return trial
