"""The ledger: reports before they are stored, groups of live trials, and the view of one rung."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.core.history import History
from luthier.core.ledger import Ledger
from luthier.core.objective import Objective
from luthier.core.trial import FrozenTrial, Reports, TrialState, changed
from luthier.space import Float, Space

WAITING, RUNNING, PAUSED = TrialState.WAITING, TrialState.RUNNING, TrialState.PAUSED


def ledger_of(*trials: FrozenTrial, objective: Objective | None = None) -> Ledger:
    ledger = Ledger(objective or Objective(), seed=0)
    ledger.declare(Space(x=Float(0, 1)), 0)
    ledger.apply(*trials)
    return ledger


def trial(number: int, state: TrialState = RUNNING, *values: float, **more: Any) -> FrozenTrial:
    """A trial that has reported these values at steps 1, 2, ..."""
    reports = Reports([(step, {"value": value}) for step, value in enumerate(values, 1)])
    settings: dict[str, Any] = {"version": number + 1, "reports": reports, "attempt": 1, **more}
    over = {"finished_version": settings["version"], "cost": 1.0} if state.is_finished else {}
    return FrozenTrial(
        number=number,
        state=state,
        param_names=("x",),
        param_values=(number / 10,),
        **{**over, **settings},
    )


def numbers(trials: Any) -> list[int]:
    return [t.number for t in trials]


def rung(history: History, step: int) -> dict[int, float]:
    found = history.rung(step)
    return dict(zip(found.numbers.tolist(), found.values[:, 0].tolist(), strict=True))


def test_a_report_that_was_heard_counts_at_once() -> None:
    ledger = ledger_of(trial(0))
    before = ledger.snapshot()
    ledger.report(0, 3, {"value": 0.5})
    heard = ledger.trials[0]
    assert heard.last_step == 3
    assert rung(ledger.snapshot(), 2) == {0: 0.5}
    assert rung(before, 2) == {}
    assert ledger.snapshot().running == (heard,)


def test_what_was_heard_outlives_a_record_without_it() -> None:
    ledger = ledger_of(trial(0))
    ledger.report(0, 1, {"value": 0.5})
    ledger.apply(trial(0, version=2, user_attrs={"note": 1}))
    assert rung(ledger.snapshot(), 1) == {0: 0.5}
    assert ledger.trials[0].last_step == 1
    ledger.apply(trial(0, RUNNING, 0.5, 0.25, version=3))
    assert rung(ledger.snapshot(), 2) == {0: 0.25}


def test_a_new_run_forgets_what_is_beyond_its_checkpoint() -> None:
    ledger = ledger_of(trial(0, RUNNING, 3.0, 2.0), trial(1, RUNNING, 9.0, 9.0))
    ledger.report(0, 3, {"value": 1.0})
    ledger.apply(trial(0, RUNNING, 3.0, version=9, attempt=2))
    history = ledger.snapshot()
    assert [rung(history, step) for step in (1, 2, 3)] == [{0: 3.0, 1: 9.0}, {1: 9.0}, {}]


def test_an_invalidated_trial_leaves_its_rungs() -> None:
    ledger = ledger_of(trial(0, TrialState.COMPLETE, 3.0), trial(1, PAUSED, 4.0))
    ledger.apply(changed(ledger.trials[0], invalid="wrong data", version=9))
    assert rung(ledger.snapshot(), 1) == {1: 4.0}


MOVES = st.lists(st.tuples(st.integers(0, 7), st.sampled_from(list(TrialState)[:4])), max_size=40)


@given(MOVES)
def test_groups_hold_each_live_trial_once_in_order(
    moves: list[tuple[int, TrialState]],
) -> None:
    ledger = ledger_of(*(trial(number, WAITING) for number in range(8)))
    states = dict.fromkeys(range(8), WAITING)
    snapshots = []
    for version, (number, state) in enumerate(moves, 20):
        if not states[number].is_finished:
            states[number] = state
            ledger.apply(trial(number, state, version=version))
        snapshots.append((ledger.snapshot(), dict(states)))
    for history, expected in snapshots:  # each stays as it was
        for group, kind in (("waiting", 0), ("running", 1), ("paused", 2), ("completed", 3)):
            wanted = [n for n, state in expected.items() if state == kind]
            assert sorted(numbers(getattr(history, group))) == wanted
        for group in ("waiting", "running", "paused", "live", "pending"):
            assert numbers(getattr(history, group)) == sorted(numbers(getattr(history, group)))
        assert history.n_trials == 8
        assert set(numbers(history.live)) == {n for n, s in expected.items() if not s.is_finished}


def test_the_history_as_of_a_rung() -> None:
    ledger = ledger_of(
        trial(0, TrialState.COMPLETE, 9.0, 5.0, metric_names=("value",), metric_values=(1.0,)),
        trial(1, TrialState.PRUNED, 8.0),
        trial(2, PAUSED, 7.0, 4.0, cost=1.0),
        trial(3, PAUSED, 6.0, cost=1.0),
        trial(4, TrialState.FAILED, 5.0, 3.0),
        trial(5, RUNNING, 4.0, 2.0),
        trial(6, WAITING),
        trial(7, TrialState.FAILED, 5.0),
    )
    there = ledger.snapshot().reached(2)
    assert numbers(there.completed) == [0, 2, 4, 5]  # 4 failed later
    assert there.Y.tolist() == [[5.0], [4.0], [3.0], [2.0]]
    assert there.X[:, 0].tolist() == [0.0, 0.2, 0.4, 0.5]
    assert numbers(there.paused) == [3, 1]  # pruned on the way: tried, and no more known
    assert numbers(there.waiting) == [6]
    assert there.running == ()
    assert numbers(there.failed) == [7]
    assert len(there.pruned) == 0
    assert numbers(ledger.snapshot().reached(1).completed) == [0, 1, 2, 3, 4, 5, 7]


def test_what_says_nothing_on_a_rung_is_left_out_of_it() -> None:
    objective = Objective.of(metrics={"acc": "maximize", "mb": "minimize"})
    reports = Reports([(1, {"acc": 0.5})])
    there = ledger_of(
        trial(0, PAUSED, float("nan")), trial(1, PAUSED, 1.0), objective=Objective()
    ).snapshot()
    assert numbers(there.reached(1).completed) == [1]
    assert numbers(there.reached(1).paused) == [0]
    partial = ledger_of(trial(0, PAUSED, reports=reports), objective=objective).snapshot()
    assert numbers(partial.reached(1).completed) == []


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 6), st.sampled_from(["hear", "pause", "resume", "end", "prune", "fail"])
        ),
        max_size=40,
    ),
    st.sets(st.integers(0, 40)),
)
def test_looking_at_a_rung_in_between_changes_nothing(
    moves: list[tuple[int, str]], looks: set[int]
) -> None:
    ledger = ledger_of(*(trial(number) for number in range(7)))
    for place, (number, move) in enumerate(moves):
        before = ledger.trials[number]
        if before.state.is_finished:
            continue
        if move == "hear" and before.state is RUNNING:
            ledger.report(number, (before.last_step or 0) + 1, {"value": 50.0 - place})
        elif move != "hear":
            states = {"pause": PAUSED, "resume": RUNNING, "prune": TrialState.PRUNED}
            states["fail"] = TrialState.FAILED
            state = states.get(move, TrialState.COMPLETE)
            over = place + 20 if state.is_finished else None
            result = {"metric_names": ("value",), "metric_values": (1.0,)} if move == "end" else {}
            ledger.apply(
                changed(before, state=state, version=place + 20, finished_version=over, **result)
            )
        if place in looks:
            ledger.snapshot().reached(2).X  # noqa: B018  filling caches must not matter
    fresh = Ledger(Objective(), seed=0)
    fresh.declare(Space(x=Float(0, 1)), 0)
    fresh.apply(*ledger.trials)
    seen, anew = ledger.snapshot().reached(2), fresh.snapshot().reached(2)
    assert numbers(seen.completed) == numbers(anew.completed)
    np.testing.assert_equal(seen.Y, anew.Y)
    np.testing.assert_equal(seen.X, anew.X)
    for group in ("waiting", "running", "paused", "failed"):
        assert sorted(numbers(getattr(seen, group))) == sorted(numbers(getattr(anew, group)))
