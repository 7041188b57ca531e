"""Parzen estimators: densities over mixed, conditional data, as mixtures of product kernels.

Every observation is a kernel. A value that an observation doesn't have (its parameter was
inactive) says nothing, so its factor is the axis's prior; the prior itself is one more kernel
that has no values at all. A point's density is that of its active values, which makes the
mixture a proper density over a tree-shaped space: drawn from the top down, it adds up to 1.

    name      meaning                                               shape
    X         observations, NaN where inactive                      (n, columns)
    x         points to be judged                                   (c, columns)
    w         weights of the kernels, the prior's last              (n + 1,)
    mu, s     centres and widths of truncated Gaussians in [0, 1]   (n + 1, d)
    Z         their mass inside [0, 1]                              (n + 1, d)
    K         number of choices of an axis

    p(x) = sum_i w_i prod_j k_ij(x_j)

References:
    Bergstra et al., Algorithms for hyper-parameter optimization, NeurIPS 2011.
    Watanabe, Tree-structured Parzen estimator, arXiv:2304.11127.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Final, Literal, Protocol, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from luthier.errors import ArgumentError
from luthier.numerics.checks import check_codes, floats, points
from luthier.numerics.mallows import draw_places, log_probabilities

__all__ = ["Axis", "Parzen", "bins_of", "neighbour_widths"]

Array = NDArray[np.float64]
_LOG_2PI: Final = float(np.log(2 * np.pi))
_ROUNDING: Final = 1e-9


@final
@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """One dimension of the data.

    Args:
        kind: "number" in [0, 1]; "choice", a code 0 .. size - 1; "order", the places of
            ``size`` items in as many columns, any increasing function of them.
        size: Number of choices or items; ignored for numbers.
        edges: Where the bins of a discrete number meet: increasing from 0 to 1. The density
            then gives each bin its probability. None: continuous.
        prior: Probabilities of the choices, of the bins, or of equal cells of [0, 1]. None:
            all equal.

    Raises:
        ArgumentError: An unknown kind, edges that don't go from 0 to 1, or a prior that isn't
            positive or of another length.

    Example:
        >>> Axis("choice", 3).width
        1
    """

    kind: Literal["number", "choice", "order"]
    size: int = 0
    edges: Array | None = None
    prior: Array | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("number", "choice", "order"):
            raise ArgumentError(
                f"Axis: kind must be 'number', 'choice' or 'order', got {self.kind!r}."
            )
        if self.kind != "number" and self.size < 1:
            raise ArgumentError(f"Axis: size must be at least 1, got {self.size}.")
        for name in ("edges", "prior"):  # array-likes become arrays
            if (given := getattr(self, name)) is not None:
                object.__setattr__(self, name, floats(given, f"Axis: {name}"))
        _check_edges(self.edges)
        _check_prior(self.prior, self._cells)

    @property
    def width(self) -> int:
        """Number of columns.

        Example:
            >>> Axis("order", 3).width
            3
        """
        return self.size if self.kind == "order" else 1

    @property
    def shares(self) -> Array:
        """Probabilities of the choices, all equal without a prior, shape (size,).

        Example:
            >>> Axis("choice", 2).shares.tolist()
            [0.5, 0.5]
        """
        return np.full(self.size, 1 / self.size) if self.prior is None else self.prior

    @property
    def _cells(self) -> int | None:
        if self.kind == "choice":
            return self.size
        return None if self.edges is None else len(self.edges) - 1


@final
class Parzen:
    """A density estimated from weighted observations.

    Args:
        X: Observations, NaN where inactive, shape (n, columns); n may be 0. Numbers lie in [0, 1],
            choices are codes.
        axes: What the columns mean, in order; ``width`` columns each.
        weights: Weight of each observation, at least 0, shape (n,). None: all 1.
        prior_weight: Weight of the prior, above 0, on the same scale.
        least_width: Lower bound of the widths of Gaussian kernels, above 0. They are also at
            least 1 / (n + 2), as hyperopt has it: few observations say little.

    Raises:
        ArgumentError: Shapes that don't match, numbers outside [0, 1], bad codes or weights.

    Example:
        >>> density = Parzen([[0.2, 0], [0.3, 1]], [Axis("number"), Axis("choice", 2)])
        >>> near, far = density.log_density([[0.25, 0], [0.9, 0]])
        >>> bool(near > far)
        True
    """

    def __init__(
        self,
        X: ArrayLike,
        axes: Sequence[Axis],
        *,
        weights: ArrayLike | None = None,
        prior_weight: float = 1.0,
        least_width: float = 0.01,
    ) -> None:
        columns = sum(axis.width for axis in axes)
        x = points(X, columns, "Parzen: X")
        if not 0 < prior_weight < np.inf:
            raise ArgumentError(f"Parzen: prior_weight must be above 0, got {prior_weight!r}.")
        self._columns, self._axes = columns, tuple(axes)
        self._prior_weight, self._least_width = prior_weight, least_width
        self._parts: list[_Part] = []
        self._fit(x, _checked_weights(weights, len(x)))

    def _fit(self, X: Array, weights: Array) -> None:
        """Make kernels of observations; those that there are of the first ones are used."""
        w = np.concatenate([weights, [self._prior_weight]]) / (weights.sum() + self._prior_weight)
        self._X, self._weights = X, weights
        self._cumulative = np.cumsum(w)
        with np.errstate(divide="ignore"):
            self._log_w = np.log(w)
        self._parts = _parts(
            np.concatenate([X, np.full((1, self._columns), np.nan)]),
            self._axes,
            self._prior_weight,
            self._least_width,
            self._parts,
        )

    def append(self, X: ArrayLike, weights: ArrayLike | None = None) -> Parzen:
        """Return the density after more observations: the same as if it were made of them all.

        Of numbers only the kernels are worked out whose widths change: the new ones and those next
        to them, and all where 1 / (n + 2) is the width. Choices and orders change with n anyway.

        Args:
            X: New observations, shape (m, columns).
            weights: Their weights, at least 0, shape (m,). None: all 1.

        Raises:
            ArgumentError: See ``Parzen``.

        Example:
            >>> Parzen([[0.2]], [Axis("number")]).append([[0.3]]).log_density([[0.4]]).shape
            (1,)
        """
        x = points(X, self._columns, "Parzen: X")
        new = _checked_weights(weights, len(x))
        grown = copy(self)
        grown._fit(np.vstack([self._X, x]), np.concatenate([self._weights, new]))
        return grown

    def log_density(self, x: ArrayLike) -> Array:
        """Return the logarithm of the density at points, in nats.

        Args:
            x: Shape (c, columns), NaN where inactive. Numbers aren't looked at, to be fast.

        Returns:
            Shape (c,).

        Raises:
            ArgumentError: Another number of columns, or a code of no choice.

        Example:
            >>> Parzen(np.empty((0, 1)), [Axis("choice", 4)]).log_density([[2]]).round(3).tolist()
            [-1.386]
        """
        x = points(x, self._columns, "Parzen: x")
        if not self._parts:
            return np.zeros(len(x))
        log_kernels = self._parts[0].log_kernels(x, self._log_w)
        for part in self._parts[1:]:
            log_kernels += part.log_kernels(x, 0.0)
        top = log_kernels.max(axis=1, keepdims=True)
        log_kernels -= top
        total: Array = top[:, 0] + np.log(np.exp(log_kernels, out=log_kernels).sum(axis=1))
        return total

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Draw points, with a value in every column; leave out what their parents deactivate.

        Args:
            n: How many, at least 0.
            rng: Source of randomness.

        Returns:
            Shape (n, columns).

        Raises:
            ArgumentError: n is below 0.

        Example:
            >>> Parzen([[0.2]], [Axis("number")]).sample(3, np.random.default_rng(0)).shape
            (3, 1)
        """
        if n < 0:
            raise ArgumentError(f"Parzen: n must be at least 0, got {n!r}.")
        kernels = np.searchsorted(self._cumulative, rng.random(n) * self._cumulative[-1])
        kernels = np.minimum(kernels, len(self._log_w) - 1)
        x = np.empty((n, self._columns))
        for part in self._parts:
            x[:, part.columns] = part.sample(kernels, rng)
        return x


