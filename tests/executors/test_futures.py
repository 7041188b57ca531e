"""Trials in the pools of others, and their calls over TCP."""

from __future__ import annotations

import concurrent.futures
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import luthier
from luthier import TrialState
from luthier.core.checkpoint import Checkpoint
from luthier.core.jobs import Decision, Outcome
from luthier.errors import (
    ArgumentError,
    CheckpointMissingError,
    ExecutorError,
    TrialCancelledError,
    UnsendableError,
)
from luthier.executors import Futures, Processes
from luthier.executors.arrivals import Arrivals
from luthier.executors.calls import Relay, answer, ask, serve
from luthier.executors.process.sending import Parcels
from luthier.executors.tcp import Desk, Line
from luthier.testing.executors import EXECUTOR_CHECKS

SEED = {"seed": 0, "sampler": "random"}


def loky(slots: int) -> Any:
    from joblib.externals.loky import get_reusable_executor

    return get_reusable_executor(max_workers=slots)


POOLS: dict[str, Callable[[int], Any]] = {
    "threads": ThreadPoolExecutor,
    "processes": ProcessPoolExecutor,
    "loky": loky,
}


@pytest.fixture(scope="module", params=POOLS)
def pool(request: pytest.FixtureRequest) -> Iterator[Any]:
    made = POOLS[request.param](2)
    yield made
    made.shutdown(wait=True)


@pytest.fixture
def processes() -> Iterator[Any]:
    with ProcessPoolExecutor(2) as made:
        yield made


@pytest.mark.parametrize("check", EXECUTOR_CHECKS, ids=lambda check: check.__name__)
def test_contract(pool: Any, check: Any) -> None:
    check(lambda slots: Futures(pool, min(slots, 2)))


def test_asha_with_checkpoints(processes: Any, training: Any) -> None:
    study = luthier.create_study(
        space={"rate": luthier.Float(0.01, 0.5)},
        scheduler={"name": "asha", "max_resource": 9},
        **SEED,
    )
    study.optimize(training, n_trials=6, executor=Futures(processes, 2))
    ended = [t for t in study.trials if t.state.is_finished]
    assert {t.state for t in ended} <= {TrialState.COMPLETE, TrialState.PRUNED}
    assert any(t.attempt > 1 for t in study.trials)


def test_the_study_is_there_in_threads_only() -> None:
    seen: list[object] = []
    with ThreadPoolExecutor(1) as threads:
        study = luthier.create_study(**SEED)
        study.optimize(lambda t: seen.append(t.study) or 1.0, 1, executor=Futures(threads, 1))
    assert seen == [study]


def test_what_is_shared_is_fetched_once(processes: Any) -> None:
    study = luthier.create_study(**SEED)
    study.optimize(_Counting(), 6, executor=Futures(processes, 2))
    assert [trial.value for trial in study.trials] == [1.0] * 6


def test_a_broken_pool_ends_the_run_and_no_trial_is_lost(processes: Any) -> None:
    def objective(trial: luthier.Trial) -> float:
        if trial.number == 1 and trial.attempt == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return 1.0

    study = luthier.create_study(**SEED)
    with pytest.raises(ExecutorError, match="takes no more trials: BrokenProcessPool"):
        study.optimize(objective, 5, executor=Futures(processes, 2))
    assert {t.state for t in study.trials} <= {TrialState.COMPLETE, TrialState.WAITING}
    study.optimize(lambda trial: 1.0, total_trials=5)
    assert [t.state for t in study.trials] == [TrialState.COMPLETE] * 5


def test_what_cannot_be_sent_is_named(processes: Any) -> None:
    lock = threading.Lock()

    def objective(trial: luthier.Trial) -> float:
        with lock:
            return 1.0

    study = luthier.create_study(**SEED)
    with pytest.raises(UnsendableError, match="its variable 'lock'"):
        study.optimize(objective, 1, executor=Futures(processes, 1))
    assert study.trials[0].state is TrialState.WAITING


def test_what_cannot_be_rebuilt_ends_the_run(processes: Any) -> None:
    study = luthier.create_study(**SEED)
    with pytest.raises(UnsendableError, match="can't rebuild it for trial 0: ValueError: not here"):
        study.optimize(_Explosive(), 1, executor=Futures(processes, 1))


