"""Comparison of strategies by whole studies: on common problems and seeds, at equal budgets.

A block is one problem and seed that all strategies have run. In each, strategies are ranked by what
they had reached when the budget was spent: the best feasible value, or with several objectives the
hypervolume, each objective in units of its range over the block.

- Friedman's test says whether there are differences at all; its statistic, with ties, over b blocks
  and k strategies with mean ranks R and ranks r:

      Q  =  (k - 1) sum_j b (R_j - (k + 1)/2)^2  /  ( sum_ij (r_ij - (k + 1)/2)^2 / b )
          ~ chi-squared of k - 1 degrees of freedom

- Wilcoxon's signed-rank test compares each pair, on the differences of their values where all
  blocks are one problem, and else on those of their ranks, which have no unit; p values are
  corrected by Holm for the number of pairs.
- Strategies that follow one another by mean rank, and of which no pair differs, are a group: what a
  critical-difference diagram connects by a bar.
- Intervals of mean ranks are bootstraps over blocks.

References:
    Demsar, Statistical comparisons of classifiers over multiple data sets, JMLR 7 (2006).
    Benavoli, Corani, Mangili, Should we really use post-hoc tests based on mean-ranks?, JMLR 17
    (2016): pairs by Wilcoxon rather than by mean ranks. Holm, Scandinavian J. Statistics 6 (1979).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.analysis.outcomes import Outcomes, outcomes_of, place_of_metric, volumes_so_far
from luthier.analysis.wording import Worded, counted, number
from luthier.core.history import History
from luthier.core.rng import generator
from luthier.errors import ArgumentError
from luthier.numerics.order import average_ranks

__all__ = ["FEWEST", "Comparison", "Pair", "Standing", "compare"]

Array = NDArray[np.float64]
_RESAMPLES: Final = 2000
FEWEST: Final = 5
"""So many blocks make a test worth while."""
_ALPHA: Final = 0.05


@final
@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """How one strategy did.

    Attributes:
        name: Its name.
        rank: Its mean rank over the blocks, from 1 for the best.
        low: Lower end of the rank's 95% interval.
        high: Upper end.
        median: The median of what it reached, in the user's sign; of several objectives the
            hypervolume.
        curve: The median of what it had reached after 1, 2, ... trials, shape (budget,).
        curve_low: The quarter of the blocks with the least values lies below it, shape (budget,).
        curve_high: The quarter with the largest lies above it, shape (budget,).
    """

    name: str
    rank: float
    low: float
    high: float
    median: float
    curve: Array
    curve_low: Array
    curve_high: Array


@final
@dataclass(frozen=True, slots=True)
class Pair:
    """Two strategies on the same blocks.

    Attributes:
        first: The one with the better mean rank.
        second: The other.
        wins: In how many blocks the first is better.
        ties: In how many they are equal.
        losses: In how many the second is better.
        p: Of Wilcoxon's test, corrected by Holm for all pairs; NaN with fewer than five blocks.
    """

    first: str
    second: str
    wins: int
    ties: int
    losses: int
    p: float

    @property
    def differs(self) -> bool:
        """Whether the pair can be told apart, at 5%."""
        return self.p < _ALPHA


@final
@dataclass(frozen=True, slots=True, eq=False)
class Comparison(Worded):
    """Strategies compared on common blocks.

    Attributes:
        metric: What was compared, or "hypervolume".
        maximize: Whether larger values are better.
        blocks: The problems and seeds that all have run.
        budget: After how many finished trials.
        standings: The strategies, the best mean rank first; all that follows is in their order.
        scores: What each reached in each block, in the user's sign, shape (strategies, blocks);
            infinitely bad where nothing counts.
        ranks: Their ranks, shape (strategies, blocks).
        p: Of Friedman's test; NaN with fewer than five blocks or fewer than three strategies.
        pairs: All pairs.
        groups: Names that can't be told apart, as many together as possible; one that differs from
            all others is a group of its own.
    """

    metric: str
    maximize: bool
    blocks: tuple[Hashable, ...]
    budget: int
    standings: tuple[Standing, ...]
    scores: Array
    ranks: Array
    p: float
    pairs: tuple[Pair, ...]
    groups: tuple[tuple[str, ...], ...]

    @property
    def verdict(self) -> str:
        """In words, who is better than whom; "" with a single strategy."""
        names = [standing.name for standing in self.standings]
        told = [pair for pair in self.pairs if pair.differs]
        best = [pair for pair in told if pair.first == names[0]]
        if len(self.blocks) < FEWEST:
            return f"Fewer than {FEWEST} common runs: differences can't be told from luck."
        if len(names) > 1 and len(best) == len(names) - 1:
            others = "the other" if len(names) == 2 else "all others"
            return f"{names[0]} is better than {others} (p = {_p(max(q.p for q in best))})."
        if told:
            pairs = ", ".join(f"{q.first} than {q.second} (p = {_p(q.p)})" for q in told[:4])
            return f"Better: {pairs}; the other pairs can't be told apart."
        return "None can be told from another." if len(names) > 1 else ""

    def __str__(self) -> str:
        said = [
            f"{self.metric} after {counted(self.budget, 'trial')}, on "
            f"{counted(len(self.blocks), 'common run')}:",
            *(
                f"  {s.name}: mean rank {s.rank:.2f} ({s.low:.2f} to {s.high:.2f}), "
                f"median {number(s.median)}"
                for s in self.standings
            ),
            self.verdict,
        ]
        return "\n".join(filter(None, said))


def compare(
    studies: Mapping[str, Mapping[Hashable, object] | Sequence[object]],
    *,
    metric: str | None = None,
    budget: int | None = None,
    seed: int = 0,
) -> Comparison:
    """Compare strategies by the studies that they made.

    Args:
        studies: For each strategy's name its histories, or studies, by problem and seed: a mapping
            whose keys may be anything, such as ``("digits", 3)``, or a list, whose places are the
            seeds. Only keys that all strategies have count. Keys that are tuples begin with the
            name of a problem.
        metric: Which objective; None for the only one, or the hypervolume of several.
        budget: After how many finished trials, at least 1; None for the most that all have. Studies
            with fewer don't count.
        seed: Of the bootstrap.

    Raises:
        ArgumentError: No strategy, nothing in common, studies of different objectives, or an
            unknown metric.

    Example:
        >>> from luthier import Float, Space, create_study
        >>> def study(strategy, seed):
        ...     made = create_study(space=Space(x=Float(0, 1)), strategy=strategy, seed=seed)
        ...     made.optimize(
        ...         lambda trial: (trial.suggest_float("x", 0, 1) - 0.3) ** 2, n_trials=20
        ...     )
        ...     return made
        >>> found = compare({name: [study(name, s) for s in range(6)] for name in ("random", "gp")})
        >>> found.standings[0].name, found.pairs[0].wins, found.pairs[0].differs
        ('gp', 6, True)
    """
    runs = {name: _by_block(name, given) for name, given in _checked(studies).items()}
    histories = [history for some in runs.values() for history in some.values()]
    objective = histories[0].objective
    place = place_of_metric(histories[0], metric, "compare")
    if len({(h.objective.names, h.objective.directions) for h in histories}) > 1:
        raise ArgumentError("compare: all studies must have the same objectives and directions.")
    blocks, trials = _common(runs, budget)
    by_volume = metric is None and len(objective.names) > 1
    read = {n: [outcomes_of(some[b], some[b].space) for b in blocks] for n, some in runs.items()}
    names = list(runs)
    curves = np.array(  # (strategies, blocks, budget), lower is better
        [
            [-v for v in volumes_so_far([read[name][j] for name in names], trials)]
            if by_volume
            else [_least(read[name][j], place, trials) for name in names]
            for j in range(len(blocks))
        ]
    ).transpose(1, 0, 2)
    scores = curves[:, :, -1]
    ranks = np.apply_along_axis(average_ranks, 0, scores)
    order = np.argsort(ranks.mean(axis=1), kind="stable")
    names, curves, scores, ranks = (
        [names[k] for k in order],
        curves[order],
        scores[order],
        ranks[order],
    )
    sign = -1.0 if by_volume or objective.directions[place] == "maximize" else 1.0
    several = (
        len({block[0] if isinstance(block, tuple) and block else None for block in blocks}) > 1
    )
    pairs = _pairs(names, scores, ranks if several else scores)
    return Comparison(
        "hypervolume" if by_volume else objective.names[place],
        sign < 0,
        tuple(blocks),
        trials,
        _standings(names, sign * curves, ranks, seed),
        sign * scores,
        ranks,
        _friedman(ranks),
        pairs,
        _groups(names, pairs),
    )


def _checked(studies: object) -> Mapping[str, object]:
    if not isinstance(studies, Mapping) or not studies:
        raise ArgumentError(
            "compare: studies must be a mapping of names to studies by seed, such as "
            f"{{'tpe': [study, ...], 'gp': [study, ...]}}, got {studies!r}."
        )
    return studies


def _by_block(name: str, given: object) -> dict[Hashable, History]:
    items = given.items() if isinstance(given, Mapping) else enumerate(_sequence(given))
    read = {key: getattr(study, "history", study) for key, study in items}
    found = {key: history for key, history in read.items() if isinstance(history, History)}
    if not found or len(found) < len(read):
        raise ArgumentError(
            f"compare: {name!r} must have one study or history at least, by seed, got {given!r}."
        )
    return found


def _sequence(given: object) -> Sequence[object]:
    return given if isinstance(given, Sequence) and not isinstance(given, str) else [given]


def _common(
    runs: Mapping[str, Mapping[Hashable, History]], budget: int | None
) -> tuple[list[Hashable], int]:
    """The blocks that all have run long enough, and how long that is."""
    if budget is not None and (
        isinstance(budget, bool) or not isinstance(budget, int) or budget < 1
    ):
        raise ArgumentError(f"compare: budget must be an integer of at least 1, got {budget!r}.")
    every = list(runs.values())
    lengths = {
        key: min(some[key].n_finished for some in every)
        for key in every[0]
        if all(key in some for some in every)
    }
    lengths = {key: n for key, n in lengths.items() if n >= (budget or 1)}
    if not lengths:
        raise ArgumentError(
            "compare: there must be a problem and seed that all strategies have run for "
            f"{budget or 1} trials at least, got {', '.join(map(repr, runs))}."
        )
    return list(lengths), budget or min(lengths.values())


def _least(found: Outcomes, place: int, budget: int) -> Array:
    """The lowest feasible value so far, infinite while there is none, shape (budget,)."""
    values = np.where(found.feasible, found.Y[:, place], np.inf)[:budget]
    return np.minimum.accumulate(values)


def _standings(names: list[str], curves: Array, ranks: Array, seed: int) -> tuple[Standing, ...]:
    b = ranks.shape[1]
    drawn = generator(seed, "compare").integers(b, size=(_RESAMPLES, b))
    low, high = np.quantile(ranks[:, drawn].mean(axis=2), [0.025, 0.975], axis=1)
    quarters = np.quantile(curves, [0.25, 0.5, 0.75], axis=1, method="closest_observation")
    return tuple(
        Standing(
            name,
            float(ranks[k].mean()),
            float(low[k]),
            float(high[k]),
            float(quarters[1, k, -1]),
            quarters[1, k],
            quarters[0, k],
            quarters[2, k],
        )
        for k, name in enumerate(names)
    )


def _friedman(ranks: Array) -> float:
    from scipy.special import chdtrc

    k, b = ranks.shape
    if k < 3 or b < FEWEST:
        return math.nan
    centred = ranks - (k + 1) / 2
    spread = float(np.sum(centred**2)) / b
    if spread == 0:
        return 1.0
    return float(chdtrc(k - 1, (k - 1) * b * float(np.sum(centred.mean(axis=1) ** 2)) / spread))


def _pairs(names: list[str], scores: Array, measured: Array) -> tuple[Pair, ...]:
    places = [(i, j) for i in range(len(names)) for j in range(i + 1, len(names))]
    raw = [_wilcoxon(measured[i], measured[j]) for i, j in places]
    return tuple(
        Pair(
            names[i],
            names[j],
            int(np.sum(scores[i] < scores[j])),
            int(np.sum(scores[i] == scores[j])),
            int(np.sum(scores[i] > scores[j])),
            p,
        )
        for (i, j), p in zip(places, _holm(raw), strict=True)
    )


def _wilcoxon(first: Array, second: Array) -> float:
    from scipy.stats import wilcoxon

    if len(first) < FEWEST:
        return math.nan
    worst = np.abs(np.concatenate([first, second]))
    limit = 2 * float(worst[np.isfinite(worst)].max(initial=1.0)) + 1
    d = np.clip(first, -limit, limit) - np.clip(second, -limit, limit)
    return float(wilcoxon(d, zero_method="zsplit").pvalue) if np.any(d) else 1.0


def _holm(p: Sequence[float]) -> list[float]:
    """Corrected p values (Holm's step-down procedure)."""
    m, corrected, top = len(p), [math.nan] * len(p), 0.0
    for k, i in enumerate(np.argsort(p, kind="stable")):
        if not math.isnan(p[i]):
            top = max(top, min((m - k) * p[i], 1.0))
            corrected[i] = top
    return corrected


def _groups(names: list[str], pairs: Sequence[Pair]) -> tuple[tuple[str, ...], ...]:
    apart = {(pair.first, pair.second) for pair in pairs if pair.differs}
    groups: list[tuple[int, int]] = []
    for i in range(len(names)):
        end = i + 1
        while end < len(names) and all((names[k], names[end]) not in apart for k in range(i, end)):
            end += 1
        if not groups or end > groups[-1][1]:
            groups.append((i, end))
    return tuple(tuple(names[i:end]) for i, end in groups)


def _p(value: float) -> str:
    return f"{value:.2g}"
