"""Forest search: a random forest models the objective, expected improvement chooses.

    name      meaning
    mu, s     mean and standard deviation of the forest, of warped values
    a(x)      log EI(mu, s) + 2 log P(ok | x)
    P(ok|x)   mean of a second forest, grown on 1 for trials that ran and 0 for failures

Forests don't care about scales, take categories and inactive parameters as they are, and grow in
milliseconds; their steps make them poorer than a Gaussian process on smooth numeric problems.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.asking import drawn_instead, is_new, one_by_one
from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.start import start_point
from luthier.core.tried import Tried
from luthier.errors import ArgumentError
from luthier.numerics import forest
from luthier.numerics.acquisition import log_expected_improvement
from luthier.numerics.pareto import chebyshev
from luthier.numerics.warp import warped
from luthier.space import Space

__all__ = ["Forest"]

Array = NDArray[np.float64]
Acquisition = Callable[[Array], Array]
_MOST: Final = 2000
_RANDOM: Final = 256
_STARTS: Final = 10
_NEIGHBOURS: Final = 10
_ROUNDS: Final = 6
_LEAST_STD: Final = 1e-2
_LEAST_CHANCE: Final = 1e-2


@final
@dataclass(frozen=True, slots=True)
class Forest:
    """Model the objective by a random forest, and try where improvement is most to be expected.

    For spaces full of choices and conditions, rugged objectives, and thousands of trials.

    Args:
        n_trees: How many trees, at least 1.
        min_leaf: The smallest number of trials in a leaf, at least 1; more if results are noisy.
        n_startup: How many trials are spread evenly first, at least 1.
        explore: The share of later trials that are random, at least 0 and below 1.
        allow_duplicates: Whether a finite space may be given the same configuration twice.

    Raises:
        ArgumentError: A setting is out of its range.

    Example:
        >>> Forest(n_trees=20).spec["n_trees"]
        20

    References:
        Hutter et al., Sequential model-based optimization for general algorithm configuration,
        LION 5 (2011). Lindauer et al., SMAC3, arXiv:2109.09831.
    """

    n_trees: int = 16
    min_leaf: int = 1
    n_startup: int = 8
    explore: float = 0.05
    allow_duplicates: bool = False

    def __post_init__(self) -> None:
        _check("n_trees", self.n_trees, self.n_trees >= 1, "at least 1")
        _check("min_leaf", self.min_leaf, self.min_leaf >= 1, "at least 1")
        _check("n_startup", self.n_startup, self.n_startup >= 1, "at least 1")
        _check("explore", self.explore, 0 <= self.explore < 1, "at least 0 and below 1")

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return {
            "name": "forest",
            "n_trees": self.n_trees,
            "min_leaf": self.min_leaf,
            "n_startup": self.n_startup,
            "explore": self.explore,
            "allow_duplicates": self.allow_duplicates,
        }

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Return n proposals, each aware of those before; fewer where a finite space ends."""

        def propose(
            k: int, pending: Sequence[Mapping[str, Any]], tried: Tried | None
        ) -> Proposal | None:
            if k < self.n_startup or len(history.completed) < 2 or not space.encoding.width:
                return start_point(space, history, k, rng, tried)
            if rng.random() < self.explore:
                return drawn_instead(space, rng, tried, "drawn at random, as some trials are")
            return self._propose(space, history, pending, rng, tried)

        return one_by_one(space, history, n, propose, allow_duplicates=self.allow_duplicates)

    def _propose(
        self,
        space: Space,
        history: History,
        pending: Sequence[Mapping[str, Any]],
        rng: np.random.Generator,
        tried: Tried | None,
    ) -> Proposal | None:
        X, y = _evidence(history, space.encoding.encode(pending), rng)
        failures = _failures(history)
        acquisition = self._acquisition(space, X, y, history, failures, rng)
        best = X[np.argsort(y, kind="stable")[:_STARTS]]
        for config in _search(space, acquisition, best, rng):
            if is_new(space, config, tried):
                reason = f"LogEI on {self.n_trees} trees, {len(X)} points"
                return Proposal(
                    config, reason + (f", {len(failures)} failures" * bool(len(failures)))
                )
        reason = "drawn at random: all that was searched had been tried before or isn't allowed"
        return drawn_instead(space, rng, tried, reason)

    def _acquisition(
        self,
        space: Space,
        X: Array,
        y: Array,
        history: History,
        failures: Array,
        rng: np.random.Generator,
    ) -> Acquisition:
        categories = [column.categories for column in space.encoding.columns]
        model = forest.fit(X, y, categories, rng, n_trees=self.n_trees, min_leaf=self.min_leaf)
        feasible = None
        if len(failures):
            ran = history.X[history.violations <= 0][-_MOST:]
            ended = np.repeat([1.0, 0.0], [len(ran), len(failures)])
            both = np.vstack([ran, failures])
            feasible = forest.fit(both, ended, categories, rng, n_trees=self.n_trees)
        lowest = float(y.min())

        def acquisition(x: Array) -> Array:
            mean, std = model.predict(x)
            value: Array = log_expected_improvement(mean, np.maximum(std, _LEAST_STD), lowest).value
            if feasible is not None:
                value = value + 2 * np.log(np.maximum(feasible.predict(x)[0], _LEAST_CHANCE))
            return value

        return acquisition


