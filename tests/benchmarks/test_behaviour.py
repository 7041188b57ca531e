from __future__ import annotations

import itertools
import json
import math
import random
from pathlib import Path
from typing import Any

import pytest

from benchmarks.behaviour import __main__ as program
from benchmarks.behaviour import conditional, crash, memory, parallel, problems, runs, tiny
from benchmarks.behaviour.problems import PROBLEMS, load
from benchmarks.behaviour.runs import Run, median_regret, runs_of
from luthier.strategies import names

OPTIMA: dict[str, dict[str, Any]] = {
    "edge": {"x": 0.4, "y": 0.4},
    "mirror": {"x": 0.4, "y": 0.4},
    "cash": {"algorithm": "a2", "p20": 0.3, "p21": 0.7, "p22": 0.55, "p23": 0.2},
    "tree": {"x1": "left", "x2": "left", "x4": 0.0, "r8": 0.0},
    "branin": {"x0": math.pi, "x1": 2.275},
    "hartmann6": dict(
        zip(
            [f"x{i}" for i in range(6)],
            (0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573),
            strict=True,
        )
    ),
    "rosenbrock5": {f"x{i}": 1.0 for i in range(5)},
    "ackley5": {f"x{i}": 0.0 for i in range(5)},
    "rastrigin5": {f"x{i}": 0.0 for i in range(5)},
    "levy5": {f"x{i}": 1.0 for i in range(5)},
    "styblinski5": {f"x{i}": -2.903534 for i in range(5)},
}


@pytest.mark.parametrize("name", OPTIMA)
def test_best_value_is_that_of_the_known_optimum(name: str) -> None:
    value = PROBLEMS[name].function(OPTIMA[name])
    assert value is not None
    assert value == pytest.approx(PROBLEMS[name].best, abs=1e-4)


@pytest.mark.parametrize("name", PROBLEMS)
def test_nothing_drawn_is_better_than_the_best(name: str) -> None:
    problem, rng = load(name), random.Random(1)
    for _ in range(300):
        value = problem.function(problem.random(rng))
        assert value is None or value >= problem.best - 1e-9
    assert problem.typical() > 0


def test_every_problem_has_its_optimum_checked() -> None:
    assert set(PROBLEMS) == {*OPTIMA, "tiny"}


def test_tiny_space_has_48_configurations_and_one_best() -> None:
    values = [
        problems._tiny({"a": a, "b": b, "level": level})
        for a, b, level in itertools.product(range(1, 5), range(1, 5), ("low", "middle", "high"))
    ]
    assert len(values) == tiny.SIZE
    assert min(values) == pytest.approx(load("tiny").best)
    assert sum(v <= load("tiny").best + 1e-9 for v in values) == 1


def test_a_third_of_the_square_crashes() -> None:
    problem, rng = load("edge"), random.Random(0)
    crashed = sum(problem.function(problem.random(rng)) is None for _ in range(4000))
    assert crashed / 4000 == pytest.approx(0.32, abs=0.02)


def test_mirror_is_the_same_where_nothing_crashes_and_no_better_beyond() -> None:
    edge, mirror, rng = load("edge"), load("mirror"), random.Random(0)
    for _ in range(500):
        config = edge.random(rng)
        value, other = edge.function(config), mirror.function(config)
        assert other is not None
        assert other == pytest.approx(value) if value is not None else other > mirror.best


def test_tree_activates_one_path() -> None:
    problem, rng = load("tree"), random.Random(0)
    paths = {frozenset(problem.random(rng)) for _ in range(100)}
    expected = [{"x1", "x2", "r8"}, {"x1", "x2", "r8"}, {"x1", "x3", "r9"}, {"x1", "x3", "r9"}]
    leaves = zip(expected, ("x4", "x5", "x6", "x7"), strict=True)
    assert paths == {frozenset(names | {leaf}) for names, leaf in leaves}


def test_run_tells_its_crashes_and_gap() -> None:
    run = Run((None, 3.0, None, 1.5), different=4)
    assert run.crashes == 2
    assert run.gap(1.0) == 0.5
    assert run.gap(1.0, budget=2) == 2.0
    assert run.gap(1.0, budget=1) == math.inf
    assert run.found_after(1.5) == 4
    assert run.found_after(1.0) is None


