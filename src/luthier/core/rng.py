"""Random streams: every draw comes from a generator derived from the study's seed and a key.

The key names what is drawn for: ``generator(seed, n)`` belongs to trial n,
``generator(seed, n, "lr")`` to one parameter of it. Same seed and key, same numbers: in any
process, after any restart, whatever ``PYTHONHASHSEED`` says.
"""

from __future__ import annotations

import hashlib
import secrets

import numpy as np

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
    words = tuple(part if isinstance(part, int) else _word(part) for part in key)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=words)))


def fresh_seed() -> int:
    """Return a new seed from the operating system's entropy, below 2**63."""
    return secrets.randbits(63)


def _word(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
