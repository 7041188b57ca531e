"""The history of a study: the only thing samplers and schedulers decide from.

``Ledger`` is the one mutable object: a driver's mirror of the storage, grown by applying trial
records in the order in which they changed. ``History`` is an immutable snapshot of it that
costs microseconds, whatever the number of trials: finished trials only ever append, so a
snapshot is the shared lists and how much of them it may see. Encoded matrices, curves and
sets of seen configurations are caches beside those lists; they grow with them and could be
thrown away at any time.

    name       meaning                                            shape
    X          completed trials, encoded by the current space     (n, d)
    Y          their objectives, minimised                        (n, m)
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar, final, overload

import numpy as np
from numpy.typing import NDArray

from luthier.core.objective import Objective
from luthier.core.ranking import Ranking
from luthier.core.trial import FrozenTrial, TrialState
from luthier.space import Param, Space
from luthier.space.trace import Trace

__all__ = ["History", "Ledger", "Prefix"]

T = TypeVar("T")


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
            return [self._items[i] for i in range(*index.indices(self._n))]
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
        live: WAITING, RUNNING and PAUSED trials by number.
        planned: How many trials the study is to have, as its last ``optimize`` said; None if
            nobody said.
    """

    version: int
    next_number: int
    objective: Objective
    seed: int
    space: Space
    completed: Prefix[FrozenTrial]
    pruned: Prefix[FrozenTrial]
    failed: Prefix[FrozenTrial]
    live: tuple[FrozenTrial, ...]
    planned: int | None
    _columns: _Columns

    @property
    def n_finished(self) -> int:
        """How many trials have finished: completed, pruned or failed."""
        return len(self.completed) + len(self.pruned) + len(self.failed)

    @property
    def cost(self) -> float:
        """Seconds of work of all finished trials."""
        return sum(float(self.table(("cost",), group, _cost).sum()) for group in self._groups)

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
        return self.n_finished + len(self.live)

    @property
    def running(self) -> list[FrozenTrial]:
        """Trials that are being worked on."""
        return [t for t in self.live if t.state is TrialState.RUNNING]

    @property
    def waiting(self) -> list[FrozenTrial]:
        """Trials that wait to be run, oldest first."""
        return [t for t in self.live if t.state is TrialState.WAITING]

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

    @property
    def seen(self) -> frozenset[tuple[Any, ...]]:
        """The keys of all configurations tried or being tried, that fit the space."""
        return self._columns.all_seen(self)

    def where(self, keep: Callable[[FrozenTrial], bool]) -> History:
        """Return a history of only the trials for which ``keep`` is true.

        Numbers, version and space stay; a scheduler shows a sampler one bracket this way.
        """
        kept = [[t for t in group if keep(t)] for group in self._groups]
        completed, pruned, failed = map(Prefix, kept)
        return History(
            self.version,
            self.next_number,
            self.objective,
            self.seed,
            self.space,
            completed,
            pruned,
            failed,
            tuple(t for t in self.live if keep(t)),
            self.planned,
            _Columns(),
        )

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
        return replace(self, next_number=self.next_number + 1, live=(*self.live, trial))