def test_random_search_gets_nearer_the_longer_it_is() -> None:
    typical = load("branin").typical()
    assert problems.random_search("branin", 100) < problems.random_search("branin", 10) < typical


def test_median_regret_is_in_units_of_a_typical_point() -> None:
    problem = load("mirror")
    three = [Run((problem.best + gap,), 1) for gap in (0.1, 0.2, 0.9)]
    assert median_regret(three, problem) == pytest.approx(0.2 / problem.typical())


def faked(monkeypatch: pytest.MonkeyPatch, module: Any, answer: Any) -> None:
    monkeypatch.setattr(module, "runs_of", answer)


@pytest.mark.parametrize(
    ("crashes", "with_crashes", "without", "met"),
    [
        (35, 0.0199, 0.01, True),
        (36, 0.0199, 0.01, False),
        (35, 0.0201, 0.01, False),
        (10, 1e-7, 1e-9, True),
    ],
)
def test_crash_target(
    monkeypatch: pytest.MonkeyPatch, crashes: int, with_crashes: float, without: float, met: bool
) -> None:
    gaps = {"edge": with_crashes, "mirror": without}

    def answer(sampler: str, name: str, budget: int, seeds: int) -> list[Run]:
        problem = load(name)
        last = problem.best + gaps[name] * load("edge").typical()
        return [Run((*[None] * (crashes * (name == "edge")), last), 1)] * seeds

    faked(monkeypatch, crash, answer)
    row = crash.row("gp", 3)
    assert row is not None
    assert row["met"] is met


def test_tiny_target_needs_all_configurations(monkeypatch: pytest.MonkeyPatch) -> None:
    best = load("tiny").best
    faked(monkeypatch, tiny, lambda *_: [Run((9.0, best), 48), Run((best, 9.0), 47)])
    row = tiny.row("gp", 1, 2)
    assert row is not None
    assert (row["different"], row["best found"], row["found after"]) == (47, "2 of 2", 1.5)
    assert row["met"] is False


def test_conditional_target_is_the_peers_median(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(sampler: str, name: str, budget: int, seeds: int) -> list[Run]:
        ours = (0.1, 0.3, 0.4) if sampler == "tpe" else (0.2, 0.2, 0.9)
        return [Run((gap,), 1) for gap in ours]

    faked(monkeypatch, conditional, answer)
    [row] = conditional.rows("cash", ["tpe"], 3)
    assert row["met"] is False
    assert row["wins"] == pytest.approx(2 / 3)


def test_conditional_rows_need_the_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    faked(monkeypatch, conditional, lambda *_: [])
    assert conditional.rows("cash", ["tpe"], 3) == []


def test_parallel_ratio_is_geometric(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(strategy: str, name: str, budget: int, seeds: int, slots: int) -> list[Run]:
        problem = load(name)
        factor = {1: 1.0, 8: {"branin": 2.0, "levy5": 0.5}[name], 32: 4.0}[slots]
        unit = problems.random_search(name, parallel.BUDGET)
        return [Run((problem.best + 0.1 * factor * unit,), 1)] * seeds

    faked(monkeypatch, parallel, answer)
    eight, many = parallel.rows("gp", ["branin", "levy5"], 2)
    assert eight["ratio"] == pytest.approx(1.0)
    assert eight["met"] is True
    assert many["ratio"] == pytest.approx(4.0)
    assert many["met"] is None


def test_parallel_regret_has_a_floor() -> None:
    best = load("branin").best
    assert parallel.mean_log([Run((best,), 1)], "branin") == pytest.approx(math.log(runs.FLOOR))


@pytest.mark.parametrize(("later", "met"), [(20, True), (21, False)])
def test_memory_target(monkeypatch: pytest.MonkeyPatch, later: int, met: bool) -> None:
    def answer(library: str, worker: Path, strategy: str, n: int, seed: int) -> list[Any]:
        size = 10 if n == memory.SIZES[0] else later
        return [{"first": 0, "later": size * 2**20, "kept": 0}]

    monkeypatch.setattr(memory, "run", answer)
    assert memory.row("gp")["met"] is met


def test_peers_runs_are_recorded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[int]] = []

    def worked(*arguments: Any) -> list[dict[str, Any]]:
        asked.append(list(arguments[-1]))
        return [{"seed": s, "values": [float(s)], "different": 1} for s in arguments[-1]]

    monkeypatch.setattr(runs, "RECORDED", tmp_path / "recorded")
    monkeypatch.setattr(runs, "_worked", worked)
    monkeypatch.setattr(runs, "interpreter", lambda library: Path("python"))
    assert len(runs_of("optuna:tpe", "edge", 1, 2)) == 2
    again = runs_of("optuna:tpe", "edge", 1, 3)
    assert [run.values for run in again] == [(0.0,), (1.0,), (2.0,)]
    assert asked == [[0, 1], [2]]


def test_peer_that_is_not_installed_gives_no_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "RECORDED", tmp_path)
    monkeypatch.setattr(runs, "interpreter", lambda library: None)
    assert runs_of("optuna:tpe", "edge", 1, 2) == []


