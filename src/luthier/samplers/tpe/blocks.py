"""Which columns of a space's encoding are sampled together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.axes import axes_of
from luthier.numerics.parzen import Axis
from luthier.space import Space

__all__ = ["Block", "blocks_of", "fading"]

_TRUST: Final = 10


@final
@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Columns that are sampled together.

    Attributes:
        columns: Which.
        believed: Their axes, with the user's priors as far as these still count: for the good
            trials.
        plain: The same without: for all others.
    """

    columns: NDArray[np.intp]
    believed: tuple[Axis, ...]
    plain: tuple[Axis, ...]


@lru_cache(maxsize=64)
def blocks_of(space: Space, multivariate: bool, halvings: int) -> tuple[Block, ...]:
    """Return the columns to be sampled together: all of them, or each parameter on its own.

    Args:
        space: The space.
        multivariate: Whether all are sampled together.
        halvings: How often the exponent of the user's priors has been halved.
    """
    axes = tuple(_faded(axis, 0.5**halvings) for axis in axes_of(space))
    starts = np.cumsum([0, *(axis.width for axis in axes)]).tolist()
    if multivariate:
        return (_block(axes, 0, starts[-1]),)
    return tuple(
        _block((axis,), start, start + axis.width)
        for axis, start in zip(axes, starts, strict=False)
    )


def fading(n: int) -> int:
    """Return the halvings after n trials: a prior's exponent is about 10 / n (piBO).

    Example:
        >>> [fading(n) for n in (0, 10, 40, 10_000)]
        [0, 0, 2, 9]
    """
    return max(n // _TRUST, 1).bit_length() - 1


def _faded(axis: Axis, exponent: float) -> Axis:
    if axis.prior is None:
        return axis
    shares = axis.prior**exponent
    return replace(axis, prior=shares / shares.sum())


def _block(axes: Sequence[Axis], start: int, stop: int) -> Block:
    plain = tuple(replace(axis, prior=None) for axis in axes)
    return Block(np.arange(start, stop), tuple(axes), plain)
