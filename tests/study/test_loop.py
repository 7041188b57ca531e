"""Tests of the optimisation loop: limits, failures, retries, stopping, parallel threads."""

import threading
from typing import Any, ClassVar

import numpy as np
import pytest

import luthier
from luthier import (
    AllOf,
    Float,
    Int,
    MaxCost,
    MaxSeconds,
    MaxTrials,
    Saturation,
    Space,
    TargetValue,
    TrialPruned,
    TrialState,
)
from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.errors import (
    AllTrialsFailedError,
    ArgumentError,
    InfeasibleSpaceError,
    TrialStateError,
    WorkerLostError,
)
from luthier.schedulers import SuccessiveHalving


def square(trial: luthier.Trial) -> float:
    return trial.suggest_float("x", -1, 1) ** 2


class TestLimits:
    def test_n_trials_is_more_and_total_trials_is_in_all(self) -> None:
        study = luthier.create_study()
        study.optimize(square, n_trials=3)
        study.optimize(square, n_trials=2)
        assert len(study.trials) == 5
        study.optimize(square, total_trials=7)
        study.optimize(square, total_trials=7)
        assert len(study.trials) == 7

    def test_time_is_planned_as_work(self) -> None:
        study = luthier.create_study()
        study.optimize(square, n_trials=2)
        assert study.history.planned_cost is None
        spent = study.history.cost
        study.optimize(square, n_trials=1, timeout=60, stop=MaxCost(1e6), n_jobs=2)
        assert study.history.planned_cost == pytest.approx(spent + 120)
        study.optimize(square, n_trials=1, timeout=60, stop=[MaxCost(40), MaxSeconds(9e9)])
        assert study.history.planned_cost == 40
        study.optimize(square, n_trials=1, timeout=float("inf"))
        assert study.history.planned_cost is None

    def test_samplers_of_reproducible_runs_know_the_time_that_is_planned(self) -> None:
        seen = []

        class Looker:
            spec: ClassVar[dict[str, Any]] = {"name": "looker"}

            def suggest(self, space: Space, history: History, n: int, rng: Any) -> list[Proposal]:
                seen.append(history.planned_cost)
                return [Proposal({"x": 0.5}, "looked")] * n

        study = luthier.create_study(space=Space(x=Float(0, 1)), sampler=Looker())
        study.optimize(square, n_trials=3, timeout=600, reproducible=True, n_jobs=2)
        assert seen == [1200.0] * 3

    def test_invalidated_trials_are_replaced(self) -> None:
        study = luthier.create_study()
        study.optimize(square, total_trials=3)
        study.invalidate(1)
        study.optimize(square, total_trials=3)
        assert len(study.trials) == 4

    def test_enqueued_trials_count(self) -> None:
        study = luthier.create_study()
        study.enqueue_trial({"x": 0.5})
        study.optimize(square, total_trials=2)
        assert [t.params["x"] == 0.5 for t in study.trials] == [True, False]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"n_trials": -1}, "n_trials must be an integer >= 0, got -1"),
            ({"n_trials": 1.5}, "n_trials must be an integer >= 0, got 1.5"),
            ({"total_trials": "5"}, "total_trials must be an integer >= 0, got '5'"),
            ({"n_trials": 1, "total_trials": 1}, "not both"),
            ({"timeout": -1}, "timeout must be seconds, at least 0, got -1"),
            ({"timeout": "3"}, "timeout must be seconds, at least 0, got '3'"),
            ({"stop": 3}, "stop takes rules such as Saturation(20), got 3"),
            ({"stop": "saturation"}, "stop takes rules such as Saturation(20), got 'saturation'"),
            ({"stop": MaxTrials}, "stop takes rules such as Saturation(20), got <class"),
            ({"catch": 3}, "catch takes exception classes, got 3"),
            ({"callbacks": 3}, "a callback takes (study, trial), got 3"),
            ({"retries": [ValueError]}, "retries maps exception classes to how often"),
            (
                {"executor": "carrier"},
                "executor must be 'process:4', 'thread:4', 'inline', 'dask://",
            ),
            ({"executor": 3}, "or an object with submit(), got 3"),
            ({"executor": "thread:2", "n_jobs": 3}, "got 'thread:2' beside n_jobs=3"),
            ({"executor": "process:0"}, "got 'process:0'"),
            ({"executor": "inline:2"}, "got 'inline:2'"),
            ({"executor": "thread:2", "time_limit": 3}, "need a process that can be ended"),
            ({"time_limit": "soon"}, "time_limit must be seconds above 0, or a time such as"),
            ({"memory_limit": 0}, "memory_limit must be a number of bytes above 0"),
            ({"fail_fast": 0}, "fail_fast must be an integer >= 1, got 0"),
            ({"n_jobs": 0}, "n_jobs must be at least 1, or -1"),
            ({"catch": (int,)}, "catch takes exception classes"),
            ({"callbacks": [3]}, "a callback takes (study, trial), got 3"),
            ({"stop": [3]}, "stop takes rules"),
            ({"retries": {ValueError: -1}}, "retries maps exception classes"),
            ({"retries": {"ValueError": 1}}, "retries maps exception classes"),
        ],
    )
    def test_bad_arguments(self, arguments: dict[str, Any], message: str) -> None:
        with pytest.raises(ArgumentError) as caught:
            luthier.create_study().optimize(square, **arguments)
        assert message in str(caught.value)

    def test_the_objective_must_be_callable(self) -> None:
        with pytest.raises(ArgumentError, match="must be callable, got 3"):
            luthier.create_study().optimize(3)  # type: ignore[arg-type]


