"""The history of a study: the only thing samplers and schedulers decide from.

``Ledger`` (``core/ledger.py``) is the one mutable object. ``History`` is an immutable snapshot of
it that costs microseconds, whatever the number of trials: finished trials only ever append, so a
snapshot is the shared lists and how much of them it may see. Encoded matrices, curves and
what was tried are caches beside those lists, which could be thrown away at any time.

    name       meaning                                            shape
    X          completed trials, encoded by the current space     (n, d)
    Y          their objectives, minimised                        (n, m)
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Final, TypeVar, final, overload

import numpy as np
from numpy.typing import NDArray

from luthier.core.objective import Objective
from luthier.core.ranking import Ranking
from luthier.core.rungs import ReportLog, Rung
from luthier.core.trial import FrozenTrial, Metrics, TrialState, changed
from luthier.space import Space

__all__ = ["Columns", "History", "Prefix", "Reported", "reported"]

T = TypeVar("T")
_FORGOTTEN: Final = 64  # live trials that may have ended before an index of them is made anew


@final
class Prefix(Sequence[T]):
    """The first n items of a list that only ever grows: an immutable sequence at no cost."""

    __slots__ = ("_items", "_n")

    def __init__(self, items: list[T], n: int | None = None) -> None:
        self._items = items
        self._n = len(items) if n is None else n

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            start, stop, stride = index.indices(self._n)
            return self._items[start:stop] if stride == 1 else self._items[: self._n][index]
        position = index + self._n if index < 0 else index
        if not 0 <= position < self._n:
            raise IndexError(f"index {index} is outside a sequence of {self._n}")
        return self._items[position]

    def __iter__(self) -> Iterator[T]:
        items = self._items
        return (items[i] for i in range(self._n))

    def __len__(self) -> int:
        return self._n

    @property
    def identity(self) -> int:
        """The same for all prefixes of one list."""
        return id(self._items)


@final
@dataclass(frozen=True, slots=True)
class History:
    """What has happened in a study up to a version. Trials that were invalidated are left out.

    Attributes:
        version: The study's version.
        next_number: The number that the next new trial will have.
        objective: What is optimised.
        seed: The study's seed, for what must be the same in all its trials.
        space: What is known of the space.
        completed: COMPLETE trials, in order of finishing; so are the next two.
        pruned: PRUNED trials.
        failed: FAILED trials.
        waiting: Trials that wait to be run, by number; so are the next two.
        running: Trials that are being worked on.
        paused: Trials that may be resumed.
        planned: How many trials the study is to have, as its last ``optimize`` said; None if
            nobody said.
        planned_cost: How many seconds of work its trials may come to, as ``cost`` counts them: what
            the time of its last ``optimize`` allowed, in one process; None without a limit.
    """

    version: int
    next_number: int
    objective: Objective
    seed: int
    space: Space
    completed: Prefix[FrozenTrial]
    pruned: Prefix[FrozenTrial]
    failed: Prefix[FrozenTrial]
    waiting: tuple[FrozenTrial, ...]
    running: tuple[FrozenTrial, ...]
    paused: tuple[FrozenTrial, ...]
    planned: int | None
    planned_cost: float | None
    _columns: Columns
    _reports: Reported

    @property
    def n_finished(self) -> int:
        """How many trials have finished: completed, pruned or failed."""
        return len(self.completed) + len(self.pruned) + len(self.failed)

    @property
    def cost(self) -> float:
        """Seconds of work of all trials, as far as recorded: of what was paused, too."""
        ended = sum(float(self.table(("cost",), group, _cost).sum()) for group in self._groups)
        return ended + sum(trial.cost or 0.0 for trial in chain(*self._live))

    @property
    def _groups(self) -> tuple[Prefix[FrozenTrial], ...]:
        return (self.completed, self.pruned, self.failed)

    @property
    def lineage(self) -> Hashable:
        """What all histories share that see parts of the same growing lists.

        It may be referred to weakly: it is gone when none of them is left.
        """
        return self._columns

    @property
    def violations(self) -> NDArray[np.float64]:
        """How much each completed trial breaks the constraints; 0 is feasible, shape (n,)."""
        return self._columns.violations(self.objective, self.completed)

    @property
    def n_trials(self) -> int:
        """How many trials count: finished and live ones."""
        return self.n_finished + sum(map(len, self._live))

    @property
    def live(self) -> tuple[FrozenTrial, ...]:
        """WAITING, RUNNING and PAUSED trials by number; made anew each time."""
        return tuple(sorted(chain(*self._live), key=_number))

    @property
    def pending(self) -> tuple[FrozenTrial, ...]:
        """WAITING and RUNNING trials by number: those that will have a result."""
        return tuple(sorted(chain(self.waiting, self.running), key=_number))

    def paused_trial(self, number: int) -> FrozenTrial | None:
        """Return the paused trial of a number, or None if that isn't paused."""
        return _of_number(self.paused, number)

    @property
    def _live(self) -> tuple[tuple[FrozenTrial, ...], ...]:
        return (self.waiting, self.running, self.paused)

    @property
    def X(self) -> NDArray[np.float64]:  # noqa: N802
        """Completed trials in the current space's encoding, shape (n, d).

        A value that no longer fits its parameter, or is missing, is NaN.
        """
        return self.encoded(self.completed)

    def encoded(self, trials: Prefix[FrozenTrial]) -> NDArray[np.float64]:
        """One of the groups of finished trials in the current space's encoding, shape (n, d).

        Args:
            trials: ``completed``, ``pruned`` or ``failed`` of this history.
        """
        return self._columns.encoded(self.space, trials)

    @property
    def Y(self) -> NDArray[np.float64]:  # noqa: N802
        """Objectives of the completed trials, lower is better, shape (n, m)."""
        return self._columns.objectives(self.objective, self.completed)

    def best(self, k: int) -> list[int]:
        """Places in ``completed`` of the k best trials by the first objective, best first.

        Trials that break constraints come after all others, the least violation first. Costs
        about as much after 100,000 trials as after ten.

        Args:
            k: How many, at least 0.
        """
        return self._columns.best(self.objective, self.completed, k)

    def at(self, step: int, metric: str | None = None) -> NDArray[np.float64]:
        """What the completed trials had reported at exactly this step.

        Args:
            step: The step.
            metric: Which metric; the first objective if None.

        Returns:
            Raw values, shape (n,), NaN where there was no such report.
        """
        name = self.objective.names[0] if metric is None else metric

        def row(trial: FrozenTrial) -> Sequence[float]:
            return (trial.reports[step].get(name, np.nan) if step in trial.reports else np.nan,)

        return self.table(("step", step, name), self.completed, row)[:, 0]

    def rung(self, step: int, metrics: Sequence[str] | None = None) -> Rung:
        """Return what trials in any state had reached at a step: their first report from it on.

        Costs what has been reported since it was last asked for.

        Args:
            step: The step.
            metrics: Which metrics; the objectives if None.
        """
        names = self.objective.names if metrics is None else metrics
        return self._reports.log.rung(step, names, self._reports.n)

    def standing(self, step: int, metric: str, number: int) -> tuple[int, int]:
        """Return how many trials beat one on a rung by a metric, and how many are there.

        Those that break constraints come after all others, NaN last; of equals the first is ahead.
        Costs the logarithm of their number.

        Args:
            step: The rung's step.
            metric: Any metric's name.
            number: The trial; it must have reached the rung.
        """
        return self._reports.log.standing(step, metric, number, self._reports.n)

    def reached(self, step: int) -> History:
        """Return the history as it would be had every trial ended when it reached a step.

        Trials that reached it are completed, with what they reported there, by number. Others
        are live; of them pruned ones are paused, so that they count as tried. So a sampler that
        knows nothing of steps can learn from one rung. Only for the latest snapshot.

        Args:
            step: The step.
        """
        return self._columns.reached(self, step)

    def table(
        self,
        key: tuple[Any, ...],
        trials: Prefix[FrozenTrial],
        row: Callable[[FrozenTrial], Sequence[float]],
        width: int = 1,
    ) -> NDArray[np.float64]:
        """Return numbers about finished trials, worked out once for each of them.

        Args:
            key: What the numbers are; the same key must mean the same ``row``.
            trials: ``completed``, ``pruned`` or ``failed``.
            row: Works out the numbers of one trial.
            width: How many numbers that are.

        Returns:
            Read-only, shape (n, width).
        """
        return self._columns.table(key, trials, row, width)

    def ended(self, trials: Prefix[FrozenTrial]) -> NDArray[np.float64]:
        """Return when each of a table's trials ended, as a version, shape (n,)."""
        return self.table(("finished",), trials, lambda t: (t.finished_version or t.version,))[:, 0]

    def fold(
        self,
        key: tuple[Any, ...],
        trials: Prefix[FrozenTrial],
        size: int,
        step: Callable[[T | None, slice], T],
    ) -> T | None:
        """Return what a group's whole blocks of ``size`` trials come to, each worked out once.

        Args:
            key: What is folded; the same key must mean the same ``size`` and ``step``.
            trials: ``completed``, ``pruned`` or ``failed``.
            size: Trials of a block, at least 1.
            step: Makes of what the blocks before came to (None: there are none), and of the places
                of the next block, what they come to together.

        Returns:
            None while there is no whole block.
        """
        return self._columns.fold(key, trials, size, step)

    def has_seen(self, key: tuple[Any, ...]) -> bool:
        """Whether a configuration with this ``space.key`` has been tried or is being tried."""
        return self._columns.seen(self, key)

    def where(self, keep: Callable[[FrozenTrial], bool]) -> History:
        """Return a history of only the trials for which ``keep`` is true.

        Numbers, version and space stay.
        """
        kept = [[t for t in group if keep(t)] for group in self._groups]
        completed, pruned, failed = map(Prefix, kept)
        waiting, running, paused = (tuple(filter(keep, group)) for group in self._live)
        return replace(
            self,
            completed=completed,
            pruned=pruned,
            failed=failed,
            waiting=waiting,
            running=running,
            paused=paused,
            _columns=Columns(),
            _reports=reported(self.objective, chain(*kept, waiting, running, paused)),
        )

    def with_metrics(
        self, objective: Objective, measure: Callable[[FrozenTrial], Metrics]
    ) -> History:
        """Return a history whose completed trials have other metrics; reports stay.

        Args:
            objective: What those are optimised for.
            measure: Gives a trial's metrics, the objectives first.
        """
        completed = []
        for trial in self.completed:
            names, values = zip(*measure(trial).items(), strict=True)
            m = len(objective.names)
            completed.append(changed(trial, metric_names=names, metric_values=values, objectives=m))
        measured = Prefix(completed)
        return replace(self, objective=objective, completed=measured, _columns=Columns())

    def seen_in(self, space: Space) -> History:
        """Return the same history as it looks in another space."""
        return replace(self, space=space)

    def with_pending(self, params: Mapping[str, Any]) -> History:
        """Return a history in which one more trial is running: the next one, with these params."""
        trial = FrozenTrial(
            number=self.next_number,
            state=TrialState.RUNNING,
            param_names=tuple(params),
            param_values=tuple(params.values()),
        )
        return replace(self, next_number=self.next_number + 1, running=(*self.running, trial))


