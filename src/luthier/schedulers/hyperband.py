"""Hyperband: brackets of successive halving that differ in how early trials are compared.

Nobody knows how early a trial shows what it is worth. So Hyperband runs several brackets, from
the boldest, which starts many trials and halves them early, to plain training to the end, all of
about the same cost:

    s = s_max .. 0     n = ceil((s_max + 1) / (s + 1) * eta^s),  first rung R / eta^s
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, final

from luthier.core.settings import settle, spec_of
from luthier.schedulers.brackets import Bracket, Bracketed, Cycle
from luthier.schedulers.ladder import LADDER_RULES, ladder

__all__ = ["Hyperband"]


@final
@dataclass(frozen=True, slots=True)
class Hyperband(Bracketed):
    """Run brackets of successive halving, from many short trials to few long ones, in turn.

    Args:
        max_resource: The step at which a trial has finished: its last epoch, say.
        min_resource: The step of the lowest rung of the boldest bracket.
        eta: One in so many trials goes on from a rung to the next.
        metric: The reported metric to compare by; the objectives if None.

    Raises:
        ArgumentError: A setting is out of range.

    Example:
        >>> [(b.size, b.rungs) for b in Hyperband(9).brackets]
        [(9, (1, 3, 9)), (5, (3, 9)), (3, (9,))]

    References:
        Li et al., Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization
        (JMLR 2018), algorithm 1.
    """

    max_resource: int
    min_resource: int = 1
    eta: int = 3
    metric: str | None = None
    brackets: tuple[Bracket, ...] = field(init=False, repr=False, compare=False)
    _cycle: Cycle = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        settle(self, LADDER_RULES)
        rungs = ladder(self.min_resource, self.max_resource, self.eta)
        most = len(rungs) - 1
        sizes = [math.ceil((most + 1) / (s + 1) * self.eta**s) for s in range(most, -1, -1)]
        brackets = tuple(Bracket(rungs[i:], n, self.eta) for i, n in enumerate(sizes))
        object.__setattr__(self, "brackets", brackets)
        object.__setattr__(self, "_cycle", Cycle(brackets, self.metric))

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("hyperband", self)
