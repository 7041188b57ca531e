"""Populations: trials as individuals, and generations folded over a history.

    name      meaning                                              shape
    X         genes: trials in the space's encoding                (n, d)
    Y         objectives, lower is better; infinite without any    (n, m)
    fault     what is wrong: 0 nothing                             (n,)
              below or at 1: constraints are broken by v, v / (1 + v)
              above 2, at most 3: pruned, the further the trial had got the lower
              4: failed

A generation begins when so many trials have finished, whichever they are. Its population is made
from that of the generation before and the trials that finished since, in the order in which they
did. So a slow trial never blocks the others: it counts in the generation in which it ends. And
since nothing but the history is used, a killed study goes on with the very same population.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final, Generic, Protocol, TypeVar, final
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from luthier.core.history import History, Prefix
from luthier.core.trial import FrozenTrial
from luthier.numerics.pareto import chebyshev, crowding_distance, non_dominated_ranks

__all__ = [
    "Generations",
    "Individuals",
    "State",
    "best_of",
    "completed",
    "fronts",
    "individuals",
    "latest_recorded",
    "n_before",
    "numbered",
    "recorded",
]

Array = NDArray[np.float64]
Places = NDArray[np.intp]
_FAILED: Final = 4.0
_KEYS: Final = 4  # for which generations of a study are remembered
_RECENT: Final = 3


@final
@dataclass(frozen=True, slots=True, eq=False)
class Individuals:
    """Finished trials.

    Attributes:
        X: Genes, shape (n, d).
        Y: Objectives, shape (n, m).
        fault: What is wrong with each, shape (n,).
        numbers: The trials' numbers, shape (n,).
    """

    X: Array
    Y: Array
    fault: Array
    numbers: Places

    def __len__(self) -> int:
        return len(self.X)

    def at(self, places: Places | slice | NDArray[np.bool_]) -> Individuals:
        """Return those at some places."""
        return Individuals(self.X[places], self.Y[places], self.fault[places], self.numbers[places])

    def together(self, others: Individuals) -> Individuals:
        """Return these and others."""
        return _joined([self, others])

    def values(self, rng: np.random.Generator) -> Array:
        """Return what is compared where nothing is wrong: of several objectives a random weighting.

        Args:
            rng: Draws the weights.

        Returns:
            Shape (n,).
        """
        return chebyshev(self.Y, rng) if self.Y.shape[1] > 1 else self.Y[:, 0]

    @property
    def order(self) -> Places:
        """Places from the best to the worst: by front, in a front the less crowded first."""
        if self.Y.shape[1] == 1:
            return np.lexsort((self.Y[:, 0], self.fault))
        ranks = fronts(self)
        return np.lexsort((-crowding_distance(self.Y, ranks), ranks))

    @property
    def standing(self) -> Places:
        """How well each does, 0 for the best, shape (n,)."""
        standing = np.empty(len(self), dtype=np.intp)
        standing[self.order] = np.arange(len(self))
        return standing


def fronts(group: Individuals) -> Places:
    """Return ranks by constrained domination: fronts of faultless ones, then the least fault.

    References:
        Deb et al., NSGA-II, 2002, definition 1.
    """
    sound = group.fault == 0
    if sound.all():
        return non_dominated_ranks(group.Y)
    ranks = np.empty(len(group), dtype=np.intp)
    ranks[sound] = non_dominated_ranks(group.Y[sound])
    first = ranks[sound].max() + 1 if sound.any() else 0
    ranks[~sound] = first + np.unique(group.fault[~sound], return_inverse=True)[1]
    return ranks


def individuals(history: History, first: int, last: int) -> Individuals:
    """Return the trials that finished as the first-th up to, without, the last-th.

    Args:
        history: What has happened.
        first: At least 0.
        last: At most ``history.n_finished``.
    """
    makers = (completed, _pruned, _failed)
    spans, order = _spans(history, first, last)
    if order is None:
        return completed(history, spans[0])
    parts = [maker(history, span) for maker, span in zip(makers, spans, strict=True)]
    return _joined(parts).at(order)


def recorded(history: History, fact: str, first: int, last: int, width: int = 1) -> Array:
    """Return numbers that proposals recorded in their data, of the same trials.

    Args:
        history: What has happened.
        fact: Their key in the data.
        first: As in ``individuals``.
        last: As in ``individuals``.
        width: How many numbers that are; if more than one, in a list.

    Returns:
        NaN where there are none or others, shape (last - first, width).
    """
    spans, order = _spans(history, first, last)
    tables = (_recorded(history, group, fact, width) for group in _groups(history))
    parts = [table[span] for table, span in zip(tables, spans, strict=True)]
    return parts[0] if order is None else np.concatenate(parts)[order]


def n_before(history: History, fact: str) -> int:
    """Return how many trials had finished before the first that recorded a fact."""
    facts_of = [(history.ended(g), _recorded(history, g, fact, 1)[:, 0]) for g in _groups(history)]
    first = min(v[~np.isnan(facts)].min(initial=np.inf) for v, facts in facts_of)
    return sum(int((v < first).sum()) for v, _ in facts_of)


def numbered(history: History, number: int) -> FrozenTrial | None:
    """Return the trial of a number, live or finished; None if there is none that counts."""
    for trial in history.live:
        if trial.number == number:
            return trial
    for group in _groups(history):
        places = np.flatnonzero(_numbers(history, group, slice(None)) == number)
        if len(places):
            return group[int(places[0])]
    return None


def latest_recorded(history: History, fact: str) -> float | None:
    """Return a number that the latest of the finished trials that recorded it did, or None.

    Of completed, pruned and failed trials, the first kind that has any counts.
    """
    for group in _groups(history):
        told = _recorded(history, group, fact, 1)[:, 0]
        if len(told) and np.isnan(told[-1]):
            told = told[~np.isnan(told)]
        if len(told):
            return float(told[-1])
    return None


def _recorded(history: History, group: Prefix[FrozenTrial], fact: str, width: int) -> Array:
    def row(trial: FrozenTrial) -> Sequence[float]:
        value = trial.origin.data.get(fact)
        values = value if isinstance(value, list | tuple) else (value,)
        fits = len(values) == width and all(isinstance(v, int | float) for v in values)
        return values if fits else (np.nan,) * width

    return history.table(("recorded", fact, width), group, row, width)


def _spans(history: History, first: int, last: int) -> tuple[list[slice], Places | None]:
    """Which trials of each group finished between, and their order if there is a choice."""
    pairs = zip(_counts(history, first), _counts(history, last), strict=True)
    spans = [slice(a, b) for a, b in pairs]
    if not history.pruned and not history.failed:
        return spans, None
    groups = zip(_groups(history), spans, strict=True)
    versions = np.concatenate([history.ended(group)[span] for group, span in groups])
    return spans, np.argsort(versions, kind="stable")


def best_of(history: History, k: int, until: int) -> Individuals:
    """Return the k best of the trials that finished first, the best first.

    Completed trials by the first objective, feasible ones first; then those pruned late, then the
    failed.

    Args:
        history: What has happened.
        k: How many, at least 0; fewer if there aren't as many.
        until: How many trials count, in the order in which they finished.
    """
    n_completed, n_pruned, n_failed = _counts(history, until)
    later = len(history.completed) - n_completed
    ranked = [place for place in history.best(k + later) if place < n_completed][:k]
    found = completed(history, np.array(ranked, dtype=np.intp))
    if len(found) == k:
        return found
    pruned = _pruned(history, slice(0, n_pruned))
    pruned = pruned.at(np.argsort(pruned.fault, kind="stable"))
    everything = _joined([found, pruned, _failed(history, slice(0, n_failed))])
    return everything.at(slice(0, k))


def _groups(history: History) -> tuple[Prefix[FrozenTrial], ...]:
    return history.completed, history.pruned, history.failed


def _counts(history: History, until: int) -> tuple[int, int, int]:
    """How many completed, pruned and failed trials are among those that finished first."""
    later = history.n_finished - until
    n_completed, n_pruned, n_failed = (len(group) for group in _groups(history))
    if not n_pruned and not n_failed:
        return n_completed - later, 0, 0
    if not later:
        return n_completed, n_pruned, n_failed
    tails = [history.ended(group)[-later:] for group in _groups(history)]
    limit = np.partition(np.concatenate(tails), -later)[-later]
    n_later = [int((tail >= limit).sum()) for tail in tails]
    return n_completed - n_later[0], n_pruned - n_later[1], n_failed - n_later[2]


def _joined(groups: Sequence[Individuals]) -> Individuals:
    fields = ("X", "Y", "fault", "numbers")
    return Individuals(
        *(np.concatenate([getattr(group, field) for group in groups]) for field in fields)
    )


def completed(history: History, places: Places | slice = slice(None)) -> Individuals:
    """Return completed trials, in the order in which they finished; all if no places are given."""
    X, Y = history.encoded(history.completed)[places], history.Y[places]
    fault = np.zeros(len(X))
    if history.objective.constraints:
        with np.errstate(invalid="ignore"):
            v = history.violations[places]
            fault = np.where(np.isinf(v), 1.0, v / (1 + v))
    return Individuals(X, Y, fault, _numbers(history, history.completed, places))


def _pruned(history: History, places: Places | slice) -> Individuals:
    X = history.encoded(history.pruned)[places]
    steps = history.table(("last step",), history.pruned, _last_step)[places, 0]
    fault = 2 + 1 / (1 + np.maximum(steps, 0))
    return Individuals(
        X, _unknown(history, len(X)), fault, _numbers(history, history.pruned, places)
    )


def _failed(history: History, places: Places | slice) -> Individuals:
    X = history.encoded(history.failed)[places]
    fault = np.full(len(X), _FAILED)
    return Individuals(
        X, _unknown(history, len(X)), fault, _numbers(history, history.failed, places)
    )


def _unknown(history: History, n: int) -> Array:
    return np.full((n, len(history.objective.names)), np.inf)


def _numbers(history: History, group: Prefix[FrozenTrial], places: Places | slice) -> Places:
    return history.table(("number",), group, _number)[places, 0].astype(np.intp)


def _number(trial: FrozenTrial) -> tuple[int]:
    return (trial.number,)


def _last_step(trial: FrozenTrial) -> tuple[float]:
    step = trial.last_step
    return (0.0 if step is None else float(step),)


class State(Protocol):
    """What a generation starts with."""

    @property
    def until(self) -> int:
        """How many trials had finished by then."""


S = TypeVar("S", bound=State)


@final
class Generations(Generic[S]):
    """Remembers the latest generations of the studies alive, so that each is worked out once.

    A history's lists only ever grow, so all histories that share them have the same beginning.
    What is remembered goes when the last of them does.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: WeakKeyDictionary[Hashable, dict[Hashable, list[S]]] = WeakKeyDictionary()

    def forget(self) -> None:
        """Drop everything; what is asked for again is worked out again."""
        with self._lock:
            self._kept.clear()

    def latest(
        self, history: History, key: Hashable, advance: Callable[[S | None], S | None]
    ) -> S | None:
        """Return the last generation that can be made from a history.

        Args:
            history: What has happened.
            key: All else that generations depend on.
            advance: Makes the first generation from None, then each from the one before; None
                if too few trials have finished for it.
        """
        with self._lock:
            known = self._kept.get(history.lineage, {}).get(key, [])
        finished = history.n_finished
        fresh = [state for state in known if state.until <= finished]
        state = begun = fresh[-1] if fresh else None
        while (following := advance(state)) is not None:
            state = following
            fresh = [*fresh[1 - _RECENT :], state]
        if state is not begun:
            self._keep(history.lineage, key, fresh)
        return state

    def _keep(self, lineage: Hashable, key: Hashable, states: list[S]) -> None:
        with self._lock:
            kept = self._kept.setdefault(lineage, {})
            kept.pop(key, None)
            kept[key] = states
            if len(kept) > _KEYS:
                del kept[next(iter(kept))]
