"""Trials on real clusters: a local Dask and a local Ray, one of each for all tests.

``xdist_group`` has one process run all that is on an engine.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from living import vanished

import luthier
from luthier import TrialState
from luthier.core.protocols import Executor
from luthier.errors import (
    ArgumentError,
    TimeLimitError,
    TrialCancelledError,
    UnsendableError,
)
from luthier.executors import Dask, Futures, Ray, open_executor
from luthier.testing.executors import EXECUTOR_CHECKS, check_executor

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

SEED = {"seed": 0, "sampler": "random"}
Factory = Callable[..., Executor]


@pytest.fixture(scope="session")
def ray_here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_AUTH_MODE"] = "disabled"
    import ray

    ray.init(
        "local",
        num_cpus=2,
        num_gpus=1,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="error",
        object_store_memory=80 * 2**20,
    )
    yield ray
    ray.shutdown()


@pytest.fixture(
    params=[
        pytest.param("dask", marks=pytest.mark.xdist_group("dask")),
        pytest.param("ray", marks=pytest.mark.xdist_group("ray")),
    ]
)
def make(request: pytest.FixtureRequest) -> Factory:
    """Makes an executor on the engine, of two slots unless told otherwise."""
    if request.param == "dask":
        client = request.getfixturevalue("dask_client")
        return lambda slots=2, **options: Dask(client, slots, **options)
    request.getfixturevalue("ray_here")
    return lambda slots=2, **options: Ray(slots=slots, resources={"cpu": 0.5}, **options)


def appeared(path: Path, seconds: float = 60.0) -> str:
    """What a file says, as soon as it says something."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if path.exists() and path.read_text():
            return path.read_text()
        time.sleep(0.02)
    raise AssertionError(f"{path} never came")


@pytest.mark.parametrize("check", EXECUTOR_CHECKS, ids=lambda check: check.__name__)
def test_contract(make: Factory, check: Any) -> None:
    check(make)