class TestStopRules:
    def run(self, values: list[float], *rules: Any, **options: Any) -> int:
        study = luthier.create_study(**options)
        queue = iter(values)
        study.optimize(lambda trial: next(queue), n_trials=len(values), stop=rules)
        return len(study.trials)

    def test_target(self) -> None:
        assert self.run([3, 2, 1, 0], TargetValue(1)) == 3
        assert self.run([1, 2, 3, 4], TargetValue(3), direction="maximize") == 3

    def test_saturation(self) -> None:
        assert self.run([5, 4, 4, 4, 4, 4], Saturation(2)) == 4
        assert self.run([5, 4, 3.95, 3.9, 0, 0], Saturation(2, eps=0.2)) == 4

    def test_trials_and_cost(self) -> None:
        assert self.run([1] * 9, MaxTrials(4)) == 4
        assert self.run([1] * 9, MaxCost(0)) == 0

    def test_time(self) -> None:
        assert self.run([1] * 9, MaxSeconds(0)) == 0

    def test_all_of(self) -> None:
        assert self.run([1] * 9, AllOf(MaxTrials(2), MaxTrials(5))) == 5
        assert self.run([1] * 9, MaxTrials(3), AllOf(MaxTrials(2), MaxTrials(5))) == 3

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: MaxTrials(0), "MaxTrials: trials must be an integer of at least 1, got 0"),
            (lambda: MaxSeconds(-1), "MaxSeconds: seconds"),
            (lambda: MaxCost(-1), "MaxCost: seconds"),
            (lambda: Saturation(0), "Saturation: trials"),
            (lambda: Saturation(1, eps=-1), "Saturation: eps"),
            (lambda: TargetValue("low"), "TargetValue: value"),  # type: ignore[arg-type]
            (lambda: Saturation(2.5), "Saturation: trials must be an integer of at least 1"),  # type: ignore[arg-type]
            (AllOf, "AllOf needs at least one rule"),
            (lambda: AllOf(3), "AllOf takes rules such as MaxTrials(50), got 3"),  # type: ignore[arg-type]
        ],
    )
    def test_bad_rules(self, make: Any, message: str) -> None:
        with pytest.raises(ArgumentError) as caught:
            make()
        assert message in str(caught.value)

    def test_exhausted_space(self) -> None:
        study = luthier.create_study(space=Space(a=Int(0, 5)), strategy="random", seed=0)
        study.optimize(lambda trial: trial.params["a"], n_trials=100)
        assert sorted(t.params["a"] for t in study.trials) == [0, 1, 2, 3, 4, 5]

    def test_stop_is_heard_by_every_driver(self) -> None:
        storage = luthier.open_storage(None)
        study = luthier.create_study(study_name="a", storage=storage)
        other = luthier.load_study(study_name="a", storage=storage)

        def objective(trial: luthier.Trial) -> float:
            if trial.number == 3:
                other.stop()
            return 0.0

        study.optimize(objective, n_trials=10)
        assert len(study.trials) == 4
        study.optimize(objective, n_trials=2)
        assert len(study.trials) == 6