def test_only_what_has_not_begun_can_be_cancelled(tmp_path: Path) -> None:
    go = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        executor = Futures(threads, 2)
        executor.submit(0, lambda channel: go.wait(60), None)  # type: ignore[arg-type, return-value]
        executor.submit(1, lambda channel: None, None)  # type: ignore[arg-type, return-value]
        while not executor._tasks[1].future.running():
            time.sleep(0.001)
        assert executor.cancel(1) is True
        assert executor.cancel(0) is False
        [(number, error)] = executor.wait(60)
        assert number == 1
        assert isinstance(error, TrialCancelledError)
        go.set()
        assert executor.wait(60) == [(0, True)]


def test_a_trial_whose_driver_hung_up_ends(processes: Any, tmp_path: Path) -> None:
    executor = Futures(processes, 1)
    work = _Reporting(tmp_path / "go", tmp_path / "said")
    executor.submit(0, work, None)  # type: ignore[arg-type]
    future = executor._tasks[1].future
    while not executor._desk:  # the pool pickles in a thread of its own
        time.sleep(0.001)
    assert executor.wait(0.2) == []
    executor.shutdown()
    (tmp_path / "go").touch()
    concurrent.futures.wait([future], 60)
    assert "can't reach the process that runs its study" in (tmp_path / "said").read_text()


@pytest.mark.parametrize("slots", [0, -1, 1.5, "two", True])
def test_slots_must_be_some(slots: Any) -> None:
    with ThreadPoolExecutor(1) as threads, pytest.raises(ArgumentError, match="slots must be an"):
        Futures(threads, slots)


def test_a_pool_must_be_one() -> None:
    with pytest.raises(ArgumentError, match=r"the pool must have submit\(function, \*arguments\)"):
        Futures(object(), 2)  # type: ignore[arg-type]


def test_a_bare_pool_is_no_executor() -> None:
    study = luthier.create_study(**SEED)
    with (
        ThreadPoolExecutor(1) as threads,
        pytest.raises(ArgumentError, match=r"luthier.executors.Futures\(pool, slots\)"),
    ):
        study.optimize(lambda trial: 1.0, 1, executor=threads)  # type: ignore[arg-type]


def test_a_full_one_refuses() -> None:
    go = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        executor = Futures(threads, 1)
        executor.submit(0, lambda channel: go.wait(60), None)  # type: ignore[arg-type, return-value]
        with pytest.raises(ArgumentError, match="all 1 slots are taken"):
            executor.submit(1, lambda channel: None, None)  # type: ignore[arg-type, return-value]
        go.set()
        executor.wait(60)


class TestDesk:
    """Who may call: those that hold the key, and nobody can stop the others."""

    @pytest.fixture
    def desk(self) -> Iterator[Desk]:
        made = Desk(None, lambda call, reply: reply(answer(json.loads(call))))
        yield made
        made.close()

    def test_a_call_is_answered(self, desk: Desk) -> None:
        line = Line(desk.place)
        assert ask(line.send, 3, "report", 1, [2]) == [3, "report", 1, [2]]
        assert ask(line.send, 3, "x") == [3, "x"]
        line.close()

    def test_without_the_key_nothing_is_heard(self, desk: Desk) -> None:
        stranger = Line(replace(desk.place, key=b"another"))
        with pytest.raises(ExecutorError, match="AuthenticationError"):
            stranger.send(b"[1, 2]")

    def test_noise_and_silence_stop_nobody(self, desk: Desk) -> None:
        place = desk.place.host, desk.place.port
        with socket.create_connection(place) as noisy, socket.create_connection(place):
            noisy.sendall(b"GET / HTTP/1.1\r\n\r\n" * 1000)
            line = Line(desk.place)
            assert ask(line.send, 1, "here") == [1, "here"]
            line.close()

    def test_only_this_machine_is_heard_unless_told_otherwise(self, desk: Desk) -> None:
        assert desk._socket.getsockname()[0] == "127.0.0.1"
        wide = Desk("localhost", lambda call, reply: reply(answer(1)))
        assert wide._socket.getsockname()[0] == "0.0.0.0"
        line = Line(wide.place)
        assert ask(line.send, 1, "here") == 1
        line.close()
        wide.close()

    def test_after_close_there_is_nobody(self, desk: Desk) -> None:
        line = Line(desk.place)
        assert ask(line.send, 1, "here") == [1, "here"]
        desk.close()
        with pytest.raises(ExecutorError, match="can't reach the process that runs its study"):
            line.send(b"[1]")


