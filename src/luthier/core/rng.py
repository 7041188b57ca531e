"""Random streams: every draw comes from a generator derived from the study's seed and a key.

The key names what is drawn for: ``generator(seed, n)`` belongs to trial n,
``generator(seed, n, "lr")`` to one parameter of it. Same seed and key, same numbers: in any
process, after any restart, whatever ``PYTHONHASHSEED`` says. The generator's state is a
cryptographic digest of the key, so streams of neighbouring keys have nothing in common.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any, final

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray

__all__ = ["fresh_seed", "generator"]


def generator(seed: int, *key: int | str) -> np.random.Generator:
    """Return the random generator that belongs to a key of a study.

    Args:
        seed: The study's seed, at least 0.
        *key: What the numbers are for: trial numbers and names.

    Returns:
        A generator that no other key shares.

    Example:
        >>> bool(generator(7, 3).random() == generator(7, 3).random())
        True
    """
    return np.random.Generator(np.random.PCG64(_Key((seed, *key))))  # type: ignore[arg-type]


def fresh_seed() -> int:
    """Return a new seed from the operating system's entropy, below 2**63."""
    return secrets.randbits(63)


@final
class _Key(ISeedSequence):
    """A key as NumPy's source of initial state, at half the cost of its SeedSequence."""

    def __init__(self, key: tuple[int | str, ...]) -> None:
        self.key = key

    def generate_state(self, n_words: int, dtype: Any = np.uint64) -> NDArray[Any]:
        """Return words of state: a digest of the key (its repr tells 1 from "1")."""
        size = 8 if dtype is np.uint64 else np.dtype(dtype).itemsize
        digest = hashlib.blake2b(repr(self.key).encode(), digest_size=n_words * size).digest()
        return np.frombuffer(digest, dtype=dtype)
