"""The service is killed in mid-trial and started again: its clients go on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import luthier
from luthier import Client, Float, TrialState
from luthier.study.trial import Trial


@contextmanager
def serving(folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """``luthier serve`` as its own process, ready."""
    command = [sys.executable, "-m", "luthier.cli", "serve", "--storage", "runs.db"]
    with subprocess.Popen(
        [*command, "--port", str(port), "--lease", "30"],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        assert process.stdout is not None
        try:
            while "Serving on" not in process.stdout.readline():
                assert process.poll() is None
            yield process
        finally:
            process.kill()


def test_killed_in_mid_trial(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    in_trial, back = threading.Event(), threading.Event()
    errors: list[BaseException] = []

    def objective(trial: Trial) -> float:
        trial.report(1.0, 1)
        if trial.number == 2:
            in_trial.set()
            assert back.wait(60)
        trial.report(0.5, 2)
        return trial.suggest_float("x", 0, 1)

    with serving(tmp_path, port) as first:
        token = (tmp_path / "luthier.token").read_text().strip()
        client = Client(f"http://127.0.0.1:{port}", "s", token)
        client.create({"x": Float(0, 1)}, sampler="random", seed=1)

        def run() -> None:
            try:
                client.optimize(objective, total_trials=5)
            except BaseException as error:
                errors.append(error)
                raise

        running = threading.Thread(target=run)
        running.start()
        assert in_trial.wait(60)
        os.kill(first.pid, signal.SIGKILL)
        first.wait(30)
        back.set()  # its next report meets no service, and is sent again until there is one
        with serving(tmp_path, port) as second:
            running.join(60)
            assert not running.is_alive()
            second.send_signal(signal.SIGTERM)
            second.wait(30)
    assert errors == []
    study = luthier.load_study(study_name="s", storage=tmp_path / "runs.db")
    assert [(t.state, t.attempt) for t in study.trials] == [(TrialState.COMPLETE, 1)] * 5
    assert [dict(t.reports) for t in study.trials] == [{1: {"value": 1.0}, 2: {"value": 0.5}}] * 5
    unbroken = luthier.create_study(space={"x": Float(0, 1)}, sampler="random", seed=1)
    unbroken.optimize(lambda trial: trial.suggest_float("x", 0, 1), 5)
    assert [t.params for t in study.trials] == [t.params for t in unbroken.trials]
