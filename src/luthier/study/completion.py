"""Completing a configuration: what the user fixed stays, the rest is drawn from the priors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from luthier.errors import InfeasibleSpaceError
from luthier.space import Space

__all__ = ["complete"]

_ATTEMPTS = 10_000


def complete(space: Space, given: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Return a full, allowed configuration that holds the values given.

    Args:
        space: The space.
        given: Checked values of some of its parameters.
        rng: Where the other values are drawn from.

    Raises:
        UnknownParamError, ParamValueError: A value given doesn't fit the others.
        InfeasibleSpaceError: No allowed configuration with these values was found.

    Example:
        >>> from luthier.space import Float, Space
        >>> both = complete(
        ...     Space(x=Float(0, 1), y=Float(0, 1)), {"x": 0.5}, np.random.default_rng(0)
        ... )
        >>> both["x"], 0 <= both["y"] <= 1
        (0.5, True)
    """
    lone = {n: Space({n: p.with_when(None)}) for n, p in space.items() if n not in given}
    for _ in range(_ATTEMPTS):
        drawn = dict(given)
        for name, one in lone.items():
            drawn[name] = one.encoding.from_unit(rng.random((1, one.encoding.width)))[0][name]
        active = set(space.active(drawn)) | set(given)
        values = {name: drawn[name] for name in space if name in active}
        if space.allows(values):
            return space.check(values)
    raise InfeasibleSpaceError(
        f"No configuration with {dict(given)} was found that the space's constraints allow, in "
        f"{_ATTEMPTS} attempts. Give more of the values, or others.",
        given=dict(given),
    )
