"""Objectives that are commands: how they are filled in, run, reported from and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from living import vanished

import luthier
from luthier import Categorical, Float, Int, Space, TrialState
from luthier.errors import ArgumentError, CommandError
from luthier.executors.process import handle
from luthier.integrations import command
from luthier.integrations.command import Command, _filled

SPACE = Space(lr=Float(0.001, 1, log=True), n=Int(1, 9), name=Categorical(["a b", "$(touch evil)"]))
PYTHON = sys.executable
VALUES = {"lr": "0.5", "name": 'it\'s "$HOME" `x`; exit 3\n*'}


def one(text: str, space: Space | None = SPACE, **options: Any) -> luthier.FrozenTrial:
    """The only trial of a study of a command."""
    study = luthier.create_study(space=space, seed=0, strategy="random", **options)
    study.optimize(Command(text), n_trials=1, fail_fast=None)
    return study.trials[0]


class TestFilling:
    def test_words_are_split_once_and_values_stay_in_their_word(self) -> None:
        words = Command(
            """run --lr={lr} '{name} twice' "{name}" {{lr}} {} '{"a": {"b": 1}}'"""
        )._words
        arguments, variables = _filled(words, VALUES)
        name = VALUES["name"]
        expected = ["run", "--lr=0.5", f"{name} twice", name, "{lr}", "{}", '{"a": {"b": 1}}']
        assert (arguments, variables) == (expected, {})

    @pytest.mark.parametrize("shell", ["sh -c", "sh -ec", "/bin/sh -u -c"])
    def test_shells_get_variables(self, shell: str) -> None:
        words = Command(shell + """ 'printf "%s|" {name} "{name}" a{lr}b "${{lr}}"'""")._words
        arguments, variables = _filled(words, VALUES)
        env = {**os.environ, **variables, "lr": "x"}
        printed = subprocess.check_output(arguments, env=env, text=True)
        assert printed.split("|") == [VALUES["name"], VALUES["name"], "a0.5b", "x", ""]

    @settings(max_examples=40, deadline=None)
    @given(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
        st.sampled_from(["{v}", '"{v}"', "'{v}'", '\\""{v}"\\\'', '\'"\'"{v}"', "\"'\"{v}'{v}'"]),
    )
    def test_no_value_is_ever_code(self, value: str, code: str) -> None:
        arguments, variables = _filled(("sh", "-c", f"printf %s {code}"), {"v": value})
        env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **variables}
        output = subprocess.check_output(arguments, env=env).decode()
        around = {"{v}": "{}", '"{v}"': "{}", "'{v}'": "{}"}.get(code)
        if around is not None:
            assert output == value
        else:
            assert value in output

    def test_names_are_checked(self) -> None:
        with pytest.raises(
            ArgumentError, match=r"names \{rate\}, which isn't a parameter .* lr, n"
        ):
            Command("x {rate}").check(SPACE)
        with pytest.raises(ArgumentError, match=r"\{trial\} means Luthier's own"):
            Command("x {trial}").check(Space(trial=Int(1, 2)))
        Command("x {lr} {trial} {params} {{rate}} {result}").check(SPACE)

    @pytest.mark.parametrize(("text", "message"), [("", "must name a program"), ("a 'b", "quot")])
    def test_what_is_no_command_is_refused(self, text: str, message: str) -> None:
        with pytest.raises(ArgumentError, match=message):
            Command(text)


class TestResults:
    def test_last_line_as_a_number(self) -> None:
        assert one("sh -c 'echo training; echo {lr}'").value == one("echo {lr}").params["lr"]
        assert one("echo .5").value == 0.5
        assert one("sh -c 'echo 7; echo; echo'").value == 7

    def test_values_of_all_kinds(self, tmp_path: Path) -> None:
        file = tmp_path / "seen"
        names = "{name} {n} {trial} {budget} {params}"
        trial = one(f"sh -c 'printf \"%s\\n\" {names} >{file}; echo 1'")
        name, n, number, budget, params = file.read_text().splitlines()
        assert (name, int(n), number, budget) == (trial.params["name"], trial.params["n"], "0", "")
        assert f'"n": {n}' in params
        assert not Path("evil").exists()

    @pytest.mark.parametrize(
        ("written", "metrics"),
        [
            ("0.25", {"loss": 0.25, "mb": None}),
            ('{"loss": 0.25, "mb": 3}', {"loss": 0.25, "mb": 3}),
            ('{\n  "loss": 0.25,\n  "mb": 3\n}\n', {"loss": 0.25, "mb": 3}),
            ('{"step": 1, "loss": 9, "mb": 1}\n{"loss": 0.25, "mb": 3}', {"loss": 0.25, "mb": 3}),
            (
                '{"step": 1, "loss": 9}\n{"step": 2, "loss": 0.25, "mb": 3}\n',
                {"loss": 0.25, "mb": 3},
            ),
        ],
    )
    def test_result_files(self, written: str, metrics: dict[str, float], tmp_path: Path) -> None:
        (tmp_path / "r").write_text(written)
        trial = one(f"cp {tmp_path / 'r'} {{result}}", metrics={"loss": "minimize"})
        assert trial.state is TrialState.COMPLETE, trial.error
        assert trial.metrics == {k: v for k, v in metrics.items() if v is not None}
        assert len(trial.reports) == written.count("step")

    @pytest.mark.parametrize("written", ["", "done", '"x"', "true", "null", "[1"])
    def test_no_result_fails_the_trial(self, written: str) -> None:
        trial = one(f"printf %s '{written}'")
        assert trial.state is TrialState.FAILED
        assert trial.error is not None
        assert "the last line it printed must be a number" in trial.error
        trial = one(f"sh -c 'printf %s '\"'\"'{written}'\"'\"' >{{result}}'")
        assert trial.state is TrialState.FAILED

    def test_failures_say_the_end_of_stderr(self) -> None:
        trial = one("sh -c 'seq 100000 >&2; echo no data >&2; exit 3'")
        assert trial.state is TrialState.FAILED
        assert trial.error is not None
        assert "CommandError: The command ended with exit code 3: sh -c" in trial.error
        assert trial.error.endswith("99999\n100000\nno data")
        assert len(trial.error) < 3000
        assert "was ended by SIGKILL" in str(one("sh -c 'kill -9 $$'").error)
        assert "couldn't be started" in str(one("./there-is-none {lr}").error)

    def test_error_is_an_objectives(self) -> None:
        with pytest.raises(CommandError) as caught:
            raise CommandError("x", exit_code=3)
        assert isinstance(caught.value, luthier.errors.ObjectiveError)

    def test_output_is_passed_on(self, capfd: pytest.CaptureFixture[str]) -> None:
        one("sh -c 'echo out; echo err >&2; echo 1'")
        printed = capfd.readouterr()
        assert "out\n1\n" in printed.out
        assert "err\n" in printed.err


TRAIN = """
import json, pathlib, sys, time
result, state = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2], "state")
budget = int(sys.argv[3] or 9)
start = int(state.read_text()) if state.exists() else 0
with result.open("a") as file:
    for step in range(start + 1, budget + 1):
        state.write_text(str(step))
        value = float(sys.argv[4]) / step
        file.write(json.dumps({"step": step, "value": value, "from": start}) + "\\n")
        file.flush()
