from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.samplers.evolution.variation import (
    Variation,
    _order_crossed,
    bred,
    filled,
    genes_of,
)
from luthier.space import Categorical, Float, Int, Ordinal, Permutation, Space, sample

MIXED = Space(
    x=Float(0, 1),
    lr=Float(1e-5, 1, log=True),
    n=Int(1, 30, log=True),
    size=Ordinal(["s", "m", "l", "xl"]),
    kind=Categorical(["a", "b", "c"]),
    order=Permutation(list("uvwxy")),
)
USUAL = Variation("sbx", 1.0, 15.0, "polynomial", 0.0, 20.0)


def parents(space: Space, k: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    A, B = (space.encoding.encode(sample(space, k, rng)) for _ in range(2))
    return A, B


@pytest.mark.parametrize("crossover", ["sbx", "blx", "uniform"])
@pytest.mark.parametrize("mutation", ["polynomial", "gaussian"])
@given(seed=st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_children_are_valid(crossover: str, mutation: str, seed: int) -> None:
    how = replace(USUAL, crossover=crossover, mutation=mutation, mutations=2.0)
    children = bred(MIXED, *parents(MIXED, 8, seed), how, np.random.default_rng(seed))
    assert children.shape == (16, MIXED.encoding.width)
    assert ((children[:, :4] >= 0) & (children[:, :4] <= 1)).all()
    for config in MIXED.encoding.decode(children):
        assert MIXED.check(config) == config


def test_equal_parents_have_no_child_like_them() -> None:
    A, _ = parents(MIXED, 200)
    for config, child in zip(
        MIXED.encoding.decode(np.concatenate([A, A])),
        MIXED.encoding.decode(bred(MIXED, A, A, USUAL, np.random.default_rng(0))),
        strict=True,
    ):
        changed = [name for name in MIXED if config[name] != child[name]]
        assert len(changed) == 1 or changed == []  # two places of an order may be the same one
        if changed == ["size"]:
            places = [["s", "m", "l", "xl"].index(c["size"]) for c in (config, child)]
            assert abs(places[0] - places[1]) == 1


def test_as_many_genes_are_mutated_as_asked_for() -> None:
    space = Space({f"x{i}": Float(0, 1) for i in range(20)})
    A, _ = parents(space, 400)
    how = replace(USUAL, mutations=3.0)
    changed = bred(space, A, A, how, np.random.default_rng(0)) != np.concatenate([A, A])
    assert changed.sum(axis=1).mean() == pytest.approx(3.0, abs=0.3)


def test_sbx_keeps_the_mean_and_its_spread_is_that_of_the_parents() -> None:
    space = Space(x=Float(0, 1), y=Float(0, 1))
    A, B = np.full((4000, 2), 0.45), np.full((4000, 2), 0.55)
    how = replace(USUAL, eta_crossover=10.0)
    children = bred(space, A, B, how, np.random.default_rng(0))
    assert children.mean() == pytest.approx(0.5, abs=0.003)
    assert np.abs(children - 0.5).mean() == pytest.approx(0.05, abs=0.005)
    nearer = bred(space, A, B, replace(how, eta_crossover=100.0), np.random.default_rng(0))
    assert np.abs(np.abs(nearer - 0.5) - 0.05).mean() < np.abs(np.abs(children - 0.5) - 0.05).mean()


def test_blx_reaches_half_as_far_beyond_the_parents() -> None:
    space = Space(x=Float(0, 1), y=Float(0, 1))
    A, B = np.full((2000, 2), 0.4), np.full((2000, 2), 0.6)
    children = bred(space, A, B, replace(USUAL, crossover="blx"), np.random.default_rng(0))
    assert 0.3 <= children.min() < 0.305
    assert 0.695 < children.max() <= 0.7


@given(st.integers(2, 9), st.integers(0, 1000))
@settings(max_examples=80, deadline=None)
def test_order_crossover_is_the_one_of_the_book(k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.permutation(k), rng.permutation(k)
    A, B = ((np.argsort(order)[None] + 0.5) / k for order in (a, b))
    state = np.random.default_rng(seed + 1)
    start, end = np.sort(np.random.default_rng(seed + 1).integers(k, size=(1, 2)), axis=1)[0]
    child = np.argsort(_order_crossed(A, B, state)[0][0])
    rest = [
        b[(end + 1 + i) % k] for i in range(k) if b[(end + 1 + i) % k] not in a[start : end + 1]
    ]
    expected = a.copy()
    for i, item in enumerate(rest):
        expected[(end + 1 + i) % k] = item
    assert child.tolist() == expected.tolist()


def test_inactive_genes_come_from_the_other_parent_or_the_prior() -> None:
    space = Space(
        model=Categorical(["a", "b"]),
        x=Float(0, 1, when={"model": "a"}),
        y=Float(0, 1, when={"model": "b"}),
    )
    A = np.tile([0.0, 0.25, np.nan], (100, 1))
    B = np.tile([1.0, np.nan, 0.75], (100, 1))
    children = bred(space, A, B, replace(USUAL, crossover="uniform"), np.random.default_rng(0))
    differ = children[:, 1:] != [0.25, 0.75]
    assert (differ.sum(axis=1) <= 1).all()  # all were like a parent, and one gene was mutated
    assert 0.4 < differ.any(axis=1).mean() < 0.9
    alone = bred(space, A, A, USUAL, np.random.default_rng(0))
    assert not np.isnan(alone).any()
    assert alone[:, 2].std() > 0.2
    assert filled(space, A, np.random.default_rng(0))[:, :2].tolist() == A[:, :2].tolist()


def test_mutations_are_shared_out_among_what_is_active() -> None:
    space = Space(
        model=Categorical(["a", "b"]),
        x=Float(0, 1, when={"model": "a"}),
        **{f"y{i}": Float(0, 1, when={"model": "b"}) for i in range(18)},
    )
    A = np.full((600, space.encoding.width), np.nan)
    A[:, :2] = [0.0, 0.5]
    for mutations, least in ((0.0, 1.0), (1.0, 1.2)):  # 3/4 of 0, 1 or 2, and 1 instead of 0
        how = replace(USUAL, mutations=mutations)
        children = bred(space, A, A, how, np.random.default_rng(0))
        changed = children[:, :2] != [0.0, 0.5]
        assert changed.any(axis=1).all()
        assert changed.sum(axis=1).mean() == pytest.approx(least, abs=0.08)


def test_a_child_whose_numbers_round_to_its_parents_is_mutated() -> None:
    space = Space(n=Int(1, 4), m=Int(1, 4))
    A = np.tile(space.encoding.encode([{"n": 2, "m": 3}]), (200, 1))
    B = np.tile(space.encoding.encode([{"n": 2, "m": 4}]), (200, 1))
    children = space.encoding.decode(bred(space, A, B, USUAL, np.random.default_rng(0)))
    new = [child not in ({"n": 2, "m": 3}, {"n": 2, "m": 4}) for child in children]
    assert np.mean(new) > 0.6  # the others were mutated into the other parent


def test_genes_of_a_mixed_space() -> None:
    genes = genes_of(MIXED)
    assert genes.first.tolist() == [0, 1, 2, 3, 4, 5]
    assert not genes.plain
    assert genes.numbers.tolist() == [0, 1, 2, 3]
    assert genes.ranked.tolist() == [3]
    assert genes.sizes.tolist() == [3.0]
    assert [columns.tolist() for columns in genes.orders] == [[5, 6, 7, 8, 9]]
