"""What a method hands back: effects, how they vary over resampled trials, and interactions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Findings", "Interaction", "together"]

Array = NDArray[np.float64]


@final
@dataclass(frozen=True, slots=True)
class Interaction:
    """What two parameters explain together and neither alone.

    Attributes:
        parameters: Their names.
        fraction: The share of the variance.
        low: The lower end of its 90% interval ...
        high: ... and the upper one.
    """

    parameters: tuple[str, str]
    fraction: float
    low: float
    high: float


@final
@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What a method found.

    Attributes:
        effects: Of each parameter, at least 0, shape (p,).
        replicates: The same of resampled trials, shape (b, p).
        interactions: The strongest first.
        chance: Effects that 95% of parameters without any would stay below, shape (p,); None if
            the method has a model that says how far it can be trusted.
    """

    effects: Array
    replicates: Array
    interactions: tuple[Interaction, ...] = ()
    chance: Array | None = None


def together(
    names: Sequence[str], pairs: Sequence[tuple[int, int]], fractions: Array, ends: Array
) -> tuple[Interaction, ...]:
    """Return interactions, the strongest first.

    Args:
        names: Of all parameters.
        pairs: Places of two each.
        fractions: Shape (pairs,).
        ends: Of their intervals, shape (pairs, 2).
    """
    found = [
        Interaction((names[j], names[k]), float(share), float(low), float(high))
        for (j, k), share, (low, high) in zip(pairs, fractions, ends, strict=True)
    ]
    return tuple(sorted(found, key=lambda pair: -pair.fraction))
