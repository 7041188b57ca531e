"""Variation: children of two parents, in the encoding of any space.

    name      meaning                                              shape
    A, B      parents, encoded, NaN where inactive                 (k, d)
    C         children, two of each pair                           (2 k, d)
    eta       how near to its parents a child stays; higher: nearer

Numbers are recombined and mutated in the unit interval, so on a parameter's own scale. A gene is a
parameter: the columns of an order are one gene. What is inactive in one parent is taken from the
other; what is in both comes from the prior, in case that it becomes active. Mutations are shared
out among the genes that are active.

References:
    Deb and Agrawal, Simulated binary crossover for continuous search space, Complex Systems 9
    (1995); Deb and Goyal, Computer Science and Informatics 26 (1996): polynomial mutation.
    Eshelman and Schaffer, Real-coded genetic algorithms and interval-schemata, FOGA 2 (1993): BLX.
    Davis, Applying adaptive algorithms to epistatic domains, IJCAI 1985: order crossover.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.axes import axes_of, prior_of
from luthier.core.settings import Choice, Number, Rule
from luthier.numerics.parzen import bins_of
from luthier.numerics.reflection import reflected
from luthier.space import Constant, Ordinal, Space

__all__ = [
    "VARIATION_RULES",
    "Genes",
    "Variation",
    "bred",
    "filled",
    "genes_of",
    "variation_of",
]

Array = NDArray[np.float64]
_Cross = Callable[[Array, Array, np.random.Generator], tuple[Array, Array]]
Mask = NDArray[np.bool_]
Places = NDArray[np.intp]
_BLEND: Final = 0.5  # alpha of BLX
_SIGMA: Final = 0.1
_EXCHANGE: Final = 0.5  # of the genes of a pair that is crossed

VARIATION_RULES: Final[Mapping[str, Rule]] = {
    "crossover": Choice(("sbx", "blx", "uniform")),
    "crossover_rate": Number(0, 1, open=""),
    "eta_crossover": Number(0, open="both"),
    "mutation": Choice(("polynomial", "gaussian")),
    "mutations": Number(0),
    "eta_mutation": Number(0, open="both"),
}


@final
@dataclass(frozen=True, slots=True)
class Variation:
    """How children differ from their parents.

    Attributes:
        crossover: Of numbers: "sbx", "blx" or "uniform". Choices are exchanged, orders crossed.
        crossover_rate: The share of pairs that are crossed.
        eta_crossover: Of SBX.
        mutation: Of numbers: "polynomial" or "gaussian".
        mutations: How many genes of a child are changed, on average.
        eta_mutation: Of polynomial mutation.
    """

    crossover: str
    crossover_rate: float
    eta_crossover: float
    mutation: str
    mutations: float
    eta_mutation: float


@lru_cache(maxsize=16)
def variation_of(sampler: Any) -> Variation:
    """Return the variation that a sampler's settings of the same names describe."""
    return Variation(*(getattr(sampler, field.name) for field in fields(Variation)))


@final
@dataclass(frozen=True, slots=True, eq=False)
class Genes:
    """Which columns of an encoding mean what.

    Attributes:
        gene: The parameter of each column, shape (d,).
        first: The first column of each parameter, shape (n,).
        plain: Whether a row is exactly what a trial gets: nothing conditional or discrete.
        numbers: Columns in the unit interval, shape (k,).
        choices: Columns with codes, shape (c,).
        sizes: The number of choices of each of these, shape (c,).
        edges: Where the bins of discrete numbers meet, by column.
        ranked: Columns of ordinals, which are among the numbers.
        orders: The columns of each permutation.
    """

    gene: Places
    first: Places
    plain: bool
    numbers: Places
    choices: Places
    sizes: Array
    edges: Mapping[int, Array]
    ranked: Places
    orders: tuple[Places, ...]


@lru_cache(maxsize=16)
def genes_of(space: Space) -> Genes:
    """Return the genes of a space.

    Example:
        >>> from luthier.space import Categorical, Float
        >>> genes_of(Space(x=Float(0, 1), c=Categorical(["a", "b"]))).choices.tolist()
        [1]
    """
    axes = axes_of(space)
    params = [param for param in space.values() if not isinstance(param, Constant)]
    widths = [axis.width for axis in axes]
    starts = np.cumsum([0, *widths[:-1]]).astype(np.intp)[: len(axes)]

    def columns(kind: str) -> Places:
        return starts[[axis.kind == kind for axis in axes]]

    return Genes(
        gene=np.repeat(np.arange(len(axes)), widths),
        first=starts,
        plain=all(param.when is None for param in params)
        and all(axis.edges is None for axis in axes),
        numbers=columns("number"),
        choices=columns("choice"),
        sizes=np.array([axis.size for axis in axes if axis.kind == "choice"], dtype=np.float64),
        edges={int(s): a.edges for s, a in zip(starts, axes, strict=True) if a.edges is not None},
        ranked=starts[[isinstance(param, Ordinal) for param in params]],
        orders=tuple(
            np.arange(s, s + a.width)
            for s, a in zip(starts, axes, strict=True)
            if a.kind == "order"
        ),
    )


