"""The sampler: draw from where good trials are dense, take what is rare among the others.

    name      meaning
    l(x)      density of the good trials
    g(x)      density of the other trials, o of them
    f(x)      density of the failed trials, m of them
    a(x)      log l - log((o g + m f) / (o + m)) + 2 log P(ok | x)
    P(ok|x)   (n l + o g) / (n l + o g + m f), n the number of good trials

Without failures that is the ratio l / g of the original, monotone in the expected improvement.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import log
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.asking import Turn, drawn_instead, is_new, one_by_one
from luthier.core.axes import parents_of
from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.settings import Flag, Number, Rule, settle, spec_of
from luthier.core.start import start_point
from luthier.numerics.parzen import Parzen
from luthier.samplers.tpe.blocks import Block, blocks_of, fading
from luthier.samplers.tpe.split import Split, split
from luthier.space import Space, sample

__all__ = ["TPE"]

Array = NDArray[np.float64]
_ROUNDS: Final = 4
_CURIOSITY: Final = 1 / 8  # how often a conditional space is searched in a branch drawn at random
_WIDTH: Final = 0.1  # least width of the others' kernels: narrow ones see novelty everywhere

_RULES: Final[Mapping[str, Rule]] = {
    "gamma": Number(0, 1, open="both"),
    "n_candidates": Number(1, whole=True),
    "n_startup": Number(0, whole=True),
    "multivariate": Flag(),
    "most_good": Number(1, whole=True),
    "prior_weight": Number(0, open="both"),
    "allow_duplicates": Flag(),
}


@final
@dataclass(frozen=True, slots=True)
class TPE:
    """Model good and bad trials by densities, and try where their ratio is highest.

    A proposal costs under a millisecond, however many trials there are. Good for cheap trials,
    many workers, and spaces full of choices and conditions.

    Args:
        gamma: The share of trials that count as good, between 0 and 1.
        n_candidates: How many points are drawn for a proposal, at least 1. More are greedier.
        n_startup: How many trials are spread evenly first, at least 0.
        multivariate: Whether parameters are drawn together, so that what works together stays
            together; else each on its own.
        most_good: The largest number of good trials, at least 1.
        prior_weight: How many trials the prior counts for, above 0.
        allow_duplicates: Whether a finite space may be given the same configuration twice.

    Raises:
        ArgumentError: A setting is out of its range.

    Example:
        >>> TPE(gamma=0.2).spec["gamma"]
        0.2

    References:
        Bergstra et al., Algorithms for hyper-parameter optimization, NeurIPS 2011.
        Watanabe, Tree-structured Parzen estimator, arXiv:2304.11127.
        Watanabe and Hutter, c-TPE, arXiv:2211.14411 (the failures).
    """

    gamma: float = 0.15
    n_candidates: int = 64
    n_startup: int = 10
    multivariate: bool = True
    most_good: int = 25
    prior_weight: float = 3.0
    allow_duplicates: bool = False

    def __post_init__(self) -> None:
        settle(self, _RULES)

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("tpe", self)

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Return n proposals, each aware of those before; fewer where a finite space ends."""

        def propose(turn: Turn) -> Proposal | None:
            if turn.number < self.n_startup:
                return start_point(space, history, turn, rng)
            return self._propose(space, history, turn, rng)

        return one_by_one(space, history, n, propose, allow_duplicates=self.allow_duplicates)

    def _propose(
        self, space: Space, history: History, turn: Turn, rng: np.random.Generator
    ) -> Proposal | None:
        live = (
            space.encoding.encode(turn.pending)
            if turn.pending
            else np.empty((0, space.encoding.width))
        )
        groups = split(history, live, rng, gamma=self.gamma, most_good=self.most_good)
        reason = "TPE: " + _reason(history, groups, self.n_candidates)
        branch = None
        if space.activity.rules and self.multivariate and rng.random() < _CURIOSITY:
            branch = space.encoding.encode(sample(space, 1, rng))[0]
            groups = groups.within(~np.isnan(branch), self.gamma)
            reason = "TPE in a random branch: " + _reason(history, groups, self.n_candidates)
        for config in self._candidates(space, groups, branch, rng):
            if is_new(space, config, turn.tried):
                return Proposal(config, reason)
        reason = "drawn at random: all that TPE drew was tried before or isn't allowed"
        return drawn_instead(space, rng, turn.tried, reason)

    def _candidates(
        self, space: Space, groups: Split, branch: Array | None, rng: np.random.Generator
    ) -> Iterator[dict[str, Any]]:
        """Draw configurations a few times, each time the most promising first."""
        encoding = space.encoding
        blocks = blocks_of(space, self.multivariate, fading(groups.n))
        models = [_Model(groups, block, self.prior_weight) for block in blocks]
        for _ in range(_ROUNDS):
            ranked = []
            for model in models:
                drawn = model.good.sample(self.n_candidates, rng)
                if branch is not None:
                    drawn[:, parents_of(space)] = branch[parents_of(space)]
                if len(models) == 1 and space.activity.rules:
                    drawn = encoding.encode(encoding.decode(drawn))
                ranked.append(drawn[np.argsort(-model.score(drawn), kind="stable")])
            for row in ranked[0] if len(ranked) == 1 else np.hstack(ranked):
                yield encoding.decode(row[None])[0]


@final
class _Model:
    """The densities of some columns."""

    def __init__(self, groups: Split, block: Block, prior_weight: float) -> None:
        self.good = _density(groups.good, block, prior_weight, good=True)
        self.others = _density(groups.others, block, prior_weight)
        self.failed = _density(groups.failed, block, prior_weight) if groups.n_failed else None
        self._n = (len(groups.good), groups.n_others, groups.n_failed)

    def score(self, x: Array) -> Array:
        """How promising points are: a(x), shape (c,)."""
        log_l, log_g = self.good.log_density(x), self.others.log_density(x)
        if self.failed is None:
            ratio: Array = log_l - log_g
            return ratio
        n_good, n_others, n_failed = self._n
        bad = self.failed.log_density(x) + log(n_failed)
        others = log_g + log(max(n_others, 1))
        ok = np.logaddexp(log_l + log(max(n_good, 1)), others)
        score: Array = log_l - np.logaddexp(others, bad) - 2 * np.logaddexp(0.0, bad - ok)
        return score


def _density(rows: Array, block: Block, prior_weight: float, good: bool = False) -> Parzen:
    if len(block.columns) < rows.shape[1]:
        rows = rows[:, block.columns]
    return _density_of(rows.tobytes(), len(rows), block, prior_weight, good)


@lru_cache(maxsize=32)
def _density_of(data: bytes, n: int, block: Block, prior_weight: float, good: bool) -> Parzen:
    """The density of rows, kept because the same are asked for again and again."""
    rows = np.frombuffer(data).reshape(n, len(block.columns))
    if len(block.believed) == 1:  # a parameter alone: where it was inactive it says nothing
        rows = rows[~np.any(np.isnan(rows), axis=1)]
    if not good:
        width = _WIDTH * min(1.0, len(block.columns) / 5)
        return Parzen(rows, block.plain, prior_weight=prior_weight, least_width=width)
    weights = np.linspace(2, 0, len(rows) + 2)[1:-1]  # the best weigh most, 1 in the mean
    return Parzen(rows, block.believed, weights=weights, prior_weight=prior_weight)


def _reason(history: History, groups: Split, n_candidates: int) -> str:
    text = f"{n_candidates} draws near the best {len(groups.good)} of {groups.n} trials"
    if len(history.objective.names) > 1:
        text += " by fronts"
    return text + (f", away from {groups.n_failed} failures" if groups.n_failed else "")
