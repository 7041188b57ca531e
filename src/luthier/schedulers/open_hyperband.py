"""Hyperband for trials that nobody has told when they end: brackets that only stop.

Nobody knows how early a trial shows what it is worth. So trials are dealt to brackets of open
halving (``open_halving.py``) that differ in their lowest rung, more of them to the bolder ones:

    bracket b = 0 .. B - 1     B = floor(log_eta(R / r)) + 1,  lowest rung r eta^b
    its share of the trials    ceil(B eta^(B - 1 - b) / (B - b))

Which bracket a trial is dealt to follows from its number n: it is where n phi mod 1 falls among the
shares, with phi the golden ratio, which deals evenly however many trials there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.history import History
from luthier.core.jobs import Decision
from luthier.core.settings import spec_of
from luthier.core.trial import FrozenTrial
from luthier.schedulers.open_halving import Climb, first_complete, settle_open
from luthier.schedulers.stopping import StoppingRule

__all__ = ["OpenHyperband"]

_GOLDEN: Final = 2_654_435_769  # 2^32 / phi, to the next odd number


@final
@dataclass(frozen=True, slots=True)
class OpenHyperband(StoppingRule):
    """Deal trials to brackets of open halving, from bold to careful.

    Args:
        max_resource: The last step but one, or how many steps there are from 0; None for those
            of the first trial that completes, until when nothing is stopped.
        min_resource: The step of the lowest rung of the boldest bracket.
        eta: One in so many trials goes on from a rung; of fewer, the best.
        bootstrap: So many trials must have ended at a rung before any goes on from there.
        metric: The reported metric to compare by; the first objective if None.

    Raises:
        ArgumentError: A setting is out of range.

    Example:
        >>> OpenHyperband().shares(27)
        (27, 12, 6, 4)

    References:
        Li et al., Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization
        (JMLR 2018), with the rules of Optuna 5.0's HyperbandPruner. Knuth, The Art of Computer
        Programming 3, section 6.4: multiplicative hashing.
    """

    max_resource: int | None = None
    min_resource: int = 1
    eta: int = 3
    bootstrap: int = 0
    metric: str | None = None

    def __post_init__(self) -> None:
        settle_open(self)

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("open_hyperband", self)

    def shares(self, max_resource: int) -> tuple[int, ...]:
        """Return how many of a round's trials go to each bracket, the boldest first.

        Args:
            max_resource: The number of steps.
        """
        n = 1
        while self.min_resource * self.eta**n <= max_resource:
            n += 1
        return tuple(-(-n * self.eta ** (n - 1 - b) // (n - b)) for b in range(n))

    def decide(self, history: History, trial: FrozenTrial, step: int) -> Decision:
        """Stop the trial if it isn't among the best on a rung of its bracket."""
        end, since = self.max_resource, 0
        if end is None:
            complete = first_complete(history)
            if complete is None:
                return Decision.CONTINUE
            end, since = (complete.last_step or 0) + 1, complete.number + 1
        shares = self.shares(end)
        bracket = int(_dealt(np.array([trial.number]), shares)[0])
        lowest = self.min_resource * self.eta**bracket
        climb = Climb(history, self.metric, lowest, self.eta, self.bootstrap)
        return climb.decide(
            trial, step, lambda numbers: (numbers >= since) & (_dealt(numbers, shares) == bracket)
        )


def _dealt(numbers: NDArray[np.int64], shares: tuple[int, ...]) -> NDArray[np.int64]:
    """The brackets of trials, shape (n,)."""
    spread = numbers.astype(np.uint64) * np.uint64(_GOLDEN) % np.uint64(2**32)
    slots = (spread * np.uint64(sum(shares))) >> np.uint64(32)
    return np.searchsorted(np.cumsum(shares), slots.astype(np.int64), side="right")
