"""How torch computes: on which device, how precisely, from which random numbers."""

from __future__ import annotations

import random
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from luthier.core.rng import generator
from luthier.errors import ArgumentError, require_extra

if TYPE_CHECKING:
    import torch
else:
    torch = require_extra("torch", "torch", "luthier.integrations.torch")

__all__ = ["device", "precision", "seed_all"]

_PRECISIONS: Final = ("float32", "bfloat16", "float16")


def seed_all(seed: int, *key: int | str) -> None:
    """Seed ``random``, NumPy and torch, on all devices, from a seed and a key."""
    number = int(generator(seed, "training", *key).integers(2**32))
    random.seed(number)
    np.random.seed(number)  # noqa: NPY002  what other people's transformations draw from
    torch.manual_seed(number)


def device() -> torch.device:
    """Return the device of this trial's slot: the first GPU that its executor lets it see."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def precision(name: str, on: torch.device | str = "cpu") -> AbstractContextManager[Any]:
    """Return a context in which torch computes with numbers of fewer bits, where that is safe.

    Args:
        name: "float32", "bfloat16" or "float16", such as ``Levels`` gives for a budget.
        on: The device.

    Raises:
        ArgumentError: Another name.

    Example:
        >>> with precision("bfloat16"):
        ...     (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
        torch.bfloat16
    """
    if name not in _PRECISIONS:
        raise ArgumentError(f"precision takes one of {', '.join(_PRECISIONS)}, got {name!r}.")
    kind = torch.device(on).type
    if name == "float32":
        return torch.autocast(kind, enabled=False)
    return torch.autocast(kind, dtype=getattr(torch, name))
