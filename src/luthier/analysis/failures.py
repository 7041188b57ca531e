"""Failures: which region of the space crashes, or breaks the constraints?

All boxes of one or two conditions are looked at, such as ``depth >= 12 and kernel == 'rbf'``; of
numbers, with up to 16 thresholds each way at observed values (256 for those of the best box); of
choices, each, and all but one; and the machines that trials ran on. With a of n trials failed, and
a' of n' in a box,

    G  =  2 sum over in, out and failed, not:  observed log(observed / expected)

measures how much a box explains. The best one is believed if its p value, by a chi-squared with
one degree of freedom, times the number of boxes is below 0.01; a second condition must add as much
again as choosing it cost. Whether the parameters tell failures at all is checked apart: a forest
foretells, in cross-validation, which trials fail.

    name      meaning                                                   shape
    C         which trials meet which condition                         (c, n)
    b         which trials failed                                       (n,)
    N, A      trials, and failures, that meet two conditions            (c, c)

References:
    Dunning, Accurate methods for the statistics of surprise and coincidence, Computational
    Linguistics 19 (1993): G. Friedman, Fisher, Bump hunting in high-dimensional data, Statistics
    and Computing 9 (1999): boxes as what is told to users; ours are found by looking at all.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, final

import numpy as np
from numpy.typing import NDArray

from luthier.analysis.duplicates import key_of
from luthier.analysis.outcomes import Outcomes, outcomes_of
from luthier.analysis.wording import Worded, counted, listed, percent, without_numbers
from luthier.core.history import History
from luthier.core.rng import generator
from luthier.core.trial import FrozenTrial, TrialState
from luthier.errors import ArgumentError
from luthier.numerics import forest
from luthier.numerics.order import average_ranks
from luthier.space import Space

__all__ = ["Failures", "Kind", "Region", "failures"]

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Counts = NDArray[np.floating[Any]]
What = Literal["failed", "infeasible"]
_THRESHOLDS: Final = 16
_FINE: Final = 256
_MOST_CONDITIONS: Final = 1200
_MOST_CHOICES: Final = 64
_MOST_TRIALS: Final = 5000
_BELIEVED: Final = 0.01
_FEWEST: Final = 5
_FOLDS: Final = 5
_LONG: Final = 80


@final
@dataclass(frozen=True, slots=True)
class Kind:
    """Failures that say the same, but for numbers.

    Attributes:
        text: What they say, with "…" for numbers; its first line.
        numbers: The trials' numbers.
    """

    text: str
    numbers: tuple[int, ...]


@final
@dataclass(frozen=True, slots=True)
class Region:
    """A box in which trials fail.

    Attributes:
        conditions: One or two, as texts such as "lr >= 0.1".
        trials: How many trials lie in it.
        failed: How many of these failed.
        of: How many failed in all.
        kinds: What these say, by number of trials in the box.
    """

    conditions: tuple[str, ...]
    trials: int
    failed: int
    of: int
    kinds: tuple[tuple[str, int], ...]

    @property
    def precision(self) -> float:
        """The share of the box's trials that failed."""
        return self.failed / self.trials

    @property
    def recall(self) -> float:
        """The share of all failures that lie in the box."""
        return self.failed / self.of

    def __str__(self) -> str:
        return " and ".join(self.conditions)


