"""Trackers, with the real libraries: what they are told can be read back there, once."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from math import inf, isnan
from pathlib import Path
from typing import Any

import pytest

import luthier
from luthier.errors import ArgumentError, TrialPruned

tensorboard = pytest.importorskip("tensorboard")
mlflow = pytest.importorskip("mlflow")
wandb = pytest.importorskip("wandb")

NAME = "it's a/study"


def objective(trial: luthier.Trial) -> float:
    """Net 0 completes, tree 1 is pruned, net 2 fails; "lr" only is there in nets."""
    kind = trial.suggest_categorical("kind", ["net", "tree"])
    sizes = trial.suggest_categorical("sizes", [(8, 8), None])
    if kind == "net":
        trial.suggest_float("lr", 1e-4, 1.0, log=True)
    trial.set_user_attr("seen", [kind, sizes])
    trial.report(0.5, 2)
    trial.report(float("nan") if kind == "tree" else 0.25, 3)
    if kind == "tree":
        raise TrialPruned("enough")
    if sizes is None:
        raise ValueError("a crash")
    return 0.125


def tracked(tracker: Any, executor: str | None = None) -> luthier.Study:
    study = luthier.create_study(study_name=NAME, seed=0)
    for given in (
        {"kind": "net", "sizes": (8, 8), "lr": 0.1},
        {"kind": "tree", "sizes": None},
        {"kind": "net", "sizes": None, "lr": 0.01},
    ):
        study.enqueue_trial(given)
    study.optimize(objective, 3, catch=(ValueError,), callbacks=[tracker], executor=executor)
    for trial in study.trials:  # told again: by another driver, or after a crash
        tracker(study, trial)
    return study


Points = list[tuple[int, float]]


def looks(tracker: Any, seen: Callable[[], Points]) -> list[Points]:
    """What is seen of a trial after each report; its first run dies, saved at step 1, at step 2."""
    study = luthier.create_study(study_name=NAME, seed=0)
    study.enqueue_trial({"x": 1.0})
    found = []

    def dying(trial: luthier.Trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        saved = trial.load_checkpoint()
        for step in range(1 + (saved.step if saved else 0), 4):
            doomed = trial.attempt == 1 and step == 2
            trial.report(9.0 if doomed else x / step, step)
            found.append(seen())
            if step == 1:
                trial.save_checkpoint(b"", step)
            if doomed:
                raise ConnectionError
        return x / 4

    study.optimize(dying, 1, retries={ConnectionError: 1}, callbacks=[tracker])
    tracker(study, study.trials[0])
    return [*found, seen()]


FIRST, SECOND, THIRD, RESULT = (1, 1.0), (2, 0.5), (3, pytest.approx(1 / 3)), (4, 0.25)
LOOKS = [
    [FIRST],
    [FIRST, (2, 9.0)],
    [FIRST, SECOND],  # what the killed run had reported after its checkpoint is gone
    [FIRST, SECOND, THIRD],
    [FIRST, SECOND, THIRD, RESULT],
]


def test_trials_that_go_on_are_refused(tmp_path: Path) -> None:
    from luthier.integrations.tensorboard import TensorBoard

    study = luthier.create_study(seed=0)
    study.ask()
    with pytest.raises(ArgumentError, match=r"take trials that have ended, got trial 0: RUNNING"):
        TensorBoard(tmp_path)(study, study.trials[0])


def test_tensorboard_shows_scalars_and_the_table_of_hyperparameters(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
    from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer

    from luthier.integrations.tensorboard import TensorBoard

    tracked(TensorBoard(tmp_path), executor="process:1")
    shown = EventMultiplexer().AddRunsFromDirectory(str(tmp_path)).Reload()
    runs = [f"it%27s a%2Fstudy/trial-0000{k}" for k in range(3)]
    assert sorted(shown.Runs()) == runs
    points = [(e.step, e.tensor_proto.float_val[0]) for e in shown.Tensors(runs[0], "value")]
    assert points == [(2, 0.5), (3, 0.25), (4, 0.125)]
    assert isnan(shown.Tensors(runs[1], "value")[-1].tensor_proto.float_val[0])
    shown_table = _table(MultiplexerDataProvider(shown, str(tmp_path)))
    assert shown_table == {
        runs[0]: ("STATUS_SUCCESS", {"kind": "net", "sizes": "[8, 8]", "lr": 0.1}),
        runs[1]: ("STATUS_SUCCESS", {"kind": "tree", "sizes": "null"}),
        runs[2]: ("STATUS_FAILURE", {"kind": "net", "sizes": "null", "lr": 0.01}),
    }
    error = shown.Tensors(runs[2], "luthier.error")[0].tensor_proto.string_val[0]
    assert error.startswith(b"ValueError: a crash")


def test_tensorboard_shows_reports_as_they_come(tmp_path: Path) -> None:
    from luthier.integrations.tensorboard import TensorBoard

    def seen() -> Points:
        shown = EventMultiplexer().AddRunsFromDirectory(str(tmp_path)).Reload()
        [run] = shown.Runs()
        return [(e.step, e.tensor_proto.float_val[0]) for e in shown.Tensors(run, "value")]

    from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer

    assert looks(TensorBoard(tmp_path, every=0), seen) == LOOKS


def test_a_file_that_was_cut_is_written_anew(tmp_path: Path) -> None:
    from luthier.integrations.tensorboard import TensorBoard

    study = tracked(TensorBoard(tmp_path))
    files = sorted(tmp_path.rglob("events.*"))
    whole = [path.stat().st_size for path in files]
    for path, size, cut in zip(files, whole, (size - 3 for size in whole), strict=True):
        path.write_bytes(path.read_bytes()[:cut])
        assert path.stat().st_size < size
    files[0].write_bytes(b"12345")
    for trial in study.trials:
        TensorBoard(tmp_path)(study, trial)
    assert [path.stat().st_size for path in sorted(tmp_path.rglob("events.*"))] == whole


def test_reports_wait_until_it_is_time(tmp_path: Path) -> None:
    from luthier.integrations.tensorboard import TensorBoard

    found = looks(TensorBoard(tmp_path, every=inf), lambda: [(0, len(list(tmp_path.iterdir())))])
    assert found == [[(0, 0)]] * 4 + [[(0, 1)]]
    with pytest.raises(ArgumentError, match=r"every must be at least 0 seconds, got -1"):
        TensorBoard(tmp_path, every=-1)


def _table(provider: Any) -> dict[str, tuple[str, dict[str, Any]]]:
    """What the HParams tab is given: status and hyperparameters by run."""
    from google.protobuf.json_format import MessageToDict
    from tensorboard.context import RequestContext
    from tensorboard.plugins.base_plugin import TBContext
    from tensorboard.plugins.hparams.api_pb2 import ListSessionGroupsRequest, Status
    from tensorboard.plugins.hparams.backend_context import Context
    from tensorboard.plugins.hparams.list_session_groups import Handler

    context = Context(TBContext(data_provider=provider))
    request = ListSessionGroupsRequest(
        allowed_statuses=list(Status.values()), start_index=0, slice_size=10
    )
    groups = Handler(RequestContext(), context, "", request).run().session_groups
    return {
        group.sessions[0].name: (
            Status.Name(group.sessions[0].status),
            {name: MessageToDict(value) for name, value in group.hparams.items()},
        )
        for group in groups
    }


def test_mlflow_nests_a_run_for_each_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from luthier.integrations.mlflow import MLflow

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    tracker = MLflow(tmp_path.as_uri(), "trees and nets")
    tracked(tracker)
    client = mlflow.MlflowClient(tmp_path.as_uri())
    experiment = client.get_experiment_by_name("trees and nets").experiment_id
    runs = {run.info.run_name: run for run in client.search_runs([experiment])}
    assert sorted(runs) == [NAME, "trial 0", "trial 1", "trial 2"]
    nested = [runs[f"trial {k}"] for k in range(3)]
    parent = runs[NAME].info.run_id
    assert {run.data.tags["mlflow.parentRunId"] for run in nested} == {parent}
    assert [run.info.status for run in nested] == ["FINISHED", "KILLED", "FAILED"]
    assert [run.data.tags["luthier.state"] for run in nested] == ["COMPLETE", "PRUNED", "FAILED"]
    assert nested[0].data.params == {"kind": "net", "sizes": "[8, 8]", "lr": "0.1"}
    assert nested[1].data.params == {"kind": "tree", "sizes": "null"}
    points = client.get_metric_history(nested[0].info.run_id, "value")
    assert [(p.step, p.value) for p in points] == [(2, 0.5), (3, 0.25), (4, 0.125)]
    assert nested[2].data.tags["luthier.error"].startswith("ValueError: a crash")


@pytest.fixture
def mlflow_uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return tmp_path.as_uri()


def mlflow_points(uri: str) -> Points:
    """The metrics of trial 0, which is there once."""
    client = mlflow.MlflowClient(uri)
    experiment = client.get_experiment_by_name("luthier").experiment_id
    [run] = client.search_runs([experiment], "tags.`luthier.trial` = '0'")
    return [(p.step, p.value) for p in client.get_metric_history(run.info.run_id, "value")]


def test_mlflow_shows_reports_as_they_come(mlflow_uri: str) -> None:
    from luthier.integrations.mlflow import MLflow

    assert looks(MLflow(mlflow_uri, every=0), lambda: mlflow_points(mlflow_uri)) == LOOKS


def test_mlflow_goes_on_with_the_run_that_another_process_began(mlflow_uri: str) -> None:
    from luthier.integrations.mlflow import MLflow

    study = luthier.create_study(study_name=NAME, seed=0)
    study.subscribe(MLflow(mlflow_uri, every=0).hear)  # and is gone before the end
    study.optimize(objective, 1)
    before = _run_ids(mlflow_uri)
    MLflow(mlflow_uri)(study, study.trials[0])
    assert _run_ids(mlflow_uri) == before
    assert mlflow_points(mlflow_uri)[:2] == [(2, 0.5), (3, 0.25)]


def _run_ids(uri: str) -> list[str]:
    client = mlflow.MlflowClient(uri)
    experiment = client.get_experiment_by_name("luthier").experiment_id
    return [run.info.run_id for run in client.search_runs([experiment])]


def test_mlflow_writes_anew_what_was_broken_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from luthier.integrations.mlflow import MLflow

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    study = luthier.create_study(seed=0)
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), 1)
    tracker = MLflow(tmp_path.as_uri())
    with monkeypatch.context() as patched:
        patched.setattr(MLflow, "_add", _raises)
        with pytest.raises(ConnectionError):
            tracker(study, study.trials[0])
    MLflow(tmp_path.as_uri())(study, study.trials[0])
    client = mlflow.MlflowClient(tmp_path.as_uri())
    experiment = client.get_experiment_by_name("luthier").experiment_id
    found = client.search_runs([experiment], "tags.`luthier.trial` = '0'")
    assert [run.data.metrics for run in found] == [study.trials[0].metrics]


def _raises(*args: object) -> None:
    raise ConnectionError


def test_wandb_offline_holds_config_history_and_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from luthier.integrations.wandb import WandB

    monkeypatch.setenv("WANDB_SILENT", "true")
    study = luthier.create_study(study_name=NAME, seed=0)
    study.enqueue_trial({"kind": "net", "sizes": (8, 8), "lr": 0.1})
    study.optimize(objective, 1, callbacks=[WandB("trees", "offline", tmp_path)])
    wandb.teardown()  # its service has written everything when it is gone
    records = list(_wandb_records(tmp_path))
    [run] = [r.run for r in records if r.WhichOneof("record_type") == "run"][-1:]
    config = {item.key: json.loads(item.value_json) for item in run.config.update}
    assert (config["kind"], config["sizes"], config["lr"]) == ("net", "[8, 8]", 0.1)
    assert (run.project, run.run_group, run.display_name) == ("trees", NAME, "trial 0")
    rows = [r.history for r in records if r.WhichOneof("record_type") == "history"]
    told = [_row(row) for row in rows]
    assert [(row["_step"], row["value"]) for row in told] == [(2, 0.5), (3, 0.25)]
    exits = [r.exit.exit_code for r in records if r.WhichOneof("record_type") == "exit"]
    assert exits == [0]


def test_wandb_offline_tells_how_trials_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from luthier.integrations.wandb import WandB

    monkeypatch.setenv("WANDB_SILENT", "true")
    study = luthier.create_study(study_name=NAME, seed=0)
    for kind, sizes in (("net", (8, 8)), ("tree", None), ("net", None)):
        study.enqueue_trial({"kind": kind, "sizes": sizes})
    study.optimize(objective, 3, catch=(ValueError,), callbacks=[WandB("t", "offline", tmp_path)])
    wandb.teardown()
    told = []
    for number in range(3):
        [path] = _wandb_files(tmp_path, number)
        summary: dict[str, Any] = {}
        config: dict[str, Any] = {}
        exits = []
        for record in _records(path):
            kind = record.WhichOneof("record_type")
            if kind == "summary":
                summary |= {_key(i): json.loads(i.value_json) for i in record.summary.update}
            elif kind == "config":
                config |= {_key(i): json.loads(i.value_json) for i in record.config.update}
            elif kind == "exit":
                exits.append(record.exit.exit_code)
        assert config["luthier.state"] == summary["state"]
        told.append((summary["state"], exits, config.get("luthier.error", "")[:19]))
        if number == 0:
            assert summary["value"] == 0.125
    assert told == [
        ("COMPLETE", [0], ""),
        ("PRUNED", [0], "enough"),
        ("FAILED", [1], "ValueError: a crash"),
    ]


def _key(item: Any) -> str:
    return str((*item.nested_key, item.key)[0])


def test_wandb_is_told_each_report_once_also_of_paused_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from luthier.integrations.wandb import WandB

    monkeypatch.setenv("WANDB_SILENT", "true")
    tracker = WandB("trees", "offline", tmp_path, every=0)
    scheduler = luthier.schedulers.PBT(4, population=2, ready_every=2)
    study = luthier.create_study(sampler="random", scheduler=scheduler, seed=0)

    def climbing(trial: luthier.Trial) -> float:
        trial.suggest_float("x", 0, 1)
        saved = trial.load_checkpoint()
        for step in range(1 + (saved.step if saved else 0), 1 + (trial.budget or 4)):
            trial.report(0.0, step)
            trial.save_checkpoint(b"", step)
            if trial.should_prune():
                raise TrialPruned
        return 0.0

    study.optimize(climbing, callbacks=[tracker])
    wandb.teardown()
    assert any(trial.attempt > 1 for trial in study.trials)
    for trial in study.trials:
        records = [r for path in _wandb_files(tmp_path, trial.number) for r in _records(path)]
        steps = [
            _row(r.history)["_step"] for r in records if r.WhichOneof("record_type") == "history"
        ]
        assert sorted(steps) == sorted(trial.reports)


def _wandb_records(folder: Path) -> Iterator[Any]:
    [path] = folder.rglob("run-*.wandb")
    return _records(path)


def _records(path: Path) -> Iterator[Any]:
    """The records of a run's file: a header, then LevelDB's format of logs."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, place, parts = path.read_bytes(), 7, b""
    while place + 7 <= len(data):
        if (left := 32_768 - place % 32_768) < 7:
            place += left
            continue
        _, size, kind = struct.unpack("<IHB", data[place : place + 7])
        parts += data[place + 7 : place + 7 + size]
        place += 7 + size
        if kind in (1, 4):  # whole, or the last part
            yield Record.FromString(parts)
            parts = b""


def _row(history: Any) -> dict[str, Any]:
    return {(*i.nested_key, i.key)[0]: json.loads(i.value_json) for i in history.item}


def _wandb_files(folder: Path, number: int) -> list[Path]:
    """The files of a trial, one for each time that it ran."""
    return [
        path
        for path in sorted(folder.rglob("run-*.wandb"))
        for record in _records(path)
        if record.WhichOneof("record_type") == "run"
        and record.run.display_name == f"trial {number}"
    ]
