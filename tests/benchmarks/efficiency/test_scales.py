from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.efficiency import scales
from benchmarks.efficiency.problems import Problem
from benchmarks.efficiency.problems.problem import number
from benchmarks.efficiency.scales import BUDGETS, WORST, Scale, incumbents, medians

HALVING = Scale(2.0, tuple(2.0 + 8.0 / (k + 1) for k in range(len(BUDGETS))))


@pytest.mark.parametrize("budget", BUDGETS)
def test_regret_is_one_at_the_median_of_random_search(budget: int) -> None:
    there = HALVING.random[BUDGETS.index(budget)]
    assert HALVING.regret(there, budget) == pytest.approx(1.0)
    assert HALVING.regret(2.0, budget) == 0.0
    assert HALVING.regret((there + 2.0) / 2, budget) == pytest.approx(0.5)


def test_regret_is_bounded() -> None:
    assert HALVING.regret(1.9, 100) == 0.0
    assert HALVING.regret(1e9, 100) == WORST
    assert HALVING.regret(math.inf, 100) == WORST
    assert HALVING.regret(math.nan, 100) == WORST


def test_regret_between_recorded_budgets_lies_between() -> None:
    assert HALVING.regret(3.0, 20) < HALVING.regret(3.0, 22) < HALVING.regret(3.0, 25)


def test_where_random_search_finds_the_best_others_lose_by_a_finite_amount() -> None:
    found = Scale(0.0, (1.0,) + (0.0,) * (len(BUDGETS) - 1))
    assert found.regret(0.0, 50) == 0.0
    assert found.regret(1e-4, 50) == pytest.approx(1.0)
    assert Scale(0.0, (0.0,) * len(BUDGETS)).regret(1.0, 50) == 0.0


def test_incumbent_is_the_first_of_the_best_observed() -> None:
    observed = np.array([[3.0, math.inf, 1.0, 1.0, 2.0, 0.5], [math.inf] * 6])
    np.testing.assert_array_equal(incumbents(observed), [[0, 0, 2, 2, 2, 5], [0] * 6])


def test_medians_are_those_of_the_minimum_of_uniform_numbers() -> None:
    rng = np.random.default_rng(0)
    found = medians([{"values": rng.random(200).tolist()} for _ in range(15)])
    expected = [1 - 0.5 ** (1 / n) for n in BUDGETS]  # median of the minimum of n
    np.testing.assert_allclose(found, expected, rtol=0.35)
    assert list(found) == sorted(found, reverse=True)


def test_medians_take_the_true_value_of_what_was_observed_as_best() -> None:
    run = {"values": [1.0, 0.0] * 50, "true": [0.0, 1.0] * 50}
    found = medians([run])
    assert found[-1] == 1.0


def test_failures_count_as_the_worst() -> None:
    found = medians([{"values": [None] * 90 + [1.0] * 9 + [5.0]}])
    assert found[0] == 5.0
    assert found[-1] == 1.0


def test_the_kept_scales_are_sane() -> None:
    for name, scale in scales.scales().items():
        assert len(scale.random) == len(BUDGETS), name
        assert scale.best <= min(scale.random), name
        assert scale.random[0] > scale.best, name


def test_the_best_is_the_optimum_or_the_best_anybody_ever_saw(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    random = {name: {"0": {"values": [3.0, 2.0, 4.0]}} for name in ("known", "unknown")}
    other = {name: {"0": {"values": [None, 1.0]}} for name in ("known", "unknown")}
    space = (number("x", 0, 1),)
    made = {
        "known": Problem("known", "mixed", space, lambda c, seed: 0.0, 0.5),
        "unknown": Problem("unknown", "mixed", space, lambda c, seed: 0.0),
    }

    def read(label: str, folder: Path | None = None) -> Any:
        return {"optuna-random": random, "peer": other}[label]

    monkeypatch.setattr(scales, "PATH", tmp_path / "scales.json")
    monkeypatch.setattr(scales, "names", lambda: tuple(made))
    monkeypatch.setattr(scales, "load", lambda wanted: made)
    monkeypatch.setattr(scales.recording, "read", read)
    monkeypatch.setattr(scales.recording, "labels", lambda folder: list(labels))
    labels = ["optuna-random", "peer"]
    scales.scales.cache_clear()
    first = scales.make([tmp_path])
    assert (first["known"].best, first["unknown"].best) == (0.5, 1.0)
    scales.write(first)
    labels.remove("peer")
    assert scales.make([tmp_path])["unknown"].best == 1.0
    assert scales.make([tmp_path]) == scales.scales()
    scales.scales.cache_clear()
