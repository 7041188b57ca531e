"""``luthier trials`` and ``luthier export``."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import luthier as library
from luthier import Space

if TYPE_CHECKING:
    from conftest import Luthier


def test_table_has_a_row_a_trial(demo: Luthier) -> None:
    lines = demo("trials").output.splitlines()
    assert lines[0].split() == ["number", "state", "value", "x", "kind", "n", "cost"]
    assert [line.split()[0] for line in lines[1:]] == list("012345")


def test_csv_and_json_hold_the_exact_values(demo: Luthier) -> None:
    study = library.load_study(study_name="demo", storage="runs.db")
    rows = list(csv.DictReader(io.StringIO(demo("trials", "--format", "csv").output)))
    found = json.loads(demo("trials", "--format", "json").output)
    for trial, row, record in zip(study.trials, rows, found, strict=True):
        assert float(row["metrics_value"]) == trial.value == record["metrics"]["value"]
        assert float(row["params_x"]) == trial.params["x"]
        assert record["params"] == trial.params
        assert record["origin"]["reason"] == trial.origin.reason


def test_sort_state_and_limit(demo: Luthier) -> None:
    def numbers(*options: str) -> list[int]:
        found = json.loads(demo("trials", "--format", "json", *options).output)
        return [record["number"] for record in found]

    study = library.load_study(study_name="demo", storage="runs.db")
    by_value = sorted(range(6), key=lambda n: study.trials[n].value or 0.0)
    assert numbers("--sort", "value") == by_value
    assert numbers("--sort", "value", "--limit", "2") == by_value[:2]
    assert numbers("--sort", "x") == sorted(range(6), key=lambda n: study.trials[n].params["x"])
    has_n = [n for n in range(6) if "n" in study.trials[n].params]
    assert set(numbers("--sort", "n")[: len(has_n)]) == set(has_n)
    assert len(numbers("--sort", "kind")) == len(numbers("--sort", "cost")) == 6
    assert numbers("--state", "failed") == []
    assert numbers("--state", "failed", "--state", "complete") == list(range(6))
    study.tell(study.ask(), state=library.TrialState.FAILED)
    assert numbers("--state", "FAILED") == [6]
    assert numbers("--sort", "value")[-1] == 6


def test_best_first_where_more_is_better(luthier: Luthier) -> None:
    luthier("run", "work.py:objective", "--direction", "maximize", "--trials", "5")
    found = json.loads(luthier("trials", "--format", "json", "--sort", "value").output)
    values = [record["metrics"]["value"] for record in found]
    assert values == sorted(values, reverse=True)


def test_none_is_told_from_nothing(luthier: Luthier) -> None:
    Path("none.py").write_text(
        "def f(trial):\n"
        "    trial.suggest_categorical('depth', [None])\n"
        "    if trial.suggest_int('n', 1, 2) == 2:\n"
        "        trial.suggest_categorical('leaves', [None])\n"
        "    return float('inf')\n"
    )
    luthier("run", "none.py:f", "--trials", "2", "--seed", "0")
    rows = [line.split() for line in luthier("trials", "--sort", "n").output.splitlines()[1:]]
    assert [row[2:-1] for row in rows] == [["inf", "None", "1"], ["inf", "None", "2", "None"]]
    text = luthier("trials", "--sort", "n", "--format", "csv").output
    first, second = csv.DictReader(io.StringIO(text))
    assert first["params_depth"] == second["params_leaves"] == "None"
    assert first["params_leaves"] == first["error"] == ""
    assert "Parameters  depth=None" in luthier("status").output
    assert "  depth = None" in luthier("best").output
    assert "finished    COMPLETE value=inf" in luthier("log").output


def test_pruned_trials_are_not_the_best(luthier: Luthier) -> None:
    study = library.create_study(study_name="s", storage="runs.db")
    for value, state in ((3.0, None), (1.0, library.TrialState.PRUNED), (2.0, None), (0.0, None)):
        trial = study.ask()
        trial.report(value, 0)
        study.tell(trial, None if state else value, state)
    study.invalidate(3)
    found = json.loads(luthier("trials", "--sort", "value", "--format", "json").output)
    assert [record["number"] for record in found] == [2, 0, 3, 1]


def test_no_trials(luthier: Luthier) -> None:
    luthier("run", "work.py:objective", "--trials", "0")
    assert luthier("trials").output.strip() == "number"
    assert luthier("trials", "--format", "csv").output == "number\n"
    assert json.loads(luthier("trials", "--format", "json").output) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--sort", "valeu"], "--sort: trials have no 'valeu'. Did you mean 'value'?"),
        (["--limit", "-1"], "Invalid value for '--limit'"),
        (["--state", "done"], "Invalid value for '--state'"),
        (["--format", "xml"], "Invalid value for '--format'"),
    ],
)
def test_mistakes(demo: Luthier, options: list[str], message: str) -> None:
    assert message in demo("trials", *options, exit_code=2).stderr


def test_export_holds_the_whole_study(demo: Luthier) -> None:
    demo("export", "-o", "demo.json")
    whole = json.loads(Path("demo.json").read_text())
    assert json.loads(demo("export").output) == whole
    study = library.load_study(study_name="demo", storage="runs.db")
    assert (whole["study"], whole["seed"]) == ("demo", 0)
    assert whole["objective"]["directions"] == ["minimize"]
    assert Space.from_json(json.dumps(whole["space"])) == study.space
    assert [t["metrics"]["value"] for t in whole["trials"]] == [t.value for t in study.trials]


def test_export_as_csv(demo: Luthier) -> None:
    text = demo("export", "--format", "csv").output
    assert text == demo("trials", "--format", "csv").output
    assert len(text.splitlines()) == 7


def test_export_to_a_place_that_does_not_exist(demo: Luthier) -> None:
    result = demo("export", "-o", "no/such/demo.json", exit_code=2)
    assert "no/such/demo.json" in result.stderr


def test_failed_export_leaves_an_old_file_alone(demo: Luthier) -> None:
    Path("old.json").write_text("precious")
    demo("export", "--study", "nosuch", "-o", "old.json", exit_code=2)
    assert Path("old.json").read_text() == "precious"


def test_csv_is_exact_unless_it_is_for_a_spreadsheet(luthier: Luthier) -> None:
    space = library.Space(x=library.Float(-1, 0), word=library.Categorical(["=1+1", "two\rlines"]))
    study = library.create_study(study_name="formulas", storage="runs.db", space=space)
    for word in ("=1+1", "two\rlines"):
        study.enqueue_trial({"x": -0.5, "word": word})
        study.tell(study.ask(), -1.0)
    for command in ("trials", "export"):
        found = {}
        for flags in ((), ("--spreadsheet",)):
            text = luthier(command, "--study", "formulas", "--format", "csv", *flags).output
            found[flags] = list(csv.DictReader(io.StringIO(text, newline="")))
        exact, defused = found.values()
        assert [row["params_word"] for row in exact] == ["=1+1", "two\rlines"]
        assert [row["params_word"] for row in defused] == ["'=1+1", "two\rlines"]
        assert {row["params_x"] for row in defused} == {"-0.5"}