def bred(space: Space, A: Array, B: Array, how: Variation, rng: np.random.Generator) -> Array:
    """Return two children of each pair of parents.

    Args:
        space: The space.
        A: First parents, encoded, shape (k, d).
        B: Second parents, shape (k, d).
        how: Operators and rates.
        rng: Source of randomness.

    Returns:
        Shape (2 k, d), rows i and k + i of pair i, without NaN.
    """
    genes = genes_of(space)
    C = _crossed(space, genes, A, B, how, rng)
    seen = C if genes.plain else space.encoding.encode(space.encoding.decode(C))
    alike = _same(seen, np.concatenate([A, B])) | _same(seen, np.concatenate([B, A]))
    active = ~np.isnan(seen[:, genes.first])
    return _mutated(genes, C, _changes(active, alike, how.mutations, rng), how, rng)


def _crossed(
    space: Space, genes: Genes, A: Array, B: Array, how: Variation, rng: np.random.Generator
) -> Array:
    A, B = (filled(space, np.where(np.isnan(X), other, X), rng) for X, other in ((A, B), (B, A)))
    first, second = A.copy(), B.copy()
    crossed = rng.random((len(A), 1)) < how.crossover_rate
    for columns, cross in _crossings(genes, how):
        a, b = cross(A[:, columns], B[:, columns], rng)
        first[:, columns] = np.where(crossed, a, A[:, columns])
        second[:, columns] = np.where(crossed, b, B[:, columns])
    return np.concatenate([first, second])


def filled(space: Space, X: Array, rng: np.random.Generator) -> Array:
    """Return rows with draws from the users' priors in the place of NaN."""
    missing = np.isnan(X)
    if not missing.any():
        return X
    return np.where(missing, prior_of(space).sample(len(X), rng), X)


def _same(X: Array, others: Array) -> Mask:
    return np.asarray(((others == X) | (np.isnan(others) & np.isnan(X))).all(axis=1))


