"""Successive halving in simulated time, beside what comes out by hand.

Nine trials report x at every step: 5, 3, 8, 1, 7, 2, 6, 4, 9. With rungs at 1, 3 and 9 the best
three (trials 3, 5 and 1) go on to step 3, the best (trial 3) to step 9.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import luthier
import luthier.testing
from luthier.schedulers import SuccessiveHalving
from luthier.testing.simulate import Training

if TYPE_CHECKING:
    from conftest import Play

NINE = (5, 3, 8, 1, 7, 2, 6, 4, 9)


def last_steps(study: luthier.Study) -> list[int | None]:
    return [trial.last_step for trial in study.trials]


def states(study: luthier.Study) -> str:
    return "".join(trial.state.name[:2] for trial in study.trials)


def test_one_worker_by_hand(play: Play) -> None:
    study, run = play(SuccessiveHalving(9), NINE)
    ends = run.when("pruned", "paused", "complete", "resumed")
    assert ends[:9] == [(k + 1.0, k, "paused") for k in range(9)]
    assert ends[9:] == [
        *((9.0, loser, "pruned") for loser in (7, 0, 6, 4, 2, 8)),
        (9.0, 3, "resumed"),
        (11.0, 3, "paused"),
        (11.0, 5, "resumed"),
        (13.0, 5, "paused"),
        (13.0, 1, "resumed"),
        (15.0, 1, "paused"),
        (15.0, 5, "pruned"),
        (15.0, 1, "pruned"),
        (15.0, 3, "resumed"),
        (21.0, 3, "complete"),
    ]
    assert run.steps == 9 * 1 + 3 * 2 + 1 * 6
    assert study.best_trial.number == 3
    assert study.trials[5].error == "not among the best 1 at step 3"
    assert study.trials[5].value == 2.0


def test_free_workers_begin_the_next_bracket(play: Play) -> None:
    # eta 2, rungs 1, 2, 4; all four of the first bracket are there when the last has reported.
    _, run = play(SuccessiveHalving(4, eta=2), (4, 1, 3, 2, 5, 6, 7, 8), workers=4)
    assert run.when("started", "resumed", "pruned")[4:9] == [
        (1.0, 4, "started"),
        (1.0, 5, "started"),
        (1.0, 6, "started"),
        (1.0, 2, "pruned"),
        (1.0, 0, "pruned"),
    ]
    assert run.when("resumed")[:2] == [(1.0, 1, "resumed"), (2.0, 3, "resumed")]
    assert run.steps == 2 * (4 + 2 * 1 + 1 * 2)
    assert run.idle[:3].sum() < 4


def test_a_bracket_cut_by_the_plan_ends_with_what_it_has(play: Play) -> None:
    study, run = play(SuccessiveHalving(9), NINE[:5])
    assert run.steps == 5 * 1 + 1 * 2 + 1 * 6
    assert last_steps(study) == [1, 1, 1, 9, 1]
    assert states(study) == "PRPRPRCOPR"


def test_a_failed_trial_leaves_its_place_to_another(play: Play) -> None:
    def table(params: Any) -> Training:
        return Training([RuntimeError("the best")] if params["x"] == 1 else [params["x"]] * 9)

    study, run = play(SuccessiveHalving(9), NINE, table)
    assert last_steps(study) == [1, 3, 1, None, 1, 9, 1, 3, 1]
    assert study.trials[3].state.name == "FAILED"
    assert run.steps == 8 * 1 + 3 * 2 + 1 * 6


def test_one_that_fails_after_its_promotion_is_not_waited_for(play: Play) -> None:
    def table(params: Any) -> Training:
        return Training([1.0, OSError("gone")] if params["x"] == 1 else [params["x"]] * 9)

    study, _ = play(SuccessiveHalving(9), NINE, table)
    assert last_steps(study) == [1, 3, 1, 1, 1, 9, 1, 1, 1]


def test_nan_is_the_worst(play: Play) -> None:
    def table(params: Any) -> Training:
        return Training([math.nan if params["x"] < 3 else params["x"]] * 9)

    study, _ = play(SuccessiveHalving(9), NINE, table)
    assert last_steps(study) == [3, 9, 1, 1, 1, 1, 1, 3, 1]


def test_steps_may_be_skipped(play: Play) -> None:
    # Reports at 2, 4, 6, 8 and 9: rung 1 is reached at 2, rung 3 at 4.
    def table(params: Any) -> Training:
        return Training(dict.fromkeys((2, 4, 6, 8, 9), params["x"]), seconds=0.5)

    study, run = play(SuccessiveHalving(9), NINE, table)
    assert last_steps(study) == [2, 4, 2, 9, 2, 4, 2, 2, 2]
    assert run.steps == 9 * 2 + 3 * 2 + 5
    assert run.seconds == run.steps / 2


def test_maximised_metrics_and_others_than_the_objective(play: Play) -> None:
    study, _ = play(SuccessiveHalving(9), NINE, more={"direction": "maximize"})
    assert last_steps(study) == [1, 1, 3, 1, 3, 1, 1, 1, 9]

    def table(params: Any) -> Training:
        return Training([{"value": 1.0, "loss": params["x"]}] * 9)

    study, _ = play(SuccessiveHalving(9, metric="loss"), NINE, table)
    assert last_steps(study) == [1, 3, 1, 9, 1, 3, 1, 1, 1]


def test_constraints_come_first(play: Play) -> None:
    def table(params: Any) -> Training:
        return Training([{"value": params["x"], "mb": 10 - params["x"]}] * 9)

    study, _ = play(SuccessiveHalving(9), NINE, table, more={"constraints": ["mb <= 6"]})
    assert last_steps(study) == [3, 1, 1, 1, 1, 1, 3, 9, 1]


def test_several_objectives(play: Play) -> None:
    # x and |x - 3|: 1, 2 and 3 dominate all others; of them the ends are the least crowded.
    def table(params: Any) -> Training:
        return Training([{"a": params["x"], "b": abs(params["x"] - 3)}] * 9)

    metrics = {"metrics": {"a": "minimize", "b": "minimize"}}
    study, _ = play(SuccessiveHalving(9), NINE, table, more=metrics)
    assert [n for n, step in enumerate(last_steps(study)) if step == 3] == [3, 5]
    assert [t.number for t in study.best_trials] == [1]


def test_trials_that_start_over_cost_all_their_steps_again() -> None:
    def costs(checkpoints: bool) -> tuple[int, list[int | None]]:
        study = luthier.create_study(
            space=luthier.Space(x=luthier.Int(1, 9)),
            sampler=luthier.samplers.Grid(),
            scheduler=SuccessiveHalving(9),
        )
        run = luthier.testing.simulate(
            study, lambda p: Training([p["x"]] * 9), n_trials=9, checkpoints=checkpoints
        )
        return run.steps, sorted(last_steps(study), key=str)

    assert costs(True) == (9 + 6 + 6, [1] * 6 + [3] * 2 + [9])
    assert costs(False) == (9 * 1 + 3 * 3 + 1 * 9, [1] * 6 + [3] * 2 + [9])
