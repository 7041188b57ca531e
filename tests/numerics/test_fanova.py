"""Variances of trees by their leaves, against sums over every cell of a grid; known functions."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.numerics.fanova import Factor, Leaves, Measure, Shares, leaves_of
from luthier.numerics.forest import Forest, fit

RNG = np.random.default_rng
CODES = Measure(np.arange(4.0), np.array([0.4, 0.3, 0.2, 0.1]))
LEVELS = Measure(np.array([0.1, 0.45, 0.8]), np.array([0.2, 0.5, 0.3]))


def grown(seed: int, n: int = 16) -> Forest:
    """Trees of an even number, a number of three levels, and four choices."""
    rng = RNG(seed)
    X = np.column_stack([rng.random(n), rng.choice(LEVELS.values, n), rng.integers(4, size=n)])
    y = np.sin(9 * X[:, 0]) * X[:, 1] + (X[:, 2] == 2) + rng.normal(size=n) / 5
    return fit(X, y, [0, 0, 4], rng, n_trees=3, share=1.0)


FACTORS = (Factor((0,)), Factor((1,), LEVELS), Factor((2,), CODES))


def cells(leaves: Leaves, tree: int, factor: Factor) -> list[tuple[float, float]]:
    """Values of a factor and their shares: the middles of what thresholds leave, or its values."""
    if factor.measure.values is not None:
        return list(zip(factor.measure.values, factor.measure.shares, strict=True))
    (j,) = factor.columns
    low = leaves.low[leaves.tree == tree, j]
    edges = np.unique([0.0, 1.0, *low[np.isfinite(low)]])
    return [((a + b) / 2, b - a) for a, b in pairwise(edges)]


def twin(forest: Forest, tree: int, effect: tuple[int, ...], factors=FACTORS) -> float:
    """The variance of the marginal over an effect's factors, from every cell of the grid."""
    axes = [cells(leaves_of(forest), tree, factor) for factor in factors]
    points = np.array([[value for value, _ in cell] for cell in product(*axes)])
    shares = np.array([np.prod([share for _, share in cell]) for cell in product(*axes)])
    values = forest.by_tree(points)[tree]
    sizes = [len(axis) for axis in axes]
    others = tuple(k for k in range(len(factors)) if k not in effect)
    weight = shares.reshape(sizes).sum(axis=others)
    marginal = (values * shares).reshape(sizes).sum(axis=others) / np.maximum(weight, 1e-300)
    mean = float(values @ shares)
    return float((weight * (marginal - mean) ** 2).sum())


@settings(max_examples=10)
@given(st.integers(0, 1000))
def test_variances_are_those_of_a_sum_over_all_cells(seed: int) -> None:
    forest = grown(seed)
    shares = leaves_of(forest).under(FACTORS)
    for tree in range(forest.n_trees):
        assert shares.total()[tree] == pytest.approx(twin(forest, tree, (0, 1, 2)))
        alone = [twin(forest, tree, (k,)) for k in range(3)]
        assert [shares.main(k)[tree] for k in range(3)] == pytest.approx(alone, abs=1e-12)
        for j, k in ((0, 1), (0, 2), (1, 2)):
            both = twin(forest, tree, (j, k)) - alone[j] - alone[k]
            assert shares.pair(j, k)[tree] == pytest.approx(both, abs=1e-12)


def test_other_measures_are_as_if_they_had_been_there_from_the_start() -> None:
    forest = grown(5)
    certain = Measure(np.arange(4.0), np.array([0.0, 0.0, 1.0, 0.0]))
    upper = Measure(np.array([0.6, 0.7, 0.9]), np.full(3, 1 / 3))
    restricted = leaves_of(forest).under(FACTORS).restricted({2: certain, 0: upper})
    factors = (Factor((0,), upper), FACTORS[1], Factor((2,), certain))
    for tree in range(forest.n_trees):
        assert restricted.main(1)[tree] == pytest.approx(twin(forest, tree, (1,), factors))
        assert restricted.main(2)[tree] == pytest.approx(0.0, abs=1e-12)


def test_many_cells_are_taken_tree_by_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = leaves_of(grown(3)).under(FACTORS)
    whole = shares.pair(0, 1)
    monkeypatch.setattr("luthier.numerics.fanova._MOST_CELLS", 1)
    np.testing.assert_allclose(shares.pair(0, 1), whole)


