"""Tests of what is chosen from a study: the best, the front, its knee, the best under bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

import luthier
from luthier import TrialState
from luthier.errors import ArgumentError, NoTrialError, StudyError

Told = Mapping[str, float]


def study_of(metrics: Mapping[str, str], *told: Told, constraints: Any = ()) -> luthier.Study:
    study = luthier.create_study(metrics=metrics, constraints=constraints, seed=0)
    for result in told:
        study.tell(study.ask(), result)
    return study


FAST = {"accuracy": 0.80, "latency": 1.0, "mb": 9.0}
KNEE = {"accuracy": 0.95, "latency": 2.0, "mb": 2.0}
SLOW = {"accuracy": 0.97, "latency": 9.0, "mb": 1.0}
WORSE = {"accuracy": 0.79, "latency": 3.0, "mb": 1.5}
TWO = {"accuracy": "maximize", "latency": "minimize"}
THREE = {**TWO, "mb": "minimize"}


class TestKnee:
    def test_directions_are_respected(self) -> None:
        assert study_of(TWO, FAST, KNEE, SLOW, WORSE).knee().number == 1
        turned = [{"accuracy": 1 - t["accuracy"], "latency": -t["latency"]} for t in (FAST, KNEE)]
        study = study_of({"accuracy": "minimize", "latency": "maximize"}, *turned)
        assert study.knee().number in (t.number for t in study.best_trials)

    def test_several_objectives(self) -> None:
        assert study_of(THREE, SLOW, FAST, WORSE, KNEE).knee().number == 3

    def test_only_feasible_trials_that_completed(self) -> None:
        study = study_of(TWO, FAST, KNEE, SLOW, constraints=["mb >= 5"])
        assert study.knee().number == 0
        study = study_of(TWO, FAST, SLOW)
        study.tell(study.ask(), KNEE, state=TrialState.PRUNED)
        assert study.knee().number == 0

    def test_of_two_trials_and_of_equal_ones_the_first(self) -> None:
        assert study_of(TWO, SLOW, FAST).knee().number == 0
        study = study_of(TWO, WORSE)
        [first, second] = [study.ask(), study.ask()]
        study.tell(second, KNEE)
        study.tell(first, KNEE)
        assert study.knee().number == first.number

    def test_invalidated_trials_do_not_count(self) -> None:
        study = study_of(TWO, FAST, KNEE, SLOW)
        study.invalidate(1)
        assert study.knee().number == 0

    def test_one_objective_has_none(self) -> None:
        study = study_of({"accuracy": "maximize"}, KNEE)
        with pytest.raises(
            StudyError, match="several objectives, the study .* has one. Use best_t"
        ):
            study.knee()

    def test_nothing_completed_and_nothing_feasible(self) -> None:
        with pytest.raises(NoTrialError, match="has no completed trial yet"):
            study_of(TWO).knee()
        study = study_of(TWO, SLOW, KNEE, constraints=["mb <= 0.5"])
        with pytest.raises(NoTrialError, match="least infeasible is trial 0") as caught:
            study.knee()
        assert caught.value.fields == {"least_infeasible": 0}


class TestBestUnder:
    @pytest.mark.parametrize(
        ("bounds", "number"),
        [
            ({"latency": 5}, 1),  # the most accurate of the fast ones
            ({"latency": 1.5}, 0),
            ({"accuracy": 0.96}, 2),  # maximised: at least
            ({"accuracy": 0.9}, 1),
            ({"mb": 5}, 1),  # not an objective: at most, and the knee of the objectives
            ({"latency": 5, "mb": 1.8}, 3),
            ({"latency": 10, "accuracy": 0.7}, 1),  # both bounded: the knee of both
            (["mb >= 5"], 0),
            (["latency = 5", "mb <= 1.8"], 3),
        ],
    )
    def test_two_objectives(self, bounds: Any, number: int) -> None:
        assert study_of(TWO, FAST, KNEE, SLOW, WORSE).best_under(bounds).number == number

    def test_one_objective(self) -> None:
        study = study_of({"accuracy": "maximize"}, FAST, KNEE, SLOW)
        assert study.best_under({"latency": 5}).number == 1
        assert study.best_under({"accuracy": 0.5}).number == study.best_trial.number == 2

    def test_three_objectives_leave_the_knee_of_two(self) -> None:
        front = [
            {"accuracy": a, "latency": 1.0 + i / 9, "mb": mb}
            for i, (a, mb) in enumerate([(0.5, 1.0), (0.9, 2.0), (0.95, 9.0), (0.7, 3.0)])
        ]
        study = study_of(THREE, *front, {"accuracy": 1.0, "latency": 6.0, "mb": 1.0})
        assert study.best_under({"latency": 5}).number == 1
        assert study.best_under({"latency": 5}, objective="accuracy").number == 2
        assert study.best_under({"latency": 5}, objective="mb").number == 0
        assert study.best_under({"accuracy": 0.8}, objective="accuracy").number == 4

    def test_of_equals_in_what_decides_the_best_in_the_rest(self) -> None:
        study = study_of(
            TWO,
            {"accuracy": 0.9, "latency": 4.0},
            {"accuracy": 0.9, "latency": 3.0},
            {"accuracy": 0.9, "latency": 3.0},
        )
        assert study.best_under({"latency": 5}).number == 1

    def test_a_bound_holds_the_way_a_constraint_does(self) -> None:
        study = study_of(TWO, FAST, KNEE, SLOW, constraints=["mb >= 1"])
        assert study.best_under({"mb": 5}).number == 0

    def test_constraints_hold_as_well(self) -> None:
        study = study_of(TWO, FAST, KNEE, SLOW, constraints=["mb <= 1.8"])
        assert study.best_under({"latency": 10}).number == 2

    def test_trials_without_the_metric_are_not_within(self) -> None:
        study = study_of({"accuracy": "maximize"}, {"accuracy": 1.0}, KNEE)
        assert study.best_under({"latency": 5}).number == 1

    def test_unnamed_objectives(self) -> None:
        study = luthier.create_study(directions=["minimize", "maximize"], seed=0)
        for pair in ((1, 5), (2, 7), (3, 9)):
            study.tell(study.ask(), pair)
        assert study.best_under({"value_0": 2}).number == 1

    def test_none_within_names_the_nearest(self) -> None:
        study = study_of(TWO, SLOW, KNEE)
        with pytest.raises(NoTrialError) as caught:
            study.best_under({"latency": 1.5})
        assert "has latency <= 1.5. The nearest is trial 1 with {" in str(caught.value)
        assert caught.value.fields == {"nearest": 1}

    def test_nothing_completed_and_nothing_feasible(self) -> None:
        with pytest.raises(NoTrialError, match="has no completed trial yet"):
            study_of(TWO).best_under({"latency": 5})
        with pytest.raises(NoTrialError, match="least infeasible is trial 0"):
            study_of(TWO, SLOW, constraints=["mb <= 0.5"]).best_under({"latency": 5})

    @pytest.mark.parametrize(
        ("bounds", "objective", "message"),
        [
            ({}, None, "needs bounds by metric, or a list of texts, got {}"),
            ("latency <= 5", None, "Write {'latency_ms': 5} or"),
            (None, None, "got None"),
            ({"latency": "5"}, None, "the bound on 'latency' must be a finite number, got '5'"),
            ({"latency": float("nan")}, None, "a finite number, got nan"),
            ({"latency": True}, None, "a finite number, got True"),
            (["latency < 5"], None, "got 'latency < 5'"),
            (["latency = five"], None, "got 'latency <= five'"),
            ([3], None, "got 3"),
            ({"speed": 5}, None, "Known metrics: 'accuracy', 'latency', 'mb'."),
            ({"latency": 5}, "accurracy", "Did you mean 'accuracy'?"),
            ({"latency": 5}, "mb", "Known names: 'accuracy', 'latency'."),
        ],
    )
    def test_mistakes(self, bounds: Any, objective: Any, message: str) -> None:
        with pytest.raises(ArgumentError) as caught:
            study_of(TWO, KNEE).best_under(bounds, objective=objective)
        assert message in str(caught.value)


def test_best_trial_and_front_are_feasible() -> None:
    study = study_of({"accuracy": "maximize"}, FAST, KNEE, SLOW, constraints=["latency <= 5"])
    assert study.best_trial.number == 1
    study = study_of(TWO, FAST, KNEE, SLOW, WORSE, constraints=["mb <= 5"])
    assert [t.number for t in study.best_trials] == [1, 2]


def test_the_least_infeasible_is_named_where_none_is_feasible() -> None:
    ways = ({"accuracy": "maximize"}, TWO)
    for metrics, ask in zip(ways, ("best_trial", "best_trials"), strict=True):
        study = study_of(metrics, SLOW, FAST, KNEE, constraints=["latency <= 0.5", "mb <= 8"])
        with pytest.raises(NoTrialError) as caught:
            getattr(study, ask)
        assert "keeps the constraints latency <= 0.5, mb <= 8. The least infeasible is" in str(
            caught.value
        )
        assert caught.value.fields == {"least_infeasible": 1}  # by 0.5 and 1
