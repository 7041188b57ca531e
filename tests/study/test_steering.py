"""Steering a study from outside: what is written, what is refused, who heeds it."""

from __future__ import annotations

from pathlib import Path

import pytest

import luthier
from luthier import Float, Space, Study, TrialState
from luthier.errors import (
    ArgumentError,
    ParamValueError,
    TrialNotFoundError,
    TrialStateError,
)
from luthier.study.trial import Trial

SPACE = Space(x=Float(0, 1))


@pytest.fixture(params=["memory", "sqlite"])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Study, Study]:
    """A study as its driver has it, and as somebody else has."""
    storage = (
        luthier.storages.MemoryStorage() if request.param == "memory" else f"{tmp_path}/runs.db"
    )
    ours = luthier.create_study(study_name="s", storage=storage, space=SPACE, seed=0)
    return ours, luthier.load_study(study_name="s", storage=storage)


def half(trial: Trial) -> float:
    return trial.suggest_float("x", 0, 1) / 2


def test_a_running_trial_is_pruned_at_once_with_what_it_reported(
    pair: tuple[Study, Study],
) -> None:
    study, user = pair
    trial = study.ask()
    trial.report(0.5, 1)
    trial.report(0.25, 2)
    study._driver.start(unless=lambda history: True)  # flushes
    stopped = user.stop_trial(0, "diverges")
    assert (stopped.state, stopped.value) == (TrialState.PRUNED, 0.25)
    assert stopped.error == "stopped by the user: diverges"
    assert stopped.cost is not None
    assert stopped.cost >= 0
    study._driver.flush_at = 0.0
    trial.report(0.1, 3)
    assert trial.should_prune()
    assert user.trials[0] == study.trials[0] == stopped
    with pytest.raises(TrialStateError, match="must be RUNNING to be told a result, it is PRUNED"):
        study.tell(trial, 0.5)
    assert study.tell(trial, 0.5, skip_if_finished=True) == stopped


def test_waiting_and_paused_trials_are_ended_at_once(pair: tuple[Study, Study]) -> None:
    study, user = pair
    study.enqueue_trial({"x": 0.5})
    trial = study.ask()
    study._driver.storage.release(1, 0, trial.attempt, TrialState.PAUSED, "budget")
    study.enqueue_trial({"x": 0.25})
    for number in (0, 1):
        assert user.stop_trial(number).error == "stopped by the user"
        assert user.trials[number].state is TrialState.PRUNED
    assert user.trials[1].params == {"x": 0.25}
    assert study.ask().number == 2


def test_stopping_twice_changes_nothing_and_an_ended_trial_is_refused(
    pair: tuple[Study, Study],
) -> None:
    study, user = pair
    study.ask()
    first = user.stop_trial(0, "one")
    assert study.stop_trial(0, "two") == first
    study.tell(study.ask(), 1.0)
    with pytest.raises(TrialStateError, match="trial 1 is COMPLETE"):
        user.stop_trial(1)
    with pytest.raises(TrialNotFoundError, match="has no trial 7"):
        user.stop_trial(7)
    with pytest.raises(ArgumentError, match="reason must be text"):
        user.stop_trial(1, 3)  # type: ignore[arg-type]