def _evidence(history: History, pending: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Trials and their warped values; pruned ones pass for middling, pending ones for average."""
    if not (history.violations <= 0).any():
        y = history.violations
    else:
        y = history.Y[:, 0] if history.Y.shape[1] == 1 else chebyshev(history.Y, rng)
    X, y = history.X, warped(y)
    if len(X) > _MOST:
        kept = np.union1d(
            np.argsort(y, kind="stable")[: _MOST // 4], rng.choice(len(X), _MOST // 2)
        )
        X, y = X[kept], y[kept]
    P = history.encoded(history.pruned)[-_MOST // 4 :]
    values = [y, np.full(len(P), np.median(y)), np.full(len(pending), y.mean())]
    return np.vstack([X, P, pending]), np.concatenate(values)


def _failures(history: History) -> Array:
    """Trials that crashed or broke a constraint."""
    crashed = history.encoded(history.failed)[-_MOST:]
    return np.vstack([crashed, history.X[history.violations > 0][-_MOST:]])


def _search(
    space: Space, acquisition: Acquisition, best: Array, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Climb from random points and from the best trials, one parameter at a time.

    Returns:
        The points seen last, the most promising first.
    """
    drawn = _active(space, _uniform(space, _RANDOM, rng))
    values = acquisition(drawn)
    order = np.argsort(-values, kind="stable")
    x = np.vstack([drawn[order[:_STARTS]], best])
    at = np.concatenate([values[order[:_STARTS]], np.full(len(best), -np.inf)])
    seen, seen_at = [drawn], [values]
    for _ in range(_ROUNDS):
        near = _active(space, _neighbours(space, np.repeat(x, _NEIGHBOURS, axis=0), rng))
        values = acquisition(near)
        seen, seen_at = [*seen, near], [*seen_at, values]
        table = values.reshape(len(x), _NEIGHBOURS)
        winner = table.argmax(axis=1)
        better = table.max(axis=1) > at
        x[better] = near.reshape(len(x), _NEIGHBOURS, -1)[better, winner[better]]
        at = np.maximum(at, table.max(axis=1))
    ranked = np.argsort(-np.concatenate(seen_at), kind="stable")[: 4 * _NEIGHBOURS]
    return space.encoding.decode(np.vstack(seen)[ranked])


@lru_cache(maxsize=16)
def _blocks(space: Space) -> tuple[tuple[int, int, str, int], ...]:
    """First column, number of columns, kind and number of categories of each parameter."""
    blocks: dict[str, tuple[int, int, str, int]] = {}
    for j, column in enumerate(space.encoding.columns):
        start, width, *_ = blocks.get(column.name, (j, 0))
        blocks[column.name] = (start, width + 1, column.kind, column.categories)
    return tuple(blocks.values())


def _uniform(space: Space, n: int, rng: np.random.Generator) -> Array:
    """Random rows, with a value in every column."""
    x = rng.random((n, space.encoding.width))
    for start, _, kind, categories in _blocks(space):
        if kind == "categorical":
            x[:, start] = np.floor(x[:, start] * categories)
    return x


def _neighbours(space: Space, x: Array, rng: np.random.Generator) -> Array:
    """Change one parameter of each row: a step, another category, or two places swapped.

    Parameters that were inactive get a value: they may become active.
    """
    x = np.where(np.isnan(x), _uniform(space, len(x), rng), x)
    blocks = _blocks(space)
    chosen = rng.integers(len(blocks), size=len(x))
    for k, (start, width, kind, categories) in enumerate(blocks):
        rows = np.flatnonzero(chosen == k)
        if kind == "categorical":
            shift = rng.integers(1, max(categories, 2), size=len(rows))
            x[rows, start] = (x[rows, start] + shift) % categories
        elif kind == "permutation":
            i, j = start + rng.integers(width, size=(2, len(rows)))
            x[rows, i], x[rows, j] = x[rows, j], x[rows, i]
        else:
            step = 10 ** rng.uniform(-2.3, -0.3, len(rows)) * rng.standard_normal(len(rows))
            moved = np.abs(x[rows, start] + step) % 2  # reflected at both ends
            x[rows, start] = np.minimum(moved, 2 - moved)
    return x


def _active(space: Space, x: Array) -> Array:
    """Rows as the space reads them: NaN for inactive parameters."""
    if not space.activity.rules:
        return x
    return space.encoding.encode(space.encoding.decode(x))


def _check(name: str, value: object, good: bool, rule: str) -> None:
    if not good or isinstance(value, bool):
        raise ArgumentError(f"Forest: {name} must be {rule}, got {value!r}.", **{name: value})
