"""Sampling: random configurations of a space, distributed as its priors say.

Relations and exclusions are met by rejection, in growing batches. A finite space in which that
fails for long is enumerated instead; any other is reported as infeasible, with what rejected
how often.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Hashable
from itertools import islice
from typing import Any

import numpy as np

from luthier.errors import ArgumentError, InfeasibleSpaceError
from luthier.space.enumeration import COUNTING_LIMIT
from luthier.space.space import Space

__all__ = ["sample"]

_ATTEMPTS = 10_000
_BATCH = 256
_EXCLUDED = "already excluded or drawn"

Keys = Container[tuple[Hashable, ...]]


def sample(
    space: Space, n: int, rng: np.random.Generator, *, exclude: Keys | None = None
) -> list[dict[str, Any]]:
    """Draw configurations that meet all conditions and relations.

    Args:
        space: The space.
        n: How many, at least 0.
        rng: Source of randomness.
        exclude: Keys (``space.key``) of configurations not to draw. If given, the ones drawn
            differ from each other, too.

    Returns:
        n configurations; fewer only if a finite space has no more that aren't excluded.

    Raises:
        ArgumentError: ``n`` isn't an int of at least 0.
        InfeasibleSpaceError: The relations leave nothing, or too little to be found.

    Example:
        >>> from luthier.space import Float
        >>> space = Space(x=Float(0, 1), y=Float(0, 1)).require("x < y")
        >>> [config] = sample(space, 1, np.random.default_rng(0))
        >>> config["x"] < config["y"]
        True
    """
    if not isinstance(n, int) or n < 0:
        raise ArgumentError(f"sample: n must be an int of at least 0, got n={n!r}.", n=n)
    if not space.checks and exclude is None:
        return space.encoding.from_unit(rng.random((n, space.encoding.width)))
    chosen: list[dict[str, Any]] = []
    taken: set[tuple[Hashable, ...]] = set()
    rejections: Counter[str] = Counter()
    # how many rejections in a row are borne: fewer where enumeration is cheap
    patience = min(_ATTEMPTS, 2 * math.prod(param.size for param in space.values()) + 20)
    misses, batch = 0, max(n, 1)
    while len(chosen) < n and misses < patience:
        for config in space.encoding.from_unit(rng.random((batch, space.encoding.width))):
            obstacle = _obstacle(space, config, exclude, taken)
            if obstacle is not None:
                rejections[obstacle] += 1
                misses += 1
            elif len(chosen) < n:
                chosen.append(config)
                misses = 0
                if exclude is not None:
                    taken.add(space.key(config))
        batch = min(2 * batch, _BATCH)
    if len(chosen) == n:
        return chosen
    left = [c for c in _every(space, rejections) if not _obstacle(space, c, exclude, taken)]
    missing = n - len(chosen)
    if exclude is None:
        return chosen + [left[k] for k in rng.integers(len(left), size=missing)]
    return chosen + [left[k] for k in rng.permutation(len(left))[:missing]]


def _every(space: Space, rejections: Counter[str]) -> list[dict[str, Any]]:
    """Return all configurations of a finite space."""
    every = [] if space.cardinality is None else list(islice(space.enumerate(), COUNTING_LIMIT))
    if every:
        return every
    counts = "; ".join(f"{label}: {times} times" for label, times in rejections.most_common())
    raise InfeasibleSpaceError(
        f"The relations of a space must leave configurations that can be found, got none in "
        f"{rejections.total()} attempts. Rejected by {counts}. Loosen that relation, or rewrite "
        "the parameters so that it holds by itself.",
        rejections=dict(rejections),
    )


def _obstacle(
    space: Space, config: dict[str, Any], exclude: Keys | None, taken: Keys
) -> str | None:
    """Return what rules a configuration out, or None."""
    for check in space.checks:
        if not check.passes(config):
            return check.label
    if exclude is not None:
        key = space.key(config)
        if key in exclude or key in taken:
            return _EXCLUDED
    return None
