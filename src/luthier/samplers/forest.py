"""Forest search: a random forest models the objective, expected improvement chooses.

    name      meaning
    mu, s     mean and standard deviation of the forest, of warped values
    P(ok|x)   probability that x neither crashes nor breaks a constraint: forests of their own
    pi(x)     the user's prior, if there is one

    log EI(mu, s) + 2 log P(ok | x) + log pi(x)

is maximised over random points, and steps from these and from the best trials. After n trials the
prior counts in one of n / 10: far from its data a forest is flat, so that any belief, however weak,
would decide there.

Forests don't care about scales, take categories and inactive parameters as they are, and grow in
milliseconds; their steps make them poorer than a Gaussian process on smooth numeric problems.

Several objectives have a forest each; what improves their front takes the place of EI.

After n trials a forest is grown of the first n', n' the last multiple of n / 256; newer trials only
join its leaves. Where trials run, another is grown, in which they ended one deviation above what
the first one expects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final, Literal, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.asking import Turn, drawn_instead, is_new, one_by_one
from luthier.core.axes import axes_of, prior_of
from luthier.core.evidence import Evidence, best_and_others, evidence_of
from luthier.core.fronts import contenders
from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.rng import generator
from luthier.core.settings import Choice, Flag, Number, Rule, settle, spec_of
from luthier.core.start import start_point
from luthier.numerics import forest
from luthier.numerics.acquisition import ACQUISITIONS, log_named, log_probability_below
from luthier.numerics.aims import OF_A_FRONT, aim_of
from luthier.numerics.aims import improvement as of_aim
from luthier.numerics.parzen import bins_of
from luthier.numerics.reflection import reflected
from luthier.numerics.warp import warped
from luthier.space import Space

__all__ = ["Forest"]

Array = NDArray[np.float64]
Term = Callable[[Array], Array]
Acquisition = Literal["logei", "ei", "ucb", "pi"]
_CONTENDERS: Final = 64  # of several objectives, places on the front that are looked at
_MOST: Final = 400  # trials that a forest is grown on
_TRUST: Final = 10  # trials until the user's priors begin to fade
_DRAWN: Final = 256
_STARTS: Final = 8
_NEIGHBOURS: Final = 10
_ROUNDS: Final = 5
_LEAST_STD: Final = 1e-2
_LEAST_CHANCE: Final = 1e-2

_RULES: Final[Mapping[str, Rule]] = {
    "acquisition": Choice(ACQUISITIONS),
    "kappa": Number(0),
    "n_trees": Number(1, whole=True),
    "min_leaf": Number(1, whole=True),
    "n_startup": Number(1, whole=True),
    "explore": Number(0, 1),
    "allow_duplicates": Flag(),
}


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
        acquisition: What to maximise: "logei" or "ei" (expected improvement; the same points,
            since the logarithm is what is searched), "ucb" (confidence bound) or "pi" (probability
            of improvement).
        kappa: How optimistic the confidence bound is, at least 0.

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
    acquisition: Acquisition = "logei"
    kappa: float = 1.8

    def __post_init__(self) -> None:
        settle(self, _RULES)

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("forest", self)

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Return n proposals, each aware of those before; fewer where a finite space ends."""

        def propose(turn: Turn) -> Proposal | None:
            if (
                turn.number < self.n_startup
                or len(history.completed) < 2
                or not space.encoding.width
            ):
                return start_point(space, history, turn, rng)
            if rng.random() < self.explore:
                return drawn_instead(space, rng, turn.tried, "drawn at random, as some trials are")
            return self._propose(space, history, turn, rng)

        return one_by_one(space, history, n, propose, allow_duplicates=self.allow_duplicates)

    def _propose(
        self, space: Space, history: History, turn: Turn, rng: np.random.Generator
    ) -> Proposal | None:
        views = self._views(space, history, turn, rng)
        evidence = views[0].evidence
        improvement, best = self._improvement(views, history, rng)
        terms: list[Term] = [improvement, *self._hurdles(space, evidence, rng)]
        if rng.random() * len(evidence.X) < _TRUST:
            terms.append(prior_of(space).log_density)

        def worth(x: Array) -> Array:
            return np.asarray(sum(term(x) for term in terms))

        for x in _search(space, worth, best, rng):
            config = space.encoding.decode(x[None])[0]
            if is_new(space, config, turn.tried):
                return Proposal(config, self._reason(views, len(turn.pending)))
        reason = "drawn at random: all that was searched had been tried before or isn't allowed"
        return drawn_instead(space, rng, turn.tried, reason)

    def _views(
        self, space: Space, history: History, turn: Turn, rng: np.random.Generator
    ) -> list[_View]:
        """What is known of each objective; of their constraints' violation while all break them."""
        complete = np.zeros(len(history.completed), dtype=np.bool_)
        m = len(history.objective.names)
        several = m > 1 and self.acquisition in OF_A_FRONT and bool((history.violations <= 0).any())
        running = space.encoding.encode(turn.pending)
        found = []
        for j in range(m) if several else (None,):
            evidence = evidence_of(history, complete, rng, j)
            found.append(self._view(space, evidence, running, history.seed, rng))
        return found

    def _view(
        self,
        space: Space,
        evidence: Evidence,
        running: Array,
        seed: int,
        rng: np.random.Generator,
    ) -> _View:
        first = _anchor(len(evidence.X))
        kept, newer = _kept(evidence, first), np.arange(first, len(evidence.X))
        shown = np.concatenate([kept, newer])
        X, y = evidence.X[shown], warped(evidence.y[shown])
        data = (X[: len(kept)].tobytes(), evidence.y[kept].tobytes())
        model = _grown(self, space, *data, seed, first)
        if len(newer):
            model = model.updated(X[len(kept) :], y[len(kept) :])
        if len(running):
            mean, std = model.predict(running)
            known = np.vstack([X, running]), np.append(y, mean + std)
            model = self._fit(space, *known, rng)
        ranked = np.lexsort((y, ~evidence.feasible[shown]))
        return _View(evidence, model, float(y[ranked[0]]), X[ranked[:_STARTS]])

    def _fit(self, space: Space, X: Array, y: Array, rng: np.random.Generator) -> forest.Forest:
        categories = [column.categories for column in space.encoding.columns]
        return forest.fit(X, y, categories, rng, n_trees=self.n_trees, min_leaf=self.min_leaf)

    def _hurdles(
        self, space: Space, evidence: Evidence, rng: np.random.Generator
    ) -> Iterator[Term]:
        """What crashes and constraints take away: 2 log P(ok | x)."""
        if not evidence.succeeded.all():
            labels = evidence.succeeded[-_MOST:].astype(np.float64)
            ran = self._fit(space, evidence.outcomes[-_MOST:], labels, rng)
            yield lambda x: 2 * np.log(np.maximum(ran.predict(x)[0], _LEAST_CHANCE))
        completed = evidence.X[: evidence.n_completed]
        for excess in evidence.excess.T:
            model = self._fit(space, completed[-_MOST:], excess[-_MOST:], rng)
            yield partial(_log_met, model)

    def _improvement(
        self, views: list[_View], history: History, rng: np.random.Generator
    ) -> tuple[Term, Array]:
        """What improves on the best trial, or on the front of several objectives; and the best."""
        name, kappa = self.acquisition, self.kappa
        if len(views) == 1:
            [view] = views

            def of_the_best(x: Array) -> Array:
                return log_named(name, *view.predicted(x), view.least, kappa).value

            return of_the_best, view.best
        places = contenders(history, _CONTENDERS)
        X = history.X[places[history.violations[places] <= 0]]
        aim, front = aim_of(np.column_stack([view.predicted(X)[0] for view in views]), rng)

        def of_the_front(x: Array) -> Array:
            pairs = zip(*(view.predicted(x) for view in views), strict=True)
            mean, std = (np.column_stack(pair) for pair in pairs)
            return of_aim(aim, name, mean, std, kappa).value

        return of_the_front, X[front[:_STARTS]]

    def _reason(self, views: list[_View], n_running: int) -> str:
        evidence, trees = views[0].evidence, f"{self.n_trees} trees"
        what = f"{ACQUISITIONS[self.acquisition]} on {trees}"
        if len(views) > 1:
            optimistic = "optimistic " if self.acquisition == "ucb" else ""
            what = f"{optimistic}improvement of the front on {len(views)} times {trees}"
        elif evidence.aim:
            what += f" of {evidence.aim}"
        parts = [f"{what}, {len(evidence.X)} points"]
        parts += evidence.setbacks
        parts += [f"{n_running} running"] if n_running else []
        return ", ".join(parts)


