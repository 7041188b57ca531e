"""ASNG: probabilities of choices that learn which choices do well, at a rate that they find out.

The categorical counterpart of CMA-ES. Probabilities move along the natural gradient of the
expected rank, by a step whose length grows while steps agree and shrinks while they contradict each
other. No probability falls to 0, so that a choice given up too early can come back.

    name      meaning                                                shape
    q         probabilities of the choices, filled up with 0         (n, K)
    K_j       number of choices of parameter j, at most K            (n,)
    c         codes 0 .. K_j - 1 of a generation, NaN: no effect     (k, n)
    w         weights of its members, not negative                   (k,)
    g         sum_i w_i (onehot(c_i) - q), the natural gradient      (n, K)
    path      the last steps, faded, in units of their length        (n, K)
    delta     length of a step, by Fisher's metric                   ()

References:
    Akimoto et al., Adaptive stochastic natural gradient method for one-shot neural architecture
    search, arXiv:1905.08537. Hamano et al., CatCMA, arXiv:2405.09962 (the margin).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Choices", "draw", "start", "tell"]

Array = NDArray[np.float64]
_ALPHA: Final = 1.5
_LONGEST: Final = 1.0  # step: leads from even odds of two choices to certainty
_KEPT: Final = 0.73  # probability that no parameter takes a choice that only the margin keeps


@final
@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """Independent choices and their probabilities; make them with ``start``.

    Attributes:
        q: Probabilities, shape (n, K), 0 beyond a parameter's own choices.
        least: The least probability of a choice of each parameter, shape (n, 1).
        path: Shape (n, K).
        delta: Length of a step, above 0.
        power: What the squared length of the path is compared with.
    """

    q: Array
    least: Array
    path: Array
    delta: float = 1.0
    power: float = 0.0

    @property
    def free(self) -> int:
        """The number of probabilities that aren't given by the others."""
        return int((self.q > 0).sum()) - len(self.q)


def start(probabilities: Sequence[Array]) -> Choices:
    """Begin with these probabilities.

    Args:
        probabilities: Of each parameter's choices, above 0, adding up to 1, shapes (K_j,).

    Example:
        >>> rng = np.random.default_rng(0)
        >>> choices = start([np.full(3, 1 / 3), np.full(2, 1 / 2)])
        >>> for _ in range(50):
        ...     codes = draw(choices, rng.random((6, 2)))
        ...     best = np.argsort((codes != [2, 0]).sum(axis=1))[:3]
        ...     choices = tell(choices, codes[best], np.full(3, 1 / 3))
        >>> choices.q.argmax(axis=1).tolist()
        [2, 0]
    """
    n = len(probabilities)
    q = np.zeros((n, max(map(len, probabilities), default=0)))
    for j, shares in enumerate(probabilities):
        q[j, : len(shares)] = shares
    sizes = (q > 0).sum(axis=1, keepdims=True)
    least = (1 - _KEPT ** (1 / max(n, 1))) / np.maximum(sizes - 1, 1)
    least = np.minimum(least, 1 / np.maximum(sizes, 1))
    return Choices(_with_margin(q, q > 0, least), least, np.zeros_like(q))


def draw(choices: Choices, U: Array) -> Array:
    """Turn uniform numbers into codes.

    Args:
        choices: The distribution.
        U: In [0, 1), shape (k, n).

    Returns:
        Codes, shape (k, n).
    """
    edges = np.cumsum(choices.q, axis=1)
    last = (choices.q > 0).sum(axis=1) - 1
    codes = np.minimum((U[:, :, None] >= edges).sum(axis=2), last)
    return np.asarray(codes, dtype=np.float64)


def tell(choices: Choices, codes: Array, weights: Array) -> Choices:
    """Learn from the members of a generation.

    Args:
        choices: The distribution that they came from.
        codes: Shape (k, n), NaN where a choice had no effect.
        weights: How much each counts, shape (k,).

    Returns:
        The distribution after it.
    """
    q, seen = choices.q, ~np.isnan(codes)
    hot = np.where(seen, codes, -1)[:, :, None] == np.arange(q.shape[1])
    gradient = np.tensordot(weights, hot, 1) - (weights @ seen)[:, None] * q
    round_ = gradient / np.sqrt(np.where(q > 0, q, 1.0))
    length = math.sqrt(np.square(round_).sum())
    if length < 1e-12:
        return choices
    beta = min(1.0, choices.delta / math.sqrt(choices.free))
    path = (1 - beta) * choices.path + math.sqrt(beta * (2 - beta)) * round_ / length
    power = (1 - beta) ** 2 * choices.power + beta * (2 - beta)
    shrink = math.exp(beta * (power - float(np.square(path).sum()) / _ALPHA))
    moved = _with_margin(q + choices.delta / length * gradient, q > 0, choices.least)
    return Choices(moved, choices.least, path, min(_LONGEST, choices.delta / shrink), power)


def _with_margin(q: Array, real: NDArray[np.bool_], least: Array) -> Array:
    """Probabilities of at least the least one; what that takes is taken from the others' excess."""
    raised = np.where(real, np.maximum(q, least), 0.0)
    excess = raised - np.where(real, least, 0.0)
    total = excess.sum(axis=1, keepdims=True)
    left = 1 - raised.sum(axis=1, keepdims=True)
    return np.asarray(raised + left * excess / np.where(total > 0, total, 1.0))
