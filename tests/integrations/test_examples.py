"""The examples run, and the demo survives Ctrl-C."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import luthier

EXAMPLES = Path(__file__).parents[2] / "examples"
LONG = {"demo.py", "pareto_digits.py"}
WITH_TORCH = ("asha_mlp.py", "digits_cnn.py", "pbt_mlp.py")
SHORT = sorted({path.name for path in EXAMPLES.glob("*.py")} - {*LONG, *WITH_TORCH})
QUIET_RAY = {
    "RAY_ADDRESS": "local",  # one of its own, whatever else runs or ran on this machine
    "RAY_AUTH_MODE": "disabled",
    "RAY_USAGE_STATS_ENABLED": "0",
}
STUDIES = ("forest-grid", "forest-random", "network-random")


def start(example: str, folder: Path, *arguments: str, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(EXAMPLES / example), *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **QUIET_RAY, "PYTHONWARNINGS": "error::UserWarning", **env},
    )


@pytest.mark.parametrize("example", SHORT)
def test_example_runs(example: str, tmp_path: Path) -> None:
    with start(example, tmp_path) as process:
        try:
            out, err = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == 0, err
    assert "best" in out


def test_the_front_of_a_forest_is_printed_and_goes_on_where_it_was(tmp_path: Path) -> None:
    tables = []
    for _ in range(2):
        process = start("pareto_digits.py", tmp_path, "--small")
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert "The front is drawn in luthier-pareto.html" in out
        tables.append(re.findall(r"^ *(\d+) +(0\.\d{4}) +(\S+) +(\S+)", out, re.MULTILINE))
    page = (tmp_path / "luthier-pareto.html").read_text("utf-8")
    assert "Pareto front" in page
    study = luthier.load_study(storage=tmp_path / "luthier-pareto.db")
    assert len(study.trials) == 8
    assert {int(row[0]) for row in tables[0]} == {t.number for t in study.best_trials}
    assert tables[0] == tables[1]
    assert all(len({*column}) > 1 for column in zip(*tables[0], strict=True))
    for trial in study.best_trials:
        assert trial.metrics["accuracy"] >= 0.8
    assert re.search(rf"^ *{study.knee().number} .*the knee", out, re.MULTILINE)


@pytest.mark.parametrize("example", WITH_TORCH)
def test_an_example_says_what_to_install_where_pytorch_is_missing(example: str) -> None:
    path = str(EXAMPLES / example)
    code = f"import runpy, sys; sys.modules['torch'] = None; runpy.run_path({path!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install torch scikit-learn" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("example", "storage", "least"),
    [
        pytest.param("asha_mlp.py", "asha-mlp.db", 0.85, marks=pytest.mark.slow),
        ("digits_cnn.py", "digits-cnn.db", 0.85),
        pytest.param("pbt_mlp.py", "pbt.db", None, marks=pytest.mark.slow),
    ],
)
def test_an_example_with_pytorch_goes_on_after_kill_9(
    example: str, storage: str, least: float | None, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    first = start(example, tmp_path, "--small")
    deadline = time.monotonic() + 120
    while first.poll() is None and time.monotonic() < deadline:
        if (tmp_path / storage).exists() and n_trials(tmp_path / storage) >= 2:
            break
        time.sleep(0.2)
    first.kill()
    first.communicate()
    process = start(example, tmp_path, "--small")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    (name,) = luthier.get_all_study_names(tmp_path / storage)
    study = luthier.load_study(study_name=name, storage=tmp_path / storage)
    assert not [trial.error for trial in study.trials if trial.state is luthier.TrialState.FAILED]
    assert any(trial.attempt > 1 for trial in study.trials)
    best = float(re.search(r"^best \D*(0\.\d+)", out, re.MULTILINE)[1])  # type: ignore[index]
    assert best == pytest.approx(study.best_value, abs=1e-4)
    assert best >= least if least is not None else best <= 0.15


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
        rows = re.findall(
            r"^forest-(\w+) +(\d+) +(\d+) of (\d+) +(0\.\d{4}) +(0\.\d{4}) +(\S+) to (\S+)"
            r" +(0\.\d{4}) +\S+$",
            out,
            re.MULTILINE,
        )
        assert [row[:2] for row in rows] == [("grid", "3"), ("random", "2")]
        for _, trials, run, every, _, expected, low, high, default in rows:
            assert int(run) < int(every) == 5 * (int(trials) + 1)  # raced; and the default
            assert float(low) < float(expected) < float(high)
            assert float(default) > 0.9  # a forest of 100 trees, not one of the grid's 10
        assert out.count("No better than the defaults") == 2
        assert "luthier status --study forest-grid --storage luthier-demo.db" in out
        assert n_trials(storage) == 8
    for name in STUDIES:
        study = luthier.load_study(study_name=name, storage=storage)
        assert {trial.state.name for trial in study.trials} <= {"COMPLETE", "PRUNED"}  # raced


def test_the_demo_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    demo = start("demo.py", tmp_path, "--smal1")
    _, err = demo.communicate(timeout=120)
    assert demo.returncode == 2
    assert "unrecognized arguments: --smal1" in err
    assert not (tmp_path / "luthier-demo.db").exists()


def test_the_commands_that_the_demo_names_work_without_an_activated_venv(tmp_path: Path) -> None:
    demo = start("demo.py", tmp_path, "--small", PATH=os.defpath)
    out, err = demo.communicate(timeout=120)
    commands = [line.split() for line in out.splitlines() if " --storage luthier-demo.db" in line]
    assert len(commands) == 5, err
    page = tmp_path / "report.html"
    assert str(page) in out.splitlines()[-1]
    assert "network-random" in page.read_text("utf-8")
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


def test_workers_on_postgresql_take_up_the_trial_of_one_that_is_killed(tmp_path: Path) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    variables = {name: v for name, v in os.environ.items() if name != "LUTHIER_STORAGE"}
    process = subprocess.Popen(
        ["sh", str(EXAMPLES / "postgres_workers.sh")],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**variables, "PATH": path},
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=240)
    finally:
        with contextlib.suppress(ProcessLookupError):  # what a script that failed has left
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, out + err
    assert re.search(r"^Trials +30 finished: 30 complete;", out, re.MULTILINE)
    assert [line.split()[5] for line in out.splitlines() if " trial 0 " in line] == [
        "added",
        "claimed",
        "finished",
    ]
    assert "attempt 2 by" in out