@final
@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """What is known of one objective: its evidence, a forest, the least value, the best trials."""

    evidence: Evidence
    model: forest.Forest
    least: float
    best: Array

    def predicted(self, x: Array) -> tuple[Array, Array]:
        """Mean and standard deviation, shape (n,) each."""
        mean, std = self.model.predict(x)
        return mean, np.maximum(std, _LEAST_STD)


@lru_cache(maxsize=8)
def _grown(sampler: Forest, space: Space, X: bytes, y: bytes, seed: int, n: int) -> forest.Forest:
    """The forest of these trials, kept until enough newer ones have come."""
    values = warped(np.frombuffer(y))
    rows = np.frombuffer(X).reshape(len(values), -1)
    return sampler._fit(space, rows, values, generator(seed, "forest", n))


def _anchor(n: int) -> int:
    """How many of n trials a forest is grown of.

    Example:
        >>> [_anchor(n) for n in (511, 515, 1000)]
        [511, 514, 999]
    """
    step = max(n // 256, 1)
    return n // step * step


def _kept(evidence: Evidence, n: int) -> NDArray[np.intp]:
    """Places of those of the first n trials that a forest sees: the best two fifths, and others."""
    if n <= _MOST:
        return np.arange(n)
    return best_and_others(np.lexsort((evidence.y[:n], ~evidence.feasible[:n])), _MOST)


def _log_met(excess: forest.Forest, x: Array) -> Array:
    mean, std = excess.predict(x)
    chance = log_probability_below(mean, np.maximum(std, _LEAST_STD), 0.0).value
    return 2 * np.maximum(chance, np.log(_LEAST_CHANCE))


def _search(space: Space, worth: Term, best: Array, rng: np.random.Generator) -> Array:
    """Climb from points drawn and from the best trials, one parameter at a time.

    Returns:
        The points seen, the most promising first, shape (k, d).
    """
    priors = prior_of(space, believed=False), prior_of(space)
    draws = [prior.sample(_DRAWN // 2, rng) for prior in priors]
    drawn = _active(space, np.vstack(draws))
    values = worth(drawn)
    order = np.argsort(-values, kind="stable")[:_STARTS]
    x = np.vstack([drawn[order], best])
    at = np.concatenate([values[order], np.full(len(x) - len(order), -np.inf)])
    seen, seen_at = [drawn], [values]
    for _ in range(_ROUNDS):
        near = _active(space, _neighbours(space, np.repeat(x, _NEIGHBOURS, axis=0), rng))
        values = worth(near)
        seen, seen_at = [*seen, near], [*seen_at, values]
        table = values.reshape(len(x), _NEIGHBOURS)
        winner = table.argmax(axis=1)
        better = table.max(axis=1) > at
        x[better] = near.reshape(len(x), _NEIGHBOURS, -1)[better, winner[better]]
        at = np.maximum(at, table.max(axis=1))
    ranked = np.argsort(-np.concatenate(seen_at), kind="stable")[: 4 * _NEIGHBOURS]
    return np.vstack(seen)[ranked]


@lru_cache(maxsize=16)
def _blocks(space: Space) -> tuple[tuple[int, int, str, int], ...]:
    """First column, number of columns, kind and number of categories of each parameter."""
    blocks: dict[str, tuple[int, int, str, int]] = {}
    for j, column in enumerate(space.encoding.columns):
        start, width, *_ = blocks.get(column.name, (j, 0))
        blocks[column.name] = (start, width + 1, column.kind, column.categories)
    return tuple(blocks.values())


def _neighbours(space: Space, x: Array, rng: np.random.Generator) -> Array:
    """Change one parameter of each row: a step, another category, or two places swapped.

    Parameters that were inactive get a value: they may become active.
    """
    if np.isnan(x).any():
        x = np.where(np.isnan(x), prior_of(space, believed=False).sample(len(x), rng), x)
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
            x[rows, start] = reflected(x[rows, start] + step)
    return x


def _active(space: Space, x: Array) -> Array:
    """Rows as the space reads them: discrete numbers in place, NaN for inactive parameters."""
    if space.activity.rules:
        return space.encoding.encode(space.encoding.decode(x))
    start = 0
    for axis in axes_of(space):
        if axis.edges is not None:
            middles = (axis.edges[1:] + axis.edges[:-1]) / 2
            x[:, start] = middles[bins_of(x[:, start], axis.edges)]
        start += axis.width
    return x
