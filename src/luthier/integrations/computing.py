"""How torch computes: on which device, how precisely, from which random numbers."""

from __future__ import annotations

import os
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
    """Return the device of this trial's slot.

    That is the first GPU that its executor lets it see, one that slots share as well; else Apple's
    (MPS), unless the executor hides GPUs; else the CPU.
    """
    if torch.cuda.is_available():  # as CUDA_VISIBLE_DEVICES says
        return torch.device("cuda")
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    return torch.device("mps" if torch.backends.mps.is_available() and not hidden else "cpu")


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
