"""Tests of the ledger and its snapshots."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.core.history import History, Prefix
from luthier.core.ledger import Ledger
from luthier.core.objective import Objective
from luthier.core.trial import FrozenTrial, Reports, TrialState
from luthier.space import Categorical, Float, Int, Space

SPACE = Space(x=Float(0, 1), kind=Categorical(["a", "b"]))


def finished(
    number: int, version: int, x: float, value: float, state: str = "COMPLETE", **more: Any
) -> FrozenTrial:
    return FrozenTrial(
        number=number,
        state=TrialState[state],
        param_names=("x", "kind"),
        param_values=(x, "a"),
        metric_names=("value",) if state == "COMPLETE" else (),
        metric_values=(value,) if state == "COMPLETE" else (),
        version=version,
        finished_version=version,
        **more,
    )


def ledger_of(*trials: FrozenTrial, objective: Objective | None = None) -> Ledger:
    ledger = Ledger(objective or Objective(), seed=0)
    ledger.declare(SPACE, 0)
    ledger.apply(*trials)
    return ledger


def test_prefix_is_an_immutable_window() -> None:
    items = [1, 2, 3]
    window = Prefix(items, 2)
    items.append(4)
    assert list(window) == [1, 2]
    assert window[-1] == 2
    assert window[:] == [1, 2]
    with pytest.raises(IndexError, match="outside a sequence of 2"):
        window[2]


def test_snapshots_stay_as_they_were() -> None:
    ledger = ledger_of(finished(0, 1, 0.1, 5.0))
    before = ledger.snapshot()
    ledger.apply(finished(1, 2, 0.2, 4.0))
    after = ledger.snapshot()
    assert before.Y.tolist() == [[5.0]]
    assert after.Y.tolist() == [[5.0], [4.0]]
    assert before.Y.tolist() == [[5.0]]
    assert (before.next_number, after.next_number) == (1, 2)


def test_trials_stand_in_order_of_finishing() -> None:
    history = ledger_of(
        finished(0, 9, 0.1, 1.0), finished(1, 5, 0.2, 2.0), FrozenTrial(number=2, version=7)
    ).snapshot()
    assert [t.number for t in history.completed] == [1, 0]
    assert history.X[:, 0].tolist() == [0.2, 0.1]
    assert [t.number for t in history.waiting] == [2]


def test_matrices_are_read_only_and_minimised() -> None:
    objective = Objective.of(direction="maximize")
    history = ledger_of(finished(0, 1, 0.1, 5.0), objective=objective).snapshot()
    assert history.Y.tolist() == [[-5.0]]
    with pytest.raises(ValueError, match="read-only"):
        history.Y[0, 0] = 1


def test_an_invalidated_trial_leaves_every_decision() -> None:
    ledger = ledger_of(finished(0, 1, 0.1, 5.0), finished(1, 2, 0.2, 4.0))
    before = ledger.snapshot()
    ledger.apply(finished(0, 3, 0.1, 5.0, invalid="wrong data"))
    after = ledger.snapshot()
    assert [t.number for t in after.completed] == [1]
    assert [t.number for t in before.completed] == [0, 1]
    assert after.next_number == 2
    assert after.Y.tolist() == [[4.0]]


def test_values_that_no_longer_fit_are_nan() -> None:
    ledger = ledger_of(finished(0, 1, 0.1, 5.0), finished(1, 2, 0.9, 4.0))
    ledger.declare(Space(x=Float(0.5, 1), kind=Categorical(["b", "a"]), new=Int(1, 3)), 3)
    X = ledger.snapshot().X
    assert np.isnan(X[0, 0])
    assert X[1, 0] == pytest.approx(0.8)
    assert X[:, 1].tolist() == [1.0, 1.0]
    assert np.isnan(X[:, 2]).all()


def test_seen_configurations_include_running_and_failed_ones() -> None:
    running = FrozenTrial(
        number=2,
        state=TrialState.RUNNING,
        param_names=("x", "kind"),
        param_values=(0.3, "b"),
        version=3,
    )
    history = ledger_of(
        finished(0, 1, 0.1, 5.0), finished(1, 2, 0.2, 0.0, "FAILED"), running
    ).snapshot()
    for x, kind in ((0.1, "a"), (0.2, "a"), (0.3, "b")):
        key = SPACE.key({"x": x, "kind": kind})
        assert history.has_seen(key)
    assert not history.has_seen(SPACE.key({"x": 0.3, "kind": "a"}))


def paused(number: int, version: int, x: float) -> FrozenTrial:
    return FrozenTrial(
        number=number,
        state=TrialState.PAUSED,
        param_names=("x", "kind"),
        param_values=(x, "a"),
        version=version,
    )


def test_a_live_trial_is_seen_with_what_it_has_now() -> None:
    ledger = ledger_of(paused(0, 1, 0.1), paused(1, 2, 0.2))
    keys = [SPACE.key({"x": x, "kind": "a"}) for x in (0.1, 0.2, 0.3)]
    before = ledger.snapshot()
    assert [before.has_seen(key) for key in keys] == [True, True, False]

    ledger.apply(paused(0, 3, 0.3))
    after = ledger.snapshot()
    assert [after.has_seen(key) for key in keys] == [False, True, True]
    assert [before.has_seen(key) for key in keys] == [True, True, False], "it stays as it was"


def test_looking_for_duplicates_among_paused_trials_encodes_each_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keyed: list[Any] = []
    usual = Space.key
    monkeypatch.setattr(Space, "key", lambda space, p: keyed.append(p) or usual(space, p))
    ledger = ledger_of()
    for number in range(200):
        ledger.apply(paused(number, number + 1, number / 200))
        assert not ledger.snapshot().has_seen(("neither",))
    assert len(keyed) == 200


def test_reports_at_a_step() -> None:
    curve = Reports([(1, {"value": 0.5}), (2, {"value": 0.25, "acc": 0.75})])
    history = ledger_of(
        finished(0, 1, 0.1, 5.0, reports=curve), finished(1, 2, 0.2, 1.0)
    ).snapshot()
    np.testing.assert_equal(history.at(2), [0.25, np.nan])
    np.testing.assert_equal(history.at(2, "acc"), [0.75, np.nan])
    np.testing.assert_equal(history.at(7), [np.nan, np.nan])


def test_where_keeps_numbers_and_space() -> None:
    history = ledger_of(*(finished(i, i + 1, 0.1 * i, float(i)) for i in range(5))).snapshot()
    odd = history.where(lambda t: t.number % 2 == 1)
    assert [t.number for t in odd.completed] == [1, 3]
    assert odd.Y.tolist() == [[1.0], [3.0]]
    assert odd.next_number == 5


def test_constraints_and_costs() -> None:
    objective = Objective.of(constraints=["mb <= 10"])
    trials = [
        FrozenTrial(
            number=i,
            state=TrialState.COMPLETE,
            metric_names=("value", "mb"),
            metric_values=(1.0, mb),
            cost=2.0,
            version=i + 1,
            finished_version=i + 1,
        )
        for i, mb in enumerate((8.0, 13.0))
    ]
    history = ledger_of(*trials, objective=objective).snapshot()
    assert history.violations.tolist() == [0.0, 3.0]
    assert history.cost == 4.0
    paused = FrozenTrial(number=2, state=TrialState.PAUSED, budget=1, cost=1.5, version=3)
    assert ledger_of(*trials, paused, objective=objective).snapshot().cost == 5.5


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.integers(0, 2**20))
def test_applying_in_pieces_equals_applying_at_once(cuts: list[int], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(12)
    trials = [finished(i, int(order[i]) + 1, 0.05 * i, float(i)) for i in range(12)]
    whole = ledger_of(*trials).snapshot()
    pieces = Ledger(Objective(), seed=0)
    pieces.declare(SPACE, 0)
    for i, trial in enumerate(trials):
        pieces.apply(FrozenTrial(number=i, version=0, state=TrialState.RUNNING))
        assert pieces.snapshot().next_number == i + 1
        del trial
    for trial in sorted(trials, key=lambda t: t.version):
        pieces.apply(trial)
        if cuts and trial.number in cuts:
            pieces.snapshot().X  # noqa: B018  filling caches half-way must not matter
    split = pieces.snapshot()
    assert [t.number for t in split.completed] == [t.number for t in whole.completed]
    np.testing.assert_equal(split.X, whole.X)
    assert isinstance(split, History)


def test_the_best_are_feasible_first_and_snapshots_keep_theirs() -> None:
    objective = Objective.of(direction="maximize", constraints=["value <= 10"])
    ledger = ledger_of(
        *[finished(n, n + 1, 0.5, value) for n, value in enumerate([3.0, 12.0, 7.0, 11.0])],
        objective=objective,
    )
    before = ledger.snapshot()
    assert before.best(9) == [2, 0, 3, 1]
    ledger.apply(finished(4, 5, 0.5, 9.0))
    assert ledger.snapshot().best(2) == [4, 2]
    assert before.best(2) == [2, 0]
    assert before.best(0) == []


def test_groups_are_encoded_apart() -> None:
    ledger = ledger_of(finished(0, 1, 0.2, 1.0), finished(1, 2, 0.7, 0.0, "FAILED"))
    history = ledger.snapshot()
    np.testing.assert_allclose(history.encoded(history.failed), [[0.7, 0.0]])
    np.testing.assert_allclose(history.encoded(history.completed), history.X)
    assert history.encoded(history.pruned).shape == (0, 2)


def test_folds_are_worked_out_once_for_each_block_and_know_no_later_trial() -> None:
    ledger, asked = Ledger(Objective(), seed=0), []

    def step(before: int | None, block: slice) -> int:
        asked.append((block.start, block.stop))
        return (before or 0) + block.stop - block.start

    snapshots = []
    for k in range(10):
        ledger.apply(finished(k, k + 1, 0.5, 1.0))
        snapshots.append(ledger.snapshot())
    found = [s.fold(("count",), s.completed, 4, step) for s in reversed(snapshots)]
    assert found[::-1] == [None, None, None, 4, 4, 4, 4, 8, 8, 8]
    assert asked == [(0, 4), (4, 8)]
