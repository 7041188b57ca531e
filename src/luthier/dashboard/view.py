"""A study as the dashboard sees it: kept up with the storage, shared by all who look at it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, final

from luthier.core.history import Columns, History
from luthier.core.protocols import Storage
from luthier.core.record import metrics_json
from luthier.core.trial import FrozenTrial, TrialState
from luthier.dashboard.rows import row_of
from luthier.dashboard.sheet import Sheet
from luthier.errors import NoTrialError
from luthier.study import tradeoffs
from luthier.study.create import look_at
from luthier.study.narration import incumbent

__all__ = ["Change", "View"]

_FRESH_SECONDS: Final = 0.1
_INVALID: Final = 8


@final
@dataclass(frozen=True, slots=True)
class Change:
    """What is new.

    Attributes:
        numbers: The trials that changed.
        urgent: Whether more than reports came.
    """

    numbers: Sequence[int]
    urgent: bool


@final
class _Desk:
    """Where figures are drawn one after another, with caches of their own."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._columns = Columns()
        self._lineage: Hashable = None

    def of(self, history: History) -> History:
        """The history with this desk's caches; a history's own are not for several threads."""
        if history.lineage is not self._lineage:
            self._columns, self._lineage = Columns(), history.lineage
        return replace(history, _columns=self._columns)