def test_a_permutation_is_averaged_over_its_atoms() -> None:
    rng = RNG(0)
    places = (np.argsort(rng.random((100, 3)), axis=1) + 0.5) / 3
    X = np.column_stack([places, rng.random(100)])
    y = 2.0 * (places[:, 0] < places[:, 1]) + X[:, 3]
    forest = fit(X, y, [0] * 4, rng, n_trees=2, share=1.0)
    atoms = np.array([[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
    factors = [Factor((0, 1, 2), atoms=(atoms + 0.5) / 3), Factor((3,))]
    shares = leaves_of(forest).under(factors)
    grid = (np.arange(1000) + 0.5) / 1000
    for tree in range(2):
        table = np.array(
            [
                forest.by_tree(np.column_stack([np.tile(atom, (1000, 1)), grid]))[tree]
                for atom in factors[0].atoms
            ]
        )
        assert shares.total()[tree] == pytest.approx(table.var(), rel=0.01)
        assert shares.main(0)[tree] == pytest.approx(table.mean(axis=1).var(), rel=0.01)
        assert shares.main(1)[tree] == pytest.approx(table.mean(axis=0).var(), rel=0.01)
    assert (shares.main(0) > 0.9 * shares.total() * 12 / 13 * 0.9).all()


def sobol(f, d: int, n: int) -> Shares:
    X = RNG(0).random((n, d))
    forest = fit(X, f(X), [0] * d, RNG(1), n_trees=6, max_features=1.0, share=1.0)
    return leaves_of(forest).under([Factor((j,)) for j in range(d)])


def test_ishigami() -> None:
    """a = 7, b = 0.1: S1 = .3139, S2 = .4424, S3 = 0, S13 = .2437 (Ishigami, Homma 1990)."""

    def f(X: np.ndarray) -> np.ndarray:
        Z = (2 * X - 1) * np.pi
        return np.sin(Z[:, 0]) * (1 + 0.1 * Z[:, 2] ** 4) + 7 * np.sin(Z[:, 1]) ** 2

    shares = sobol(f, 3, 5000)
    total = shares.total()
    found = [(shares.main(k) / total).mean() for k in range(3)]
    np.testing.assert_allclose(found, [0.3139, 0.4424, 0.0], atol=0.07)  # trees are steps
    pairs = [(shares.pair(j, k) / total).mean() for j, k in ((0, 2), (0, 1), (1, 2))]
    np.testing.assert_allclose(pairs, [0.2437, 0.0, 0.0], atol=0.05)
    assert total.mean() == pytest.approx(0.5 + 49 / 8 + np.pi**4 / 50 + np.pi**8 / 1800, rel=0.05)


def test_sobol_g() -> None:
    """Partial variances V_i = (1 + a_i)^-2 / 3, those of pairs are products (Sobol 1993)."""
    a = np.array([0.0, 1.0, 4.5, 99.0])
    shares = sobol(lambda X: np.prod((np.abs(4 * X - 2) + a) / (1 + a), axis=1), 4, 3000)
    V = 1 / (3 * (1 + a) ** 2)
    whole = np.prod(1 + V) - 1
    total = shares.total()
    assert total.mean() == pytest.approx(whole, rel=0.05)
    found = [(shares.main(k) / total).mean() for k in range(4)]
    np.testing.assert_allclose(found, V / whole, atol=0.05)
    pairs = {(j, k): (shares.pair(j, k) / total).mean() for j in range(4) for k in range(j)}
    for (j, k), share in pairs.items():
        assert share == pytest.approx(V[j] * V[k] / whole, abs=0.03)
    assert max(pairs, key=pairs.__getitem__) == (1, 0)


def test_a_measure_draws_and_spreads_what_it_says() -> None:
    factor = Factor((1,), LEVELS)
    values, counts = np.unique(factor.draw(4000, RNG(0)), return_counts=True)
    np.testing.assert_allclose(values, LEVELS.values)
    np.testing.assert_allclose(counts / 4000, LEVELS.shares, atol=0.03)
    values, counts = np.unique(factor.spread(100), return_counts=True)
    np.testing.assert_allclose(counts / 100, LEVELS.shares, atol=0.02)
    assert Factor((2,), Measure(np.arange(3.0), np.full(3, 1 / 3))).spread(64).shape == (3, 1)