@final
@dataclass(frozen=True, slots=True)
class Reported:
    """The reports that a snapshot may see: the first n entries of a log that only grows."""

    log: ReportLog
    n: int


def reported(objective: Objective, trials: Iterable[FrozenTrial]) -> Reported:
    """Return all that some trials have reported, one after another."""
    log = ReportLog(objective)
    for trial in trials:
        if trial.reports:
            log.extend(trial.number, trial.reports)
    return Reported(log, len(log))


@final
class Columns:
    """Caches over append-only lists of trials: rows are computed once, when first needed."""

    def __init__(self) -> None:
        self._encoded: tuple[Space, dict[int, _Rows]] | None = None
        self._objectives = _Rows()
        self._rankings = (Ranking(), Ranking())
        self._ranked = 0
        self._tables: dict[tuple[Any, ...], _Rows] = {}
        self._folds: dict[tuple[Any, ...], dict[int, Any]] = {}
        self._keys: tuple[Space, list[int], dict[tuple[Any, ...], tuple[int, int]]] | None = None
        self._live_keys: tuple[Space, dict[int, Any], dict[Any, set[int]]] | None = None
        self._views: dict[int, _View] = {}

    def reached(self, history: History, step: int) -> History:
        """What ``History.reached`` gives."""
        return self._views.setdefault(step, _View(step)).of(history)

    def encoded(self, space: Space, trials: Prefix[FrozenTrial]) -> NDArray[np.float64]:
        """What ``History.encoded`` gives, in a space."""
        if self._encoded is None or self._encoded[0] is not space:
            self._encoded = (space, {})
        encoding = space.encoding

        def rows(new: list[FrozenTrial]) -> NDArray[np.float64]:
            return encoding.encode([_fitting(space, t) for t in new])

        return self._encoded[1].setdefault(trials.identity, _Rows()).upto(trials, rows)

    def objectives(self, objective: Objective, trials: Prefix[FrozenTrial]) -> NDArray[np.float64]:
        """What ``History.Y`` gives."""
        m = len(objective.names)

        def rows(new: list[FrozenTrial]) -> NDArray[np.float64]:
            signs = np.array([1.0 if d == "minimize" else -1.0 for d in objective.directions])
            values: NDArray[np.float64] = np.array([t.metric_values[:m] for t in new]) * signs
            return values

        return self._objectives.upto(trials, rows, width=m)

    def violations(self, objective: Objective, trials: Prefix[FrozenTrial]) -> NDArray[np.float64]:
        """What ``History.violations`` gives."""

        def row(trial: FrozenTrial) -> Sequence[float]:
            return (objective.violation(trial.metrics),)

        return self.table(("violation",), trials, row, 1)[:, 0]

    def best(self, objective: Objective, trials: Prefix[FrozenTrial], k: int) -> list[int]:
        """What ``History.best`` gives."""
        n = len(trials)
        feasible, infeasible = self._rankings
        if n > self._ranked:
            new = np.arange(self._ranked, n)
            values = self.objectives(objective, trials)[new, 0]
            violations = self.violations(objective, trials)[new]
            ok = violations <= 0
            feasible.append(values[ok], new[ok])
            infeasible.append(violations[~ok], new[~ok])
            self._ranked = n
        first = feasible.best(k, below=n)
        return first + infeasible.best(k - len(first), below=n)

    def table(
        self,
        key: tuple[Any, ...],
        trials: Prefix[FrozenTrial],
        row: Callable[[FrozenTrial], Sequence[float]],
        width: int,
    ) -> NDArray[np.float64]:
        """What ``History.table`` gives."""

        def rows(new: list[FrozenTrial]) -> NDArray[np.float64]:
            return np.array([row(trial) for trial in new], dtype=np.float64).reshape(
                len(new), width
            )

        table = self._tables.setdefault((trials.identity, *key), _Rows())
        return table.upto(trials, rows, width=width)

    def fold(
        self,
        key: tuple[Any, ...],
        trials: Prefix[FrozenTrial],
        size: int,
        step: Callable[[T | None, slice], T],
    ) -> T | None:
        """What ``History.fold`` gives."""
        n = len(trials) // size
        known: dict[int, T] = self._folds.setdefault((trials.identity, *key), {})
        for block in range(min(n, len(known)), n):
            known[block] = step(known.get(block - 1), slice(block * size, (block + 1) * size))
        return known.get(n - 1)

    def seen(self, history: History, key: tuple[Any, ...]) -> bool:
        """What ``History.has_seen`` gives."""
        first = self._finished_keys(history).get(key)
        if first is not None and first[1] < len(history._groups[first[0]]):
            return True
        candidates = tuple(self._live_with(history).get(key, ()))
        live = (_of_number(group, number) for number in candidates for group in history._live)
        return any(t is not None and _key(history.space, t) == key for t in live)

    def _live_with(self, history: History) -> dict[Any, set[int]]:
        """By key the numbers of trials that had it while live: a scheduler may pause thousands."""
        most = 2 * sum(map(len, history._live)) + _FORGOTTEN
        space, known, numbers = self._live_keys or (None, {}, {})
        if space is not history.space or len(known) > most:
            space, known, numbers = self._live_keys = (history.space, {}, {})
        for trial in chain(*history._live):
            if known.get(trial.number) is not trial.param_values:
                known[trial.number] = trial.param_values
                numbers.setdefault(_key(space, trial), set()).add(trial.number)
        return numbers

    def _finished_keys(self, history: History) -> dict[tuple[Any, ...], tuple[int, int]]:
        if self._keys is None or self._keys[0] is not history.space:
            self._keys = (history.space, [0, 0, 0], {})
        space, done, first = self._keys
        for group, trials in enumerate(history._groups):
            for row in range(done[group], len(trials)):
                key = _key(space, trials[row])
                if key is not None:
                    first.setdefault(key, (group, row))
            done[group] = max(done[group], len(trials))
        return first


