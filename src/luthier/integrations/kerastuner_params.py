"""Parameters as KerasTuner describes them, as ours.

linear         Int(low, high, step=), Float(low, high, step=)
log            the same with scale="log"; with a step, which multiplies, an Ordinal
reverse_log    log seen from the other end: a density of 1 / (low + high - v)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from luthier.errors import ArgumentError
from luthier.space import Beta, Categorical, Constant, Float, Int, Ordinal, Param

__all__ = ["choice", "number"]

_NEARLY_0: Final = 1e-3  # Beta(1, b) on [low, low + high] has the density (low + high - v)^(b - 1)
_SAMPLINGS: Final = ("linear", "log", "reverse_log")


def choice(values: Sequence[Any], ordered: bool | None, default: Any) -> Param:
    """Return the parameter that ``Choice`` describes: numbers have an order unless told otherwise.

    Example:
        >>> choice([16, 32], None, None), choice([16, 32], False, None)
        (Ordinal([16, 32]), Categorical([16, 32]))
    """
    numbers = all(type(value) in (int, float) for value in values)
    kind = Ordinal if len(values) > 1 and (numbers if ordered is None else ordered) else Categorical
    return kind(list(values), default=default)


def number(
    kind: type[Int] | type[Float],
    name: str,
    low: Any,
    high: Any,
    step: Any,
    sampling: str | None,
    default: Any,
) -> Param:
    """Return the parameter that ``Int`` or ``Float`` of KerasTuner describe.

    Raises:
        ArgumentError: The sampling isn't known, or has no such step.
        SpaceError: The range makes no sense.

    Example:
        >>> number(Int, "width", 2, 9, 2, "log", None)
        Ordinal([2, 4, 8])
    """
    given_as, sampling = sampling, (sampling or "linear").lower()
    if sampling not in _SAMPLINGS:
        raise ArgumentError(
            f"{name!r}: sampling must be one of {', '.join(_SAMPLINGS)}, got {given_as!r}."
        )
    if low == high:
        return Constant(low)
    given: dict[str, Any] = {"default": default}
    if sampling in ("log", "reverse_log") and step is not None:
        return _multiples(low, high, step, sampling == "reverse_log", default)
    if sampling == "reverse_log":
        if not low > 0:
            rule = f"{name!r}: with sampling='reverse_log' min_value must be above 0"
            raise ArgumentError(f"{rule}, got {low!r}.")
        given["prior"] = Beta(1, _NEARLY_0, low, low + high)
    if step is not None:
        given["step"] = step
    return kind(low, high, log=sampling == "log", **given)


def _multiples(low: Any, high: Any, factor: Any, mirrored: bool, default: Any) -> Param:
    """The values low, low * factor, low * factor^2, ...; or seen from the other end."""
    if not (factor > 1 and low > 0):
        raise ArgumentError(
            f"A step that multiplies must be above 1, from a min_value above 0, got {factor!r} "
            f"from {low!r}."
        )
    count = int(math.log(high / low, factor) + 1e-8) + 1
    values = [low * factor**k for k in range(count)]
    ordered = [high + low - value for value in reversed(values)] if mirrored else values
    return Ordinal(ordered, default=default) if len(ordered) > 1 else Constant(ordered[0])
