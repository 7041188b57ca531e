from __future__ import annotations

import gc
from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.core.jobs import Proposal
from luthier.core.objective import Objective
from luthier.core.trial import TrialState
from luthier.samplers.evolution.population import (
    Generations,
    best_of,
    fronts,
    individuals,
    latest_recorded,
    n_before,
    numbered,
    recorded,
)
from luthier.space import Float, Space
from luthier.testing.rehearsal import Rehearsal

SPACE = Space(x=Float(0, 1))
STATES = st.lists(st.sampled_from("cccpf"), min_size=1, max_size=30)


def played(states: str) -> Rehearsal:
    """Trials that end in another order than they began, in the states of these letters."""
    play = Rehearsal(SPACE)
    trials = [play.add({"x": k / 100}) for k in range(len(states))]
    kinds = {"c": TrialState.COMPLETE, "p": TrialState.PRUNED, "f": TrialState.FAILED}
    for k, letter in enumerate(states):
        trial = trials[-1 - k]
        if letter == "p":
            play.report(trial, k % 7, {"value": 1.0})
        play.end(trial, kinds[letter], value=float(k * 7 % 11))
    return play


@given(STATES, st.data())
@settings(max_examples=60, deadline=None)
def test_individuals_come_in_the_order_in_which_they_finished(
    letters: list[str], data: st.DataObject
) -> None:
    history, n = played("".join(letters)).history, len(letters)
    first = data.draw(st.integers(0, n))
    last = data.draw(st.integers(first, n))
    group = individuals(history, first, last)
    assert group.numbers.tolist() == [n - 1 - k for k in range(first, last)]
    assert (group.X[:, 0] * 100).round().astype(int).tolist() == group.numbers.tolist()
    faults = {"c": 0.0, "f": 4.0}
    for letter, fault in zip(letters[first:last], group.fault, strict=True):
        assert fault == faults.get(letter, fault)
        assert letter != "p" or 2 < fault <= 3


@given(STATES, st.integers(0, 12), st.data())
@settings(max_examples=60, deadline=None)
def test_the_best_of_those_that_finished_first(
    letters: list[str], k: int, data: st.DataObject
) -> None:
    history = played("".join(letters)).history
    until = data.draw(st.integers(0, len(letters)))
    best, everybody = best_of(history, k, until), individuals(history, 0, until)
    assert len(best) == min(k, until)
    keys = sorted(zip(everybody.fault.tolist(), everybody.Y[:, 0].tolist(), strict=True))
    assert list(zip(best.fault.tolist(), best.Y[:, 0].tolist(), strict=True)) == keys[: len(best)]


def test_trials_by_number_and_before_the_first_that_recorded_a_fact() -> None:
    stage = Rehearsal(SPACE)
    trials = [stage.add({"x": 0.1 * k}) for k in range(3)]
    trials += [stage.add({"x": 0.5}, proposal=Proposal({}, "", data={"slot": 7}))]
    for place, state in ((2, TrialState.FAILED), (0, TrialState.COMPLETE)):
        stage.end(trials[place], state)
    assert n_before(stage.history, "slot") == 2
    stage.end(trials[3], TrialState.PRUNED)
    stage.end(trials[1])
    assert n_before(stage.history, "slot") == 2
    assert n_before(stage.history, "other") == 4
    for k in range(4):
        found = numbered(stage.history, k)
        assert found is not None
        assert found.number == k
    stage.invalidate(trials[1])
    assert numbered(stage.history, 1) is None


def test_what_proposals_recorded() -> None:
    play = Rehearsal(SPACE)
    data = [{"a": 1, "b": [1.5, 2]}, {"a": "no", "b": [3.0]}, {}, {"a": 4.0, "b": 7}]
    trials = [
        play.add({"x": 0.5}, proposal=Proposal({"x": 0.5}, "tried", data=facts)) for facts in data
    ]
    assert latest_recorded(play.history, "a") is None
    for trial, state in zip(trials, [TrialState.COMPLETE, TrialState.FAILED] * 2, strict=True):
        play.end(trial, state)
    history, nan = play.history, np.nan
    np.testing.assert_array_equal(recorded(history, "a", 0, 4), [[1], [nan], [nan], [4]])
    np.testing.assert_array_equal(recorded(history, "b", 0, 2, 2), [[1.5, 2], [nan, nan]])
    assert latest_recorded(history, "a") == 1
    assert latest_recorded(history, "c") is None


def test_constrained_domination() -> None:
    objective = Objective.of(
        metrics={"a": "minimize", "b": "maximize"}, constraints=["a >= 1", "size <= 5"]
    )
    play = Rehearsal(SPACE, objective=objective)
    rows = [(0.0, 9.0, 1.0), (1.0, 2.0, 5.0), (2.0, 3.0, 5.0), (2.0, 2.0, 5.0), (3.0, 3.0, 9.0)]
    for k, (a, b, size) in enumerate(rows):
        play.end(play.add({"x": k / 9}), metrics={"a": a, "b": b, "size": size})
    play.end(play.add({"x": 0.8}), TrialState.FAILED)
    play.end(play.add({"x": 0.9}), TrialState.PRUNED)
    group = individuals(play.history, 0, 7)
    assert fronts(group).tolist() == [2, 0, 0, 1, 3, 5, 4]
    assert group.order[:3].tolist() in ([1, 2, 3], [2, 1, 3])
    assert group.standing[group.order].tolist() == list(range(7))


def test_generations_are_remembered_as_long_as_their_study_lives() -> None:
    @dataclass
    class Counted:
        until: int

    made: list[int] = []

    def advance(before: Counted | None) -> Counted | None:
        until = 2 if before is None else before.until + 2
        if until > history.n_finished:
            return None
        made.append(until)
        return Counted(until)

    generations: Generations[Counted] = Generations()
    play = played("ccccccc")
    early, history = play.history, play.history
    assert generations.latest(history, "a", advance) is generations.latest(history, "a", advance)
    play.end(play.add({"x": 0.5}), value=0.0)
    history = play.history
    last = generations.latest(history, "a", advance)
    assert last is not None
    assert (last.until, made) == (8, [2, 4, 6, 8])
    history = early
    assert generations.latest(history, "a", advance) == Counted(6)
    assert made == [2, 4, 6, 8]
    for key in range(9):
        generations.latest(history, key, advance)
    kept = next(iter(generations._kept.values()))
    assert len(kept) == 4
    history = played("c").history
    del play, early
    gc.collect()
    assert not generations._kept


def test_an_infinite_violation_is_a_fault_like_others() -> None:
    objective = Objective.of(metrics={"a": "minimize"}, constraints=["b <= 0"])
    play = Rehearsal(SPACE, objective=objective)
    play.end(play.add({"x": 0.5}), metrics={"a": 0.0, "b": np.inf})
    assert individuals(play.history, 0, 1).fault.tolist() == [1.0]