def test_a_lost_worker_loses_no_trial(make: Factory, tmp_path: Path) -> None:
    """Kill the cluster's own worker under a trial: the study is as if it hadn't happened."""

    def objective(trial: luthier.Trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        trial.report(x, 1)
        if trial.number == 2 and trial.attempt == 1:
            os.kill(os.getppid(), signal.SIGKILL)  # the Dask worker, the Ray actor
            time.sleep(600)
        return x

    space = {"x": luthier.Float(0, 1)}
    study = luthier.create_study(
        storage=tmp_path / "runs.db", study_name="lost", space=space, **SEED
    )
    study.optimize(objective, 6, executor=make())
    calm = luthier.create_study(space=space, **SEED)
    calm.optimize(lambda trial: trial.suggest_float("x", 0, 1), 6)
    assert [t.params for t in study.trials] == [t.params for t in calm.trials]
    assert [t.values for t in study.trials] == [t.values for t in calm.trials]
    assert [t.attempt for t in study.trials] == [1, 1, 2, 1, 1, 1]
    events = [
        e.kind for e in study._driver.storage.events(study._driver.record.id) if e.number == 2
    ]
    assert events.count("released") == 1
    assert events.count("finished") == 1


def test_a_crash_is_the_trials_own(make: Factory) -> None:
    workers: list[int] = []

    def objective(trial: luthier.Trial) -> float:
        trial.set_user_attr("worker", os.getppid())
        if trial.number == 1:
            os._exit(7)
        return 1.0

    study = luthier.create_study(**SEED)
    study.optimize(
        objective,
        4,
        executor=make(1),
        callbacks=lambda s, t: workers.append(t.user_attrs["worker"]),
    )
    assert [t.state.name for t in study.trials] == ["COMPLETE", "FAILED", "COMPLETE", "COMPLETE"]
    assert "WorkerDiedError" in str(study.trials[1].error)
    assert "exit code 7" in str(study.trials[1].error)


def test_a_time_limit(make: Factory) -> None:
    def objective(trial: luthier.Trial) -> float:
        while trial.number == 0:
            time.sleep(600)
        return 1.0

    study = luthier.create_study(**SEED)
    study.optimize(objective, 2, executor=make(1, time_limit=2.0))  # the second needs far less
    assert [t.state.name for t in study.trials] == ["FAILED", "COMPLETE"]
    assert TimeLimitError.__name__ in str(study.trials[0].error)


def test_cancel_ends_its_process(make: Factory, tmp_path: Path) -> None:
    executor = make(1, grace=0.2)
    executor.submit(5, _Sleeping(tmp_path / "pid"), None)  # type: ignore[arg-type]
    pid = int(_while_waiting(executor, tmp_path / "pid"))
    assert executor.cancel(5) is True
    [(number, result)] = executor.wait(60)
    assert number == 5
    assert isinstance(result, TrialCancelledError)
    assert vanished([pid])
    executor.submit(6, _Sleeping(None), None)  # type: ignore[arg-type]
    assert [n for n, _ in executor.wait(60)] == [6]
    executor.shutdown()


def test_shutdown_ends_running_trials(make: Factory, tmp_path: Path) -> None:
    executor = make(1, grace=0.2)
    executor.submit(0, _Sleeping(tmp_path / "pid"), None)  # type: ignore[arg-type]
    pid = int(_while_waiting(executor, tmp_path / "pid"))
    executor.shutdown()
    assert vanished([pid])


def test_asha_with_checkpoints(make: Factory, tmp_path: Path, training: Any) -> None:
    study = luthier.create_study(
        storage=tmp_path / "asha.db",
        study_name="asha",
        space={"rate": luthier.Float(0.01, 0.5)},
        scheduler={"name": "asha", "max_resource": 9},
        **SEED,
    )
    study.optimize(training, n_trials=6, executor=make())
    ended = [t for t in study.trials if t.state.is_finished]
    assert {t.state for t in ended} <= {TrialState.COMPLETE, TrialState.PRUNED}
    assert any(t.attempt > 1 for t in study.trials)
    for trial in study.trials:
        if trial.state is TrialState.COMPLETE:
            assert trial.value == pytest.approx((1 - trial.params["rate"]) ** 9)


def test_the_objective_is_sent_once_to_each_worker(make: Factory) -> None:
    study = luthier.create_study(**SEED)
    study.optimize(_Counting(), 5, executor=make(1))
    assert [t.value for t in study.trials] == [1.0] * 5
    assert len({t.user_attrs["pid"] for t in study.trials}) <= 2  # one on each Dask worker


def test_exceptions_come_back_as_they_are(make: Factory) -> None:
    def objective(trial: luthier.Trial) -> float:
        raise _StubbornError(trial.number, "wants two arguments")

    study = luthier.create_study(**SEED)
    with pytest.raises(_StubbornError, match="wants two arguments") as caught:
        study.optimize(objective, 1, executor=make(1), catch=())
    assert any("in objective" in note for note in caught.value.__notes__)


def test_what_cannot_be_sent_is_named(make: Factory) -> None:
    lock = __import__("threading").Lock()

    def objective(trial: luthier.Trial) -> float:
        with lock:
            return 1.0

    study = luthier.create_study(**SEED)
    with pytest.raises(UnsendableError, match="its variable 'lock'"):
        study.optimize(objective, 1, executor=make(1))


def test_what_cannot_be_rebuilt_ends_the_run(make: Factory) -> None:
    study = luthier.create_study(**SEED)
    with pytest.raises(UnsendableError, match="can't rebuild it for trial 0: ValueError: not here"):
        study.optimize(_Explosive(), 1, executor=make(1))
    assert study.trials[0].state is TrialState.WAITING


@pytest.mark.xdist_group("dask")
class TestDask:
    def test_a_killed_driver_leaves_no_trial(self, dask_client: Any, tmp_path: Path) -> None:
        check_killed_driver(f"dask://{dask_client.scheduler.address[6:]}", tmp_path)

    def test_slots_follow_an_adaptive_cluster(self) -> None:
        import distributed

        with (
            distributed.LocalCluster(
                n_workers=0, threads_per_worker=1, processes=False, dashboard_address=":0"
            ) as cluster,
            distributed.Client(cluster, set_as_default=False) as client,
        ):
            cluster.adapt(minimum=0, maximum=2, interval="100ms", target_duration="50ms")
            executor = Dask(client)
            assert executor.slots == 1
            study = luthier.create_study(**SEED)
            seen: list[int] = []

            def look(study: luthier.Study, _: object) -> None:
                seen.append(executor.slots)
                if seen[-1] == 3:  # Dask takes its time to see that there is more to do
                    study.stop()

            study.optimize(_slow, 800, executor=executor, callbacks=look)
            assert {t.state for t in study.trials} == {TrialState.COMPLETE}
            assert max(seen) == 3  # two threads, and one that waits

    def test_the_line_is_its_own(self) -> None:
        """Dask shares a client among the tasks of a process, and closes it with a worker."""
        import distributed

        def cut(study: luthier.Study, _: object) -> None:
            assert client.submit(lambda: distributed.get_client().id, pure=False).result()
            for shared in list(distributed.Worker._initialized_clients):
                shared.close()

        with (
            distributed.LocalCluster(
                n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0"
            ) as cluster,
            distributed.Client(cluster, set_as_default=False) as client,
        ):
            study = luthier.create_study(**SEED)
            study.optimize(_slow, 2, executor=Dask(client), callbacks=cut)
            assert [(t.state, t.attempt) for t in study.trials] == [(TrialState.COMPLETE, 1)] * 2

    def test_a_cluster_of_its_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import distributed

        def none_is_there() -> None:
            raise ValueError

        monkeypatch.setattr(distributed, "default_client", none_is_there)
        study = luthier.create_study(**SEED)
        study.optimize(_slow, 2, n_jobs=2, executor="dask", time_limit="1 min")
        assert [t.state for t in study.trials] == [TrialState.COMPLETE] * 2

    def test_its_client_is_a_pool_too(self, dask_client: Any) -> None:
        check_executor(lambda slots: Futures(dask_client, min(slots, 2)))

    def test_a_bad_worker_ends_the_run(self, dask_client: Any) -> None:
        executor = Dask(dask_client, 1)
        executor._settings["unknown"] = 1
        study = luthier.create_study(**SEED)
        with pytest.raises(luthier.errors.ExecutorError, match="A Dask worker can't run trials"):
            study.optimize(_slow, 1, executor=executor)
        assert study.trials[0].state is TrialState.WAITING

    def test_by_name(self, dask_client: Any) -> None:
        executor = open_executor("dask")
        assert isinstance(executor, Dask)
        assert executor.slots == 2
        executor.shutdown()

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"client": 3}, "the client must be a distributed.Client"),
            ({"slots": 0}, "slots must be an integer of at least 1, got 0"),
            ({"resources": {"gpu": 1}}, "Leave 'gpu' out"),
            ({"time_limit": -1}, "time_limit must be seconds above 0"),
        ],
    )
    def test_bad_arguments(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(ArgumentError) as caught:
            Dask(**options)
        assert message in str(caught.value)


@pytest.mark.xdist_group("ray")
class TestRay:
    def test_a_killed_driver_leaves_no_trial(self, ray_here: Any, tmp_path: Path) -> None:
        check_killed_driver(Ray(ray_here.get_runtime_context().gcs_address), tmp_path)

    def test_fractional_gpus(self, ray_here: Any) -> None:
        executor = Ray(resources={"cpu": 1, "gpu": 0.5})
        assert executor.slots == 2
        study = luthier.create_study(**SEED)
        study.optimize(_resources, 2, executor=executor)
        assert [t.user_attrs["seen"] for t in study.trials] == [["0", "1"]] * 2

    def test_by_name(self, ray_here: Any) -> None:
        executor = open_executor("ray")
        assert isinstance(executor, Ray)
        assert executor.slots == 2

    def test_a_bad_worker_ends_the_run(self, ray_here: Any) -> None:
        executor = Ray(slots=1)
        executor._settings["unknown"] = 1
        study = luthier.create_study(**SEED)
        with pytest.raises(luthier.errors.ExecutorError, match="A Ray actor can't run trials"):
            study.optimize(_slow, 1, executor=executor)
        assert study.trials[0].state is TrialState.WAITING

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"address": 3}, "the address must be text or None, got 3"),
            ({"slots": "two"}, "slots must be an integer of at least 1, got 'two'"),
            ({"resources": {"gpu": 1.5}}, "must be a share of one or whole ones, got 1.5"),
            ({"resources": {"special": 0}}, "resources['special'] must be a number above 0"),
            ({"memory_limit": "much"}, "memory_limit must be a number of bytes above 0"),
        ],
    )
    def test_bad_arguments(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(ArgumentError) as caught:
            Ray(**options)
        assert message in str(caught.value)


def check_killed_driver(executor: str | Ray, folder: Path) -> None:
    """Kill a driver in another process while its trial runs: the trial's process ends."""
    place = repr(executor) if isinstance(executor, str) else f"Ray({executor._address!r})"
    script = f"""
import os, pathlib, time
import luthier
from luthier.executors import Ray
def objective(trial):
    pathlib.Path({str(folder / "pid")!r}).write_text(str(os.getpid()))
    time.sleep(600)
luthier.create_study(seed=0).optimize(objective, 1, executor={place})
"""
    driver = subprocess.Popen([sys.executable, "-c", script])
    pid = int(appeared(folder / "pid"))
    driver.kill()
    driver.wait()
    assert vanished([pid])


def _while_waiting(executor: Executor, path: Path) -> str:
    """What a trial writes into a file, served meanwhile."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert executor.wait(0.05) == []
        if path.exists() and path.read_text():
            return path.read_text()
    raise AssertionError(f"{path} never came")


class _Sleeping:
    """Work that writes down where it runs, and goes on for long; None: that ends at once."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def __call__(self, channel: Any) -> Any:
        if self.path is not None:
            self.path.write_text(str(os.getpid()))
            time.sleep(600)
        return luthier.core.jobs.Outcome(TrialState.COMPLETE, {}, {"value": 1.0})


class _Counting:
    """An objective that says how often it was unpickled in this process."""

    times = 0

    def __call__(self, trial: luthier.Trial) -> float:
        trial.set_user_attr("pid", os.getpid())
        return float(type(self).times)

    def __setstate__(self, state: dict[str, Any]) -> None:
        type(self).times += 1

    def __getstate__(self) -> dict[str, Any]:
        return {"some": "state"}


class _Explosive:
    """An objective that can be pickled, and not be unpickled."""

    def __call__(self, trial: luthier.Trial) -> float:
        return 1.0

    def __reduce__(self) -> Any:
        return _explode, ()


def _explode() -> None:
    raise ValueError("not here")


class _StubbornError(Exception):
    def __init__(self, number: int, why: str) -> None:
        super().__init__(f"{number} {why}")


def _slow(trial: luthier.Trial) -> float:
    time.sleep(0.3)
    return trial.suggest_float("x", 0, 1)


def _resources(trial: luthier.Trial) -> float:
    names = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS")
    trial.set_user_attr("seen", [os.environ.get(name, "") for name in names])
    return 1.0