@final
@dataclass(frozen=True, slots=True)
class Failures(Worded):
    """Which trials failed, and where.

    Attributes:
        what: "failed" or "infeasible".
        n: How many trials were looked at: all that finished, or all with a value.
        numbers: Those that failed, by number.
        kinds: What they say, the most frequent first.
        region: The box that explains most of it; None if none can be told from chance.
        predictability: The area under the curve (ROC) of a forest that foretells failures, 0.5
            for chance and 1 for certainty; NaN with fewer than five on either side.
        flaky: Configurations, by the numbers of their trials, that failed and didn't.
        settled: How many configurations failed more than once and never didn't.
        lost: How many trials lost a worker at least once, whatever came of them.
        cost: Seconds of work that failed trials took.
    """

    what: str
    n: int
    numbers: tuple[int, ...]
    kinds: tuple[Kind, ...]
    region: Region | None
    predictability: float
    flaky: tuple[tuple[int, ...], ...]
    settled: int
    lost: int
    cost: float

    @property
    def rate(self) -> float:
        """The share of trials that failed; 0 of none."""
        return len(self.numbers) / self.n if self.n else 0.0

    def __str__(self) -> str:
        failed = "broke the constraints" if self.what == "infeasible" else "failed"
        if not self.n:
            return "No trial has finished."
        if not self.numbers:
            return f"None of {counted(self.n, 'trial')} {failed}."
        said = [
            f"{len(self.numbers)} of {counted(self.n, 'trial')} ({percent(self.rate)}) {failed}"
        ]
        if self.kinds and self.what == "failed":
            first = [f"{len(kind.numbers)} with {kind.text!r}" for kind in self.kinds[:3]]
            said[0] += f": {listed(first)}"
        said[0] += "."
        return " ".join([*said, *self._where(failed), *self._whether_again()])

    def _where(self, failed: str) -> Iterator[str]:
        if self.region is not None:
            advice = ": keep trials out of there, or mend it"
            yield (
                f"Where {self.region}, {self.region.failed} of {self.region.trials} "
                f"{failed} ({percent(self.region.recall)} of all that did)"
                f"{advice if self.region.precision > 0.5 else ''}."
            )
        elif len(self.numbers) == self.n:
            yield "All did: look at one of them first."
        elif self.predictability > 0.7:
            yield "The parameters foretell it, but no simple region does."
        elif self.predictability <= 0.7:
            yield "The parameters don't foretell it: look for a cause outside of the space."

    def _whether_again(self) -> Iterator[str]:
        if self.flaky:
            yield (
                f"{counted(len(self.flaky), 'configuration').capitalize()} failed one time and "
                "not another: it is a matter of luck; try optimize(retries=...)."
            )
        elif self.settled:
            yield f"{counted(self.settled, 'configuration').capitalize()} failed every time."
        if self.lost:
            yield f"{counted(self.lost, 'trial').capitalize()} lost a worker on the way."


def failures(history: History, space: Space, *, what: What = "failed") -> Failures:
    """Find out which trials fail, and where.

    Args:
        history: The study; any.
        space: Its space.
        what: "failed": trials that raised, crashed, ran out of time, or gave a value that isn't
            finite. "infeasible": completed trials that break the constraints.

    Raises:
        ArgumentError: Another ``what``.

    Example:
        >>> from luthier import Float, create_study
        >>> def objective(trial):
        ...     x = trial.suggest_float("x", 0, 1)
        ...     if x > 0.8:
        ...         raise ValueError(f"diverged at {x}")
        ...     return x
        >>> study = create_study(space=Space(x=Float(0, 1)), strategy="sobol", seed=0)
        >>> study.optimize(objective, n_trials=50)
        >>> found = failures(study.history, study.space)
        >>> found.region.failed, found.region.trials, found.kinds[0].text
        (10, 10, 'ValueError: diverged at …')
    """
    if what not in ("failed", "infeasible"):
        raise ArgumentError(f"failures: what must be 'failed' or 'infeasible', got {what!r}.")
    found = outcomes_of(history, space)
    bad, counts = _failed(found) if what == "failed" else _infeasible(found)
    trials = [trial for trial, counted_ in zip(found.trials, counts, strict=True) if counted_]
    X, bad = found.X[counts], bad[counts]
    texts = [_said(trial) if b else "" for trial, b in zip(trials, bad, strict=True)]
    return Failures(
        what,
        len(trials),
        tuple(sorted(trial.number for trial, b in zip(trials, bad, strict=True) if b)),
        _kinds(trials, texts, bad),
        _region(trials, X, bad, texts, space),
        _predictability(X, bad, space, history.seed),
        *_again(trials, bad, space),
        sum(trial.lapses > 0 or trial.lapsed_at is not None for trial in found.trials),
        sum(trial.cost or 0.0 for trial, b in zip(trials, bad, strict=True) if b),
    )


def _failed(found: Outcomes) -> tuple[Flags, Flags]:
    complete = found.states == TrialState.COMPLETE
    finite = np.isfinite(found.Y).all(axis=1)
    return (found.states == TrialState.FAILED) | (complete & ~finite), np.ones(len(found), bool)


def _infeasible(found: Outcomes) -> tuple[Flags, Flags]:
    counts = (found.states == TrialState.COMPLETE) & ~np.isnan(found.Y).any(axis=1)
    return counts & ~found.feasible, counts