@final
class View:
    """One study. Thread-safe: what reads its trials holds ``lock``.

    Args:
        storage: Where the study is kept.
        name: Its name.

    Attributes:
        study: The study, for what is asked of it and done to it.
        lock: Held while trials are read.
        version: The study's version at the last look.
        best: Numbers of the best trial, or of the front.
        changed_at: When the study last changed, in seconds since the epoch: as its trials tell at
            the first look, and then when a look saw it.
    """

    def __init__(self, storage: Storage, name: str) -> None:
        self.study = look_at(storage, name)
        self.lock = self.study._driver.lock
        self.version = -1
        self._told = -1
        self._moved = False
        self.best: Collection[int] = ()
        self._history: History
        self._kinds = bytearray()
        self._counts: Counter[int] = Counter()
        self._metrics: dict[str, None] = {}
        self._ended: tuple[int, int] | None = None
        self._sheet = Sheet()
        self._desks = {slow: _Desk() for slow in (False, True)}
        self._looked = 0.0
        self._started = 0.0
        self.changed_at = 0.0
        self.news()

    @property
    def id(self) -> int:
        """The storage's key of the study."""
        return self.study._driver.record.id

    @property
    def history(self) -> History:
        """The history at the last look."""
        return self._history

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials by number; for who holds the lock."""
        return self.study._driver.ledger.trials

    @property
    def metrics(self) -> list[str]:
        """All metrics that trials have, objectives first."""
        return list(dict.fromkeys([*self.study.objective.names, *self._metrics]))

    @property
    def state(self) -> Mapping[str, Any]:
        """Study-wide values."""
        return self.study._driver.ledger.state

    def look(self) -> None:
        """Take in what has changed in the storage.

        Raises:
            StudyNotFoundError: The study was deleted.
            StorageError: The storage can't be read now.
        """
        with self.lock:
            history = self.study.history
            self._looked = time.monotonic()
            if history.version == self.version:
                return
            changed = [t for t in self.trials if t.version > self.version]
            self._moved |= self._count(changed) or not changed
            self.changed_at = self._last_told(changed) if self.version < 0 else time.time()
            self.version, self._history = history.version, history
            self._choose(history)

    def news(self) -> Change | None:
        """Look, and return what is new since this was last asked, whoever looked meanwhile.

        Returns:
            None if nothing has.

        Raises:
            StudyNotFoundError: The study was deleted.
            StorageError: The storage can't be read now.
        """
        with self.lock:
            self.look()
            if self.version == self._told:
                return None
            found = Change([t.number for t in self.trials if t.version > self._told], self._moved)
            self._told, self._moved = self.version, False
            return found

    def _last_told(self, changed: Sequence[FrozenTrial]) -> float:
        """When the last of them to do so began, or ended; without any, when the study was made."""
        told = (trial.finished or trial.started or 0.0 for trial in changed)
        return max(told, default=0.0) or self.study._driver.record.created

    def look_again(self) -> None:
        """Take in what has changed, unless that was done a moment ago."""
        if time.monotonic() - self._looked > _FRESH_SECONDS:
            self.look()

    def _count(self, changed: Sequence[FrozenTrial]) -> bool:
        """Keep the counts; return whether any trial is elsewhere than it was."""
        moved = False
        for trial in changed:
            kind = trial.state + (_INVALID if trial.invalid is not None else 0)
            self._metrics.update(dict.fromkeys(trial.metric_names))
            self._started = max(self._started, trial.started or 0.0)
            if trial.number == len(self._kinds):
                self._kinds.append(kind)
            elif self._kinds[trial.number] == kind and trial.state is TrialState.RUNNING:
                continue
            else:
                self._counts[self._kinds[trial.number]] -= 1
                self._kinds[trial.number] = kind
            self._counts[kind] += 1
            moved = True
        return moved

    def _choose(self, history: History) -> None:
        """Find the best trials, if any has completed meanwhile."""
        ended = (history.completed.identity, len(history.completed))
        if ended == self._ended:
            return
        self._ended = ended
        if len(history.objective.names) == 1:
            winner = incumbent(history)
            self.best = () if winner is None else (winner.number,)
            return
        try:
            self.best = frozenset(tradeoffs.front(history, self.study.study_name))
        except NoTrialError:
            self.best = ()

    @contextmanager
    def drawing(self, *, slow: bool = False) -> Iterator[History]:
        """Give the history to somebody who takes his time, and holds nobody else up.

        Args:
            slow: Whether it may take seconds: such work goes one after another, beside the rest.
        """
        desk = self._desks[slow]
        with desk.lock:
            with self.lock:
                history = desk.of(self._history)
            yield history

    # What the pages show

    def glance(self) -> dict[str, Any]:
        """The study in a few words, for streams."""
        with self.lock:
            single = len(self.study.objective.names) == 1
            best = None
            if single and self.best:
                winner = self.trials[next(iter(self.best))]
                best = {"number": winner.number, "metrics": metrics_json(winner.metrics)}
            return {
                "version": self.version,
                "n_trials": self._history.n_trials,
                "states": {s.name: n for s in TrialState if (n := self._counts[s])},
                "best": best,
                "front": None if single else len(self.best),
                "goal": self._history.planned,
                "stopped": self._stopped(),
            }

    def _stopped(self) -> float | None:
        """When somebody stopped the study, unless trials were started since."""
        at = self.state.get("stopped")
        return at if isinstance(at, int | float) and at > self._started else None

    @property
    def n_invalid(self) -> int:
        """How many trials were taken out of every decision."""
        return sum(n for kind, n in self._counts.items() if kind >= _INVALID)

    def row(self, number: int, *, cut: bool = True) -> dict[str, Any]:
        """A trial as a row of the table."""
        with self.lock:
            trial = self.study._driver.trial(number)
            return row_of(trial, self.study.objective, self.best, cut=cut)

    def best_row(self) -> dict[str, Any] | None:
        """The best trial of a single-objective study as a row, if there is one."""
        single = len(self.study.objective.names) == 1
        return self.row(next(iter(self.best))) if single and self.best else None

    def table(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """A part of the table; see ``Sheet.find`` for the query."""
        with self.lock:
            found = self._sheet.find(self.trials, query)
            offset = query.get("offset", 0)
            shown = found[offset : offset + query.get("limit", 50)]
            return {
                "version": self.version,
                "total": len(self.trials),
                "matching": len(found),
                "offset": offset,
                "rows": [row_of(self.trials[n], self.study.objective, self.best) for n in shown],
            }
