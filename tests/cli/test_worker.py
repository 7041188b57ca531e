"""``luthier worker``, and how trials run on the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import luthier as library
from luthier import Float, Int, Space, TrialState

if TYPE_CHECKING:
    from conftest import Luthier

SPACE_FILE = """
from luthier import Float, Int, Space
space = Space(lr=Float(0.1, 1), n=Int(1, 9))
other = Space(lr=Float(0.1, 2))
def objective(trial):
    return trial.params["lr"] * trial.params["n"]
"""


def study(name: str = "demo") -> library.Study:
    return library.load_study(study_name=name, storage="runs.db")


class TestWorker:
    def test_joins_with_all_that_is_recorded(self, luthier: Luthier) -> None:
        Path("train.py").write_text(SPACE_FILE)
        made = ("--study", "demo", "--sampler", "sobol", "--seed", "1", "--trials", "4")
        luthier("run", "train.py:objective", *made, "--timeout", "0.000001 s")
        assert study().trials == []
        result = luthier("worker", "demo", "train.py:objective")
        assert "Study 'demo' has 4 finished trials (the study has all its trials)." in result.stdout
        assert {t.origin.sampler for t in study().trials} == {study().trials[0].origin.sampler}
        assert "sobol" in study().trials[0].origin.sampler
        events = len(study().storage.events(1))
        luthier("worker", "demo", "train.py:objective", "--jobs", "2")
        assert len(study().storage.events(1)) == events

    def test_without_a_total_it_goes_on_until_nothing_is_left(self, luthier: Luthier) -> None:
        space = Space(lr=Int(1, 3), n=Int(1, 2))
        library.create_study(study_name="demo", storage="runs.db", space=space, strategy="grid")
        result = luthier("worker", "demo", "--command", "echo {n}", "--executor", "thread:3")
        assert "has no planned total" in result.stderr
        assert "6 finished trials (the space is exhausted)" in result.stdout
        assert [t.value for t in study().trials] == [t.params["n"] for t in study().trials]

    def test_space_must_be_the_studys(self, luthier: Luthier) -> None:
        Path("train.py").write_text(SPACE_FILE)
        luthier("run", "train.py:objective", "--study", "demo", "--trials", "1")
        result = luthier("worker", "demo", "train.py:objective", "--space", "other", exit_code=2)
        assert "must be that of study 'demo', which every worker shares" in result.stderr
        result = luthier("worker", "demo", "--command", "echo {rate}", exit_code=2)
        assert "{rate}, which isn't a parameter of the space: lr, n" in result.stderr

    def test_functions_of_the_space_come_from_the_file(self, luthier: Luthier) -> None:
        Path("train.py").write_text(
            SPACE_FILE + "space = space.require(lambda p: p['n'] > 4, name='large')\n"
        )
        luthier("run", "train.py:objective", "--study", "demo", "--trials", "9", "--timeout", "1 s")
        luthier("worker", "demo", "train.py:objective")
        assert all(t.params["n"] > 4 for t in study().trials)

    def test_study_and_storage_must_exist(self, luthier: Luthier) -> None:
        result = luthier("worker", "demo", "work.py:objective", exit_code=2)
        assert "There is no storage 'runs.db'" in result.stderr
        luthier("run", "work.py:objective", "--trials", "1")
        result = luthier("worker", "demo", "work.py:objective", exit_code=2)
        assert "demo" in result.stderr


class TestCommand:
    def test_space_in_a_python_or_json_file(self, luthier: Luthier) -> None:
        Path("train.py").write_text(SPACE_FILE)
        Path("space.json").write_text(Space(lr=Float(0.1, 1), n=Int(1, 9)).to_json())
        for name, space in (("a", "train.py:space"), ("b", "space.json")):
            arguments = ("--command", "echo {n}", "--space", space, "--trials", "3")
            luthier("run", "--study", name, *arguments)
            assert study(name).space == Space(lr=Float(0.1, 1), n=Int(1, 9))
            assert [t.value for t in study(name).trials] == [
                t.params["n"] for t in study(name).trials
            ]

    def test_study_takes_the_name_of_the_program(self, luthier: Luthier) -> None:
        Path("train").write_text(f"#!{sys.executable}\nprint(3)\n")
        Path("train").chmod(0o755)
        luthier("run", "--command", "./train", "--trials", "1")
        assert study("train").best_value == 3

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((), "There must be one objective, FILE.py:OBJECTIVE or --command, got neither"),
            (("work.py:objective", "--command", "x"), "got 'work.py:objective' and 'x'"),
            (("--command", ""), "must name a program"),
            (("--command", "x {lr}"), "names {lr}, which isn't a parameter of the space: it has"),
            (("--command", "x", "--space", "space"), "must be given as FILE.py:NAME or FILE.json"),
            (("--command", "x", "--space", "work.py:"), "--space must be given as FILE.py:NAME"),
            (("--command", "x", "--space", "work.py:spice"), "There is no 'spice' in work.py"),
            (("--command", "x", "--space", "none.json"), "--space: 'none.json' can't be read"),
            (("--command", "x", "--space", "bad.json"), "must be what to_json wrote"),
        ],
    )
    def test_mistakes(self, luthier: Luthier, arguments: tuple[str, ...], message: str) -> None:
        Path("bad.json").write_text("{")
        assert message in luthier("run", *arguments, exit_code=2).stderr


class TestRunning:
    @pytest.mark.usefixtures("hurried")
    def test_limits_end_trials(self, luthier: Luthier) -> None:
        Path("slow.py").write_text(
            "import time\ndef objective(trial):\n    if trial.number == 0:\n"
            "        trial.report(0.0, 1)\n        time.sleep(600)\n"
            "    return trial.suggest_float('x', 0, 1)\n"
        )
        limits = ("--time-limit", "60 s", "--memory-limit", "4GB", "--executor", "process:2")
        luthier("run", "slow.py:objective", "--study", "demo", "--trials", "3", *limits)
        states = [t.state for t in study().trials]
        assert states == [TrialState.FAILED, TrialState.COMPLETE, TrialState.COMPLETE]
        assert "TimeLimitError" in str(study().trials[0].error)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("--executor", "threads"), "executor must be 'process:4'"),
            (("--executor", "thread:2", "--time-limit", "1 s"), "need a process"),
            (("--time-limit", "soon"), "time_limit must be seconds above 0"),
            (("--memory-limit", "much"), "memory_limit must be"),
            (
                ("--timeout", "20 trials"),
                "--timeout must be a time such as '10 min', got '20 trials'",
            ),
        ],
    )
    def test_mistakes(self, luthier: Luthier, arguments: tuple[str, ...], message: str) -> None:
        result = luthier("run", "work.py:objective", "--trials", "1", *arguments, exit_code=2)
        assert message in result.stderr

    def test_reproducible_runs_come_out_the_same(self, luthier: Luthier) -> None:
        Path("slow.py").write_text(
            "import random, time\ndef objective(trial):\n"
            "    time.sleep(random.SystemRandom().random() / 50)\n"
            "    return trial.suggest_float('x', -1, 1) ** 2\n"
        )
        command = ("run", "slow.py:objective", "--seed", "1", "--trials", "12", "--reproducible")
        for name in ("a", "b"):
            luthier(*command, "--study", name, "--executor", "thread:4")
        luthier(*command, "--study", "b", "--jobs", "1")  # it keeps its own
        assert [t.params for t in study("a").trials] == [t.params for t in study("b").trials]
        assert "all the same" in luthier("replay", "--study", "a").stdout