def test_a_stop_that_meets_a_claim_looks_again(
    pair: tuple[Study, Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    study, user = pair
    study.enqueue_trial({"x": 0.5})
    read = user._driver._read
    met = []

    def slow(number: int) -> luthier.FrozenTrial:
        seen = read(number)
        if not met:
            met.append(study.ask().number)  # claimed between the look and the write
        return seen

    monkeypatch.setattr(user._driver, "_read", slow)
    stopped = user.stop_trial(0)
    assert (stopped.state, stopped.attempt, met) == (TrialState.PRUNED, 1, [0])


def test_a_stopped_trial_of_a_worker_that_is_gone(tmp_path: Path) -> None:
    study = luthier.create_study(study_name="s", storage=f"{tmp_path}/runs.db", seed=0)
    study._driver.work_as("elsewhere/1:2:3:4")
    study.ask()
    user = luthier.load_study(study_name="s", storage=f"{tmp_path}/runs.db")
    assert user.stop_trial(0).state is TrialState.PRUNED
    assert user.ask().number == 1


def test_a_trial_stopped_from_a_callback_of_its_own_process() -> None:
    study = luthier.create_study(space=SPACE, seed=0)

    def objective(trial: Trial) -> float:
        study.stop_trial(trial)
        trial.report(0.5, 1)
        return 0.5 if not trial.should_prune() else 1 / 0

    seen: list[tuple[int, str | None]] = []
    study.optimize(objective, n_trials=2, callbacks=[lambda s, t: seen.append((t.number, t.error))])
    assert seen == [(0, "stopped by the user"), (1, "stopped by the user")]
    assert not any(trial.reports for trial in study.trials)


def test_a_stop_counts_neither_as_failure_nor_for_retries() -> None:
    study = luthier.create_study(space=SPACE, seed=0)

    def objective(trial: Trial) -> float:
        study.stop_trial(trial)
        raise ConnectionError

    study.optimize(objective, n_trials=3, fail_fast=1, catch=(), retries={ConnectionError: 5})
    assert [t.state.name for t in study.trials] == 3 * ["PRUNED"]


def test_retry_is_a_new_trial_with_the_same_parameters(pair: tuple[Study, Study]) -> None:
    study, user = pair
    study.optimize(lambda trial: half(trial) / 0, n_trials=1)
    again = user.retry(0)
    assert (again.number, again.state, again.params) == (
        1,
        TrialState.WAITING,
        study.trials[0].params,
    )
    assert (again.origin.parent, again.origin.reason) == (0, "trial 0 once more")
    study.optimize(half, n_trials=1)
    assert [t.state.name for t in user.trials] == ["FAILED", "COMPLETE"]
    assert user.trials[1].params == user.trials[0].params
    assert study.replay().exact


def test_retry_refuses_what_it_cannot_repeat(pair: tuple[Study, Study]) -> None:
    study, user = pair
    study.ask()
    with pytest.raises(TrialStateError, match=r"trial 0 is RUNNING. End it with stop_trial\(0\)"):
        user.retry(0)
    with pytest.raises(TrialNotFoundError):
        user.retry(5)
    study.tell(0, 0.5)
    study._driver.mirror.declare(Space(x=Float(2, 3)))
    with pytest.raises(ParamValueError, match="'x'"):
        user.retry(0)


def test_retry_of_a_trial_whose_parameters_nobody_knows() -> None:
    study = luthier.create_study(seed=0)
    study.ask()
    study.stop_trial(0)
    study.optimize(half, n_trials=1)
    with pytest.raises(TrialStateError, match="before its parameters were recorded"):
        study.retry(0)


def test_the_goal_changes_running_calls_whatever_they_were_told(
    pair: tuple[Study, Study],
) -> None:
    study, user = pair
    for limits in ({"n_trials": 2}, {"total_trials": 2}, {"timeout": 3600}):
        before = len(study.trials)

        def objective(trial: Trial, goal: int = before + 5) -> float:
            if trial.number == goal - 4:
                user.set_goal(goal)
            return half(trial)

        if "total_trials" in limits:
            limits = {"total_trials": before + 2}
        study.optimize(objective, **limits)  # type: ignore[arg-type]
        assert len(study.trials) == before + 5
        assert study.goal == user.goal == before + 5


def test_a_lower_goal_starts_no_more_and_the_last_one_counts(pair: tuple[Study, Study]) -> None:
    study, user = pair

    def objective(trial: Trial) -> float:
        if trial.number == 2:
            user.set_goal(50)
            user.set_goal(1)
        return half(trial)

    study.optimize(objective, n_trials=20)
    assert len(study.trials) == 3
    study.optimize(half, n_trials=4)  # begins after the goal, so its own word is later
    assert len(study.trials) == 7
    assert study.goal == 7


@pytest.mark.parametrize("trials", [-1, 2.5, "many", True])
def test_goals_that_are_none(trials: object) -> None:
    with pytest.raises(ArgumentError, match="set_goal: trials must be an integer >= 0, or None"):
        luthier.create_study().set_goal(trials)  # type: ignore[arg-type]


def test_notes_and_tags_leave_proposals_alone(tmp_path: Path) -> None:
    def run(storage: str, annotated: bool) -> list[dict[str, object]]:
        study = luthier.create_study(study_name="s", storage=storage, space=SPACE, seed=3)
        user = luthier.load_study(study_name="s", storage=storage)
        for k in range(14):
            study.optimize(half, n_trials=1)
            if annotated:
                user.annotate(k // 2, note=f"seen {k}", tags=["a", str(k)])
                user.set_note("good")
                user.set_tags(["x"])
        assert study.replay().exact
        return [t.params for t in study.trials]

    assert run(f"{tmp_path}/a.db", True) == run(f"{tmp_path}/b.db", False)


def test_notes_and_tags_are_kept_and_their_past_is_in_the_log(pair: tuple[Study, Study]) -> None:
    study, user = pair
    study.tell(study.ask(), 1.0)
    assert (study.note, study.tags) == ("", [])
    user.set_note("<script>\u202e\U0001f600")
    user.set_tags(["b", "a", "b "])
    assert (study.note, study.tags) == ("<script>\u202e\U0001f600", ["b", "a"])
    user.annotate(0, note="one", tags=["t"])
    record = user.annotate(study.trials[0], note="two")
    assert record.user_attrs == study.trials[0].user_attrs == {"note": "two", "tags": ["t"]}
    assert user.annotate(0) == record
    noted = [
        e.data["user_attrs"].get("note") for e in study._driver.mirror.log(0) if e.kind == "attrs"
    ]
    assert noted == ["one", "two"]
    for bad in ({"note": 3}, {"tags": "text"}, {"tags": ["", "a"]}, {"tags": [1]}):
        with pytest.raises(ArgumentError):
            user.annotate(0, **bad)  # type: ignore[arg-type]
    with pytest.raises(TrialNotFoundError):
        user.annotate(9, note="x")


def test_invalidate_and_enqueue_from_outside_while_it_runs(pair: tuple[Study, Study]) -> None:
    study, user = pair

    def objective(trial: Trial) -> float:
        if trial.number == 3:
            user.invalidate(user.best_trial, "leak")
            queued = user.enqueue_trial({"x": 0.125})
            assert queued is not None
            assert queued.number == 4
            assert user.enqueue_trial({"x": 0.125}, skip_if_exists=True) is None
            with pytest.raises(ParamValueError):
                user.enqueue_trial({"x": 5})
        return half(trial)

    study.optimize(objective, n_trials=6)
    [invalid] = [t for t in study.trials if t.invalid]
    assert invalid.value == min(t.value for t in study.trials[:3] if t.value is not None)
    assert study.best_trial.number != invalid.number
    assert study.trials[4].params == {"x": 0.125}
    assert study.replay().exact
