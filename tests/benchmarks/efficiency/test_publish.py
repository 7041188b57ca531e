from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.efficiency import publish
from benchmarks.efficiency.problems import FAMILIES, SUITES, Problem
from benchmarks.efficiency.problems.problem import number
from benchmarks.efficiency.report import Results
from benchmarks.efficiency.scales import BUDGETS, Scale

SLOW = SUITES["slow"]


def study(level: float, trials: int) -> dict[str, Any]:
    values = list(level / np.arange(1, trials + 1))
    return {"values": values, "cpu_per_trial": 0.001, "versions": {"p": "1.0"}}


@pytest.fixture
def results() -> Results:
    names = [*SLOW, *(f"other{k}" for k in range(20))]
    families = [FAMILIES[k % len(FAMILIES)] for k in range(len(names))]
    space = (number("x", 0, 1),)
    problems = {
        name: Problem(name, family, space, lambda config, seed: 0.0)
        for name, family in zip(names, families, strict=True)
    }
    runs = {
        "luthier-auto": {name: {"0": study(0.5, 200)} for name in names},
        "luthier-few": {name: {"0": study(0.6, 60)} for name in SLOW},
        "peer-fast": {name: {"0": study(1.0, 200)} for name in names},
        "peer-slow": {name: {"0": study(0.8, 60)} for name in SLOW},
        "peer-tried": {name: {"0": study(0.1, 200)} for name in SLOW[:2]},
    }
    return Results(runs, problems, dict.fromkeys(names, Scale(0.0, (1.0,) * len(BUDGETS))))


def test_who_has_run_nearly_everything_takes_part(results: Results) -> None:
    assert publish.taking_part(results, 200) == ["luthier-auto", "peer-fast"]
    some = publish.subset(results)
    assert set(some.problems) == set(SLOW)
    assert publish.taking_part(some, 50) == [
        "luthier-auto",
        "luthier-few",
        "peer-fast",
        "peer-slow",
    ]
    assert publish.taking_part(some, 100) == ["luthier-auto", "peer-fast"]


def test_pages_and_curves_are_written(results: Results, tmp_path: Path) -> None:
    tables = publish.publish(results, tmp_path)
    written = {path.name for path in tmp_path.iterdir()}
    pages = {"ranks", "ranks-subset", "pairs", "families", "problems", "cpu", "asks", "throughput"}
    pages |= {"behaviour", "coverage", "families-beside"}
    curves = {"regret", "regret-subset", *(f"regret-{family}" for family in FAMILIES)}
    assert written == {f"{page}.md" for page in pages} | {f"{curve}.svg" for curve in curves}
    others = [*publish.measured.asks(), *publish.measured.behaviour()]
    others += publish.measured.throughput()
    assert len(tables) == 4 + 4 + 4 + 1 + 1 + 3 + 1 + 3 + len(others)
    ranks = (tmp_path / "ranks.md").read_text()
    assert "After 200 trials, 35 problems, 35 studies each" in ranks
    assert "| luthier-auto | 1.00 | 0.0025 | 100% |" in ranks
    pairs = (tmp_path / "pairs.md").read_text()
    assert "| luthier-auto / peer-slow | 0.62 |" in pairs
    assert "| luthier-auto / luthier-few |" in pairs
    assert "| luthier-few / luthier-auto |" not in pairs
    assert "| peer-fast /" not in pairs
    beside = (tmp_path / "families-beside.md").read_text()
    assert "luthier-auto beside luthier-few" in beside
    assert "luthier-auto beside peer-fast" not in beside
    assert "| 2 | 2 | peer-tried ahead |" in beside
    assert "| luthier-auto | 0 | 0 | 35 |" in (tmp_path / "cpu.md").read_text()
    assert "peer-fast" in (tmp_path / "regret.svg").read_text()
    assert "peer-slow" not in (tmp_path / "regret.svg").read_text()


def test_every_part_is_on_a_page(results: Results, tmp_path: Path) -> None:
    publish.publish(results, tmp_path)
    names = ("benchmarks.md", "choosing-a-sampler.md", "schedulers.md")
    page = "".join((publish.DOCS.parent / name).read_text("utf-8") for name in names)
    for path in tmp_path.iterdir():
        assert f"benchmarks/{path.name}" in page
