"""The examples run, and the demo survives Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import luthier

EXAMPLES = Path(__file__).parents[2] / "examples"
WITH_TORCH = ("asha_mlp.py",)
SHORT = sorted({path.name for path in EXAMPLES.glob("*.py")} - {"demo.py", *WITH_TORCH})
STUDIES = ("forest-grid", "forest-random", "network-random")


def start(example: str, folder: Path, *arguments: str, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(EXAMPLES / example), *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "error::UserWarning", **env},
    )


@pytest.mark.parametrize("example", SHORT)
def test_example_runs(example: str, tmp_path: Path) -> None:
    process = start(example, tmp_path)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "best" in out


@pytest.mark.parametrize("example", WITH_TORCH)
def test_an_example_says_what_to_install_where_pytorch_is_missing(example: str) -> None:
    path = str(EXAMPLES / example)
    code = f"import runpy, sys; sys.modules['torch'] = None; runpy.run_path({path!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install torch scikit-learn" in done.stderr
    assert "Traceback" not in done.stderr


def n_trials(storage: Path) -> int:
    try:
        names = luthier.get_all_study_names(storage)
        return sum(
            len(luthier.load_study(study_name=name, storage=storage).trials) for name in names
        )
    except luthier.LuthierError:  # the file is just being made
        return 0


def test_the_demo_resumes_after_ctrl_c_and_then_shows_its_table(tmp_path: Path) -> None:
    storage = tmp_path / "luthier-demo.db"
    first = start("demo.py", tmp_path, "--small")
    deadline = time.monotonic() + 120
    while first.poll() is None and time.monotonic() < deadline:
        if storage.exists() and n_trials(storage) >= 2:
            first.send_signal(signal.SIGINT)
            break
        time.sleep(0.02)
    _, err = first.communicate(timeout=120)
    assert first.returncode == 130, err
    assert "run it again to go on" in err

    for _ in range(2):
        process = start("demo.py", tmp_path, "--small")
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        for name in STUDIES:
            assert name in out
        assert "luthier status --study forest-grid --storage luthier-demo.db" in out
        assert n_trials(storage) == 8
    for name in STUDIES:
        study = luthier.load_study(study_name=name, storage=storage)
        assert all(trial.state is luthier.TrialState.COMPLETE for trial in study.trials)


def test_the_commands_that_the_demo_names_work_without_an_activated_venv(tmp_path: Path) -> None:
    demo = start("demo.py", tmp_path, "--small", PATH=os.defpath)
    out, err = demo.communicate(timeout=120)
    commands = [line.split() for line in out.splitlines() if " --storage luthier-demo.db" in line]
    assert len(commands) == 4, err
    for command in commands:
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={**os.environ, "PATH": os.defpath},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout
