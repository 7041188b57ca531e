"""The Python client: objectives run unchanged, whatever happens on the way."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, final

import pytest

import luthier
from luthier import Categorical, Client, Float, Int, Space, TrialState
from luthier.errors import (
    ArgumentError,
    NoTrialError,
    ObjectiveError,
    ServiceError,
    SpaceError,
    StudyMismatchError,
    StudyNotFoundError,
    TrialStateError,
)
from luthier.service import desks
from luthier.service.leases import Leases
from luthier.study.trial import Trial

if TYPE_CHECKING:
    from conftest import Service


@final
class Counted:
    """How often a method is called from now on."""

    def __init__(self, patch: pytest.MonkeyPatch, owner: type, name: str) -> None:
        self.n = 0
        self._called = threading.Condition()
        method = getattr(owner, name)

        def counting(*given: Any) -> Any:
            with self._called:
                self.n += 1
                self._called.notify_all()
            return method(*given)

        patch.setattr(owner, name, counting)

    def wait(self, n: int) -> None:
        with self._called:
            assert self._called.wait_for(lambda: self.n >= n, 60)


def objective(trial: Trial) -> float:
    """Branches, loops, reports, notes."""
    x = trial.suggest_float("x", -1, 1)
    kind = trial.suggest_categorical("kind", ["a", "b"])
    if kind == "b":
        x += trial.suggest_int("n", 1, 3)
    trial.report(x, 0)
    trial.set_user_attr("kind", kind)
    return x * x


def test_an_objective_runs_as_it_would_in_the_studys_process(service: Service) -> None:
    client = service.client()
    client.create(sampler="tpe", seed=5)
    client.optimize(objective, 15)
    alone = luthier.create_study(sampler="tpe", seed=5)
    alone.optimize(objective, 15)
    assert [t.params for t in client.trials] == [t.params for t in alone.trials]
    assert [t.metrics for t in client.trials] == [t.metrics for t in alone.trials]
    assert [t.reports for t in client.trials] == [t.reports for t in alone.trials]
    assert client.best_trial.params == alone.best_params
    study = luthier.load_study(study_name="s", storage=service.storage)
    assert study.space == alone.space
    assert study.replay().exact


def test_a_declared_space(service: Service) -> None:
    client = service.client()
    client.create({"x": Float(0, 1), "k": Int(1, 9)}, direction="maximize", sampler="random")
    client.optimize(lambda trial: trial.params["x"] + trial.params["k"], 5)
    assert client.best_trial.value == max(t.value or 0 for t in client.trials)
    assert all(set(t.params) == {"x", "k"} for t in client.trials)


def test_ask_and_tell(service: Service) -> None:
    client = service.client()
    client.create(metrics={"a": "minimize", "b": "maximize"})
    trial = client.ask()
    trial.suggest_categorical("f", {"double": lambda x: 2 * x, "half": lambda x: x / 2})(3)
    with pytest.raises(ObjectiveError, match="lacks 'b'"):
        client.tell(trial, {"a": 1})
    told = client.tell(trial, {"a": 1, "b": float("inf")})
    assert (told.state, told.values) == (TrialState.COMPLETE, [1.0, float("inf")])
    assert set(told.params) == {"f"}
    assert client.tell(client.ask(), state=TrialState.FAILED).state is TrialState.FAILED
    assert [t.number for t in client.best_trials] == [0]


def test_an_exception_fails_its_trial_and_the_next_follows(service: Service) -> None:
    client = service.client()
    client.create()

    def failing(trial: Trial) -> float:
        if trial.number == 0:
            raise RuntimeError("no such data \ud800")
        return trial.suggest_float("x", 0, 1)

    client.optimize(failing, 2)
    first, second = client.trials
    assert (first.state, second.state) == (TrialState.FAILED, TrialState.COMPLETE)
    assert first.error is not None
    assert first.error.startswith("RuntimeError: no such data")


def test_trials_are_paused_and_resumed(service: Service) -> None:
    def curve(trial: Trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        for step in range(1, 10):
            trial.report(x / step, step)
            if trial.should_prune():
                raise luthier.TrialPruned
        return x

    client = service.client()
    client.create(sampler="random", scheduler={"name": "asha", "max_resource": 9}, seed=0)
    client.optimize(curve, total_trials=12)
    alone = luthier.create_study(sampler="random", scheduler=luthier.schedulers.Asha(9), seed=0)
    alone.optimize(curve, total_trials=12)
    ours = [(t.state, t.params, t.reports) for t in client.trials]
    assert ours == [(t.state, t.params, t.reports) for t in alone.trials]
    assert any(t.attempt > 1 for t in client.trials)


def test_eight_clients_run_exactly_so_many_trials(service: Service) -> None:
    service.client().create({"x": Float(0, 1)}, sampler="random", seed=0)
    seen: list[int] = []

    def work() -> None:
        def counted(trial: Trial) -> float:
            seen.append(trial.number)
            trial.report(0.5, 1)
            return trial.params["x"]  # type: ignore[no-any-return]

        service.client().optimize(counted, total_trials=40)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    trials = service.client().trials
    assert sorted(seen) == list(range(40))
    assert [t.state for t in trials] == [TrialState.COMPLETE] * 40
    assert all(t.attempt == 1 for t in trials)
    assert luthier.load_study(study_name="s", storage=service.storage).replay().exact


def test_answers_that_are_lost_count_once(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = service.client(patience=60.0)
    client.create({"x": Float(0, 1)}, sampler="random")
    send, seen = Client._send, set()

    def lossy(self: Client, method: str, path: str, body: Any, key: str) -> Any:
        answer = send(self, method, path, body, key)
        if key not in seen:
            seen.add(key)
            raise ConnectionResetError("lost")
        return answer

    monkeypatch.setattr(Client, "_send", lossy)
    client.optimize(objective, 3)
    monkeypatch.undo()
    assert [t.state.name for t in client.trials] == ["COMPLETE"] * 3
    kinds = [event.kind for event in service.log()[0][1]]
    assert kinds.count("added") == kinds.count("finished") == kinds.count("reported") == 3


def test_a_trial_that_was_lost_is_dropped(service: Service) -> None:
    client = service.client()
    client.create({"x": Float(0, 1)}, sampler="random")

    def stolen(trial: Trial) -> float:
        if trial.attempt == 1 and trial.number == 0:
            study = luthier.load_study(study_name="s", storage=service.storage)
            study._driver.refresh()
            study._driver.release(0, "stolen by the test")
            trial.report(0.5, 1)
            assert trial.should_prune()
        return 0.25

    client.optimize(stolen, 1)
    assert client.trials[0].state is TrialState.WAITING
    client.optimize(stolen, 1)
    assert [(t.state, t.attempt) for t in client.trials] == [(TrialState.COMPLETE, 2)]


def test_who_lost_a_trial_does_not_speak_for_its_next_run(service: Service) -> None:
    client = service.client()
    client.create({"x": Float(0, 1)}, sampler="random")
    lost = client.ask()
    study = luthier.load_study(study_name="s", storage=service.storage)
    study._driver.refresh()
    study._driver.release(0, "stolen by the test")
    again = client.ask()
    assert (again.number, again.attempt) == (0, 2)
    lost.report(7.0, 1)
    assert lost.should_prune()
    with pytest.raises(TrialStateError):
        client.tell(lost, 7.0)
    assert client.tell(again, 0.5).value == 0.5
    assert not client.trials[0].reports


def test_an_interruption_gives_the_trial_back(service: Service) -> None:
    client = service.client()
    client.create({"x": Float(0, 1)}, sampler="random")

    def interrupted(trial: Trial) -> float:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.optimize(interrupted, 1)
    [trial] = client.trials
    assert (trial.state, trial.error) == (TrialState.WAITING, "interrupted by KeyboardInterrupt")


def test_a_lease_is_renewed_while_an_objective_runs(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For the service each renewal takes half a lease, and all else no time."""
    client = service.client(lease=0.4)
    client.create({"x": Float(0, 1)}, sampler="random")
    begun = time.monotonic()
    renewals = Counted(monkeypatch, Leases, "renew")
    looks = Counted(monkeypatch, Leases, "lapsed")
    monkeypatch.setattr(service.desks._clock, "_clock", lambda: begun + 0.2 * renewals.n)
    monkeypatch.setattr(desks, "_LOOK_SECONDS", 0.05)

    def slow(trial: Trial) -> float:
        renewals.wait(6)  # three leases
        looks.wait(looks.n + 2)
        return 1.0

    client.optimize(slow, 1)
    assert [(t.state, t.attempt) for t in client.trials] == [(TrialState.COMPLETE, 1)]


