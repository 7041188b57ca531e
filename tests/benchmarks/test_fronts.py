"""Tests of the benchmark of fronts."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.efficiency import recording
from benchmarks.efficiency.problems import draw
from benchmarks.fronts import problems, report
from benchmarks.fronts.evaluation import Evaluations

CHEAP = [name for name in problems.names() if "breast" not in name and "diabetes" not in name]


@pytest.mark.parametrize("name", CHEAP)
def test_problems_evaluate_what_is_drawn(name: str) -> None:
    if name.startswith(("biobj", "mixint")) and importlib.util.find_spec("cocoex") is None:
        pytest.skip("cocoex isn't installed (tools/bootstrap.sh bench)")
    problem, rng = problems.load([name])[name], np.random.default_rng(0)
    rows = [problem.evaluate(draw(problem.space, rng)) for _ in range(20)]
    assert np.isfinite([values for values, _ in rows]).all()
    assert {(len(v), len(e)) for v, e in rows} == {(problem.n_objectives, problem.n_constraints)}
    assert len({values for values, _ in rows}) > 1


def test_reference_points_are_those_of_random_configurations() -> None:
    import json

    scales = json.loads(report.SCALES.read_text())
    assert set(scales) == set(problems.names())
    assert report._scale(problems.load(["zdt3"])["zdt3"]) == scales["zdt3"]


def test_a_textbook_optimum_is_where_the_textbook_has_it() -> None:
    zdt = problems.load(["zdt3"])["zdt3"]
    assert zdt.evaluate({f"x{i}": 0.0 for i in range(8)})[0] == (0.0, 1.0)
    sphere = problems.load(["dtlz2_m4"])["dtlz2_m4"]
    values, _ = sphere.evaluate({f"x{i}": 0.5 for i in range(7)})
    assert np.linalg.norm(values) == pytest.approx(1.0)


def test_the_beam_breaks_where_it_is_thin() -> None:
    beam = problems.load(["beam"])["beam"]
    strong = {"metal": "steel", "weld": 16, "width": 32, "length": 5.0, "height": 9.0}
    (cost, deflection), excess = beam.evaluate(strong)
    assert max(excess) <= 0
    (cheaper, worse), broken = beam.evaluate({**strong, "height": 1.0})
    assert max(broken) > 0
    assert cheaper < cost
    assert worse > deflection


def test_infeasible_trials_count_for_nothing() -> None:
    rows: list[list[float] | None] = [[1.0, 1.0], None, [0.0, 3.0]]
    assert report.volume(rows, [2.0, 2.0], 2.0) == 0.5
    assert report.volume([None], [2.0, 2.0], 2.0) == 0.0


def test_evaluations_are_kept_in_order() -> None:
    evaluate = Evaluations(problems.load(["zdt3"])["zdt3"])
    evaluate({f"x{i}": 0.0 for i in range(8)})
    evaluate({f"x{i}": 1.0 for i in range(8)})
    assert evaluate.values[0] == [0.0, 1.0]
    assert len(evaluate.values) == 2


def test_duels_compare_the_seeds_that_both_have_run() -> None:
    volumes = {
        "luthier-gp": {"a": np.array([1.0, 1.0, 1.0, 0.0, 0.0]), "b": np.ones(3)},
        "optuna-gp": {"a": np.array([0.5, 0.5, 0.5]), "c": np.ones(3)},
    }
    assert report.duel("luthier-gp", "optuna-gp", volumes) == (1, 1)


def test_recorded_runs_make_the_tables(tmp_path: Path) -> None:
    for label, shift in (("luthier-gp", 0.0), ("optuna-tpe", 0.2)):
        for seed in range(3):
            run: dict[str, Any] = {"values": [[0.1 + shift, 0.5 + shift]], "cpu_per_trial": 0.01}
            recording.append(label, tmp_path, "zdt3", {"seed": seed, **run})
        recording.fold(label, tmp_path)
    text = report.text(report.results([tmp_path]))
    assert "| problem | luthier-gp | optuna-tpe |" in text
    assert "| luthier-gp | 1 of 1 |" in text


def test_what_is_published_is_what_is_recorded() -> None:
    assert report.text(report.results([report.RECORDED])) + "\n" == report.PAGE.read_text()