class TestFailures:
    def test_a_crash_fails_its_trial_and_the_search_goes_on(self) -> None:
        def objective(trial: luthier.Trial) -> float:
            x = trial.suggest_float("x", 0, 1)
            if trial.number % 2:
                raise RuntimeError("out of memory")
            return x

        study = luthier.create_study(seed=0)
        study.optimize(objective, n_trials=6)
        failed = [t for t in study.trials if t.state is TrialState.FAILED]
        assert [t.number for t in failed] == [1, 3, 5]
        assert failed[0].error is not None
        assert failed[0].error.startswith("RuntimeError: out of memory")
        assert "in objective" in failed[0].error
        assert set(failed[0].params) == {"x"}

    def test_catch_limits_what_is_survived(self) -> None:
        def objective(trial: luthier.Trial) -> float:
            raise KeyError("k") if trial.number else ValueError("v")

        study = luthier.create_study()
        with pytest.raises(KeyError):
            study.optimize(objective, n_trials=5, catch=ValueError)
        assert [t.state.name for t in study.trials] == ["FAILED", "FAILED"]

    def test_nothing_but_failures_is_said_loudly(self) -> None:
        def objective(trial: luthier.Trial) -> float:
            raise ValueError(f"bad data in trial {trial.number}")

        study = luthier.create_study()
        with pytest.raises(AllTrialsFailedError, match=r"All 10 trials .* bad data in trial 0"):
            study.optimize(objective, n_trials=50)
        assert len(study.trials) == 10
        study.optimize(objective, n_trials=3, fail_fast=None)
        assert len(study.trials) == 13

    @pytest.mark.parametrize(
        ("result", "message"),
        [
            (None, "returned None. Did it forget 'return'?"),
            ("high", "must be a number, got 'high' (str)"),
            ([1, 2], "got 2 values"),
            (float("nan"), "got NaN"),
            ({"loss": 1}, "lacks 'value'"),
        ],
    )
    def test_unusable_results_fail_their_trial(self, result: Any, message: str) -> None:
        study = luthier.create_study()
        study.optimize(lambda trial: result, n_trials=1, catch=())
        [trial] = study.trials
        assert trial.state is TrialState.FAILED
        assert message in (trial.error or "")

    def test_retries(self) -> None:
        runs: list[tuple[int, int, float]] = []

        def objective(trial: luthier.Trial) -> float:
            x = trial.suggest_float("x", 0, 1)
            runs.append((trial.number, trial.attempt, x))
            if trial.number == 0 and trial.attempt < 3:
                raise ConnectionError("again")
            if trial.number == 1:
                raise ValueError("never again")
            return x

        study = luthier.create_study(seed=0)
        study.optimize(objective, n_trials=3, retries={ConnectionError: 2})
        assert [(n, a) for n, a, _ in runs] == [(0, 1), (0, 2), (0, 3), (1, 1), (2, 1)]
        assert len({x for n, _, x in runs if n == 0}) == 1
        assert [t.state.name for t in study.trials] == ["COMPLETE", "FAILED", "COMPLETE"]
        assert study.trials[0].attempt == 3

    def test_pruned(self) -> None:
        def objective(trial: luthier.Trial) -> float:
            trial.report(0.5, 1)
            raise TrialPruned("not promising")

        study = luthier.create_study()
        study.optimize(objective, n_trials=1)
        [trial] = study.trials
        assert (trial.state, trial.value, trial.error) == (
            TrialState.PRUNED,
            0.5,
            "not promising",
        )


