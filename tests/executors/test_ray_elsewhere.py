"""Trials on a Ray cluster that isn't ours: a head node of its own, reached by ``ray://``."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import luthier
from luthier import TrialState

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]

OBJECTIVE = """
import os

def objective(trial):
    loss = trial.suggest_float("x", 0, 1)
    for step in (1, 2, 3):
        trial.report(loss / step, step)
    trial.save_checkpoint(b"state")
    trial.set_user_attr("pid", os.getpid())
    if trial.number == 1:
        os._exit(3)
    return loss
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def head() -> Iterator[tuple[int, int]]:
    """The port and the process of a cluster's head node, open to Ray's clients."""
    folder = Path(tempfile.mkdtemp(prefix="ray-"))  # short: it becomes part of sockets' names
    port = free_port()
    options = {
        "node-ip-address": "127.0.0.1",
        "port": free_port(),
        "ray-client-server-port": port,
        "num-cpus": 2,
        "include-dashboard": "false",
        "object-store-memory": 80 * 2**20,
        "temp-dir": folder,
    }
    command = [Path(sys.executable).with_name("ray"), "start", "--head", "--block"]
    with open(folder / "said", "wb") as said:
        ray = subprocess.Popen(
            [*command, *(f"--{name}={value}" for name, value in options.items())],
            env={**os.environ, "RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"},
            stdout=said,
            stderr=said,
        )
    while not answers(port):  # pytest's timeout is the safety net
        assert ray.poll() is None, (folder / "said").read_text()
        time.sleep(0.2)
    family = psutil.Process(ray.pid)
    try:
        yield port, ray.pid
    finally:
        children = family.children(recursive=True)
        ray.terminate()
        ray.wait()
        for process in psutil.wait_procs(children, timeout=20)[1]:
            process.kill()
        shutil.rmtree(folder, ignore_errors=True)


def run(directory: Path, address: str, *options: str) -> subprocess.CompletedProcess[str]:
    (directory / "work.py").write_text(OBJECTIVE)
    command = [sys.executable, "-m", "luthier.cli", "run", "work.py:objective", "--study", "s"]
    return subprocess.run(
        [*command, "--storage", "runs.db", "--executor", address, "--seed", "0", *options],
        cwd=directory,
        env={**os.environ, "RAY_AUTH_MODE": "disabled"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_trials_run_there_and_are_recorded_here(head: tuple[int, int], tmp_path: Path) -> None:
    """One of them dies on the way, and no other with it."""
    port, head_pid = head
    done = run(tmp_path, f"ray://127.0.0.1:{port}", "--trials", "6", "--sampler", "random")
    assert done.returncode == 0, done.stderr
    study = luthier.load_study(study_name="s", storage=str(tmp_path / "runs.db"))
    ended = [t.state for t in study.trials]
    assert ended == [TrialState.COMPLETE, TrialState.FAILED, *[TrialState.COMPLETE] * 4]
    assert "WorkerDiedError" in (study.trials[1].error or "")
    assert all([*t.reports] == [1, 2, 3] for t in study.trials)
    assert len({t.user_attrs["pid"] for t in study.trials}) > 1
    assert all(t.checkpoint is not None for t in study.trials if t.number != 1)
    assert psutil.pid_exists(head_pid)  # the cluster isn't ours to end


def test_a_cluster_that_is_not_there(tmp_path: Path) -> None:
    done = run(tmp_path, f"ray://127.0.0.1:{free_port()}", "--trials", "2")
    assert done.returncode != 0
    assert "The Ray cluster must be reachable" in done.stderr, done.stderr
    study = luthier.load_study(study_name="s", storage=str(tmp_path / "runs.db"))
    assert TrialState.RUNNING not in {t.state for t in study.trials}
