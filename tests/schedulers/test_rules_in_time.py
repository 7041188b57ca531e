"""Rules that only stop, in simulated time on one worker, beside what comes out by hand.

Trials report once a second; a full one has four steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from luthier.core.protocols import Scheduler
from luthier.schedulers import (
    BayesRace,
    LearningCurve,
    Median,
    OpenHalving,
    OpenHyperband,
    Patience,
    Percentile,
    Race,
    Threshold,
    Wilcoxon,
)
from luthier.testing.simulate import Table, Training

if TYPE_CHECKING:
    from conftest import Play

CURVES = {
    3.0: (9.0, 6.0, 4.0, 3.0),
    7.0: (9.5, 8.0, 7.5, 7.0),
    5.0: (8.0, 8.0, 8.0, 5.0),
    2.0: (7.0, 5.0, 3.0, 2.0),
}


def table(params: Any) -> Training:
    return Training(list(CURVES[params["x"]]))


@pytest.mark.parametrize(
    ("scheduler", "ends"),
    [
        # 3 is first. At step 1, 9.5 is worse than its 9. Then 8 is better; at step 2, 8 is worse
        # than its 6. 2 is better at every step.
        (
            Percentile(50.0, n_startup_trials=1),
            [(4.0, 0, "complete"), (5.0, 1, "pruned"), (7.0, 2, "pruned"), (11.0, 3, "complete")],
        ),
        (
            Median(n_startup_trials=1, n_warmup_steps=2),
            [(4.0, 0, "complete"), (6.0, 1, "pruned"), (8.0, 2, "pruned"), (12.0, 3, "complete")],
        ),
        # 9.5 is out of bounds at once; 8, 8, 8 never are.
        (
            Threshold(upper=9.2),
            [(4.0, 0, "complete"), (5.0, 1, "pruned"), (9.0, 2, "complete"), (13.0, 3, "complete")],
        ),
        # Two reports that bring less than 1: 8 -> 7.5 -> 7 does (1 and 1.5 below 9.5, 8: 1 in two),
        # 8, 8, 8 does at its third.
        (
            Patience(2, min_delta=1.0),
            [(4.0, 0, "complete"), (8.0, 1, "pruned"), (11.0, 2, "pruned"), (15.0, 3, "complete")],
        ),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, list) else "",
)
def test_by_hand(play: Play, scheduler: Scheduler, ends: list[tuple[float, int, str]]) -> None:
    study, run = play(scheduler, (3.0, 7.0, 5.0, 2.0), table)
    assert run.when("complete", "pruned") == ends
    assert run.steps == ends[-1][0]
    assert study.best_trial.number == 3
    assert run.seconds == ends[-1][0]


def test_a_curve_that_has_flattened_saves_its_rest(play: Play) -> None:
    """Two curves fall like 1/s to their x; the third lies flat, far above, and is left."""

    def falling(params: Any) -> Training:
        x = params["x"]
        return Training([x + (10.0 / step if x < 5 else 0.0) for step in range(1, 21)])

    study, run = play(LearningCurve(max_step=20), (1.0, 2.0, 8.0, 0.0), falling)
    (stopped,) = run.when("pruned")
    assert stopped[1] == 2
    assert 43.0 <= stopped[0] < 60.0  # after three points, and before its end
    assert run.steps == stopped[0] + 20
    assert [trial.state.name for trial in study.trials].count("COMPLETE") == 3


def test_wilcoxon_against_the_best_so_far(play: Play) -> None:
    """Of n differences that are all to the worse, by size 1 to n, chance makes 1 in 2^n.

    Below 0.1 that is from the fourth on: trial 1. The smallest of trial 2's is to the better, and
    of the 2^n ways two speak as much for worse: 2 in 16 isn't below 0.1, 2 in 32 is. The largest of
    trial 3's is to the better: 10 in 32 are as bad at step 5, 14 in 64 at the end. Trial 4 is best,
    and trial 5, which would be better than trial 0, is compared with that.
    """
    curves = {
        0.0: [5.0] * 6,
        1.0: [6.0, 7.0, 8.0, 9.0, 10.0, 11.0],
        2.0: [4.0, 7.0, 8.0, 9.0, 10.0, 11.0],
        3.0: [-1.0, 6.0, 7.0, 8.0, 9.0, 10.0],
        4.0: [4.0] * 6,
        5.0: [4.1, 4.2, 4.3, 4.4, 4.5, 4.6],
    }
    _, run = play(Wilcoxon(0.1), range(6), lambda params: Training(curves[params["x"]]))
    assert run.when("complete", "pruned") == [
        (6.0, 0, "complete"),
        (10.0, 1, "pruned"),
        (15.0, 2, "pruned"),
        (21.0, 3, "complete"),
        (27.0, 4, "complete"),
        (31.0, 5, "pruned"),
    ]


def folds(table: dict[float, list[float]]) -> Table:
    """A second for each fold; what is reported is the mean so far."""

    def training(params: Any) -> Training:
        scores = table[params["x"]]
        return Training(
            [
                {"value": sum(scores[: k + 1]) / (k + 1), "fold": k, "fold_score": scores[k]}
                for k in range(len(scores))
            ]
        )

    return training


FIRST = [1.0, 2.0, 3.0, 2.0]  # the first incumbent: its mean is 2, its worst fold 3


@pytest.mark.parametrize(
    ("race", "others", "ends"),
    [
        # 4 is above 3; 3 isn't, (3 + 3.5) / 2 is; 2.9, 3 and 2.67 never are. Trial 4 is the next
        # incumbent, and 2.5 is above its 2.
        (
            Race("forgiving"),
            [[4.0] * 4, [3.0, 3.5, 0, 0], [2.9, 3.1, 2.0, 1.0], [1.0, 1.0, 2.0, 2.0], [2.5] * 4],
            [
                (5.0, 1, "pruned"),
                (7.0, 2, "pruned"),
                (11.0, 3, "complete"),
                (15.0, 4, "complete"),
                (16.0, 5, "pruned"),
            ],
        ),
        # Behind by 0 and 0.5; by -0.5, 0.4 and 0.2, 0.03 on average; by -1, 1, 0: level, and level
        # isn't better, so that trial 4 meets trial 0; trial 5 meets trial 4 on its second fold.
        (
            Race("aggressive"),
            [
                [1.0, 2.5, 0, 0],
                [0.5, 2.4, 3.2, 0],
                [0.0, 3.0, 3.0, 2.0],
                [1.0, 1.0, 2.0, 2.0],
                [1.0, 1.5, 0, 0],
            ],
            [
                (6.0, 1, "pruned"),
                (9.0, 2, "pruned"),
                (13.0, 3, "complete"),
                (17.0, 4, "complete"),
                (19.0, 5, "pruned"),
            ],
        ),
        # The incumbent's variance is 2/3. After a fold the spread is 0.816 and the error 0.707; so
        # z = -2.83 for trial 1, a gain of 0.0005, and a fold is run for 0.0816. Trial 2: z is
        # -0.707, 0.0998; after another 0.5 its spread is 0.667, its error 0.333, z = -1.5: 0.0098
        # of 0.0667. Trial 3 is ahead by 0.5, then behind by 0.2 on average, z = -0.456: 0.093 of
        # 0.0878; then it is ahead again.
        (
            Race("paired"),
            [[3.0, 0, 0, 0], [1.5, 2.5, 0, 0], [0.5, 2.9, 2.4, 2.0]],
            [(5.0, 1, "pruned"), (7.0, 2, "pruned"), (11.0, 3, "complete")],
        ),
    ],
    ids=["forgiving", "aggressive", "paired"],
)
def test_races_by_hand(
    play: Play, race: Race, others: list[list[float]], ends: list[tuple[float, int, str]]
) -> None:
    table = dict(enumerate([FIRST, *others]))
    _, run = play(race, range(len(table)), folds({float(x): row for x, row in table.items()}))
    assert run.when("complete", "pruned") == [(4.0, 0, "complete"), *ends]


def test_a_race_of_single_folds_by_hand(play: Play) -> None:
    """Trial 1 is far behind at once, trial 2 far ahead: neither is worth a fold before the end.

    Then the leader runs the three folds that it lacks, one by one, and trial 1 is dropped.
    """
    table = {0.0: FIRST, 1.0: [99.0, 0, 0, 0], 2.0: [-97.0, -96.0, -95.0, -96.0]}
    study, run = play(BayesRace(4), (0, 1, 2), folds(table))
    assert run.when("started", "paused", "resumed", "complete", "pruned") == [
        (0.0, 0, "started"),
        (4.0, 0, "complete"),
        (4.0, 1, "started"),
        (5.0, 1, "paused"),
        (5.0, 2, "started"),
        (6.0, 2, "paused"),
        (6.0, 2, "resumed"),
        (7.0, 2, "paused"),
        (7.0, 2, "resumed"),
        (8.0, 2, "paused"),
        (8.0, 2, "resumed"),
        (9.0, 2, "complete"),
        (9.0, 1, "pruned"),
    ]
    assert run.steps == 4 + 1 + 4
    assert study.best_trial.number == 2


def test_open_halving_by_hand(play: Play) -> None:
    """Rungs at 1, 2, 4 and 8; of n there the best n // 2 go on, and at least one.

    5 is first everywhere, 3 best of two everywhere; 8 isn't best of three. 4 is second of four
    on rung 1, but not best of 5, 3 and 4 on rung 2. 1 is best. 2 is second of six, of five, and of
    the four that got to 4 and 8.
    """
    xs = (5.0, 3.0, 8.0, 4.0, 1.0, 2.0)
    _, run = play(OpenHalving(1, eta=2), xs, lambda params: Training([params["x"]] * 8))
    assert run.when("complete", "pruned") == [
        (8.0, 0, "complete"),
        (16.0, 1, "complete"),
        (17.0, 2, "pruned"),
        (19.0, 3, "pruned"),
        (27.0, 4, "complete"),
        (35.0, 5, "complete"),
    ]


def test_open_halving_compares_with_who_was_faster(play: Play) -> None:
    """5 needs two seconds for a step: when it gets to rung 1, 3 is there, whoever is trial 0."""

    def slow_at_5(params: Any) -> Training:
        return Training([params["x"]] * 8, seconds=2.0 if params["x"] == 5 else 1.0)

    _, run = play(OpenHalving(1, eta=2), (5.0, 3.0), slow_at_5, workers=2)
    assert run.when("complete", "pruned") == [(2.0, 0, "pruned"), (8.0, 1, "complete")]
    _, run = play(OpenHalving(1, eta=2), (3.0, 5.0), slow_at_5, workers=2)
    assert run.when("complete", "pruned") == [(2.0, 1, "pruned"), (8.0, 0, "complete")]


def test_open_hyperband_by_hand(play: Play) -> None:
    """Three brackets of 4, 3 and 3 in ten, with their lowest rungs at 1, 2 and 4.

    Trial n's bracket is where 10 (n phi mod 1) falls: 0, 6.2, 2.4, 8.5, 4.7, 0.9, 7.1, 3.3 for 0 to
    7, so brackets 0, 1, 0, 2, 1, 0, 2, 0. In bracket 0: 5 is first, 7 isn't best of two, 4 is best
    of three; 4.5 is second of four, and not best of 5, 4 and 4.5 on rung 2. In bracket 1: 6 is
    first, 8 isn't best of two on rung 2. In bracket 2: 9 is first, 9.5 isn't best of two on rung 4.
    """
    xs = (5.0, 6.0, 7.0, 9.0, 8.0, 4.0, 9.5, 4.5)
    scheduler = OpenHyperband(4, eta=2)
    assert scheduler.shares(4) == (4, 3, 3)
    _, run = play(scheduler, xs, lambda params: Training([params["x"]] * 4))
    assert run.when("complete", "pruned") == [
        (4.0, 0, "complete"),
        (8.0, 1, "complete"),
        (9.0, 2, "pruned"),
        (13.0, 3, "complete"),
        (15.0, 4, "pruned"),
        (19.0, 5, "complete"),
        (23.0, 6, "pruned"),
        (25.0, 7, "pruned"),
    ]