@final
class _Columns:
    """Caches over append-only lists of trials: rows are computed once, when first needed."""

    def __init__(self) -> None:
        self._encoded: tuple[Space, dict[int, _Rows]] | None = None
        self._objectives = _Rows()
        self._rankings = (Ranking(), Ranking())
        self._ranked = 0
        self._tables: dict[tuple[Any, ...], _Rows] = {}
        self._folds: dict[tuple[Any, ...], dict[int, Any]] = {}
        self._keys: tuple[Space, list[int], dict[tuple[Any, ...], tuple[int, int]]] | None = None

    def encoded(self, space: Space, trials: Prefix[FrozenTrial]) -> NDArray[np.float64]:
        if self._encoded is None or self._encoded[0] is not space:
            self._encoded = (space, {})
        encoding = space.encoding

        def rows(new: list[FrozenTrial]) -> NDArray[np.float64]:
            return encoding.encode([_fitting(space, t) for t in new])

        return self._encoded[1].setdefault(trials.identity, _Rows()).upto(trials, rows)

    def objectives(self, objective: Objective, trials: Prefix[FrozenTrial]) -> NDArray[np.float64]:
        m = len(objective.names)

        def rows(new: list[FrozenTrial]) -> NDArray[np.float64]:
            signs = np.array([1.0 if d == "minimize" else -1.0 for d in objective.directions])
            values: NDArray[np.float64] = np.array([t.metric_values[:m] for t in new]) * signs
            return values

        return self._objectives.upto(trials, rows, width=m)

    def violations(self, objective: Objective, trials: Prefix[FrozenTrial]) -> NDArray[np.float64]:
        def row(trial: FrozenTrial) -> Sequence[float]:
            return (objective.violation(trial.metrics),)

        return self.table(("violation",), trials, row, 1)[:, 0]

    def best(self, objective: Objective, trials: Prefix[FrozenTrial], k: int) -> list[int]:
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
        n = len(trials) // size
        known: dict[int, T] = self._folds.setdefault((trials.identity, *key), {})
        for block in range(min(n, len(known)), n):
            known[block] = step(known.get(block - 1), slice(block * size, (block + 1) * size))
        return known.get(n - 1)

    def seen(self, history: History, key: tuple[Any, ...]) -> bool:
        finished = self._finished_keys(history)
        first = finished.get(key)
        if first is not None and first[1] < len(history._groups[first[0]]):
            return True
        return any(_key(history.space, t) == key for t in history.live)

    def all_seen(self, history: History) -> frozenset[tuple[Any, ...]]:
        sizes = [len(group) for group in history._groups]
        finished = self._finished_keys(history)
        keys = {key for key, (group, row) in finished.items() if row < sizes[group]}
        keys.update(k for t in history.live if (k := _key(history.space, t)) is not None)
        return frozenset(keys)

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
        self.trials: list[FrozenTrial] = []
        self.state: dict[str, Any] = {}
        self._trace = Trace(None)
        self._finished: tuple[list[FrozenTrial], ...] = ([], [], [])
        self._prefixes = list(map(Prefix, self._finished))
        self._live: dict[int, FrozenTrial] = {}
        self._columns = _Columns()
        self._snapshot: History | None = None

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
        known = len(self.trials)
        self.trials.extend(sorted((t for t in trials if t.number >= known), key=_number))
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
            before = self.trials[trial.number] if trial.number < known else None
            self.trials[trial.number] = trial
            self._sort_in(trial, before)

    def apply_one(self, trial: FrozenTrial) -> None:
        """Take in one trial, as ``apply`` does."""
        before = None
        if trial.number < len(self.trials):
            before = self.trials[trial.number]
            self.trials[trial.number] = trial
        else:
            self.trials.append(trial)
        self._sort_in(trial, before)
        self._advance(trial.version)

    def put_state(self, state: Mapping[str, Any], version: int) -> None:
        """Take in study-wide values."""
        self.state.update(state)
        self._advance(version)

    def snapshot(self) -> History:
        """Return the history as it stands; the same object until something changes."""
        if self._snapshot is None:
            live = sorted(self._live.values(), key=_number) if self._live else ()
            completed, pruned, failed = self._prefixes
            self._snapshot = History(
                self.version,
                len(self.trials),
                self.objective,
                self.seed,
                self.space,
                completed,
                pruned,
                failed,
                tuple(live),
                self.state.get("planned"),
                self._columns,
            )
        return self._snapshot

    def _sort_in(self, trial: FrozenTrial, before: FrozenTrial | None) -> None:
        if not trial.state.is_finished:
            self._live[trial.number] = trial
            return
        self._live.pop(trial.number, None)
        if before is None or not before.state.is_finished:
            self._take_finished(trial)
        elif trial.invalid is not None and before.invalid is None:
            self._forget(trial.number)

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
        self._columns = _Columns()

    def _advance(self, version: int) -> None:
        self.version = max(self.version, version)
        self._snapshot = None


def _number(trial: FrozenTrial) -> int:
    return trial.number


def _finish_order(trial: FrozenTrial) -> int:
    return trial.finished_version or trial.version


def _cost(trial: FrozenTrial) -> Sequence[float]:
    return (trial.cost or 0.0,)