def _said(trial: FrozenTrial) -> str:
    """What a trial says of its failure: the first line, without numbers."""
    if trial.state is TrialState.COMPLETE:
        finite = all(map(math.isfinite, trial.values or ()))
        return "constraints broken" if finite else "a value that isn't finite"
    text = without_numbers((trial.error or "no reason recorded").strip().split("\n")[0])
    return text if len(text) <= _LONG else text[: _LONG - 1] + "…"


def _kinds(trials: list[FrozenTrial], texts: list[str], bad: Flags) -> tuple[Kind, ...]:
    groups: dict[str, list[int]] = {}
    for trial, text, b in zip(trials, texts, bad, strict=True):
        if b:
            groups.setdefault(text, []).append(trial.number)
    kinds = [Kind(text, tuple(sorted(numbers))) for text, numbers in groups.items()]
    return tuple(sorted(kinds, key=lambda kind: (-len(kind.numbers), kind.numbers)))


def _again(
    trials: list[FrozenTrial], bad: Flags, space: Space
) -> tuple[tuple[tuple[int, ...], ...], int]:
    """Configurations that failed one time and not another, and how many always did."""
    keys = [key_of(trial, space) for trial in trials]
    often = {key for key, count in Counter(keys).items() if count > 1}
    groups: dict[Any, list[int]] = {}
    for i, key in enumerate(keys):
        if key in often:
            groups.setdefault(key, []).append(i)
    flaky = [some for some in groups.values() if 0 < bad[some].sum() < len(some)]
    settled = sum(bool(bad[some].all()) for some in groups.values())
    return tuple(tuple(trials[i].number for i in some) for some in flaky), settled


@final
@dataclass(frozen=True, slots=True)
class _Condition:
    """A bound on a column, or on the machines' names where that is None."""

    text: str
    column: int | None
    relation: str
    bound: float | str

    def met(self, X: Array, machines: NDArray[np.str_]) -> Flags:
        values: NDArray[Any] = machines if self.column is None else X[:, self.column]
        if self.relation == "!=":
            return np.asarray((values != self.bound) & ~np.isnan(values))
        return np.asarray(_RELATIONS[self.relation](values, self.bound))


_RELATIONS: Final = {">=": np.greater_equal, "<=": np.less_equal, "==": np.equal}