class TestInterruption:
    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
    def test_the_running_trial_waits_and_is_taken_up_again(
        self, error: type[BaseException]
    ) -> None:
        seen: list[tuple[int, int, float]] = []

        def objective(trial: luthier.Trial) -> float:
            x = trial.suggest_float("x", 0, 1)
            seen.append((trial.number, trial.attempt, x))
            if len(seen) == 2:
                raise error
            return x

        study = luthier.create_study(seed=0)
        with pytest.raises(error):
            study.optimize(objective, total_trials=4)
        assert [t.state.name for t in study.trials] == ["COMPLETE", "WAITING"]
        study.optimize(objective, total_trials=4)
        assert [(n, a) for n, a, _ in seen] == [(0, 1), (1, 1), (1, 2), (2, 1), (3, 1)]
        assert seen[1][2] == seen[2][2]

    def test_a_failing_callback_leaves_a_consistent_study(self) -> None:
        def callback(study: luthier.Study, trial: luthier.FrozenTrial) -> None:
            raise LookupError("plot failed")

        study = luthier.create_study()
        with pytest.raises(LookupError):
            study.optimize(square, n_trials=3, callbacks=[callback])
        assert [t.state.name for t in study.trials] == ["COMPLETE"]

    @pytest.mark.parametrize("scheduler", ["none", "asha:max_resource=100,mode=stopping"])
    def test_what_a_thread_says_that_was_left_behind_counts_no_more(self, scheduler: str) -> None:
        """The first run of trial 0 outlives its `optimize`, and speaks up while the next runs."""
        again, over = threading.Event(), threading.Event()
        left: list[Any] = []

        def objective(trial: luthier.Trial) -> float:
            if trial.number == 1:
                return 1.0
            trial.report(0.5, 1)
            if trial.attempt == 2:
                again.set()
                over.wait(60)
                trial.report(0.25, 2)
                return 0.25
            again.wait(60)
            trial.report(-9.0, 2)
            left.append(trial.should_prune())
            trial.set_user_attr("from", "the past")
            try:
                trial.save_checkpoint(b"of the past")
            except TrialStateError as error:
                left.append(type(error).__name__)
            over.set()
            return -9.0

        def callback(study: luthier.Study, trial: luthier.FrozenTrial) -> None:
            if len(study.trials) == 2:
                raise LookupError("stop now")

        study = luthier.create_study(seed=0, sampler="random", scheduler=scheduler)
        with pytest.raises(LookupError):
            study.optimize(objective, n_trials=2, executor="thread:2", callbacks=[callback])
        assert [t.state.name for t in study.trials] == ["WAITING", "COMPLETE"]
        study.optimize(objective, total_trials=2, executor="thread:2")
        trial = study.trials[0]
        assert left == [True, "TrialLostError"]
        assert (trial.attempt, trial.value, trial.checkpoint) == (2, 0.25, None)
        assert {**trial.intermediate_values, 100: 0.25} == {1: 0.5, 2: 0.25, 100: 0.25}
        assert trial.user_attrs == {}

    def test_what_it_says_while_its_trial_waits_counts_no_more(self) -> None:
        study = luthier.create_study(seed=0)
        trial = study.ask()
        study._driver.release(0, "interrupted")
        trial.report(0.5, 1)
        trial.set_user_attr("late", 1)
        assert trial.should_prune()
        assert (len(study.trials[0].reports), study.trials[0].user_attrs) == (0, {})
        with pytest.raises(TrialStateError, match="must be RUNNING at attempt 1"):
            trial.save_checkpoint(b"late")


class TestScheduling:
    def test_bad_trials_are_pruned(self) -> None:
        def objective(trial: luthier.Trial) -> float:
            level = trial.suggest_int("level", 0, 9)
            for step in range(5):
                trial.report(level, step)
                if trial.should_prune():
                    raise TrialPruned
            return level

        study = luthier.create_study(
            seed=0, sampler="random", scheduler={"name": "median", "n_startup_trials": 2}
        )
        study.optimize(objective, n_trials=10)
        pruned = [t for t in study.trials if t.state is TrialState.PRUNED]
        kept = [t for t in study.trials if t.state is TrialState.COMPLETE]
        assert pruned
        assert min(t.value for t in pruned if t.value is not None) > study.best_value
        assert len(kept) + len(pruned) == 10

    def test_a_second_report_of_a_step_is_ignored(self, caplog: pytest.LogCaptureFixture) -> None:
        study = luthier.create_study()
        trial = study.ask()
        trial.report(1.0, 0)
        trial.report(2.0, 0)
        assert study.tell(trial, 1).intermediate_values == {0: 1.0}
        assert "reported step 0 before" in caplog.text

    @pytest.mark.parametrize("step", [-1, 0.5, "one", None])
    def test_bad_steps(self, step: Any) -> None:
        with pytest.raises(ArgumentError, match="step must be an integer of at least 0"):
            luthier.create_study().ask().report(1.0, step)


