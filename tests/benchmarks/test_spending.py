"""What a budget is best spent on: the table, and that searches keep to their budgets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import luthier
from benchmarks import spending

SPACE = [{"name": "x", "type": "float", "low": 0.0, "high": 1.0}]


class Curves:
    """Learning curves that end at x."""

    space = SPACE

    def __call__(self, config: dict[str, Any], step: int) -> float:
        return float(config["x"] + 1 / step)

    def regret(self, config: dict[str, Any]) -> float:
        return float(config["x"])

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        return {"x": float(rng.random())}


def runs_of(method: str, *regrets: list[float]) -> list[dict[str, Any]]:
    """A run on every table for each seed."""
    return [
        {"method": method, "table": table, "seed": seed, "regrets": values}
        for seed, values in enumerate(regrets)
        for table in spending.SISTERS
    ]


@pytest.fixture
def curves(monkeypatch: pytest.MonkeyPatch) -> None:
    luthier.set_verbosity("critical")
    monkeypatch.setattr(spending, "_table", lambda name: Curves())
    spending.sisters_best.cache_clear()


@pytest.mark.parametrize("method", spending.METHODS)
def test_a_search_ends_with_its_budget(
    curves: None, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    creating, _ = spending.METHODS[method]
    monkeypatch.setattr(spending, "METHODS", {method: (creating, 10)})
    run = spending.search(method, "xgb_1468", 0)
    assert len(run["regrets"]) == 1
    assert 0 <= run["regrets"][0] < 0.5
    early = "early" in method
    assert (run["trials"] > 20) if early else (run["trials"] == 11)  # the last couldn't begin


def test_what_is_known_of_a_sister_is_tried_first(curves: None) -> None:
    known = spending.sisters_best("xgb_1468", 0)
    assert len(known) == spending.KNOWN
    assert [config["x"] for config in known] == sorted(config["x"] for config in known)
    assert known[-1]["x"] < 0.1


def test_the_table_shows_what_all_seeds_have_run() -> None:
    one = runs_of("random", [0.5, 0.4, 0.3, 0.2], [0.7, 0.4, 0.3, 0.2])
    other = runs_of("evolution (`de`)", [0.6, 0.1], [0.6, 0.1])
    half = runs_of("Bayesian (`auto`)", [0.1, 0.1, 0.1, 0.1])
    table = spending.means([*one, *other, *half], seeds=2)
    assert table["random"][0] == pytest.approx((0.6, 0.1))
    assert len(table["evolution (`de`)"]) == 2
    assert table["Bayesian (`auto`)"] == []
    text = spending.markdown(table)
    assert "| random | **0.600 ± 0.100** | 0.400 ± 0.000 | **0.300 ± 0.000** | **0.2" in text
    assert "| **0.100 ± 0.000** | – | – |" in text


def test_tasks_are_told_apart() -> None:
    runs = runs_of("random", [0.5, 0.4, 0.3, 0.2], [0.7, 0.4, 0.4, 0.2])
    for run in runs:
        if run["table"] == "xgb_1468":
            run["regrets"] = run["regrets"][:3]
    head, _, row, *_ = spending.by_task(runs, seeds=2).splitlines()
    assert head.startswith("| | `lcbench_126026`, 200 | `lcbench_126026`, 1,000 | `xgb_1468`, 200")
    assert row == "| random | 0.350 | 0.200 | 0.350 | – | 0.350 | 0.200 |"


def test_it_is_drawn(tmp_path: Path) -> None:
    table = spending.means(runs_of("random", [0.5, 0.4], [0.6, 0.4]), seeds=2)
    spending.draw({"random": table["random"]}, tmp_path / "chart.svg")
    assert "<svg" in (tmp_path / "chart.svg").read_text()


def test_only_what_is_missing_is_run(
    curves: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(spending, "RESULTS", tmp_path / "runs.jsonl")
    monkeypatch.setattr(spending, "METHODS", {"random": ({"strategy": "random"}, 10)})
    short = {"method": "random", "table": "xgb_1468", "seed": 0, "regrets": []}
    spending.RESULTS.write_text(json.dumps(short) + "\n")
    spending.run(1)
    spending.run(1)
    assert len(spending.RESULTS.read_text().splitlines()) == 1 + len(spending.SISTERS)
    assert all(len(run["regrets"]) == 1 for run in spending.recorded().values())