def _region(
    trials: list[FrozenTrial], X: Array, bad: Flags, texts: list[str], space: Space
) -> Region | None:
    """The box of one or two conditions that explains most of what failed."""
    machines = np.array([(trial.worker or "").split("/")[0] for trial in trials])
    rows = np.arange(len(bad))
    if len(bad) > _MOST_TRIALS:
        rows = np.linspace(0, len(bad) - 1, _MOST_TRIALS).astype(np.intp)
    columns = [k for k, c in enumerate(space.encoding.columns) if c.kind != "permutation"]
    coarse = max(min(_THRESHOLDS, _MOST_CONDITIONS // (2 * len(columns) or 1)), 1)
    seen = [trials[i] for i in rows], X[rows], machines[rows]
    box = _box(_conditions(*seen, space, columns, coarse), *seen[1:], bad[rows])
    if box is None:
        return None
    few = sorted({condition.column for condition in box if condition.column is not None})
    box = _box(_conditions(*seen, space, few, _FINE), *seen[1:], bad[rows]) or box
    inside = np.logical_and.reduce([condition.met(X, machines) for condition in box])
    kinds = Counter(text for text, b, there in zip(texts, bad, inside, strict=True) if b and there)
    return Region(
        tuple(condition.text for condition in box),
        int(inside.sum()),
        int((inside & bad).sum()),
        int(bad.sum()),
        tuple(kinds.most_common()),
    )


def _box(
    conditions: list[_Condition], X: Array, machines: NDArray[np.str_], bad: Flags
) -> list[_Condition] | None:
    """The one or two conditions that explain most, if that isn't chance."""
    C = np.array([condition.met(X, machines) for condition in conditions], dtype=np.float32)
    n, a = len(bad), int(bad.sum())
    if not len(C) or not 0 < a < n:
        return None
    some = (C.sum(axis=1) > 0) & (C.sum(axis=1) < n)
    conditions, C = [conditions[k] for k in np.flatnonzero(some)], C[some]
    c = len(conditions)
    if not c:
        return None
    G = _explained(C @ C.T, (C * bad.astype(np.float32)) @ C.T, n, a)
    alone = np.diagonal(G)
    first = int(alone.argmax())
    i, j = divmod(int(np.triu(G).argmax()), c)
    if G[i, j] - alone[first] > 2 * math.log(c) and _p_value(G[i, j]) * c * c / 2 < _BELIEVED:
        return [conditions[i], conditions[j]]
    return [conditions[first]] if _p_value(alone[first]) * c < _BELIEVED else None


def _explained(trials: Counts, failed: Counts, n: int, a: int) -> Array:
    """G of each box; 0 where no more fail inside than outside."""
    N, A = trials.astype(np.float64), failed.astype(np.float64)
    G = np.zeros_like(N)
    cells = ((A, N * a / n), (N - A, N * (n - a) / n))
    rest = ((a - A, (n - N) * a / n), (n - N - a + A, (n - N) * (n - a) / n))
    for seen, expected in (*cells, *rest):
        ratio = np.divide(seen, expected, out=np.ones_like(seen), where=(seen > 0) & (expected > 0))
        G += 2 * seen * np.log(ratio)
    return np.where(A * n > N * a, G, 0.0)


def _p_value(g: float) -> float:
    return math.erfc(math.sqrt(max(g, 0.0) / 2))


def _conditions(
    trials: list[FrozenTrial],
    X: Array,
    machines: NDArray[np.str_],
    space: Space,
    columns: list[int],
    most: int,
) -> list[_Condition]:
    """What boxes are made of: bounds of numbers, choices, and machines."""
    found: list[_Condition] = []
    for k in columns:
        column = space.encoding.columns[k]
        if column.categories:
            chosen = _choices(X[:, k])
            relations = ("==", "!=") if len(chosen) > 2 else ("==",)
        else:
            chosen, relations = _thresholds(X[:, k], most), (">=", "<=")
        for i in chosen:
            value = _shown(trials[i].params[column.name])
            for relation in relations:
                text = f"{column.name} {relation} {value}"
                found.append(_Condition(text, k, relation, float(X[i, k])))
    names = Counter(name for name in machines.tolist() if name)
    found += [_Condition(f"it ran on {m}", None, "==", m) for m, _ in names.most_common(32)]
    return found[: 2 * _MOST_CONDITIONS]


def _thresholds(u: Array, most: int) -> NDArray[np.intp]:
    """Places of some observed values of a number, evenly spread over their ranks."""
    known = np.flatnonzero(~np.isnan(u))
    values, places = np.unique(u[known], return_index=True)
    chosen = np.linspace(0, len(values) - 1, min(most + 1, len(values))).astype(np.intp)
    return known[places[np.unique(chosen)]]


def _choices(codes: Array) -> NDArray[np.intp]:
    """A place of each choice, of very many those that are most frequent."""
    known = np.flatnonzero(~np.isnan(codes))
    _, places, counts = np.unique(codes[known], return_index=True, return_counts=True)
    return known[places[np.argsort(-counts, kind="stable")[:_MOST_CHOICES]]]


def _shown(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= _LONG else text[: _LONG - 1] + "…"


def _predictability(X: Array, bad: Flags, space: Space, seed: int) -> float:
    """The area under the curve of failures that a forest of other trials foretold."""
    if min(bad.sum(), len(bad) - bad.sum()) < _FEWEST or not X.shape[1]:
        return math.nan
    rng = generator(seed, "failures")
    if len(bad) > _MOST_TRIALS:
        rows = np.linspace(0, len(bad) - 1, _MOST_TRIALS).astype(np.intp)
        X, bad = X[rows], bad[rows]
    categories = [column.categories for column in space.encoding.columns]
    fold = np.empty(len(bad), dtype=np.intp)
    for side in (bad, ~bad):  # as many failures in each
        fold[side] = rng.permutation(int(side.sum())) % _FOLDS
    chance = np.empty(len(bad))
    for k in range(_FOLDS):
        out = fold == k
        trees = forest.fit(
            X[~out], bad[~out].astype(np.float64), categories, rng, n_trees=32, min_leaf=3
        )
        chance[out] = trees.predict(X[out])[0]
    ranks, a = average_ranks(chance), int(bad.sum())
    return float((ranks[bad].sum() - a * (a + 1) / 2) / (a * (len(bad) - a)))
