from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.efficiency import report
from benchmarks.efficiency.problems import Problem
from benchmarks.efficiency.problems.problem import number, whole
from benchmarks.efficiency.report import Results, Table
from benchmarks.efficiency.scales import BUDGETS, Scale

UNIT = Scale(0.0, (1.0,) * len(BUDGETS))  # regret is the value itself


def problem(name: str, family: str = "continuous", **space: Any) -> Problem:
    return Problem(name, family, (space or number("x", 0, 1),), lambda config, seed: 0.0)


def run(*values: float | None, **more: Any) -> dict[str, Any]:
    long = [*values, *[2.0] * (25 - len(values))]
    return {"values": long, "cpu_per_trial": 0.002, "versions": {"p": "1"}, **more}


@pytest.fixture
def results() -> Results:
    runs = {
        "good": {"a": {"0": run(0.1), "1": run(0.2)}, "b": {"0": run(0.1)}},
        "bad": {"a": {"0": run(0.4), "1": run(0.4), "2": run(0.1)}, "b": {"0": run(0.8)}},
    }
    named = {"a": problem("a"), "b": problem("b", "mixed"), "c": problem("c")}
    return Results(runs, named, dict.fromkeys(named, UNIT))


def test_only_what_all_have_run_long_enough_is_shared(results: Results) -> None:
    assert results.shared(["good", "bad"], 25) == {"a": ["0", "1"], "b": ["0"]}
    assert results.shared(["bad"], 25)["a"] == ["0", "1", "2"]
    assert results.shared(["good"], 26) == {}
    assert report.longest(results, ["good", "bad"]) == 25


def test_a_finite_space_may_end_a_study_early() -> None:
    finite = Problem("f", "tabular", (whole("i", 1, 3),), lambda config, seed: 0.0)
    short = {"values": [3.0, 0.5, 1.0], "cpu_per_trial": 0.0, "versions": {}}
    results = Results({"x": {"f": {"0": short}}}, {"f": finite}, {"f": UNIT})
    shared = results.shared(["x"], 100)
    assert shared == {"f": ["0"]}
    assert results.regrets("x", shared, 100)[0].tolist() == [0.5]


def test_a_noisy_incumbent_is_worth_its_true_value() -> None:
    noisy = run(0.5, -0.3, true=[0.5, 0.9, *[2.0] * 23])
    results = Results({"x": {"a": {"0": noisy}}}, {"a": problem("a", "noisy")}, {"a": UNIT})
    assert results.regrets("x", {"a": ["0"]}, 25)[0].tolist() == [0.9]
    assert results.regrets("x", {"a": ["0"]}, 1)[0].tolist() == [0.5]


def test_a_study_without_a_success_has_the_worst_regret() -> None:
    failed = {"values": [None] * 25, "cpu_per_trial": 0.0, "versions": {}}
    results = Results({"x": {"a": {"0": failed}}}, {"a": problem("a")}, {"a": UNIT})
    assert results.regrets("x", {"a": ["0"]}, 25)[0].tolist() == [10.0]


def test_overall_ranks_the_better_first(results: Results) -> None:
    table = report.overall(results, ["bad", "good"], 25)
    assert table.title == "After 25 trials, 2 problems, 3 studies each"
    expected = (("good", "1.00", f"{0.002 ** (1 / 3):.4f}", "100%"),)
    assert table.rows[:1] == expected
    assert table.rows[1][0] == "bad"


def test_duels_count_problems(results: Results) -> None:
    table = report.duels(results, [("good", "bad")], 25)
    (row,) = table.rows
    ratio = np.sqrt(np.sqrt(0.1 * 0.2) / 0.4 * 0.1 / 0.8)
    assert row[:2] == ("good / bad", f"{ratio:.2f}")
    assert row[3] == "2 : 0"
    assert row[5] == "2"


def test_families_and_problems_have_a_row_each(results: Results) -> None:
    families = report.by_family(results, ["good", "bad"], 25)
    assert [row[0] for row in families.rows] == ["continuous (1)", "mixed (1)"]
    assert families.rows[1][1:] == ("0.1000", "0.8000")
    table = report.by_problem(results, ["good", "bad"], 25)
    assert table.rows[0] == ("a (continuous)", "0.15", "0.4")


def test_two_samplers_are_compared_by_family_on_what_both_ran(results: Results) -> None:
    table = report.beside(results, "good", "bad")
    every, continuous, mixed = table.rows
    means = 0.002 ** (1 / 3), (0.4 * 0.4 * 0.8) ** (1 / 3)
    assert every[:4] == ("all", "25", f"{means[0]:.4f}", f"{means[1]:.4f}")
    by_problem = np.sqrt(np.sqrt(0.1 * 0.2) / 0.4 * 0.1 / 0.8)
    assert every[4:] == (f"{means[0] / means[1]:.2f}", f"{by_problem:.2f}", "2 : 0", "2", "3", "")
    assert (continuous[0], mixed[0]) == ("continuous", "mixed")
    assert (*mixed[2:4], *mixed[6:]) == ("0.1000", "0.8000", "1 : 0", "1", "1", "")
    back = report.beside(results, "bad", "good")
    assert [row[-1] for row in back.rows] == ["good ahead"] * 3


@pytest.mark.parametrize(("level", "mark"), [(0.105, ""), (0.106, "y ahead")])
def test_who_is_ahead_by_more_than_5_percent_is_marked(level: float, mark: str) -> None:
    runs = {"x": {"a": {"0": run(level)}}, "y": {"a": {"0": run(0.1)}}}
    table = report.beside(Results(runs, {"a": problem("a")}, {"a": UNIT}), "x", "y")
    assert {row[-1] for row in table.rows} == {mark}


def test_one_problem_with_many_seeds_may_put_the_other_ahead() -> None:
    seeds = {str(seed): run(0.2) for seed in range(9)}
    x = {"a": seeds, "b": {"0": run(0.1)}}
    y = {"a": dict.fromkeys(seeds, run(0.1)), "b": {"0": run(0.4)}}
    named = {"a": problem("a"), "b": problem("b")}
    table = report.beside(Results({"x": x, "y": y}, named, dict.fromkeys(named, UNIT)), "x", "y")
    assert table.rows[0][4:] == ("1.62", "0.71", "1 : 1", "2", "10", "y ahead")


def test_coverage_says_what_was_run(results: Results) -> None:
    table = report.coverage(results, ["good", "bad"])
    assert table.title == "What each sampler ran, of 3 problems"
    assert table.rows == (("good", "2", "1 to 2", "3", "25"), ("bad", "2", "1 to 3", "4", "25"))


def test_sources_are_those_of_now_or_others_or_unknown() -> None:
    runs = {"0": run(0.1, source="now"), "1": run(0.1, source="then"), "2": run(0.1)}
    results = Results({"x": {"a": runs}}, {"a": problem("a")}, {"a": UNIT})
    assert report.sources(results, ["x"], "now").rows == (("x", "1", "1", "1"),)


def test_cpu_is_in_milliseconds(results: Results) -> None:
    assert report.cpu(results, ["good"]).rows == (("good", "2.00", "3"),)


def test_a_table_as_text_and_markdown() -> None:
    table = Table("Title", ("sampler", "rank"), (("x", "1.5"), ("longer", "12")))
    assert table.text() == "Title\n  sampler  rank\n  x         1.5\n  longer     12\n"
    assert table.markdown() == (
        "Title:\n\n| sampler | rank |\n| --- | --: |\n| x | 1.5 |\n| longer | 12 |\n"
    )
