"""The benchmark of gradients says honestly which targets are met."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gradient.targets import TARGETS, Target

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results" / "gradient.json"
RECORDED = json.loads(RESULTS.read_text("utf-8"))


@pytest.mark.parametrize(
    ("target", "met"),
    [
        (Target("loss", "<=", 2.0, on="mean"), True),
        (Target("loss", "<=", 2.0), False),
        (Target("loss", "<", 2.0, on="mean"), False),
        (Target("loss", ">=", 1.0), True),
        (Target("loss", ">=", 1.5), False),
        (Target("loss", "<=", "rival"), True),
        (Target("loss", "<", "rival"), False),
    ],
    ids=str,
)
def test_verdicts(target: Target, met: bool) -> None:
    runs: list[dict[str, Any]] = [{"loss": 1.0, "rival": 1.5}, {"loss": 3.0, "rival": 3.0}]
    assert target.is_met(runs) == met
    assert ("MISSED" in target.verdict(runs)) != met


def test_a_verdict_tells_the_worst_seed() -> None:
    runs = [{"loss": 1.0}, {"loss": 3.0}]
    said = Target("loss", "<=", 2.0).verdict(runs)
    assert said == "loss <= 2.0 (every seed): MISSED on 1 of 2 seeds, at worst 3 against 2"
    said = Target("loss", "<=", 2.5, on="mean").verdict(runs)
    assert said == "loss <= 2.5 (mean): met, at worst 2 against 2.5"


@pytest.mark.parametrize("problem", sorted(TARGETS.keys() & RECORDED.keys()))
def test_what_is_recorded_meets_its_targets(problem: str) -> None:
    for target in TARGETS[problem]:
        assert target.is_met(RECORDED[problem]), target.verdict(RECORDED[problem])
