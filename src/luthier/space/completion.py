"""Completing a configuration: what the user fixed stays, the rest is drawn from the priors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from luthier.errors import InfeasibleSpaceError
from luthier.space.space import Space

__all__ = ["complete"]

_BATCHES = (1, *[256] * 40)


def complete(space: Space, given: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Return a full, allowed configuration that holds the values given.

    Args:
        space: The space.
        given: Checked values of some of its parameters.
        rng: Where the other values are drawn from.

    Raises:
        ParamValueError: The values given are never active together.
        InfeasibleSpaceError: No allowed configuration with these values was found.

    Example:
        >>> from luthier.space import Float, Space
        >>> both = complete(
        ...     Space(x=Float(0, 1), y=Float(0, 1)), {"x": 0.5}, np.random.default_rng(0)
        ... )
        >>> both["x"], 0 <= both["y"] <= 1
        (0.5, True)
    """
    free = Space({n: p.with_when(None) for n, p in space.items() if n not in given}).encoding
    together = False
    for size in _BATCHES:
        for drawn in free.from_unit(rng.random((size, free.width))):
            values = {**drawn, **given}
            active = space.active(values)
            if set(active).issuperset(given):
                together = True
                chosen = {name: values[name] for name in active}
                if space.allows(chosen):
                    return space.check(chosen)
    if not together:
        space.check({name: values[name] for name in space if name in active or name in given})
    raise InfeasibleSpaceError(
        f"No configuration with {dict(given)} was found that the space's constraints allow, in "
        f"{sum(_BATCHES):,} attempts. Give more of the values, or others.",
        given=dict(given),
    )
