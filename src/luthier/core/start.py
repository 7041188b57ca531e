"""The start of model-based search: the user's default first, then an even spread.

The k-th start point depends on the study's seed and on k alone.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from luthier.core.asking import Turn, drawn_instead, is_new
from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.rng import generator
from luthier.numerics.qmc import Sobol
from luthier.space import Space

__all__ = ["start_point"]


def start_point(
    space: Space, history: History, turn: Turn, rng: np.random.Generator
) -> Proposal | None:
    """Propose a trial of a study that knows nothing yet.

    Args:
        space: The space, not empty.
        history: What has happened.
        turn: The trial, of which only the number counts, and what mustn't be proposed again.
        rng: Draws instead, where the point isn't allowed or was tried.

    Returns:
        The space's default as trial 0, if there is one; else a point of a Sobol sequence that
        the study's seed scrambles; None where a finite space has no more.
    """
    k, tried = turn.number, turn.tried
    default = space.default() if k == 0 else None
    if default is not None and is_new(space, default, tried):
        return Proposal(default, "the user's defaults")
    if not space.encoding.width:
        return drawn_instead(space, rng, tried, "there is nothing to choose")
    config = space.encoding.from_unit(_sobol(space.encoding.width, history.seed).points(k))[0]
    if is_new(space, config, tried):
        return Proposal(config, f"start: sobol point {k}")
    return drawn_instead(space, rng, tried, "start: drawn at random from the prior")


@lru_cache(maxsize=16)
def _sobol(d: int, seed: int) -> Sobol:
    return Sobol(d, generator(seed, "sobol"))