class TestThreads:
    def test_trials_run_at_once(self) -> None:
        barrier = threading.Barrier(3, timeout=30)

        def objective(trial: luthier.Trial) -> float:
            if trial.number < 3:
                barrier.wait()
            return trial.suggest_float("x", 0, 1)

        study = luthier.create_study(seed=0)
        study.optimize(objective, n_trials=10, executor="thread:3")
        assert [t.state.name for t in study.trials] == ["COMPLETE"] * 10
        assert len({t.params["x"] for t in study.trials}) == 10

    def test_reports_from_threads(self) -> None:
        def objective(trial: luthier.Trial) -> float:
            for step in range(20):
                trial.report(step, step)
            return 1.0

        study = luthier.create_study(scheduler="median")
        study.optimize(objective, n_trials=12, executor="thread:4")
        assert all(len(t.reports) == 20 for t in study.trials)


def test_same_seed_same_search() -> None:
    def objective(trial: luthier.Trial) -> float:
        kind = trial.suggest_categorical("kind", ["a", "b"])
        if kind == "a":
            return trial.suggest_float("x", 0.01, 1, log=True)
        return float(trial.suggest_int("n", 1, 9))

    def run(seed: int) -> list[dict[str, Any]]:
        study = luthier.create_study(seed=seed)
        study.optimize(objective, n_trials=30)
        assert study.replay().exact
        return [t.params for t in study.trials]

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_declared_space_and_minimize() -> None:
    space = Space(x=Float(-1, 1), n=Int(1, 3))
    study = luthier.minimize(lambda p: p["x"] ** 2 + p["n"], space, 30, seed=0)
    assert len(study.trials) == 30
    assert study.best_params["n"] == 1
    best = luthier.maximize(lambda p: p["x"], space, "10 trials", seed=0)
    assert best.best_value == max(t.params["x"] for t in best.trials)
    with pytest.raises(ArgumentError, match="A budget must be a number of trials or a time"):
        luthier.minimize(lambda p: 0.0, space, "soon")
    with pytest.raises(ArgumentError, match="must be callable"):
        luthier.minimize(3, space, 5)  # type: ignore[arg-type]


def test_objective_replays_from_records_and_fixed_trials() -> None:
    def objective(trial: Any) -> float:
        x: float = trial.suggest_float("x", -1, 1)
        trial.report(x, 0)
        trial.set_user_attr("x", x)
        return x if not trial.should_prune() else -9.0

    study = luthier.create_study(seed=0)
    study.optimize(objective, n_trials=5)
    assert objective(study.best_trial) == study.best_value
    fixed = luthier.FixedTrial({"x": 0.25}, number=3)
    assert objective(fixed) == 0.25
    assert (fixed.number, fixed.params, fixed.user_attrs) == (3, {"x": 0.25}, {"x": 0.25})
    with pytest.raises(luthier.errors.UnknownParamError, match="no value for 'y'"):
        fixed.suggest_int("y", 0, 1)
    with pytest.raises(ArgumentError, match="params must be a mapping"):
        luthier.FixedTrial([0.5])  # type: ignore[arg-type]


def test_a_space_that_grows_with_the_trials_is_never_exhausted() -> None:
    study = luthier.create_study(seed=0)
    study.optimize(lambda trial: trial.suggest_int("n", 1, 1 + trial.number), n_trials=12)
    assert len(study.trials) == 12
    assert study.replay().exact


def test_asking_ahead_in_a_learnt_space() -> None:
    study = luthier.create_study(seed=0)
    first = study.ask()
    first.suggest_categorical("a", ["x", "y"])
    study.tell(first, 1.0)
    ahead = [study.ask() for _ in range(4)]
    for trial in ahead:
        trial.suggest_categorical("a", ["x", "y"])
        study.tell(trial, 1.0)
    assert {t.params["a"] for t in study.trials} == {"x", "y"}
    assert study.replay().exact


def test_a_learnt_finite_space_is_exhausted_without_duplicates() -> None:
    def objective(trial: luthier.Trial) -> float:
        if trial.suggest_categorical("kind", ["a", "b"]) == "a":
            return trial.suggest_int("x", 0, 4)
        return trial.suggest_categorical("y", [10, 20, 30])

    for strategy in luthier.known_strategies():
        study = luthier.create_study(seed=3, strategy=strategy)
        study.optimize(objective, n_trials=50)
        assert len(study.trials) == 8, strategy
        assert len({tuple(t.params.items()) for t in study.trials}) == 8, strategy


