"""Optuna's distributions: functions that return Luthier's parameters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from luthier.optuna.missing import missing
from luthier.space import Categorical, Constant, Float, Int, Param

__all__ = [
    "CategoricalDistribution",
    "DiscreteUniformDistribution",
    "FloatDistribution",
    "IntDistribution",
    "IntLogUniformDistribution",
    "IntUniformDistribution",
    "LogUniformDistribution",
    "UniformDistribution",
]

_ABSENT = {
    "BaseDistribution": "Parameters of your own can't be defined.",
    "check_distribution_compatibility": "Definitions may change between trials.",
    "distribution_to_json": "Use study.space.to_json().",
    "json_to_distribution": "Use luthier.Space.from_optuna(...).",
}


@lru_cache(maxsize=4096, typed=True)
def FloatDistribution(  # noqa: N802
    low: float, high: float, log: bool = False, step: float | None = None
) -> Param:
    """Return ``Float(low, high)``, or a constant if both are the same.

    Args:
        low: The lowest value.
        high: The highest value, included.
        log: Whether the scale is logarithmic.
        step: Distance of neighbouring values, or None.

    Raises:
        SpaceError: The range makes no sense.

    Example:
        >>> FloatDistribution(1e-3, 1.0, log=True)
        Float(0.001, 1.0, scale='log')
    """
    return Constant(float(low)) if low == high else Float(low, high, log=log, step=step)


@lru_cache(maxsize=4096, typed=True)
def IntDistribution(low: int, high: int, log: bool = False, step: int = 1) -> Param:  # noqa: N802
    """Return ``Int(low, high)``, or a constant if both are the same.

    Args:
        low: The lowest value.
        high: The highest value, included.
        log: Whether the scale is logarithmic.
        step: Distance of neighbouring values.

    Raises:
        SpaceError: The range makes no sense.

    Example:
        >>> IntDistribution(1, 1)
        Constant(1)
    """
    return Constant(int(low)) if low == high else Int(low, high, log=log, step=step)


def CategoricalDistribution(choices: Sequence[Any]) -> Categorical:  # noqa: N802
    """Return ``Categorical(choices)``.

    Args:
        choices: JSON values, tuples or None.

    Raises:
        SpaceError: No choices, a duplicate, or one that needs a name.
    """
    return Categorical(choices)


def UniformDistribution(low: float, high: float) -> Param:  # noqa: N802
    """Return what ``FloatDistribution(low, high)`` returns."""
    return FloatDistribution(low, high)


def LogUniformDistribution(low: float, high: float) -> Param:  # noqa: N802
    """Return what ``FloatDistribution(low, high, log=True)`` returns."""
    return FloatDistribution(low, high, log=True)


def DiscreteUniformDistribution(low: float, high: float, q: float) -> Param:  # noqa: N802
    """Return what ``FloatDistribution(low, high, step=q)`` returns."""
    return FloatDistribution(low, high, step=q)


def IntUniformDistribution(low: int, high: int, step: int = 1) -> Param:  # noqa: N802
    """Return what ``IntDistribution(low, high, step=step)`` returns."""
    return IntDistribution(low, high, step=step)


def IntLogUniformDistribution(low: int, high: int, step: int = 1) -> Param:  # noqa: N802
    """Return what ``IntDistribution(low, high, log=True, step=step)`` returns."""
    return IntDistribution(low, high, log=True, step=step)


def __getattr__(name: str) -> Any:
    raise missing(__name__, name, _ABSENT)