@final
class _View:
    """A history as of one step: trials that reached it, completed there, in order of number.

    It looks only at what has changed since it was last asked for. The list of completed trials
    only grows while new ones have higher numbers; else it is made anew.
    """

    def __init__(self, step: int) -> None:
        self._step = step
        self._ended: list[FrozenTrial] = []
        self._failed: list[FrozenTrial] = []
        self._columns = Columns()
        self._arrived = 0  # so many trials of the rung have been looked at
        self._left: set[int] = set()  # of them those that can't be told yet
        self._known: dict[int, FrozenTrial] = {}
        self._finished: dict[int, FrozenTrial] = {}
        self._done = [0, 0, 0]
        self._aside: list[FrozenTrial] = []

    def of(self, history: History) -> History:
        finished = self._look(history)
        self._aside += [_set_aside(t) for t in finished if t.state is TrialState.PRUNED]
        failed = [_in_order(t) for t in finished if t.state is TrialState.FAILED]
        self._failed = self._with(self._failed, failed)
        known = self._known
        waiting, running, paused = (
            tuple(t for t in group if t.number not in known) for group in history._live
        )
        return replace(
            history,
            completed=Prefix(self._ended),
            pruned=Prefix([]),
            failed=Prefix(self._failed),
            waiting=waiting,
            running=running,
            paused=(*paused, *self._aside),
            _columns=self._columns,
        )

    def _look(self, history: History) -> list[FrozenTrial]:
        """Take in trials that have arrived; return those that have finished without arriving."""
        finished = []
        for place, group in enumerate(history._groups):
            finished += group[self._done[place] :]
            self._done[place] = len(group)
        self._finished.update((t.number, t) for t in finished)
        self._look_again(history, finished)
        numbers = history.rung(self._step).numbers
        self._left.update(numbers[self._arrived :].tolist())
        self._arrived = len(numbers)
        found = (_found(number, self._finished, history) for number in self._left)
        arrived = (_ended_at(t, self._step, history) for t in found if t is not None)
        new = [trial for trial in arrived if trial is not None]
        self._known.update((trial.number, trial) for trial in new)
        self._left -= self._known.keys()
        self._ended = self._with(self._ended, new)
        return [trial for trial in finished if trial.number not in self._known]

    def _look_again(self, history: History, finished: list[FrozenTrial]) -> None:
        """Forget those whose parameters aren't what they were; they are told anew.

        An objective that computes its space may ask for more after a report, or in a later run.
        """
        stale = set()
        for trial in chain(*history._live, finished):
            known = self._known.get(trial.number)
            if known is not None and (
                known.param_names != trial.param_names
                or known.param_values != trial.param_values
                or (trial.cost is None and not history.space.fits(trial.params))
            ):
                stale.add(trial.number)
                del self._known[trial.number]
        if stale:
            self._left |= stale
            self._ended = [trial for trial in self._ended if trial.number not in stale]
            self._columns = Columns()

    def _with(self, trials: list[FrozenTrial], new: list[FrozenTrial]) -> list[FrozenTrial]:
        new.sort(key=_number)
        if new and trials and new[0].number < trials[-1].number:
            self._columns = Columns()
            return sorted([*trials, *new], key=_number)
        trials += new
        return trials


