"""Point sets that fill the unit cube more evenly than random points: Sobol, Halton, Latin.

Sobol and Halton sequences give their k-th point directly, without the points before it, so a
study that resumes at trial 10,000 needs no run-up. Scrambling makes every point uniform in the
cube and keeps the evenness; the generator passed in decides it once per sequence. Adding
dimensions leaves the earlier columns as they were, so a space may grow in a running study.

    name    meaning                                              shape
    V       direction numbers, as integers of BITS bits          (BITS, d)
    k       index of a point, from 0
    b       the base of a Halton column: the j-th prime
    m       initial direction numbers: odd, m_i < 2^i

References:
    Sobol, On the distribution of points in a cube (1967). Bratley and Fox, Algorithm 659,
    ACM TOMS 14 (1988). Joe and Kuo (2008), see ``joe_kuo.py``. Matousek, On the L2-discrepancy
    for anchored boxes, J. Complexity 14 (1998): the scrambling of Sobol. Owen, A randomized
    Halton algorithm in R, arXiv:1706.02808. McKay, Beckman and Conover (1979): Latin hypercubes.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final, Protocol, final

import numpy as np
from numpy.typing import NDArray

from luthier.errors import ArgumentError
from luthier.numerics.joe_kuo import JOE_KUO

__all__ = ["BITS", "Halton", "Sequence", "Sobol", "latin_hypercube"]

BITS: Final = 52
"""Binary digits of a coordinate: all that a float in [0, 1) can hold evenly."""


class Sequence(Protocol):
    """An endless sequence of points with random access."""

    def __hash__(self) -> int: ...

    def points(self, start: int, n: int = 1) -> NDArray[np.float64]:
        """Return points ``start`` to ``start + n - 1``, shape (n, d), in [0, 1)."""
        ...


@final
class Sobol:
    """A Sobol sequence: the first 2^k points have one in every box of many even partitions.

    Columns beyond the 161 of the Joe-Kuo table get direction numbers drawn once and for all:
    each is still perfectly even by itself, pairs of them are as even as random points.

    Args:
        d: Number of columns, at least 1.
        rng: Scrambles by a random matrix and a random shift per column; None for the plain
            sequence, which starts at the origin.

    Raises:
        ArgumentError: d isn't positive.

    Example:
        >>> Sobol(2).points(1, 3).tolist()
        [[0.5, 0.5], [0.75, 0.25], [0.25, 0.75]]
    """

    __slots__ = ("_V", "_shift")

    def __init__(self, d: int, rng: np.random.Generator | None = None) -> None:
        _check_positive("d", d)
        V = np.array([_direction_numbers(j) for j in range(d)], dtype=np.uint64).T
        shift = np.zeros(d, dtype=np.uint64)
        if rng is not None:
            words = rng.integers(0, 1 << BITS, size=(d, BITS + 1), dtype=np.uint64)
            V, shift = _matrix_scramble(V, words[:, :BITS]), words[:, BITS]
        self._V = np.ascontiguousarray(V)
        self._shift = shift

    def points(self, start: int, n: int = 1) -> NDArray[np.float64]:
        """Return points ``start`` to ``start + n - 1``.

        Args:
            start: Index of the first, at least 0.
            n: How many, at least 1.

        Returns:
            The points, shape (n, d), in [0, 1).

        Raises:
            ArgumentError: An index is out of range.
        """
        _check_range(start, n)
        gray = start ^ (start >> 1)  # in Gray code, neighbours differ in one digit
        digits = [i for i in range(gray.bit_length()) if gray >> i & 1]
        x = np.bitwise_xor.reduce(self._V[digits], axis=0) ^ self._shift
        steps = x[np.newaxis]
        if n > 1:
            k = np.arange(start + 1, start + n, dtype=np.int64)
            changed = np.log2((k & -k).astype(np.float64)).astype(np.intp)
            steps = np.concatenate([steps, self._V[changed]])
        points: NDArray[np.uint64] = np.bitwise_xor.accumulate(steps, axis=0)
        return points.astype(np.float64) * 2.0**-BITS


@final
class Halton:
    """A Halton sequence: column j holds the digits of k in the j-th prime base, mirrored.

    Args:
        d: Number of columns, at least 1.
        rng: Scrambles every digit by a random permutation of its own; None for the plain
            sequence, which starts at the origin. In more than a few columns only the scrambled
            one is of use.

    Raises:
        ArgumentError: d isn't positive.

    Example:
        >>> Halton(2).points(1, 3).round(3).tolist()
        [[0.5, 0.333], [0.25, 0.667], [0.75, 0.111]]
    """

    __slots__ = ("_base", "_first", "_start", "_value", "_weight")

    def __init__(self, d: int, rng: np.random.Generator | None = None) -> None:
        _check_positive("d", d)
        bases = np.repeat(_primes(d), [_digits(b) for b in _primes(d)])
        starts = np.cumsum([0, *(_digits(b) for b in _primes(d))])[:-1]
        place = np.arange(len(bases)) - np.repeat(starts, np.diff([*starts, len(bases)]))
        tables = [_digit_values(int(b), int(i), rng) for b, i in zip(bases, place, strict=True)]
        self._base = bases
        self._weight = bases**place  # b^i, for digit i of a column
        self._start = starts  # where each column's digits begin
        self._first = np.cumsum([0, *bases])[:-1]  # where each digit's table begins
        self._value = np.concatenate(tables)

    def points(self, start: int, n: int = 1) -> NDArray[np.float64]:
        """Return points ``start`` to ``start + n - 1``.

        Args:
            start: Index of the first, at least 0.
            n: How many, at least 1.

        Returns:
            The points, shape (n, d), in [0, 1).

        Raises:
            ArgumentError: An index is out of range.
        """
        _check_range(start, n)
        k = np.arange(start, start + n)[:, np.newaxis]
        digits = k // self._weight % self._base
        sums = np.add.reduceat(self._value[self._first + digits], self._start, axis=1)
        return np.minimum(sums, 1.0 - 2.0**-53)


def latin_hypercube(n: int, d: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return n points with exactly one in each of n equal slices of every column.

    Args:
        n: Number of points, at least 1.
        d: Number of columns, at least 1.
        rng: Pairs the slices and places the points in them.

    Returns:
        The points, shape (n, d), in [0, 1).

    Raises:
        ArgumentError: n or d isn't positive.

    Example:
        >>> U = latin_hypercube(4, 2, np.random.default_rng(0))
        >>> sorted((U[:, 1] * 4).astype(int).tolist())
        [0, 1, 2, 3]
    """
    _check_positive("n", n)
    _check_positive("d", d)
    columns = [(rng.permutation(n) + rng.random(n)) / n for _ in range(d)]
    return np.minimum(np.stack(columns, axis=1), 1.0 - 2.0**-53)