def test_max_trials_counts_what_runs() -> None:
    study = luthier.create_study(seed=0)
    meet = threading.Barrier(2)

    def objective(trial: luthier.Trial) -> float:
        meet.wait(10)
        return square(trial)

    study.optimize(objective, executor="thread:2", stop=MaxTrials(4))
    assert len(study.trials) == 4


def test_numpy_integers_are_numbers() -> None:
    study = luthier.create_study(seed=0)
    study.optimize(square, n_trials=np.int64(2))  # type: ignore[arg-type]
    study.invalidate(np.int64(0))  # type: ignore[arg-type]
    assert [t.invalid is None for t in study.trials] == [False, True]


def test_failures_of_earlier_calls_do_not_end_a_corrected_one() -> None:
    study = luthier.create_study(seed=0)

    def broken(trial: luthier.Trial) -> float:
        raise ValueError("broken")

    with pytest.raises(AllTrialsFailedError, match="All 3 trials"):
        study.optimize(broken, n_trials=5, fail_fast=3)

    def corrected(trial: luthier.Trial) -> float:
        if trial.number == 3:
            raise ValueError("once more")
        return 1.0

    study.optimize(corrected, n_trials=3, fail_fast=3)
    assert study.trials[-1].state is TrialState.COMPLETE


def test_paused_trials_are_not_failures() -> None:
    study = luthier.create_study(scheduler=SuccessiveHalving(27), seed=0)

    def objective(trial: luthier.Trial) -> float:
        if trial.number % 2:
            raise ValueError("broken")
        return trial.suggest_float("x", 0, 1)

    study.optimize(objective, n_trials=27, fail_fast=3)
    assert len(study.history.failed) == 13
    assert len(study.history.completed) == 1


def test_resumed_runs_are_not_retries() -> None:
    runs: list[int] = []

    def objective(trial: luthier.Trial) -> float:
        if trial.budget == 3:
            runs.append(trial.attempt)
            raise ConnectionError("away")
        return trial.suggest_float("x", 0, 1)

    study = luthier.create_study(scheduler=SuccessiveHalving(3, n=3), seed=0)
    study.optimize(objective, n_trials=3, retries={ConnectionError: 2})
    assert runs[:3] == [2, 3, 4]
    assert study.history.failed[0].attempt == 4


def test_a_failing_listener_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    study = luthier.create_study(seed=0)

    def listen(event: object) -> None:
        raise RuntimeError("no")

    study.subscribe(listen)
    study.optimize(square, n_trials=2)
    assert [t.state for t in study.trials] == [TrialState.COMPLETE] * 2
    assert "A listener failed on TrialStarted; the study goes on." in caplog.text


def test_an_exhausted_space_is_said(caplog: pytest.LogCaptureFixture) -> None:
    study = luthier.create_study(space={"n": Int(1, 2)}, study_name="small")
    study.optimize(lambda trial: 1.0, n_trials=5)
    assert "Study 'small' stops: the space is exhausted." in caplog.text


def test_an_infeasible_finite_space_is_an_error() -> None:
    space = Space(x=Int(0, 9), y=Int(0, 9)).require("x + y < 0")
    for sampler in ("grid", "random_grid", "auto", "random", "sobol"):
        study = luthier.create_study(space=space, sampler=sampler)
        with pytest.raises(InfeasibleSpaceError, match="must leave"):
            study.optimize(lambda trial: 1.0, n_trials=3)


@pytest.mark.parametrize(
    ("option", "value"), [("direction", "maximize"), ("bogus", 1), ("n_trials", 3)]
)
def test_minimize_refuses_what_it_does_not_pass_on(option: str, value: object) -> None:
    with pytest.raises(ArgumentError, match=f"one of create_study or .* got {option!r}"):
        luthier.minimize(lambda p: p["x"], {"x": Float(0, 1)}, 3, **{option: value})


def test_minimize_passes_options_on() -> None:
    study = luthier.minimize(
        lambda p: p["x"], {"x": Float(0, 1)}, "4 trials", seed=0, gc_after_trial=True, n_jobs=2
    )
    assert len(study.trials) == 4


class _Losing:
    """An executor that loses the worker of some trials at the end of their first runs."""

    slots = 1

    def __init__(self, losses: dict[int, int]) -> None:
        self.losses = losses
        self.ended: list[Any] = []

    def submit(self, number: int, work: Any, channel: Any) -> None:
        outcome = work(channel)
        if self.losses.get(number, 0):
            self.losses[number] -= 1
            outcome = WorkerLostError(f"The worker that ran trial {number} is gone: unplugged.")
        self.ended.append((number, outcome))

    def wait(self, timeout: float | None = None) -> list[Any]:
        ended, self.ended = self.ended, []
        return ended

    def cancel(self, number: int) -> bool:
        return False

    def shutdown(self) -> None:
        pass