def neighbour_widths(X: ArrayLike, least_width: float = 0.01) -> Array:
    """Return a width for each observation: the larger of the distances to its neighbours.

    Args:
        X: Shape (n, d), values in [0, 1], each column on its own; NaN is left out.
        least_width: Lower bound, beside 1 / (n + 2), n without NaN.

    Returns:
        Shape (n, d), at most 1; NaN where X is.

    Example:
        >>> neighbour_widths([[0.1], [0.2], [0.6]]).ravel().round(2).tolist()
        [0.2, 0.4, 0.4]
    """
    return _Sorted.of(floats(X, "neighbour_widths: X")).widths(least_width)


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Sorted:
    """Columns of numbers in increasing order, each by itself; NaN come last.

    Attributes:
        S: The numbers, shape (n, d).
        order: Which observation each is of, shape (n, d).
    """

    S: Array
    order: NDArray[np.intp]

    @staticmethod
    def of(X: Array) -> _Sorted:
        order = np.argsort(X, axis=0, kind="stable")
        return _Sorted(X[order, np.arange(X.shape[1])], order)

    def having(self, x: Array) -> _Sorted:
        """Return the columns with an observation more, after those that equal it, shape (d,)."""
        n, d = self.S.shape
        column = np.arange(d)
        known = np.where(np.isnan(x), np.inf, x)
        place = np.count_nonzero(known >= self.S, axis=0)  # NaN is after all others
        place = np.where(np.isnan(x), n, place)
        taken = np.arange(n)[:, None]
        taken = taken + (taken >= place)
        S, order = np.empty((n + 1, d)), np.empty((n + 1, d), dtype=np.intp)
        S[taken, column], order[taken, column] = self.S, self.order
        S[place, column], order[place, column] = x, n
        return _Sorted(S, order)

    def widths(self, least_width: float) -> Array:
        """What ``neighbour_widths`` returns."""
        S = self.S
        gaps = S[1:] - S[:-1]
        s = np.full_like(S, np.nan)
        s[:-1] = gaps
        s[1:] = np.fmax(s[1:], gaps)
        known = ~np.isnan(S)
        alone = known & np.isnan(s)
        if alone.any():
            s[alone] = np.maximum(S, 1 - S)[alone]
        low = np.maximum(1 / (known.sum(axis=0) + 2.0), least_width)  # hyperopt's "magic clip"
        widths = np.empty_like(s)
        widths[self.order, np.arange(S.shape[1])] = np.minimum(np.maximum(s, low), 1.0)
        return widths