def _found(
    number: int, finished: Mapping[int, FrozenTrial], history: History
) -> FrozenTrial | None:
    """A trial that has reached a rung, if it counts."""
    live = (_of_number(group, number) for group in history._live)
    return next((trial for trial in live if trial is not None), finished.get(number))


def _of_number(trials: Sequence[FrozenTrial], number: int) -> FrozenTrial | None:
    """The trial of a number among some that are in order of number."""
    place = bisect_left(trials, number, key=_number)
    found = place < len(trials) and trials[place].number == number
    return trials[place] if found else None


def _in_order(trial: FrozenTrial, **changes: Any) -> FrozenTrial:
    """The trial as if trials had finished in the order of their numbers."""
    return changed(trial, finished_version=trial.number + 1, **changes)


def _set_aside(trial: FrozenTrial) -> FrozenTrial:
    """A trial that isn't to be learnt from, but that was tried."""
    return changed(trial, state=TrialState.PAUSED)


def _ended_at(trial: FrozenTrial, step: int, history: History) -> FrozenTrial | None:
    """The trial as if it had completed at a step; None if it can't be told what it was there."""
    named = trial.reports.first_from(step)
    names = history.objective.names
    needed = (*names, *(c.metric for c in history.objective.constraints))
    if named is None or any(name not in named or named[name] != named[name] for name in needed):
        return None
    if trial.cost is None and not history.space.fits(trial.params):
        return None  # its first run goes on: it may yet ask for more parameters
    metrics = {name: named[name] for name in names} | dict(named)
    return _in_order(
        trial,
        state=TrialState.COMPLETE,
        metric_names=tuple(metrics),
        metric_values=tuple(metrics.values()),
    )