@pytest.mark.parametrize("slots", [1, 8])
def test_our_worker_tries_the_tiny_space_once(slots: int) -> None:
    [run] = runs_of("random", "tiny", tiny.SIZE, 1, slots)
    assert (run.different, len(run.values)) == (tiny.SIZE, tiny.SIZE)
    assert run.found_after(load("tiny").best) is not None


def test_our_worker_tells_of_crashes_and_is_deterministic() -> None:
    first, second = runs_of("random", "edge", 20, 2)
    assert 0 < first.crashes < 20
    assert first != second
    assert runs_of("random", "edge", 20, 1) == [first]


def test_slots_change_the_order_of_results_only() -> None:
    [one], [many] = (runs_of("sobol", "branin", 30, 1, slots) for slots in (1, 8))
    assert one.values != many.values
    assert sorted(filter(None, one.values)) == sorted(filter(None, many.values))


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["random", "de"])
def test_an_ask_beside_100_000_trials_is_bounded(strategy: str) -> None:
    row = memory.row(strategy)
    assert row["met"] is True
    assert row["peak 100,000"] < memory.ENOUGH
    assert row["first 100,000"] < 128  # the encoded matrix, and what it is made from


def test_memory_is_recorded_for_every_sampler() -> None:
    rows = json.loads(program.RESULTS.read_text())["memory"]["rows"]
    named = set(names._SAMPLERS) - {*names._NOT_ALONE, "quasirandom"}  # which is "sobol"
    assert {row["sampler"] for row in rows} == named
    assert {*program.STRATEGIES, *memory.MODEL_FREE} == named
    assert all(row["met"] for row in rows)


def test_memory_worker_measures() -> None:
    [seen] = memory.run("luthier", memory.HERE / "memory_worker.py", "random", 200, 0)
    assert 0 < seen["later"] < 2**20


def test_results_of_other_strategies_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "RESULTS", tmp_path / "results" / "behaviour.json")
    program.save("crash", "target", [{"sampler": "gp", "met": True}])
    program.save("crash", "target", [{"sampler": "tpe", "met": False}])
    program.save("crash", "target", [{"sampler": "tpe", "met": True}])
    kept = json.loads(program.RESULTS.read_text())["crash"]["rows"]
    assert [(row["sampler"], row["met"]) for row in kept] == [("gp", True), ("tpe", True)]


def test_table_marks_what_we_miss_and_not_what_peers_do() -> None:
    rows = [{"sampler": s, "crashes": 40.0, "met": False} for s in ("gp", "optuna:tpe")]
    text = program.table(rows).splitlines()
    assert text[1].split() == ["gp", "40", "MISSED"]
    assert text[2].split() == ["optuna:tpe", "40"]


def test_unknown_experiment_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        program.main(["crashes"])
    assert "invalid choice: 'crashes'" in capsys.readouterr().err
