"""Tests of the order of trials with several objectives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.core.fronts import by_fronts, contenders
from luthier.core.history import History
from luthier.core.ledger import Ledger
from luthier.core.objective import Objective
from luthier.core.trial import FrozenTrial, TrialState
from luthier.numerics.pareto import non_dominated_ranks

Array = np.ndarray


def history_of(Y: Array, sizes: Array | None = None) -> History:
    """A study whose completed trials have these objectives, and sizes of at most 1."""
    n, m = Y.shape
    names = [f"f{j}" for j in range(m)]
    limits = [] if sizes is None else ["size <= 1"]
    ledger = Ledger(
        Objective.of(metrics=dict.fromkeys(names, "minimize"), constraints=limits), seed=0
    )
    metrics = [*names, "size"] if limits else names
    for k in range(n):
        ledger.apply(
            FrozenTrial(
                number=k,
                state=TrialState.COMPLETE,
                metric_names=tuple(metrics),
                metric_values=(*Y[k].tolist(), *([] if sizes is None else [sizes[k]])),
                objectives=m,
                version=k + 1,
                finished_version=k + 1,
            )
        )
    return ledger.snapshot()


@given(st.integers(1, 60), st.integers(2, 4), st.integers(0, 2**32 - 1))
def test_fronts_come_one_after_the_other(n: int, m: int, seed: int) -> None:
    Y = np.random.default_rng(seed).integers(0, 6, (n, m)).astype(float)
    standing, best = by_fronts(history_of(Y), n, n)
    assert sorted(best.tolist()) == list(range(n))
    assert (np.diff(non_dominated_ranks(Y)[best]) >= 0).all()
    assert standing[best].tolist() == list(range(n))


def test_the_order_does_not_change_with_the_scale() -> None:
    Y = np.random.default_rng(0).normal(size=(80, 2))
    bent = np.column_stack([np.exp(3 * Y[:, 0]), 1e-6 * Y[:, 1] ** 3])
    assert by_fronts(history_of(Y), 12, 25)[1].tolist() == (
        by_fronts(history_of(bent), 12, 25)[1].tolist()
    )


def test_a_long_front_is_thinned_evenly() -> None:
    t = np.random.default_rng(1).permutation(np.linspace(0, 1, 100))
    _, best = by_fronts(history_of(np.column_stack([t, 1 - t])), 9, 25)
    assert np.diff(np.sort(t[best])).max() < 0.25
    assert t[best].min() < 0.2
    assert t[best].max() > 0.8


def test_what_breaks_constraints_comes_last_the_least_violation_first() -> None:
    rng = np.random.default_rng(2)
    Y, sizes = rng.random((40, 2)), rng.uniform(0.5, 2.0, 40)
    Y[sizes > 1] -= 10
    _, best = by_fronts(history_of(Y, sizes), 40, 40)
    n_ok = int((sizes <= 1).sum())
    assert (sizes[best[:n_ok]] <= 1).all()
    assert (np.diff(sizes[best[n_ok:]]) >= 0).all()


@pytest.mark.parametrize("broken", [False, True])
def test_of_many_trials_those_on_the_front_stay(broken: bool) -> None:
    rng = np.random.default_rng(3)
    Y = rng.random((2000, 2)) + 0.1
    t = rng.random(20)
    front = rng.choice(2000, 20, replace=False)
    Y[front] = 0.1 * np.column_stack([t, 1 - t])
    history = history_of(Y, np.full(2000, 2.0 if broken else 0.5))
    places = contenders(history, 25)
    assert len(places) < 256 + 50
    if not broken:
        assert set(front.tolist()) <= set(places.tolist())
        assert set(by_fronts(history, 20, 25)[1].tolist()) == set(front.tolist())


def test_an_earlier_snapshot_has_an_earlier_order() -> None:
    Y = np.random.default_rng(4).random((700, 2))
    early, late = history_of(Y[:300]), history_of(Y)
    shorter = [t.number for t in late.completed][:300]
    assert shorter == [t.number for t in early.completed]
    expected = by_fronts(early, 10, 25)[1].tolist()
    by_fronts(late, 10, 25)
    assert by_fronts(early, 10, 25)[1].tolist() == expected
    assert by_fronts(history_of(Y[:300]), 10, 25)[1].tolist() == expected