"""
ENDLESS = """
import json, signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open("pids", "a") as pids:
    pids.write(f"{child.pid}\\n")
for step in range(1, 100000):
    with open(sys.argv[1], "a") as file:
        file.write(json.dumps({"step": step, "value": 1.0 if step < 3 else 99.0}) + "\\n")
    time.sleep(0.02)
"""


def write(name: str, text: str) -> str:
    Path(name).write_text(text)
    return f"{PYTHON} {name}"


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def all_gone(file: str = "pids") -> bool:
    """Whether the processes named in a file end in time."""
    pids = [int(pid) for pid in Path(file).read_text().split()]
    return bool(pids) and vanished(pids)


class TestRuns:
    def test_reports_budgets_and_checkpoints(self) -> None:
        command = write("train.py", TRAIN) + " {result} {checkpoint} {budget} {lr}"
        study = luthier.create_study(
            space=SPACE, seed=0, strategy="random", scheduler="asha:max_resource=9,min_resource=1"
        )
        study.optimize(Command(command), n_trials=6)
        steps = {len(t.reports) for t in study.trials}
        assert steps == {1, 3, 9}, [t.error for t in study.trials]
        best = next(t for t in study.trials if len(t.reports) == 9)
        assert [m["from"] for m in best.reports.values()] == [0, 1, 1, *[3] * 6]
        assert best.value == pytest.approx(best.params["lr"] / 9)

    @pytest.mark.parametrize("deaf", ["", "deaf"])
    def test_scheduler_ends_a_command_and_what_it_started(
        self, deaf: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("luthier.integrations.command._GRACE_SECONDS", 0.3)
        command = write("endless.py", ENDLESS) + f" {{result}} {deaf}"
        trial = one(command, scheduler="threshold:upper=50")
        assert trial.state is TrialState.PRUNED
        assert trial.reports[1] == {"value": 1.0}
        assert len(trial.reports) >= 3
        assert all_gone()

    @pytest.mark.usefixtures("hurried")
    def test_time_limit_ends_the_whole_group(self) -> None:
        command = write("endless.py", ENDLESS) + " {result}"
        study = luthier.create_study(space=SPACE, seed=0)
        study.optimize(Command(command), n_trials=2, n_jobs=2, time_limit=60.0, fail_fast=None)
        assert all("TimeLimitError" in str(t.error) for t in study.trials)
        assert len(Path("pids").read_text().split()) == 2
        assert all_gone()

    def test_sudden_death_of_the_driver_leaves_no_command(self) -> None:
        write("endless.py", ENDLESS)
        driver = subprocess.Popen(
            [PYTHON, "-m", "luthier.cli", "run", "--command", f"{PYTHON} endless.py {{result}}"],
            stderr=subprocess.DEVNULL,
        )
        while not Path("pids").exists() or not Path("pids").read_text():
            time.sleep(0.02)
        driver.send_signal(signal.SIGKILL)
        driver.wait()
        assert all_gone()

    def test_the_guard_is_there_before_the_command(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Else whoever is killed in between leaves a command."""
        seen = []

        class SlowGuard(handle.Guard):  # type: ignore[misc]  # final
            def __init__(self) -> None:
                super().__init__()
                time.sleep(0.3)
                seen.append(Path("ran").exists())

        monkeypatch.setattr(command, "Guard", SlowGuard)
        trial = one("sh -c 'touch ran; echo 1'")
        assert (trial.value, seen) == (1.0, [False])

    def test_commands_run_in_processes(self) -> None:
        study = luthier.create_study(space=SPACE, seed=0, storage="runs.db")
        study.optimize(Command("sh -c 'echo trying {name}; echo {lr}'"), n_trials=4, n_jobs=2)
        assert [t.value for t in study.trials] == [t.params["lr"] for t in study.trials]
