"""Hyperband's brackets, beside what comes out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luthier.schedulers import Hyperband
from luthier.schedulers.brackets import Bracket

if TYPE_CHECKING:
    from conftest import Play


def test_brackets_of_the_paper() -> None:
    # n = ceil((s_max + 1) / (s + 1) * 3^s) for s = 4 .. 0
    assert [(b.size, b.rungs[0]) for b in Hyperband(81).brackets] == [
        (81, 1),
        (34, 3),
        (15, 9),
        (8, 27),
        (5, 81),
    ]
    assert [b.rungs for b in Hyperband(8, 2, eta=2).brackets] == [(2, 4, 8), (4, 8), (8,)]


def test_places() -> None:
    bracket = Bracket((3, 9, 27, 81), 34, 3)
    assert [bracket.places(rung, 34) for rung in range(3)] == [11, 3, 1]
    assert [bracket.places(rung, 5) for rung in range(3)] == [1, 1, 1]


def test_trials_are_dealt_by_number_round_after_round() -> None:
    cycle = Hyperband(9)._cycle
    first = [cycle.of(n)[1] for n in (0, 8, 9, 13, 14, 16)]
    assert first == [range(9), range(9), range(9, 14), range(9, 14), range(14, 17), range(14, 17)]
    assert cycle.of(17 + 9) == (cycle.brackets[1], range(26, 31))
    assert [Hyperband(9).budget(None, n) for n in (0, 9, 14, 17)] == [1, 3, 9, 1]  # type: ignore[arg-type]


def test_a_round_by_hand(play: Play) -> None:
    # Of 0 .. 8 the best three are 8, 7, 6 (x = 1, 2, 3), of 9 .. 13 the best is 13; 14 .. 16 go to
    # the end at once. Each bracket costs about as much: 9 + 6 + 6, 5 * 3 + 6 and 3 * 9 steps.
    xs = (*range(9, 0, -1), *range(15, 10, -1), 20, 21, 22)
    study, run = play(Hyperband(9), xs)
    assert [trial.last_step for trial in study.trials] == [
        *[1] * 6,
        *[3, 3, 9],
        *[3] * 4,
        9,
        *[9] * 3,
    ]
    assert run.steps == 21 + 21 + 27
    assert [n for _, n, _ in run.when("complete")] == [8, 13, 14, 15, 16]
    assert [n for _, n, _ in run.when("resumed")] == [8, 7, 6, 8, 13]


def test_brackets_overlap_where_there_are_more_workers(play: Play) -> None:
    xs = (*range(9, 0, -1), *range(15, 10, -1), 20, 21, 22)
    study, run = play(Hyperband(9), xs, workers=17)
    assert [n for at, n, _ in run.when("started") if at == 0] == list(range(17))
    assert [n for at, n, _ in run.when("resumed") if at == 1] == [8, 7, 6]
    assert run.seconds == 9.0  # 8: 1 + 2 + 6 steps; 14 .. 16: 9
    assert {trial.state.name for trial in study.trials} == {"COMPLETE", "PRUNED"}


def test_a_plan_that_cuts_a_round(play: Play) -> None:
    study, run = play(Hyperband(9), (*range(9, 0, -1), 3, 2))
    assert [trial.last_step for trial in study.trials] == [*[1] * 6, 3, 3, 9, 3, 9]
    assert run.steps == 21 + 2 * 3 + 6