class _Part(Protocol):
    """Some columns of all kernels."""

    columns: NDArray[np.intp]

    def log_kernels(self, x: Array, base: Array | float) -> Array:
        """The logarithm of each kernel's factor at each point, shape (c, n + 1), and a base."""
        ...

    def sample(self, kernels: NDArray[np.intp], rng: np.random.Generator) -> Array:
        """One draw from each of these kernels, shape (len(kernels), columns)."""
        ...


def _parts(
    X: Array, axes: Sequence[Axis], prior_weight: float, least_width: float, before: Sequence[_Part]
) -> list[_Part]:
    known = before[0] if before and isinstance(before[0], _Numbers) else None
    starts = np.cumsum([0, *(axis.width for axis in axes)])[:-1].tolist()
    numbers = [
        (start, axis) for start, axis in zip(starts, axes, strict=True) if axis.kind == "number"
    ]
    parts: list[_Part] = [_Numbers(X, numbers, least_width, known)] if numbers else []
    for start, axis in zip(starts, axes, strict=True):
        columns = np.arange(start, start + axis.width)
        if axis.kind == "choice":
            parts.append(_Choice(X[:, start], axis, columns, prior_weight))
        elif axis.kind == "order":
            parts.append(_Order(X[:, columns], columns))
    return parts