class TestLostWorkers:
    def test_their_trials_run_again_in_the_same_run(self, caplog: Any) -> None:
        study = luthier.create_study(seed=0, sampler="random")
        study.optimize(square, n_trials=4, executor=_Losing({1: 2, 3: 1}))
        assert [t.state for t in study.trials] == [TrialState.COMPLETE] * 4
        assert [t.attempt for t in study.trials] == [1, 3, 1, 2]
        assert (
            "Trial 1 is run again: The worker that ran trial 1 is gone: unplugged." in caplog.text
        )

    def test_not_for_ever(self) -> None:
        study = luthier.create_study(seed=0, sampler="random")
        study.optimize(square, n_trials=3, executor=_Losing({1: 99}))
        assert [t.state.name for t in study.trials] == ["COMPLETE", "FAILED", "COMPLETE"]
        assert study.trials[1].attempt == 3
        assert "max_attempts is 3" in str(study.trials[1].error)

    def test_max_attempts_is_the_studys(self) -> None:
        study = luthier.create_study(seed=0, sampler="random", max_attempts=5)
        study.optimize(square, n_trials=2, executor=_Losing({1: 4}))
        assert study.trials[1].state is TrialState.COMPLETE
        assert study.trials[1].attempt == 5

    def test_they_are_counted_over_all_runs_and_drivers(self) -> None:
        study = luthier.create_study(seed=0, sampler="random")
        for lapses in (1, 2):
            losing = _Losing({0: 99, 1: 99})
            study.optimize(square, n_trials=1, executor=losing, stop=_Lost(losing, 0))
            assert [(t.state.name, t.lapses) for t in study.trials] == [("WAITING", lapses)]
        other = luthier.load_study(study_name=study.study_name, storage=study.storage)
        other.optimize(square, n_trials=1, executor=_Losing({0: 99}), fail_fast=None)
        assert [(t.state.name, t.lapses) for t in study.trials] == [("FAILED", 3)]
        assert "unplugged. Runs that lost their worker" in str(study.trials[0].error)
        kinds = [event.kind for event in study._driver.storage.events(study._driver.record.id)]
        assert [k for k in kinds if k != "state"] == [
            "added",
            *("released", "claimed"),
            *("released", "claimed"),
            "finished",
        ]

    def test_one_that_was_given_up_is_raised_unless_it_is_caught(self) -> None:
        study = luthier.create_study(seed=0, sampler="random")
        told: list[int] = []
        with pytest.raises(WorkerLostError, match="max_attempts is 3"):
            study.optimize(
                square,
                n_trials=3,
                executor=_Losing({1: 99}),
                catch=(),
                callbacks=lambda _, trial: told.append(trial.number),
            )
        assert told == [0, 1]

    def test_one_that_gets_on_is_not_given_up(self) -> None:
        def saving(trial: luthier.Trial) -> float:
            saved = trial.load_checkpoint()
            step = 1 if saved is None else saved.step + 1
            trial.report(1.0, step)
            trial.save_checkpoint(b"x%d" % step)
            return float(step)

        study = luthier.create_study(seed=0, sampler="random")
        study.optimize(saving, n_trials=1, executor=_Losing({0: 7}))
        assert study.trials[0].value == 8

    def test_a_trial_that_waits_stays_when_the_run_stops(self) -> None:
        study = luthier.create_study(seed=0, sampler="random")
        losing = _Losing({1: 99})
        study.optimize(square, n_trials=5, executor=losing, stop=_Lost(losing))
        assert [t.state.name for t in study.trials] == ["COMPLETE", "WAITING"]
        study.optimize(square, total_trials=5)
        assert [t.state for t in study.trials] == [TrialState.COMPLETE] * 5


class _Lost:
    """A stop rule: as soon as a worker was lost."""

    def __init__(self, losing: _Losing, number: int = 1) -> None:
        self.losing = losing
        self.number = number

    def reason(self, history: Any, elapsed: float) -> str | None:
        return "lost" if self.losing.losses[self.number] < 99 else None