def _crossings(genes: Genes, how: Variation) -> list[tuple[Places, _Cross]]:
    """Columns with the operator that crosses them."""

    def numbers(A: Array, B: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        if how.crossover == "sbx":
            return _simulated_binary(A, B, how.eta_crossover, rng)
        return _blended(A, B, rng) if how.crossover == "blx" else _exchanged(A, B, rng)

    found: list[tuple[Places, _Cross]] = [(columns, _order_crossed) for columns in genes.orders]
    if len(genes.choices):
        found.append((genes.choices, _exchanged))
    if len(genes.numbers):
        found.append((genes.numbers, numbers))
    return found


def _exchanged(A: Array, B: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Uniform crossover: each gene changes sides with probability 1/2."""
    swap = rng.random(A.shape) < _EXCHANGE
    return np.where(swap, B, A), np.where(swap, A, B)


def _blended(A: Array, B: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """BLX-alpha: anywhere between the parents, and half as far beyond them on both sides."""
    low, high = np.minimum(A, B), np.maximum(A, B)
    reach = (1 + 2 * _BLEND) * (high - low)
    start = low - _BLEND * (high - low)
    u = rng.random((2, *A.shape))
    return np.clip(start + u[0] * reach, 0, 1), np.clip(start + u[1] * reach, 0, 1)


def _simulated_binary(
    A: Array, B: Array, eta: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    """SBX in [0, 1]: the spread of the children is that of the parents times a random factor.

    The factor's density, (eta + 1) / 2 beta^eta below 1 and (eta + 1) / 2 beta^-(eta + 2) above, is
    cut off at each side where a child would leave the interval, and drawn by inversion.
    """
    low, high = np.minimum(A, B), np.maximum(A, B)
    gap = high - low
    u, swap = rng.random(A.shape), rng.random(A.shape)
    room = 1 + 2 * np.stack([low, 1 - high]) / np.where(gap > 0, gap, 1.0)
    mass = u * (2 - room ** -(eta + 1))
    with np.errstate(divide="ignore"):
        beta = np.where(mass <= 1, mass, 1 / (2 - mass)) ** (1 / (eta + 1))
    middle, half = (low + high) / 2, beta * gap / 2
    near = np.clip(middle - half[0], 0, 1), np.clip(middle + half[1], 0, 1)
    upper = swap < _EXCHANGE
    cross = (rng.random(A.shape) < _EXCHANGE) & (gap > 0)
    return (
        np.where(cross, np.where(upper, near[1], near[0]), A),
        np.where(cross, np.where(upper, near[0], near[1]), B),
    )


def _order_crossed(A: Array, B: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Order crossover: a stretch of one parent, the other items in the order of the other."""
    k = A.shape[1]
    ends = np.sort(rng.integers(k, size=(len(A), 2)), axis=1)
    return _stretch_kept(A, B, ends), _stretch_kept(B, A, ends)


def _stretch_kept(A: Array, B: Array, ends: Places) -> Array:
    """Keep A's places from start to end; fill the others, from the end on, in B's order."""
    k = A.shape[1]
    start, end = ends[:, :1], ends[:, 1:]
    place = np.arange(k)
    after = (end + 1 + place) % k  # all places, the stretch last
    keeps, gives = (np.take_along_axis(np.argsort(X, axis=1), after, axis=1) for X in (A, B))
    n_others = k - 1 - (end - start)
    kept = np.zeros(A.shape, dtype=np.bool_)
    np.put_along_axis(kept, keeps, place >= n_others, axis=1)  # by item
    last = np.argsort(np.take_along_axis(kept, gives, axis=1), axis=1, kind="stable")
    items = np.where(place < n_others, np.take_along_axis(gives, last, axis=1), keeps)
    child = np.empty_like(A)
    np.put_along_axis(child, items, (after + 0.5) / k, axis=1)
    return child


def _changes(active: Mask, alike: Mask, mutations: float, rng: np.random.Generator) -> Mask:
    """Choose genes to mutate, shape (k, n): in a child that is like a parent an active one."""
    changes = rng.random(active.shape) * active.sum(axis=1, keepdims=True) < mutations
    still = np.flatnonzero(alike & ~(changes & active).any(axis=1))
    lots = rng.random((len(still), active.shape[1])) * active[still]
    changes[still, lots.argmax(axis=1)] = True
    return np.asarray(changes)


def _mutated(
    genes: Genes, C: Array, changes: Mask, how: Variation, rng: np.random.Generator
) -> Array:
    """Change the chosen genes in place."""
    if len(genes.numbers):
        _step(genes, C, changes[:, genes.gene[genes.numbers]], how, rng)
    if len(genes.choices):
        shift = np.floor(1 + rng.random((len(C), len(genes.choices))) * (genes.sizes - 1))
        others = (C[:, genes.choices] + shift) % genes.sizes
        chosen = changes[:, genes.gene[genes.choices]]
        C[:, genes.choices] = np.where(chosen, others, C[:, genes.choices])
    for columns in genes.orders:
        rows = np.flatnonzero(changes[:, genes.gene[columns[0]]])
        i, j = (columns[rng.integers(len(columns), size=len(rows))] for _ in range(2))
        C[rows, i], C[rows, j] = C[rows, j], C[rows, i]
    return C


def _step(genes: Genes, C: Array, changes: Mask, how: Variation, rng: np.random.Generator) -> None:
    """Mutate numbers in place; a discrete one moves to another value, an ordinal to its neighbour.

    Everything is drawn for all numbers and used for some: that is faster than to pick them out.
    """
    x = C[:, genes.numbers]
    moved = (
        _polynomial(x, how.eta_mutation, rng)
        if how.mutation == "polynomial"
        else reflected(x + _SIGMA * rng.standard_normal(x.shape))
    )
    C[:, genes.numbers] = np.where(changes, moved, x)
    for k, column in enumerate(genes.numbers.tolist()):
        edges = genes.edges.get(column)
        if edges is None:
            continue
        rows = np.flatnonzero(changes[:, k])
        before, after = (bins_of(u[rows, k], edges) for u in (x, moved))
        way = np.where(moved[rows, k] >= x[rows, k], 1, -1)
        neighbour = np.abs(before + way)  # from the first one back
        neighbour = np.where(neighbour > len(edges) - 2, len(edges) - 3, neighbour)
        stays = (after == before) | (column in genes.ranked)
        place = np.clip(np.where(stays, neighbour, after), 0, len(edges) - 2)
        C[rows, column] = (edges[place] + edges[place + 1]) / 2


def _polynomial(x: Array, eta: float, rng: np.random.Generator) -> Array:
    """Polynomial mutation in [0, 1]: steps of density (eta + 1) / 2 (1 - |step|)^eta, cut off."""
    u = rng.random(x.shape)
    down = u < 0.5
    room = np.where(down, x, 1 - x)
    share = np.where(down, 2 * u, 2 * (1 - u))
    step = 1 - (share + (1 - share) * (1 - room) ** (eta + 1)) ** (1 / (eta + 1))
    return np.clip(np.where(down, x - step, x + step), 0, 1)
