"""What a desk does for clients, and what it finds again after a restart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import luthier
from luthier import Categorical, Float, Int, Space, TrialState
from luthier.errors import (
    ArgumentError,
    ObjectiveError,
    ParamValueError,
    SpaceError,
    StudyError,
    TrialNotFoundError,
    TrialStateError,
)
from luthier.service.desk import NOTE, Desk
from luthier.service.problems import RefusedError
from luthier.storages import open_storage

X = {"x": {"kind": "float", "low": 0.0, "high": 1.0}}
WORKER = "service of the tests"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def opened(path: Path, clock: Clock | None = None, **options: Any) -> Desk:
    """The desk of a study in a file, as a service opens it."""
    settings = {"sampler": "random", "seed": 3, "load_if_exists": True, **options}
    study = luthier.create_study(study_name="s", storage=open_storage(path), **settings)
    return Desk(study, WORKER, clock or Clock(), 60.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


def log(desk: Desk) -> Any:
    return desk.study.storage.events(desk.study._driver.record.id)


# Ask


def test_ask_and_tell_with_a_declared_space(path: Path) -> None:
    desk = opened(path, space=Space(x=Float(0, 1), k=Int(1, 4)))
    asked = desk.ask({})
    assert (asked["number"], asked["attempt"], asked["budget"]) == (0, 1, None)
    assert set(asked["params"]) == {"x", "k"}
    told = desk.tell(0, {"attempt": 1, "values": 0.25, "cost": 1.5})
    assert (told["state"], told["metrics"], told["cost"]) == ("COMPLETE", {"value": 0.25}, 1.5)
    assert told["params"] == asked["params"]
    assert desk.study.replay().exact


def test_ask_with_definitions(path: Path) -> None:
    desk = opened(path)
    params = {**X, "kind": {"kind": "categorical", "choices": ["a", "b"]}}
    asked = desk.ask({"params": params})
    assert list(asked["params"]) == ["x", "kind"]
    told = desk.tell(0, {"attempt": 1, "values": 1})
    assert told["params"] == asked["params"]
    assert set(desk.study.space) == {"x", "kind"}


def test_an_ask_is_what_the_study_itself_would_have_asked(path: Path) -> None:
    desk = opened(path, space=Space(x=Float(0, 1)))
    alone = luthier.create_study(space=Space(x=Float(0, 1)), sampler="random", seed=3)
    for number in range(5):
        asked = desk.ask({})
        assert asked["params"] == alone.ask().params
        desk.tell(number, {"attempt": 1, "values": 0.5})
        alone.tell(number, 0.5)


@pytest.mark.parametrize(
    "definition",
    [
        {},
        {"kind": "float"},
        {"kind": "nosuch", "low": 0, "high": 1},
        {"kind": [], "low": 0, "high": 1},
        {"kind": "float", "low": 1, "high": 0},
        {"kind": "float", "low": "0", "high": 1},
        {"kind": "float", "low": {"$float": "abc"}, "high": 1},
        {"kind": "float", "low": {"$tuple": 5}, "high": 1},
        {"kind": "float", "low": {"$dict": [[1]]}, "high": 1},
        {"kind": "float", "low": 0, "high": 10**400},
        {"kind": "float", "low": 0, "high": 1, "when": "x"},
        {"kind": "float", "low": 0, "high": 1, "when": [{"y": {"is": 1}}]},
        {"kind": "float", "low": 0, "high": 1, "prior": {"scipy": ["__import__", ["os"], []]}},
        {"kind": "float", "low": 0, "high": 1, "prior": {"normal": "os"}},
        {"kind": "int", "low": 0, "high": 1.5},
        {"kind": "categorical", "choices": []},
        {"kind": "categorical", "choices": 3},
        {"kind": "categorical", "choices": [[]], "named": True},
        {"kind": "permutation", "items": [1, 1]},
        {"kind": "float", "low": 0, "high": 1, "evil": 1},
    ],
)
def test_a_definition_that_cannot_be_built_changes_nothing(path: Path, definition: Any) -> None:
    desk = opened(path)
    before = log(desk)
    with pytest.raises(SpaceError, match="'x'"):
        desk.ask({"params": {"x": definition}})
    assert log(desk) == before


def test_an_ask_must_say_what_it_wants_where_nothing_is_known(path: Path) -> None:
    with pytest.raises(ArgumentError, match="must bring 'params'"):
        opened(path).ask({})


def test_a_total_is_exact(path: Path) -> None:
    desk = opened(path, space=Space(x=Float(0, 1)))
    for _ in range(3):
        desk.ask({"total": 3})
    with pytest.raises(StudyError, match="it has its 3 trials; 3 are running") as caught:
        desk.ask({"total": 3})
    assert caught.value.fields["running"] == 3
    assert len(desk.study.trials) == 3


def test_an_exhausted_space(path: Path) -> None:
    desk = opened(path, space=Space(k=Int(1, 2)), sampler="grid")
    desk.ask({})
    desk.ask({})
    with pytest.raises(StudyError, match="nothing to start now"):
        desk.ask({})


def test_a_waiting_trial_comes_first_and_gets_the_note(path: Path) -> None:
    desk = opened(path, space=Space(x=Float(0, 1)))
    desk.study.enqueue_trial({"x": 0.125}, user_attrs={"why": "a guess"})
    asked = desk.ask({"lease": 5}, "k1")
    assert asked["params"] == {"x": 0.125}
    assert desk.study.trials[0].user_attrs == {"why": "a guess", NOTE: {"lease": 5, "key": "k1"}}


# Idempotency


def test_an_ask_counts_once_also_after_a_restart(path: Path) -> None:
    desk = opened(path)
    first = desk.once("ask", -1, {"params": X}, "k")
    assert desk.once("ask", -1, {"params": X}, "k") == first
    again = opened(path)
    assert again.once("ask", -1, {"params": X}, "k") == first
    assert again.once("ask", -1, {"params": X}, "other")["number"] == 1
    assert len(again.study.trials) == 2


def test_the_key_of_an_ask_whose_trial_has_ended(path: Path) -> None:
    desk = opened(path)
    desk.once("ask", -1, {"params": X}, "k")
    desk.tell(0, {"attempt": 1, "values": 1})
    for one in (desk, opened(path)):
        with pytest.raises(TrialStateError, match="Ask with a new key"):
            one.once("ask", -1, {"params": X}, "k")


def test_a_key_belongs_to_one_request(path: Path) -> None:
    desk = opened(path)
    desk.once("ask", -1, {"params": X}, "k")
    with pytest.raises(RefusedError, match="must belong to one request") as caught:
        desk.once("tell", 0, {"attempt": 1, "values": 1}, "k")
    assert caught.value.status == 422


@pytest.mark.parametrize(
    "result",
    [
        {"values": 0.5},
        {"values": {"value": 0.5, "extra": 3}},
        {"values": {"$float": "inf"}},
        {"state": "FAILED", "error": "no such data"},
        {"state": "FAILED"},
        {"state": "PRUNED"},
        {"state": "PRUNED", "values": 2},
    ],
)
def test_a_tell_counts_once_also_after_a_restart(path: Path, result: dict[str, Any]) -> None:
    desk = opened(path)
    desk.ask({"params": X})
    body = {"attempt": 1, **result}
    first = desk.once("tell", 0, body, "t")
    before = log(desk)
    assert desk.once("tell", 0, body, "t") == first
    again = opened(path)
    assert again.once("tell", 0, body, "t") == first
    assert log(again) == before


def test_another_result_for_a_told_trial_is_refused(path: Path) -> None:
    desk = opened(path)
    desk.ask({"params": X})
    desk.tell(0, {"attempt": 1, "values": 0.5})
    for other in ({"values": 0.75}, {"state": "FAILED"}, {"state": "PRUNED"}):
        with pytest.raises(TrialStateError, match="it is COMPLETE at attempt 1"):
            desk.tell(0, {"attempt": 1, **other})


def test_a_report_counts_once_and_is_kept_at_once(path: Path) -> None:
    desk = opened(path)
    desk.ask({"params": X})
    body = {"attempt": 1, "step": 0, "metrics": 0.5}
    assert desk.report(0, body) == {"decision": "continue", "should_stop": False}
    before = log(desk)
    assert opened(path).report(0, {**body, "metrics": 0.75})["decision"] == "continue"
    assert log(desk) == before
    assert opened(path).study.trials[0].reports[0] == {"value": 0.5}


# Leases


def test_a_silent_client_loses_its_trial(path: Path) -> None:
    clock = Clock()
    desk = opened(path, clock)
    desk.ask({"params": X, "lease": 10})
    clock.now = 9.0
    desk.lapse()
    assert desk.study.trials[0].state is TrialState.RUNNING
    clock.now = 10.0
    desk.lapse()
    assert desk.study.trials[0].state is TrialState.WAITING
    asked = desk.ask({"params": X})
    assert (asked["number"], asked["attempt"]) == (0, 2)
    for work in (
        lambda: desk.tell(0, {"attempt": 1, "values": 1}),
        lambda: desk.report(0, {"attempt": 1, "step": 0, "metrics": 1}),
        lambda: desk.set_attrs(0, {"attempt": 1, "attrs": {"a": 1}}),
        lambda: desk.should_stop(0, {"attempt": 1}),
        lambda: desk.release(0, {"attempt": 1}),
    ):
        with pytest.raises(TrialStateError, match="it is RUNNING at attempt 2"):
            work()
    assert desk.tell(0, {"attempt": 2, "values": 1})["state"] == "COMPLETE"


def test_what_silences_every_client_fails(path: Path) -> None:
    clock = Clock()
    for attempt in (1, 2, 3):
        desk = opened(path, clock)
        assert desk.ask({"params": X})["attempt"] == attempt
        clock.now += 60.0
        desk.lapse()
    [trial] = desk.study.trials
    assert trial.state is TrialState.FAILED
    assert trial.error is not None
    assert "without a further checkpoint: 3; max_attempts is 3" in trial.error
    assert (trial.lapses, set(trial.params)) == (3, {"x"})
    assert desk.ask({"params": X})["number"] == 1


def test_clients_and_workers_are_counted_together(path: Path) -> None:
    clock = Clock()
    desk = opened(path, clock, max_attempts=2)
    desk.ask({"params": X})
    clock.now = 60.0
    desk.lapse()
    assert (desk.study.trials[0].state, desk.study.trials[0].lapses) == (TrialState.WAITING, 1)
    before = log(desk)
    study = luthier.load_study(study_name="s", storage=path)
    study._driver.work_as("worker of a machine that is gone")
    study.ask()
    study._driver.lapse(0, "its worker is gone")
    assert [event.kind for event in log(desk)[len(before) :]] == ["claimed", "finished"]
    [trial] = desk.study.trials
    assert (trial.state, trial.lapses) == (TrialState.FAILED, 2)
    assert "checkpoint: 2; max_attempts is 2" in str(trial.error)


def test_what_is_given_back_is_no_lapse(path: Path) -> None:
    desk = opened(path, max_attempts=1)
    desk.ask({"params": X})
    assert desk.release(0, {"attempt": 1})["state"] == "WAITING"
    assert desk.study.trials[0].lapses == 0


def test_an_ask_that_fails_half_way_leaves_its_trial_under_a_lease(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    desk = opened(path, clock)
    desk.ask({"params": X})
    desk.release(0, {"attempt": 1})
    with monkeypatch.context() as broken:
        broken.setattr(desk._driver, "set_attrs", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            desk.ask({"params": X}, "key")
    assert desk.study.trials[0].state is TrialState.RUNNING
    clock.now = 60.0
    desk.lapse()
    assert desk.study.trials[0].state is TrialState.WAITING


def test_after_a_restart_leases_begin_anew(path: Path) -> None:
    clock = Clock()
    opened(path).ask({"params": X, "lease": 10})
    again = opened(path, clock)
    clock.now = 9.0
    assert again.leases.renew(0, 1) == 10
    clock.now = 18.0
    again.lapse()
    assert again.tell(0, {"attempt": 1, "values": 1})["attempt"] == 1


def test_a_trial_of_another_driver_is_not_for_clients(path: Path) -> None:
    desk = opened(path, space=Space(x=Float(0, 1)))
    luthier.load_study(study_name="s", storage=path).ask()
    with pytest.raises(TrialStateError, match="must be running for the client"):
        desk.tell(0, {"attempt": 1, "values": 1})


def test_no_driver_takes_up_a_trial_of_the_service(path: Path) -> None:
    desk = opened(path)
    desk.ask({"params": X})
    other = luthier.load_study(study_name="s", storage=path)
    other.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    assert [trial.state.name for trial in other.trials] == ["RUNNING", "COMPLETE", "COMPLETE"]


def test_a_trial_that_is_given_back_waits(path: Path) -> None:
    desk = opened(path)
    first = desk.ask({"params": X})
    assert desk.release(0, {"attempt": 1, "error": "shutting down"})["state"] == "WAITING"
    again = desk.ask({"params": X})
    assert (again["number"], again["attempt"], again["params"]) == (0, 2, first["params"])


# Results


def test_definitions_survive_a_restart_though_only_the_ask_brought_them(path: Path) -> None:
    desk = opened(path)
    for number in range(2):  # of the second ask, which knows the space, nothing is declared
        asked = desk.ask({"params": X})
        again = opened(path)
        assert again.tell(number, {"attempt": 1, "values": 1})["params"] == asked["params"]
        desk = again


def test_params_that_a_tell_names_are_those_that_count(path: Path) -> None:
    desk = opened(path)
    desk.ask({"ticket": True})
    y = {"y": {"kind": "int", "low": 1, "high": 9}}
    told = desk.tell(0, {"attempt": 1, "values": 1, "params": {**X, **y}})
    assert list(told["params"]) == ["x", "y"]
    assert 0 <= told["params"]["x"] <= 1
    assert set(desk.study.space) == {"x", "y"}


def test_named_choices_are_recorded_by_name(path: Path) -> None:
    functions = {"double": lambda x: 2 * x, "half": lambda x: x / 2}
    desk = opened(path, space=Space(f=Categorical(functions)))
    desk = opened(path)  # knows only the space's JSON
    asked = desk.ask({})
    assert asked["params"]["f"] in functions
    assert desk.tell(0, {"attempt": 1, "values": 1})["params"] == asked["params"]


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        ({}, ObjectiveError),
        ({"state": "COMPLETE"}, ObjectiveError),
        ({"values": {"$float": "nan"}}, ObjectiveError),
        ({"values": {"$float": "os"}}, ObjectiveError),
        ({"values": [1, 2]}, ObjectiveError),
        ({"values": {"other": 1}}, ObjectiveError),
        ({"values": {"value": "1"}}, ObjectiveError),
        ({"values": {"value": True}}, ObjectiveError),
        ({"values": 10**400}, ObjectiveError),
        ({"state": "FAILED", "values": 1}, ArgumentError),
        ({"state": "PAUSED", "values": 1}, ArgumentError),
        ({"state": "PAUSED"}, ArgumentError),
        ({"values": 1, "error": "but"}, ArgumentError),
        ({"values": 1, "params": {"x": {"kind": "int", "low": 3, "high": 1}}}, SpaceError),
    ],
)
def test_a_bad_result_changes_nothing(path: Path, result: Any, kind: type[Exception]) -> None:
    desk = opened(path)
    desk.ask({"params": X})
    before = log(desk)
    with pytest.raises(kind):
        desk.tell(0, {"attempt": 1, **result})
    assert log(desk) == before
    assert desk.tell(0, {"attempt": 1, "values": 1})["state"] == "COMPLETE"


def test_an_enqueued_value_that_does_not_fit_what_the_tell_names(path: Path) -> None:
    desk = opened(path)
    desk.study.enqueue_trial({"x": 7.0})
    desk.ask({"ticket": True})
    with pytest.raises(ParamValueError, match="must be in"):
        desk.tell(0, {"attempt": 1, "values": 1, "params": X})


@pytest.mark.parametrize("metrics", [{}, "1", {"$float": "x"}, {"loss": None}, [1]])
def test_a_bad_report_changes_nothing(path: Path, metrics: Any) -> None:
    desk = opened(path)
    desk.ask({"params": X})
    before = log(desk)
    with pytest.raises(ObjectiveError):
        desk.report(0, {"attempt": 1, "step": 0, "metrics": metrics})
    assert log(desk) == before


def test_the_note_of_the_service_is_its_own(path: Path) -> None:
    desk = opened(path)
    desk.ask({"params": X})
    with pytest.raises(ArgumentError, match="'service' is the service's own"):
        desk.set_attrs(0, {"attempt": 1, "attrs": {NOTE: 1}})
    assert desk.set_attrs(0, {"attempt": 1, "attrs": {"a": [1]}})["user_attrs"]["a"] == [1]


def test_no_such_trial(path: Path) -> None:
    with pytest.raises(TrialNotFoundError):
        opened(path).tell(10**18, {"attempt": 1, "values": 1})


# Schedulers


def test_reports_are_decided_and_trials_paused_and_resumed(path: Path) -> None:
    """ASHA over HTTP: paused at its first rung, resumed with what it had reported."""
    desk = opened(path, space=Space(x=Float(0, 1)), scheduler={"name": "asha", "max_resource": 9})
    for number in range(3):
        assert desk.ask({})["budget"] == 1
        body = {"attempt": 1, "step": 1, "metrics": float(number)}
        assert desk.report(number, body) == {"decision": "pause", "should_stop": True}
        assert desk.should_stop(number, {"attempt": 1})["decision"] == "pause"
        assert desk.tell(number, {"attempt": 1, "state": "PRUNED"})["state"] == "PAUSED"
    resumed = desk.ask({})
    assert (resumed["number"], resumed["attempt"], resumed["budget"]) == (0, 2, 3)
    assert resumed["trial"]["reports"] == [[1, {"value": 0.0}]]
    with pytest.raises(TrialStateError):
        desk.tell(0, {"attempt": 1, "state": "PRUNED"})


def test_a_value_at_the_budget_pauses_and_counts_once(path: Path) -> None:
    desk = opened(path, space=Space(x=Float(0, 1)), scheduler={"name": "asha", "max_resource": 9})
    desk.ask({})
    body = {"attempt": 1, "values": 0.5}
    told = desk.tell(0, body)
    assert told["state"] == "PAUSED"
    before = log(desk)
    assert opened(path).tell(0, body) == told
    assert log(desk) == before


def test_clients_may_pause_what_has_a_budget(path: Path) -> None:
    desk = opened(path, space=Space(x=Float(0, 1)), scheduler={"name": "asha", "max_resource": 9})
    desk.ask({})
    desk.report(0, {"attempt": 1, "step": 1, "metrics": 1.0})
    assert desk.tell(0, {"attempt": 1, "state": "PAUSED"})["state"] == "PAUSED"


# Looking


def test_trials_by_state_version_and_page(path: Path) -> None:
    desk = opened(path, space=Space(x=Float(0, 1)))
    for number in range(4):
        desk.ask({})
        if number < 3:
            desk.tell(number, {"attempt": 1, "values": number})
    seen = desk.trials({})
    assert [t["number"] for t in desk.trials({"state": "RUNNING"})["trials"]] == [3]
    assert [t["number"] for t in desk.trials({"start": 1, "limit": 2})["trials"]] == [1, 2]
    assert desk.trials({"since": seen["version"]})["trials"] == []
    desk.tell(3, {"attempt": 1, "values": -1})
    assert [t["number"] for t in desk.trials({"since": seen["version"]})["trials"]] == [3]
    assert desk.best()["trials"][0]["number"] == 3
    assert desk.summary()["states"] == {"COMPLETE": 4}
    assert desk.summary()["space"] == {"params": X}


def test_the_front_of_several_objectives(path: Path) -> None:
    ways = {"a": "minimize", "b": "maximize"}
    desk = opened(path, space=Space(x=Float(0, 1)), metrics=ways)
    assert desk.best()["trials"] == []
    for number, (a, b) in enumerate([(1, 1), (2, 2), (3, 1)]):
        desk.ask({})
        desk.tell(number, {"attempt": 1, "values": {"a": a, "b": b}})
    assert [t["number"] for t in desk.best()["trials"]] == [0, 1]
