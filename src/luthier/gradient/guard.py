"""Data that no hypergradient sees, to say when following it stops paying.

Hundreds of hyperparameters fit a validation set as parameters fit a training set. A guard keeps a
part of the validation data back and watches the outer loss there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor

from luthier.errors import ArgumentError

__all__ = ["Holdout", "KFold"]

Part = tuple[Tensor, ...]


@final
@dataclass(frozen=True, slots=True)
class Holdout:
    """Keep a fraction of the validation data back.

    Args:
        fraction: How much of it, in (0, 1).
        seed: Which rows.
    """

    fraction: float = 0.3
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.fraction < 1:
            raise ArgumentError(f"Holdout: fraction must lie in (0, 1), got {self.fraction!r}.")

    def splits(self, data: Part) -> list[tuple[Part, Part]]:
        """One pair: what the hypergradient sees, and what watches it."""
        order = _shuffled(data, self.seed)
        kept = min(max(1, round(self.fraction * len(order))), len(order) - 1)
        return [_rows(data, order, order[:kept])]


@final
@dataclass(frozen=True, slots=True)
class KFold:
    """Every row watches once: k runs find the number of steps, one more on all data takes it.

    Args:
        k: How many folds, at least 2.
        seed: Which rows are in which.
    """

    k: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.k < 2:
            raise ArgumentError(f"KFold: k must be at least 2, got {self.k!r}.")

    def splits(self, data: Part) -> list[tuple[Part, Part]]:
        """A pair per fold: what the hypergradient sees, and what watches it."""
        order = _shuffled(data, self.seed)
        if len(order) < self.k:
            raise ArgumentError(
                f"KFold: validation data must have at least k={self.k} rows, got {len(order)}."
            )
        return [_rows(data, order, order[i :: self.k]) for i in range(self.k)]


def _shuffled(data: Part, seed: int) -> Tensor:
    if not data or len(data[0]) < 2:
        raise ArgumentError(
            "A guard needs validation data to keep back: pass Bilevel(..., validation=(X, y)) with "
            "at least two rows, and take them as further arguments of outer_loss."
        )
    generator = torch.Generator().manual_seed(seed)
    return torch.randperm(len(data[0]), generator=generator)


def _rows(data: Part, order: Tensor, kept: Tensor) -> tuple[Part, Part]:
    seen = order[~torch.isin(order, kept)]
    return tuple(part[seen] for part in data), tuple(part[kept] for part in data)