@final
class _Rows:
    """A matrix that grows by doubling; a prefix of it is handed out read-only."""

    def __init__(self) -> None:
        self._data: NDArray[np.float64] | None = None
        self._n = 0

    def upto(
        self,
        trials: Prefix[FrozenTrial],
        rows: Callable[[list[FrozenTrial]], NDArray[np.float64]],
        width: int | None = None,
    ) -> NDArray[np.float64]:
        n = len(trials)
        if n > self._n or self._data is None:
            new = rows(trials[self._n : n]) if n > self._n or width is None else None
            if new is None:
                new = np.empty((0, width or 0))
            self._reserve(n, new.shape[1])
            assert self._data is not None
            self._data[self._n : n] = new
            self._n = max(self._n, n)
        view = self._data[:n]
        view.flags.writeable = False
        return view

    def _reserve(self, n: int, width: int) -> None:
        if self._data is None or n > len(self._data):
            grown = np.empty((max(16, 2 * n), width))
            if self._data is not None:
                grown[: self._n] = self._data[: self._n]
            self._data = grown


def _fitting(space: Space, trial: FrozenTrial) -> dict[str, Any]:
    params = trial.params
    return {n: v for n, v in params.items() if n in space and space[n].contains(v)}


def _key(space: Space, trial: FrozenTrial) -> tuple[Any, ...] | None:
    params = trial.params
    return space.key(params) if space.fits(params) else None


def _number(trial: FrozenTrial) -> int:
    return trial.number


def _cost(trial: FrozenTrial) -> Sequence[float]:
    return (trial.cost or 0.0,)