def test_a_silent_client_loses_its_trial_by_itself(service: Service) -> None:
    client = service.client(lease=0.1)
    client.create({"x": Float(0, 1)}, sampler="random")
    trial = client.ask()
    while client.trials[0].state is TrialState.RUNNING:
        threading.Event().wait(0.05)
    with pytest.raises(TrialStateError, match="Its lease has lapsed"):
        client.tell(trial, 1.0)


def test_errors_are_those_of_the_library(service: Service) -> None:
    client = service.client()
    with pytest.raises(StudyNotFoundError, match="no study 's'"):
        client.ask()
    with pytest.raises(StudyNotFoundError):
        client.optimize(objective, 1)
    client.create(direction="minimize")
    with pytest.raises(StudyMismatchError):
        client.create(direction="maximize")
    with pytest.raises(NoTrialError):
        assert client.best_trial
    trial = client.ask()
    trial.suggest_float("x", 0, 1)
    with pytest.raises(SpaceError):
        trial.suggest_float("y", 1, 0)


def test_a_wrong_token(service: Service) -> None:
    with pytest.raises(ServiceError, match="answered 401") as caught:
        Client(service.url, "s", "wrong").ask()
    assert caught.value.fields["status"] == 401


def test_the_token_comes_from_the_environment(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LUTHIER_TOKEN", "a-token-of-the-tests")
    assert Client(service.url, "s").create()["name"] == "s"


def test_a_service_that_is_not_there(service: Service) -> None:
    port = service.port
    service.stop()
    with pytest.raises(ServiceError, match="can't be reached: ConnectionRefusedError"):
        Client(f"http://127.0.0.1:{port}", "s", patience=0.2).ask()


@pytest.mark.parametrize("url", ["127.0.0.1:8470", "ftp://x", "http://", "file:///etc/passwd"])
def test_a_url_that_is_none(url: str) -> None:
    with pytest.raises(ArgumentError, match="must be http://HOST:PORT"):
        Client(url, "s")


def test_limits_of_optimize(service: Service) -> None:
    client = service.client()
    client.create(Space(k=Categorical([1, 2, 3])), sampler="grid")
    client.optimize(lambda trial: 1.0, timeout=0.0)
    assert client.trials == []
    client.optimize(lambda trial: 1.0)  # until the space is exhausted
    assert len(client.trials) == 3
