"""Kernels: how alike the outcomes at two points are expected to be, from how far apart they are.

Every kernel here is a function of one squared distance, in which each column counts by its own
length scale. A choice counts as one step where two points differ in it and as none where they
agree (a Hamming distance). Spelt as indicators over sqrt(2), choices become ordinary features,
so that all distances, and gradients through them, are matrix products.

    name     meaning                                               shape
    X        points; choices are codes, NaN is "doesn't apply"     (n, d)
    F        their features                                        (n, p), p >= d
    l        length scale of each column                           (d,)
    A        F over the length scale of its column                 (n, p)
    r2       squared distances                                     (n, m)
    k        kernel values of unit scale, k(0) = 1                 (n, m)
    g        -2 dk/d(r2), which gradients need                     (n, m)

References:
    Rasmussen and Williams, Gaussian processes for machine learning (2006), section 4.2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, final

import numpy as np
from numpy.typing import NDArray

from luthier.errors import ArgumentError

__all__ = ["KERNELS", "MIDDLE", "Features", "Kernel", "correlation", "matern32", "matern52", "rbf"]

Array = NDArray[np.float64]
Kernel = Literal["matern52", "matern32", "rbf"]
MIDDLE: Final = 0.5
"""What is subtracted from numbers; the value of one that doesn't apply."""


def matern52(r2: Array) -> tuple[Array, Array]:
    """Matern kernel of smoothness 5/2: k = (1 + s + s^2/3) exp(-s), s = sqrt(5 r2).

    For functions that are smooth, but not perfectly so: nearly always right.

    Args:
        r2: Squared distances, at least 0, any shape.

    Returns:
        k and g = 5/3 (1 + s) exp(-s), of the same shape.

    Example:
        >>> matern52(np.array([0.0, 1.0]))[0].round(3).tolist()
        [1.0, 0.524]
    """
    s = np.sqrt(5.0 * r2)
    e = np.exp(-s)
    s += 1.0
    s *= e
    k = r2 * (5.0 / 3.0)
    k *= e
    k += s
    s *= 5.0 / 3.0
    return k, s


def matern32(r2: Array) -> tuple[Array, Array]:
    """Matern kernel of smoothness 3/2: k = (1 + s) exp(-s), s = sqrt(3 r2).

    For rougher functions.

    Args:
        r2: Squared distances, at least 0, any shape.

    Returns:
        k and g = 3 exp(-s), of the same shape.

    Example:
        >>> matern32(np.array([0.0, 1.0]))[0].round(3).tolist()
        [1.0, 0.483]
    """
    s = np.sqrt(3.0 * r2)
    e = np.exp(-s)
    return (1.0 + s) * e, 3.0 * e


def rbf(r2: Array) -> tuple[Array, Array]:
    """Squared exponential kernel k = exp(-r2 / 2), for very smooth functions.

    Args:
        r2: Squared distances, at least 0, any shape.

    Returns:
        k and g = k.

    Example:
        >>> rbf(np.array([0.0, 1.0]))[0].round(3).tolist()
        [1.0, 0.607]
    """
    k = np.exp(-0.5 * r2)
    return k, k.copy()


KERNELS: Final = {"matern52": matern52, "matern32": matern32, "rbf": rbf}
"""The kernels by name."""


@final
@dataclass(frozen=True)
class Features:
    """How columns become features.

    Args:
        categories: For each column the number of choices, or 0 for a number.
        by_choice: Whether a number also counts anew among the points that agree in a choice, with
            a length scale of its own for each choice: what matters under one may not under others.

    Raises:
        ArgumentError: A count is negative.

    Example:
        >>> Features((0, 2)).of(np.array([[0.75, 1.0]])).round(3).tolist()
        [[0.25, 0.0, 0.707]]
    """

    categories: tuple[int, ...]
    by_choice: bool = False

    def __post_init__(self) -> None:
        if any(k < 0 for k in self.categories):
            raise ArgumentError(
                "categories must hold, for each column, the number of its choices or 0 for a "
                f"number, got {self.categories!r}.",
                categories=self.categories,
            )

    @cached_property
    def numbers(self) -> NDArray[np.intp]:
        """Which columns are numbers; they are the first features."""
        return np.flatnonzero(np.array(self.categories, dtype=np.intp) == 0)

    @cached_property
    def within(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        """The features of a number within a choice: place among numbers, column, code, (e,)."""
        found = [
            (place, j, code)
            for place in range(len(self.numbers))
            for j, k in enumerate(self.categories)
            for code in range(k)
            if self.by_choice
        ]
        places, columns, codes = np.array(found, dtype=np.intp).reshape(-1, 3).T
        return places, columns, codes

    @property
    def n_lengths(self) -> int:
        """How many length scales there are: one a column, and one a number within a choice."""
        return len(self.categories) + len(self.within[0])

    @cached_property
    def owner(self) -> NDArray[np.intp]:
        """The length scale that each feature counts by, shape (p,)."""
        choices = [[j] * k for j, k in enumerate(self.categories) if k]
        within = range(len(self.categories), self.n_lengths)
        return np.concatenate([self.numbers, *choices, within]).astype(np.intp)

    def chosen(self, X: Array) -> NDArray[np.bool_]:
        """Whether points have made the choice of each feature of ``within``, shape (n, e)."""
        _, columns, codes = self.within
        return np.asarray(X[:, columns] == codes)

    def of(self, X: Array) -> Array:
        """Return the features of points.

        Args:
            X: Shape (n, d). A number that doesn't apply counts as 0.5, a choice that doesn't
                apply is half a step from all others.
        """
        F = X[:, self.numbers] - MIDDLE
        if np.isnan(F).any():
            F[np.isnan(F)] = 0.0
        if len(self.numbers) == len(self.categories):
            return F
        indicators = [
            (X[:, j, None] == np.arange(k)) * math.sqrt(0.5)
            for j, k in enumerate(self.categories)
            if k
        ]
        return np.concatenate([F, *indicators, F[:, self.within[0]] * self.chosen(X)], axis=1)


def correlation(A: Array, B: Array, kernel: Kernel) -> tuple[Array, Array]:
    """Return k and g between two sets of scaled features.

    Args:
        A: Shape (n, p).
        B: Shape (m, p); the same object as A for the kernel matrix of a set.
        kernel: A name of ``KERNELS``.

    Returns:
        Both of shape (n, m).

    Example:
        >>> A = np.array([[0.0], [1.0]])
        >>> correlation(A, A, "rbf")[0].round(3).tolist()
        [[1.0, 0.607], [0.607, 1.0]]
    """
    r2 = A @ B.T
    r2 *= -2.0
    squares = np.einsum("ij,ij->i", A, A)
    r2 += squares[:, None]
    r2 += squares if A is B else np.einsum("ij,ij->i", B, B)
    np.maximum(r2, 0.0, out=r2)
    if A is B:
        np.fill_diagonal(r2, 0.0)
    return KERNELS[kernel](r2)
