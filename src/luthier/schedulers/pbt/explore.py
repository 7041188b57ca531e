"""Explore: a neighbour of a configuration, in any space.

    log-scaled number   times or divided by 1 + p
    other number        plus or minus p / 2 of its range: what a factor 1 +- p does in the middle
    ordinal             the next or the previous value
    category            stays, unless it is drawn anew
    order               two neighbours change places

A step over a bound is reflected, a whole number moves by one at least. Each parameter is drawn
anew from its prior with some probability instead. So values never leave their domain.

References:
    Jaderberg et al., arXiv:1711.09846, section 3.1: perturb (factors 1.2 and 0.8), resample.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import numpy as np

from luthier.space import Categorical, Constant, Float, Int, Ordinal, Param, Permutation, Space

__all__ = ["explored", "settled"]

_ATTEMPTS: Final = 32


def explored(
    space: Space,
    params: Mapping[str, Any],
    perturbation: float,
    resample: float,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Return a neighbour of a configuration that the space allows.

    Args:
        space: The space; parameters that it doesn't have stay as they are.
        params: The configuration.
        perturbation: p.
        resample: The probability with which a parameter is drawn anew from its prior.
        rng: Source of randomness.

    Returns:
        All active parameters; the configuration itself if no neighbour is allowed.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> lr = explored(Space(lr=Float(1e-4, 1, log=True)), {"lr": 0.01}, 0.2, 0.0, rng)["lr"]
        >>> round(lr, 6) in (0.012, 0.008333)
        True
    """
    for _ in range(_ATTEMPTS):
        moved = {
            name: _moved(space[name], value, perturbation, resample, rng)
            for name, value in params.items()
            if name in space
        }
        config = settled(space, moved, rng)
        if space.allows(config):
            return {name: v for name, v in params.items() if name not in space} | config
    return dict(params)


def settled(space: Space, values: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Return values with what has become active drawn from its prior, without what isn't."""
    known = dict(values)
    while missing := [name for name in space.active(known) if name not in known]:
        known |= {name: _drawn(space[name], rng) for name in missing}
    return {name: known[name] for name in space.active(known)}


def _moved(param: Param, value: Any, p: float, resample: float, rng: np.random.Generator) -> Any:
    anew, sign = rng.random() < resample, 1 if rng.random() < 0.5 else -1
    if isinstance(param, Constant):
        return value
    if anew or not param.contains(value):
        return _drawn(param, rng)
    if isinstance(param, Categorical):
        return value
    if isinstance(param, Permutation):
        return _swapped(value, rng)
    return _stepped(param, value, sign, p)


def _stepped(param: Any, value: Any, sign: int, p: float) -> Any:
    if not isinstance(param, Ordinal):
        unit = _lone(param).encode([{"v": value}])[0, 0] + sign * _step(param, p)
        unit = 1 - abs(1 - abs(unit))
        found = _lone(param).decode([[unit]])[0]["v"]
        if found != value or param.size == math.inf:
            return found
    k, last = param.index(value), int(param.size) - 1
    return param.value_at(min(abs(k + sign), last) if k + sign <= last else max(last - 1, 0))


def _step(param: Float | Int, p: float) -> float:
    """How far a number moves in the unit interval, at most 1."""
    if param.scale == "log":
        return min(math.log1p(p) / math.log(param.high / param.low), 1.0)
    return min(p / 2, 1.0)


def _swapped(value: Any, rng: np.random.Generator) -> Any:
    items = list(value)
    if len(items) > 1:
        k = int(rng.integers(len(items) - 1))
        items[k], items[k + 1] = items[k + 1], items[k]
    return tuple(items)


def _drawn(param: Param, rng: np.random.Generator) -> Any:
    encoding = _lone(param)
    return encoding.from_unit(rng.random((1, encoding.width)))[0]["v"]


@lru_cache(maxsize=256)
def _lone(param: Param) -> Any:
    return Space(v=param.with_when(None)).encoding