class TestCalls:
    """A channel's calls as text, and what is made of any other text."""

    class Channel:
        def __init__(self) -> None:
            self.told: list[Any] = []

        def report(self, number: int, step: int, metrics: Any) -> Decision:
            self.told.append((number, step, metrics))
            return Decision.PAUSE

        def set_attrs(self, number: int, attrs: Any) -> None:
            self.told.append((number, attrs))

        def checkpoint(self, number: int, checkpoint: Checkpoint) -> None:
            self.told.append((number, checkpoint))

    def test_they_arrive_as_they_were_made(self) -> None:
        channel, saved = self.Channel(), Checkpoint(3, "ab", 7)

        def send(call: bytes) -> bytes:
            task, method, *arguments = json.loads(call)
            assert task == 11
            return serve(channel, method, arguments)

        relay = Relay(send, 11)
        assert relay.report(4, 2, {"value": float("inf")}) is Decision.PAUSE
        relay.set_attrs(4, {"a": [1, None, "ü"]})
        relay.checkpoint(4, saved)
        assert channel.told == [
            (4, 2, {"value": float("inf")}),
            (4, {"a": [1, None, "ü"]}),
            (4, saved),
        ]

    @pytest.mark.parametrize(
        ("method", "arguments"),
        [
            ("__class__", []),
            ("report", []),
            ("report", ["0", 1, {}]),
            ("report", [0, 1, 2]),
            ("checkpoint", [0, [1, 2]]),
            ("set_attrs", [0, {}, 3]),
        ],
    )
    def test_others_are_refused(self, method: str, arguments: list[Any]) -> None:
        channel = self.Channel()
        with pytest.raises(ExecutorError, match=f"A trial's channel has no {method}"):
            ask(lambda call: serve(channel, method, arguments), 1, method, *arguments)
        assert channel.told == []

    def test_after_the_end_of_the_trial(self) -> None:
        with pytest.raises(ExecutorError, match="report was called when the trial had ended"):
            ask(lambda call: serve(None, "report", [0, 1, {}]), 1, "report", 0, 1, {})


def test_a_parcel_runs_by_itself_and_in_processes() -> None:
    parcel = Parcels().pack(_Answering(42.0))
    assert parcel(None).metrics == {"value": 42.0}  # type: ignore[arg-type]
    executor = Processes(1)
    executor.submit(0, parcel, None)  # type: ignore[arg-type]
    [(_, outcome)] = executor.wait(60)
    executor.shutdown()
    assert isinstance(outcome, Outcome)
    assert outcome.metrics == {"value": 42.0}


def test_arrivals_are_taken_in_order_until_one_has_ended() -> None:
    arrivals, said = Arrivals(), list[str]()
    arrivals.put(lambda: said.append("first"))
    arrivals.put(lambda: (1, RuntimeError("one")))
    arrivals.put(lambda: said.append("second"))
    ended = arrivals.attend(10, lambda: True)
    assert [number for number, _ in ended] == [1]
    assert said == ["first", "second"]
    assert arrivals.attend(0.01, lambda: True) == []
    assert arrivals.attend(None, lambda: False) == []


def test_a_checkpoint_out_of_sight_is_refused() -> None:
    study = luthier.create_study(**SEED)
    trial = study.ask()
    with pytest.raises(CheckpointMissingError, match="need a folder that all see"):
        study._driver.checkpoint(trial.number, Checkpoint(1, "0" * 64, 3), trial.attempt)
    assert study.trials[0].checkpoint is None


class _Answering:
    def __init__(self, value: float) -> None:
        self.value = value

    @property
    def shared(self) -> tuple[object, ...]:
        return (self.value,)

    def __call__(self, channel: Any) -> Outcome:
        return Outcome(TrialState.COMPLETE, {}, {"value": self.value})


class _Reporting:
    """Work that reports when a file says go, and writes down what comes of it."""

    def __init__(self, go: Path, said: Path) -> None:
        self.go = go
        self.said = said

    def __call__(self, channel: Any) -> Outcome:
        while not self.go.exists():
            time.sleep(0.01)
        try:
            channel.report(0, 1, {"value": 1.0})
        except ExecutorError as error:
            self.said.write_text(str(error))
        return Outcome(TrialState.COMPLETE, {}, {"value": 1.0})


class _Counting:
    """An objective that says how often it was unpickled in this process."""

    times = 0

    def __call__(self, trial: luthier.Trial) -> float:
        return float(type(self).times)

    def __setstate__(self, state: dict[str, Any]) -> None:
        type(self).times += 1

    def __getstate__(self) -> dict[str, Any]:
        return {"some": "state"}


class _Explosive:
    def __call__(self, trial: luthier.Trial) -> float:
        return 1.0

    def __reduce__(self) -> Any:
        return _explode, ()


def _explode() -> None:
    raise ValueError("not here")