@final
class _Numbers:
    """All numeric columns: truncated Gaussians, or their mass in a bin.

    -(x - mu)^2 / (2 s^2) is a product of matrices, so continuous columns cost three of them.
    """

    def __init__(
        self,
        X: Array,
        axes: Sequence[tuple[int, Axis]],
        least_width: float,
        before: _Numbers | None,
    ) -> None:
        self.columns = np.array([start for start, _ in axes])
        self._axes = [axis for _, axis in axes]
        self._special = [
            (j, axis)
            for j, axis in enumerate(self._axes)
            if axis.edges is not None or axis.prior is not None
        ]
        mu = X[:, self.columns]
        self._missing = missing = np.isnan(mu)
        places = _Sorted.of(mu[:-1]) if before is None else before._sorted
        for row in mu[len(places.S) : -1]:
            places = places.having(row)
        s = np.ones_like(mu)
        s[:-1] = places.widths(least_width)
        self._sorted: _Sorted = places
        mu[missing], s[missing] = 0.5, 1.0
        least, most = mu.min(), mu.max()
        if least < -_ROUNDING or most > 1 + _ROUNDING:
            raise ArgumentError(
                f"Parzen: X must hold numbers in [0, 1], got {least:g} to {most:g}."
            )
        self._mu, self._s = mu, s
        self._low, self._mass, self._log_area = self._worked_out(before)
        known = ~missing
        known[:, [j for j, axis in self._special if axis.edges is not None]] = False
        a = known / (s * s)
        linear = a * mu
        c = known * (-0.5 * mu * linear - self._log_area - _LOG_2PI / 2)
        self._constant, self._constants = c, c.sum(axis=1)
        self._powers = np.concatenate([-0.5 * a, linear], axis=1).T.copy()

    def _worked_out(self, before: _Numbers | None) -> tuple[Array, Array, Array]:
        """What ``_areas`` returns, taken over where a kernel is as it was."""
        if before is None:
            return _areas(self._mu, self._s)
        n = len(before._s) - 1
        new = np.ones(self._s.shape, dtype=np.bool_)
        new[:n] = self._s[:n] != before._s[:n]
        known = (before._low, before._mass, before._log_area)
        low, mass, log_area = (np.concatenate([part[:n], self._s[n:]]) for part in known)
        low[new], mass[new], log_area[new] = _areas(self._mu[new], self._s[new])
        return low, mass, log_area

    def log_kernels(self, x: Array, base: Array | float) -> Array:
        values = x[:, self.columns]
        active = ~np.isnan(values)
        every = bool(active.all())
        filled = values if every else np.where(active, values, 0.0)
        total: Array = np.concatenate([filled * filled, filled], axis=1) @ self._powers
        if not every:
            total += active.astype(np.float64) @ self._constant.T
        total += self._constants + base if every else base
        for j, axis in self._special:
            if axis.edges is not None:
                total += self._log_masses(j, axis.edges, axis.prior, values[:, j])
            elif axis.prior is not None:
                log_prior = np.log(axis.prior * len(axis.prior))[
                    _cells(values[:, j], len(axis.prior))
                ]
                total += np.outer(np.where(active[:, j], log_prior, 0.0), self._missing[:, j])
        return total

    def _log_masses(self, j: int, edges: Array, prior: Array | None, u: Array) -> Array:
        """The logarithm of the kernels' mass in the bins of these values."""
        from scipy.special import ndtr

        active = ~np.isnan(u)
        cells = bins_of(np.where(active, u, 0.0), edges)
        bins, place = np.unique(cells, return_inverse=True)
        mu, s = self._mu[:, j], self._s[:, j]
        used, ends = np.unique([bins, bins + 1], return_inverse=True)
        cdf = ndtr((edges[used, None] - mu) / s)
        lower, upper = ends.reshape(2, -1)
        mass = (cdf[upper] - cdf[lower]) / self._mass[:, j]
        shares = np.diff(edges) if prior is None else prior
        mass[:, self._missing[:, j]] = shares[bins, None]
        table = np.log(np.maximum(mass, 1e-300))
        return np.where(active[:, None], table[place], 0.0)

    def sample(self, kernels: NDArray[np.intp], rng: np.random.Generator) -> Array:
        from scipy.special import ndtri

        uniform = rng.random((len(kernels), len(self._axes)))
        quantiles = ndtri(self._low[kernels] + uniform * self._mass[kernels])
        x = self._mu[kernels] + self._s[kernels] * quantiles
        for j, axis in self._special:
            uniform[:, j] = _prior_quantile(axis, uniform[:, j])
        np.copyto(x, uniform, where=self._missing[kernels])
        drawn: Array = np.minimum(np.maximum(x, 0.0), 1.0)
        return drawn


@final
class _Choice:
    """A column of codes: each kernel prefers its own, the more so the more kernels there are."""

    def __init__(
        self, codes: Array, axis: Axis, columns: NDArray[np.intp], prior_weight: float
    ) -> None:
        self.columns = columns
        known = ~np.isnan(codes)
        check_codes(codes, axis.size, f"Parzen: column {columns[0]} of X")
        n = np.count_nonzero(known) + 1
        p = np.repeat(axis.shares[None], len(codes), axis=0)
        spread = p[known] * (prior_weight * axis.size / n)
        spread[np.arange(len(spread)), codes[known].astype(np.intp)] += 1.0
        p[known] = spread / spread.sum(axis=1, keepdims=True)
        self._log_p = np.log(p.T)
        self._cumulative = np.cumsum(p, axis=1)

    def log_kernels(self, x: Array, base: Array | float) -> Array:
        codes = x[:, self.columns[0]]
        active = ~np.isnan(codes)
        try:
            table = self._log_p[np.where(active, codes, 0.0).astype(np.intp)]
        except IndexError:
            check_codes(codes, len(self._log_p), f"Parzen: column {self.columns[0]} of x")
            raise
        total: Array = np.where(active[:, None], table, 0.0) + base
        return total

    def sample(self, kernels: NDArray[np.intp], rng: np.random.Generator) -> Array:
        cumulative = self._cumulative[kernels]
        below = cumulative[:, :-1] < rng.random((len(kernels), 1))
        drawn: Array = np.count_nonzero(below, axis=1)[:, None].astype(np.float64)
        return drawn


