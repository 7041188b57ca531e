from __future__ import annotations

import logging
import random

import pytest

from luthier.core.trial import FrozenTrial, TrialState
from luthier.errors import ArgumentError
from luthier.samplers import Grid
from luthier.space import Categorical, Float, Int, Space
from luthier.testing.rehearsal import Rehearsal

FAILED = TrialState.FAILED
NINE = Space(a=Int(1, 3), b=Int(1, 3))
TREE = Space(kind=Categorical(["p", "q"]), x=Float(0, 1, when={"kind": "q"}), n=Int(1, 2)).forbid(
    {"kind": "p", "n": 2}
)


def run(play: Rehearsal, sampler: Grid, *, fails: object = ()) -> list[dict[str, object]]:
    """Run one trial after another until the grid is done."""
    found: list[dict[str, object]] = []
    while trials := play.start(sampler):
        failed = trials[0].params in fails  # type: ignore[operator]
        play.end(trials[0], FAILED if failed else TrialState.COMPLETE)
        found.append(trials[0].params)
        assert len(found) < 1000
    return found


def unique(configs: list[dict[str, object]]) -> set[tuple[tuple[str, object], ...]]:
    return {tuple(c.items()) for c in configs}


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("space", [NINE, TREE])
def test_every_cell_once(space: Space, shuffle: bool) -> None:
    found = run(Rehearsal(space), Grid(points=3, shuffle=shuffle))
    cells = list(space.enumerate(3))
    assert len(found) == len(cells)
    assert unique(found) == unique(cells)
    assert (found == cells) is not shuffle


def test_shuffled_orders_differ_between_studies() -> None:
    orders = {str(run(Rehearsal(NINE, seed=seed), Grid(shuffle=True))) for seed in range(5)}
    assert len(orders) == 5


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_several_drivers_crashes_enqueued_trials_and_any_order_of_ends(
    shuffle: bool, seed: int
) -> None:
    play, chance = Rehearsal(TREE, seed=seed), random.Random(seed)
    for extra in ({"kind": "q", "x": 0.5, "n": 2}, {"kind": "q", "x": 0.123, "n": 1}):
        play.end(play.add(extra))
    running: list[FrozenTrial] = []
    completed: list[dict[str, object]] = [{"kind": "q", "x": 0.5, "n": 2}]
    for _ in range(500):
        new = play.start(Grid(points=5, shuffle=shuffle), chance.randint(1, 3))
        running += new
        if not running:
            break
        trial = running.pop(chance.randrange(len(running)))
        again = [t for t in play.history.failed if t.params == trial.params]
        crash = not again and chance.random() < 0.4
        play.end(trial, FAILED if crash else TrialState.COMPLETE)
        if not crash:
            completed.append(trial.params)
    assert not running
    cells = list(TREE.enumerate(5))
    assert len(completed) == len(cells)
    assert unique(completed) == unique(cells)


def test_crashed_cells_come_again_after_all_others() -> None:
    play, bad = Rehearsal(NINE), {"a": 1, "b": 2}
    found = run(play, Grid(retries=2), fails=[bad])
    assert len(found) == 11
    assert found[1] == found[9] == found[10] == bad
    reasons = [t.origin.reason for t in play.history.failed]
    assert reasons == [
        "grid cell 2 of 9",
        "grid cell 2 of 9, retry 1 of 2: trial 1 failed",
        "grid cell 2 of 9, retry 2 of 2: trial 9 failed",
    ]


def test_cells_that_never_succeed_are_reported(caplog: pytest.LogCaptureFixture) -> None:
    play, bad = Rehearsal(NINE), [{"a": 1, "b": 2}, {"a": 3, "b": 3}]
    with caplog.at_level(logging.WARNING, "luthier"):
        assert len(run(play, Grid(retries=1), fails=bad)) == 11
    assert Grid(retries=1).crashed(NINE, play.history) == bad
    assert Grid(retries=2).crashed(NINE, play.history) == []
    assert "The grid is done, but 2 of its cells failed in every trial" in caplog.text


def test_a_retry_that_succeeds_is_the_end_of_it() -> None:
    play = Rehearsal(NINE)
    for trial in play.start(Grid(), 9):
        play.end(trial, FAILED if trial.number == 4 else TrialState.COMPLETE)
    [retry] = play.start(Grid())
    assert retry.params == {"a": 2, "b": 2}
    assert play.propose(Grid()) == []  # it is running
    play.end(retry)
    assert play.propose(Grid()) == []
    assert Grid().crashed(NINE, play.history) == []


