"""Successive halving: many trials with a small budget, the best of them with a larger one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, final

from luthier.core.settings import Number, settle, spec_of
from luthier.errors import ArgumentError
from luthier.schedulers.brackets import Bracket, Bracketed, Cycle
from luthier.schedulers.ladder import LADDER_RULES, ladder

__all__ = ["SuccessiveHalving"]


@final
@dataclass(frozen=True, slots=True)
class SuccessiveHalving(Bracketed):
    """Start n trials, and let the best 1/eta of those on each rung go on when all have got there.

    The simplest of its kind, for when it is known how early trials can be compared.

    Args:
        max_resource: The step at which a trial has finished: its last epoch, say.
        min_resource: The step of the lowest rung.
        eta: One in so many trials goes on from a rung to the next.
        n: How many trials start together; as many as leave one for the end if None. After them
            come the next n.
        metric: The reported metric to compare by; the objectives if None.

    Raises:
        ArgumentError: A setting is out of range.

    Example:
        >>> SuccessiveHalving(27).bracket
        Bracket(rungs=(1, 3, 9, 27), size=27, eta=3)

    References:
        Jamieson and Talwalkar, Non-stochastic Best Arm Identification and Hyperparameter
        Optimization (AISTATS 2016), figure 1; Karnin et al. (ICML 2013).
    """

    max_resource: int
    min_resource: int = 1
    eta: int = 3
    n: int | None = None
    metric: str | None = None
    bracket: Bracket = field(init=False, repr=False, compare=False)
    _cycle: Cycle = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        settle(self, LADDER_RULES)
        if self.n is not None and Number(1, whole=True).read(self.n) is None:
            raise ArgumentError(
                f"SuccessiveHalving: n must be a whole number of at least 1, got {self.n!r}.",
                n=self.n,
            )
        rungs = ladder(self.min_resource, self.max_resource, self.eta)
        size = self.eta ** (len(rungs) - 1) if self.n is None else self.n
        object.__setattr__(self, "bracket", Bracket(rungs, size, self.eta))
        object.__setattr__(self, "_cycle", Cycle((self.bracket,), self.metric))

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("successive_halving", self)
