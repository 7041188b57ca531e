"""What estimators ask of the data they are given, and what they say of data that won't do.

Anything that NumPy makes an array of numbers of is taken. Shapes are compared wherever data come
in, which costs next to nothing; values are looked at once, where data are kept (fit, append).
Messages start with ``what``, such as "Forest: X"; errors are ``ArgumentError``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from luthier.errors import ArgumentError

__all__ = ["check_codes", "data", "floats", "points", "targets"]

Array = NDArray[np.float64]


def floats(given: ArrayLike, what: str) -> Array:
    """Return numbers as an array, which is the given one if that is of floats."""
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"{what} must hold numbers, in rows of one length, got {given!r:.200}. Write choices "
            "as codes 0, 1, ... and what is missing as NaN."
        ) from error


def points(X: ArrayLike, width: int, what: str) -> Array:
    """Return points as an array of shape (m, width)."""
    array = floats(X, what)
    if array.ndim != 2 or array.shape[1] != width:
        raise ArgumentError(
            f"{what} must have shape (m, {width}), a row for each point and a column for each of "
            f"the estimator's, got {array.shape}. For a single point pass [point]."
        )
    return array


def data(X: ArrayLike, categories: Sequence[int], what: str, least: int = 0) -> Array:
    """Return points to learn from as an array: finite, codes in columns of so many choices; NaN."""
    array = points(X, len(categories), what)
    if len(array) < least:
        raise ArgumentError(f"{what} must hold at least {least} point, got shape {array.shape}.")
    if np.isinf(array).any():
        raise ArgumentError(f"{what} must be finite, or NaN where missing, got inf. Rescale it.")
    for j, k in enumerate(categories):
        if k:
            check_codes(array[:, j], k, f"{what}: column {j}")
    return array


def targets(y: ArrayLike, n: int, what: str) -> Array:
    """Return finite values as an array of shape (n,)."""
    values = floats(y, what)
    if values.shape != (n,) or not np.isfinite(values).all():
        raise ArgumentError(
            f"{what} must hold a finite value for each of {n} points, got shape {values.shape} and "
            f"{np.sum(~np.isfinite(values))} that aren't finite. Leave out points without a value."
        )
    return values


def check_codes(codes: Array, k: int, what: str) -> None:
    """Refuse what is neither a code 0 .. k - 1 nor NaN."""
    wrong = codes[(codes < 0) | (codes >= k) | (codes > np.floor(codes))]
    if len(wrong):
        raise ArgumentError(
            f"{what} must hold codes 0 .. {k - 1} of {k} choices, or NaN where missing, got "
            f"{wrong[0]:g}. Number the choices from 0."
        )
