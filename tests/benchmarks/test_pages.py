"""Figures that stand on the pages of the documentation are those that were recorded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks import scaling
from benchmarks.evolution import cma_bbob, genetic, nsga
from benchmarks.evolution.recorded import Recorded
from benchmarks.fidelity import lcdb, pbt_mnist, tables
from benchmarks.selection import __main__ as selection

DOCS = Path(__file__).parents[2] / "docs"
EVALUATIONS, SEEDS = 5000, 15


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of all tables under a heading, without the tables' heads."""
    section = (DOCS / page).read_text("utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    rules = [k for k, line in enumerate(lines) if line.startswith("|---")]
    kept = [line for k, line in enumerate(lines) if not {k, k + 1} & set(rules)]
    return [cells(line) for line in kept]


def cells(line: str) -> list[str]:
    return [cell.strip(" *") for cell in line.strip("|").split("|")]


def text(page: str) -> str:
    return " ".join((DOCS / page).read_text("utf-8").split())


def medians(name: str, algorithm: str, problem: str, sides: Sequence[str]) -> list[float]:
    def unrecorded(seed: int) -> float:
        raise AssertionError(f"{algorithm} on {problem} isn't recorded with {SEEDS} seeds")

    whats = ({"algorithm": algorithm, "problem": problem, "side": side} for side in sides)
    return [Recorded(name).median(what, EVALUATIONS, SEEDS, unrecorded) for what in whats]


@pytest.mark.parametrize(
    ("algorithm", "peers", "page", "heading"),
    [
        ("ga", ("deap",), "samplers/genetic.md", "Beside DEAP"),
        (
            "de",
            ("scipy", "nevergrad"),
            "samplers/differential-evolution.md",
            "Beside SciPy and Nevergrad",
        ),
    ],
)
def test_genetic_algorithms(
    algorithm: str, peers: tuple[str, ...], page: str, heading: str
) -> None:
    shown = rows(page, heading)
    assert len(shown) == 12
    for row in shown:
        found = medians("genetic", algorithm, row[0], (*peers, "luthier", "defaults"))
        assert row == cells(genetic.row(row[0], *found))


def test_fronts_of_evolution() -> None:
    shown = rows("samplers/nsga.md", "Beside pymoo")
    assert len(shown) == len(nsga.ALGORITHMS) * len(nsga.PROBLEMS)
    for row in shown:
        found = medians("nsga", row[0], row[1], nsga.SIDES)
        assert row == cells(nsga.row(row[0], row[1], *found))


def test_cma_es() -> None:
    kept, page = json.loads(cma_bbob.RESULTS.read_text()), text("samplers/cmaes.md")
    ten, twenty = (kept[f"bbob {d}-d"] for d in (10, 20))
    assert (
        f"{ten['no worse']['cmaes']} functions in 10-d, and than that of `cma` 4.5 on "
        f"{ten['no worse']['cma']} ({ten['seeds']} seeds"
    ) in page
    both = f"{twenty['no worse']['cmaes']} and {twenty['no worse']['cma']}"
    assert f"in 20-d on {both} ({twenty['seeds']} seeds" in page
    seconds = kept["100000 asks and tells in 10-d, CPU seconds"]
    assert (
        f"{seconds['luthier']:.2f} s of CPU where `cmaes` takes {seconds['cmaes']:.1f} s "
        f"and `cma` {seconds['cma']:.1f} s"
    ) in page


def test_multi_fidelity(capsys: pytest.CaptureFixture[str]) -> None:
    tables.means(tables.measured(), list(tables.METHODS))
    printed = capsys.readouterr().out
    lines = [cells(line) for line in printed.splitlines() if line.startswith("|")]
    means, ends = lines[2 : 2 + len(tables.METHODS)], lines[4 + len(tables.METHODS) :]
    shown = rows("multi-fidelity.md", "What it saves")
    assert [row[1:] for row in shown[: len(means)]] == [row[1:-2] + row[-1:] for row in means]
    assert shown[len(means) :] == ends
    assert len(ends) == len(tables.TABLES)


def test_populations() -> None:
    runs = json.loads(pbt_mnist.RESULTS.read_text())["runs"]
    shown = rows("population-based-training.md", "Measured")
    assert len(shown) == len(runs)
    reference = [run["error"] for run in runs["random"]]
    for row, (method, found) in zip(shown, runs.items(), strict=True):
        errors = [run["error"] for run in found]
        assert row[1] == f"{100 * np.mean(errors):.2f} %"
        assert row[2] == f"{100 * np.mean([run['test'] for run in found]):.2f} %"
        good = sum(a <= b for a, b in zip(errors, reference, strict=True))
        assert row[3] == ("" if method == "random" else f"{good} of {len(errors)}")


def test_forecasts_of_learning_curves() -> None:
    found, page = json.loads(lcdb.RESULTS.read_text())["extrapolation"][0], text("schedulers.md")
    coverage = 100 * found["coverage of 90%"]
    assert f"{found['n']:,} starts of curves), 90% intervals hold {coverage:.1f}%" in page
    assert f"mean log score is {found['forecast']:.2f}; that of the last value" in page
    assert f"errors is {found['last value']:.2f}, that of a power law" in page
    assert f"four points {found['power law']:.2f} " in page


def test_a_thousand_simulated_workers() -> None:
    recorded = json.loads(scaling.RESULTS.read_text("utf-8"))
    assert scaling.PAGE.read_text("utf-8") == scaling.page(recorded)
    assert recorded["workers"] == 1000
    assert set(recorded["simulated"]) == set(scaling.STUDIES)


def test_selection() -> None:
    found = selection.tables(json.loads(selection.RESULTS.read_text("utf-8")))
    assert all(table in (DOCS / "honest-selection.md").read_text("utf-8") for table in found)


def beside(label: str, family: str, trials: int) -> list[str]:
    """Cells of a row of the second family table: regrets, ratios, won : lost, problems, runs."""
    page = (DOCS / "benchmarks" / "families-beside.md").read_text("utf-8")
    table = page.split(f"luthier-auto beside {label},")[1].split("beside")[0]
    start = f"| {family} | {trials} |"
    (row,) = (line for line in table.splitlines() if line.startswith(start))
    return cells(row)[2:]


def test_where_optunas_gaussian_process_is_ahead() -> None:
    ours, theirs, ratio, by_problem, score, problems, _, mark = beside(
        "optuna-gp", "continuous", 100
    )
    page = text("benchmarks.md")
    assert mark == "optuna-gp ahead"
    assert score == "6 : 1"
    assert (
        f"on the {problems} continuous problems that both ran, after 100 trials: {theirs} against "
        f"{ours}, a ratio of {ratio}."
    ) in page
    assert f"by problem the ratio is {by_problem}." in page


def test_everyone_ahead_of_auto_is_told_of() -> None:
    page = text("benchmarks.md").split("Who is ahead of `auto`, and where:")[1]
    page = page.split("```{include}")[0]
    table = (DOCS / "benchmarks" / "families-beside.md").read_text("utf-8")
    marked = [cells(line) for line in table.splitlines() if line.endswith(" ahead |")]
    for family, trials, _, _, ratio, *_, mark in marked:
        known = family in ("all", "crashing") and mark.startswith("smac-blackbox")  # one study
        assert known or ratio in page, (mark, family, trials)