@final
class _Order:
    """The places of items: a Mallows model around each kernel's, closer the more there are."""

    def __init__(self, places: Array, columns: NDArray[np.intp]) -> None:
        self.columns = columns
        known = ~np.any(np.isnan(places), axis=1)
        self._places = np.where(known[:, None], places, np.arange(len(columns)))
        self._phi = np.where(known, 1 / np.sqrt(1.0 + np.count_nonzero(known)), 1.0)

    def log_kernels(self, x: Array, base: Array | float) -> Array:
        places = x[:, self.columns]
        active = ~np.any(np.isnan(places), axis=1, keepdims=True)
        table = log_probabilities(np.where(active, places, 0.0), self._places, self._phi)
        total: Array = np.where(active, table, 0.0) + base
        return total

    def sample(self, kernels: NDArray[np.intp], rng: np.random.Generator) -> Array:
        orders = np.argsort(self._places, axis=1, kind="stable")
        places = draw_places(orders[kernels], self._phi[kernels], rng)
        x: Array = (places + 0.5) / len(self.columns)
        return x


def _areas(mu: Array, s: Array) -> tuple[Array, Array, Array]:
    """Gaussians' mass below 0, their mass Z in [0, 1], and log s Z."""
    from scipy.special import ndtr

    low = ndtr(-mu / s)
    mass = ndtr((1 - mu) / s) - low
    return low, mass, np.log(s * mass)


def _prior_quantile(axis: Axis, q: Array) -> Array:
    """Values in [0, 1] with shares q of an axis's prior below them."""
    if axis.prior is None:
        return q
    edges = np.linspace(0, 1, len(axis.prior) + 1) if axis.edges is None else axis.edges
    values: Array = np.interp(q, np.concatenate([[0.0], np.cumsum(axis.prior)]), edges)
    return values


def _cells(u: Array, n: int) -> NDArray[np.intp]:
    return np.clip((np.nan_to_num(u) * n).astype(np.intp), 0, n - 1)


def bins_of(u: ArrayLike, edges: Array | Sequence[float]) -> NDArray[np.intp]:
    """Return which bins numbers of [0, 1] are in, the upper end in the last one.

    Args:
        u: Numbers, any shape; what lies outside is in the first or last bin.
        edges: Where bins meet: increasing from 0 to 1, shape (bins + 1,).

    Example:
        >>> bins_of([0.0, 0.6, 1.0], [0.0, 0.5, 1.0]).tolist()
        [0, 1, 1]
    """
    return np.clip(np.searchsorted(edges, u, side="right") - 1, 0, len(edges) - 2)


def _checked_weights(weights: ArrayLike | None, n: int) -> Array:
    if weights is None:
        return np.ones(n)
    w = floats(weights, "Parzen: weights")
    if w.shape != (n,) or not (w >= 0).all() or not w.sum() < np.inf:
        raise ArgumentError(f"Parzen: weights must be {n} numbers of at least 0, got {w!r:.200}.")
    return w


def _check_edges(edges: Array | None) -> None:
    if edges is None:
        return
    if len(edges) < 2 or edges[0] != 0 or edges[-1] != 1 or not (np.diff(edges) > 0).all():
        raise ArgumentError(f"Axis: edges must increase from 0 to 1, got {edges!r}.")


def _check_prior(prior: Array | None, cells: int | None) -> None:
    if prior is None:
        return
    wrong = prior.ndim != 1 or (cells is not None and len(prior) != cells)
    if wrong or not (prior > 0).all() or abs(prior.sum() - 1) > 1e-9:
        raise ArgumentError(
            f"Axis: prior must be {cells or 'some'} probabilities above 0 that add up to 1, "
            f"got {prior!r}."
        )