def test_a_crash_before_all_parameters_were_asked_for_is_counted() -> None:
    play = Rehearsal(NINE)
    runs = 0
    while trials := play.start(Grid(retries=1)):
        play.end(trials[0], FAILED, params={})
        runs += 1
    assert runs == 18
    assert len(Grid().crashed(NINE, play.history)) == 9


def test_a_trial_that_asked_for_less_than_proposed_is_done() -> None:
    """Whatever the objective does with a cell, it isn't proposed for ever."""
    play = Rehearsal(NINE)
    runs = 0
    while trials := play.start(Grid()):
        play.end(trials[0], params={"a": trials[0].params["a"]})
        runs += 1
    assert runs == 9


def test_an_enqueued_cell_that_crashed_is_tried_again() -> None:
    play = Rehearsal(NINE)
    play.end(play.add({"a": 1, "b": 1}), FAILED)
    found = run(play, Grid())
    assert len(found) == 9
    assert found[-1] == {"a": 1, "b": 1}


def test_what_was_invalidated_is_open_again() -> None:
    play = Rehearsal(NINE)
    run(play, Grid())
    play.invalidate(play.history.completed[4])
    assert [dict(p.params) for p in play.propose(Grid(), 3)] == [{"a": 2, "b": 2}]


def test_a_space_that_grows_is_covered() -> None:
    """Define-by-run: a branch is discovered in the middle, with a parameter of its own."""

    def objective(params: dict[str, object]) -> dict[str, object]:
        kind = params.get("kind", "p")
        return {"kind": kind} if kind == "p" else {"kind": kind, "n": params.get("n", 1)}

    first, full = Space(kind=Categorical(["p", "q"])), {"n": Int(1, 3, when={"kind": "q"})}
    play = Rehearsal(Space())
    found: list[dict[str, object]] = []
    for _ in range(10):
        trials = play.start(Grid())
        if not trials:
            break
        asked = objective(dict(trials[0].params))
        play.end(trials[0], params=asked)
        play.declare(first.with_params(full) if "n" in asked else play.history.space or first)
        found.append(asked)
    cells = list(first.with_params(full).enumerate())
    assert len(found) == len(cells)
    assert unique(found) == unique(cells)


def test_of_an_unknown_space_one_trial_runs_alone() -> None:
    play = Rehearsal(Space())
    [first] = play.propose(Grid(), 5)
    assert (dict(first.params), first.fill) == ({}, "first")
    [trial] = play.start(Grid())
    assert play.propose(Grid()) == []
    play.end(trial, FAILED)
    assert len(play.propose(Grid())) == 1


def test_repeats_if_allowed() -> None:
    found = [dict(p.params) for p in Rehearsal(NINE).propose(Grid(allow_duplicates=True), 20)]
    assert found[:9] == found[9:18] == list(NINE.enumerate())
    shuffled = Rehearsal(NINE).propose(Grid(shuffle=True, allow_duplicates=True), 20)
    assert len(shuffled) == 20


def test_a_huge_grid_is_never_listed() -> None:
    space = Space({f"n{i}": Int(0, 10**6) for i in range(8)})
    for shuffle in (False, True):
        assert len(Rehearsal(space).start(Grid(shuffle=shuffle), 20)) == 20


def test_points() -> None:
    space = Space(x=Float(0, 1), lr=Float(1e-2, 1, log=True))
    found = run(Rehearsal(space), Grid(points={"x": 2, "lr": 3}))
    assert found == [{"x": x, "lr": lr} for x in (0.0, 1.0) for lr in (0.01, 0.1, 1.0)]
    assert len(run(Rehearsal(Space(x=Float(0, 1))), Grid())) == 10


def test_grids_are_values() -> None:
    assert Grid(points={"x": 2}) == Grid(points={"x": 2}) != Grid(points={"x": 3})
    assert hash(Grid(points={"x": 2})) == hash(Grid(points={"x": 2}))


@pytest.mark.parametrize("points", [0, -1, 2.5, True, "3", {"x": 0}, {"x": None}])
def test_bad_points(points: object) -> None:
    with pytest.raises(ArgumentError, match="points must be a whole number of at least 1, or a"):
        Grid(points=points)  # type: ignore[arg-type]


@pytest.mark.parametrize("retries", [-1, 0.5, None])
def test_bad_retries(retries: object) -> None:
    with pytest.raises(ArgumentError, match="retries must be a whole number of at least 0, got"):
        Grid(retries=retries)  # type: ignore[arg-type]
