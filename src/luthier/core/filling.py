"""Filling: what a trial gets for parameters that its proposal doesn't name.

A value depends on the study's seed, the trial's number and the parameter's name alone. So what a
running trial was given can be worked out before it has said so.
"""

from __future__ import annotations

import math
from typing import Any

from luthier.core.rng import generator
from luthier.core.trial import FrozenTrial
from luthier.space import Param, Space

__all__ = ["filled_params", "filled_value"]


def filled_value(trial: FrozenTrial, seed: int, name: str, param: Param) -> Any:
    """Return the value of a parameter that a trial's proposal doesn't name.

    Args:
        trial: The trial; its origin says how such parameters get their values.
        seed: The study's seed.
        name: The parameter's name.
        param: The parameter.

    Example:
        >>> from luthier.space import Float
        >>> 0 <= filled_value(FrozenTrial(number=0), 7, "x", Float(0, 1)) <= 1
        True
    """
    if trial.origin.fill == "first":
        return param.value_at(0) if param.size < math.inf else param.grid(2)[0]
    lone = Space({name: param.with_when(None)}).encoding
    return lone.from_unit(generator(seed, trial.number, name).random((1, lone.width)))[0][name]


def filled_params(trial: FrozenTrial, seed: int, space: Space) -> dict[str, Any]:
    """Return a trial's parameters with all active ones of a space, whether recorded yet or not.

    Args:
        trial: The trial.
        seed: The study's seed.
        space: What is known of the space.
    """
    values = trial.params
    while missing := [name for name in space.active(values) if name not in values]:
        values |= {name: filled_value(trial, seed, name, space[name]) for name in missing}
    return values