@lru_cache(maxsize=1024)
def _direction_numbers(j: int) -> tuple[int, ...]:
    """The direction numbers of column j, as integers whose top bit is the first digit."""
    if j == 0:
        m = [1] * BITS
    elif j <= len(JOE_KUO):
        m = _recurrence(*JOE_KUO[j - 1])
    else:
        raw = np.random.PCG64(j).random_raw(BITS)
        m = [int(word) >> (63 - i) | 1 for i, word in enumerate(raw)]
    return tuple(m_i << (BITS - 1 - i) for i, m_i in enumerate(m))


def _recurrence(polynomial: int, initial: tuple[int, ...]) -> list[int]:
    m, degree = list(initial), len(initial)
    for i in range(degree, BITS):  # eq. 2 of Bratley and Fox
        value = m[i - degree]
        for k in range(1, degree + 1):
            if polynomial >> (degree - k) & 1:
                value ^= m[i - k] << k
        m.append(value)
    return m


def _matrix_scramble(V: NDArray[np.uint64], words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Multiply each column's direction numbers by a random lower triangular matrix over GF(2)."""
    place = np.arange(BITS - 1, -1, -1, dtype=np.uint64)
    bits = (words[:, :, np.newaxis] >> place & np.uint64(1)).astype(np.float64)
    L = np.tril(bits, -1) + np.eye(BITS)  # (d, BITS, BITS), digit by digit, first digit on top
    C = (V.T[:, np.newaxis, :] >> place[:, np.newaxis] & np.uint64(1)).astype(np.float64)
    scrambled = (L @ C % 2.0).astype(np.uint64)  # sums of at most BITS ones are exact
    numbers: NDArray[np.uint64] = np.bitwise_or.reduce(scrambled << place[:, np.newaxis], axis=1)
    return numbers.T


def _digits(b: int) -> int:
    """How many digits in base b make a coordinate as fine as a float."""
    return max(1, math.ceil(53 / math.log2(b)) - 1)


def _digit_values(b: int, place: int, rng: np.random.Generator | None) -> NDArray[np.float64]:
    """What each digit 0..b-1 at a place adds to the coordinate."""
    order = np.arange(b) if rng is None else rng.permutation(b)
    return order / float(b) ** (place + 1)


@lru_cache(maxsize=64)
def _primes(d: int) -> tuple[int, ...]:
    """The first d primes."""
    bound = max(15, int(d * (math.log(d + 1) + math.log(math.log(d + 2) + 1) + 1)))
    sieve = np.ones(bound, dtype=bool)
    sieve[:2] = False
    for i in range(2, math.isqrt(bound) + 1):
        if sieve[i]:
            sieve[i * i :: i] = False
    return tuple(np.flatnonzero(sieve)[:d].tolist())


def _check_positive(name: str, value: int) -> None:
    if value < 1:
        raise ArgumentError(f"{name} must be at least 1, got {value!r}.", **{name: value})


def _check_range(start: int, n: int) -> None:
    _check_positive("n", n)
    if start < 0 or start + n > 1 << BITS:
        raise ArgumentError(
            f"Points are numbered from 0 to 2**{BITS} - 1, got start={start!r}, n={n!r}.",
            start=start,
            n=n,
        )
