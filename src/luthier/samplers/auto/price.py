"""The price of a proposal, and whether it is worth paying.

Prices are milliseconds of CPU, fitted to measurements (``benchmarks/asks``, one core of 2024); they
are formulas and not stopwatches, so that the same history gets the same proposal on every machine.

    name      meaning
    m         how many trials the model sees
    d         how many columns the space has
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from luthier.samplers.auto.situation import Situation

__all__ = ["CHEAPEST", "allowance", "prices", "share"]

CHEAPEST: Final = 1.0
"""Of TPE and CMA-ES, whatever the number of trials."""
_LEAST: Final = 5.0
_OF_A_TRIAL: Final = 0.02
_MOST_POINTS: Final = 600
_MOST_IN_A_FOREST: Final = 400


def prices(situation: Situation) -> Mapping[str, float]:
    """Return what a proposal of each method costs, in milliseconds."""
    n, d = situation.n_points, situation.width
    m = min(n, _MOST_POINTS)
    k = situation.n_objectives
    models = situation.n_hurdles + k**1.5
    wide = 0.85 + d / 66
    return {
        "gp": models * wide * (3 + m / 40) + n / 1e3,
        "forest": k * wide * (4 + min(n, _MOST_IN_A_FOREST) / 40),
        "tpe": CHEAPEST,
        "cmaes": CHEAPEST,
    }


def allowance(situation: Situation) -> float:
    """Return what a proposal may cost: 5 ms, or a fiftieth of a trial if that is more."""
    return max(_LEAST, 1e3 * _OF_A_TRIAL * situation.seconds)


def share(situation: Situation, method: str) -> float:
    """Return how often a method may be asked, between 0 and 1; the cheapest fills the gaps.

    What must be allowed is the mean over the study so far: early proposals are cheap, and what they
    saved is spent later.
    """
    price, mean = prices(situation)[method], _mean_price(situation, method)
    limit = allowance(situation)
    if mean <= limit:
        return 1.0
    return max(0.0, limit - CHEAPEST) / (price - CHEAPEST)


def _mean_price(situation: Situation, method: str) -> float:
    """The mean of the prices that a method had from the first trial to now."""
    thirds = (replace(situation, n_points=k * situation.n_points // 6) for k in (1, 3, 5))
    return sum(prices(past)[method] for past in thirds) / 3
