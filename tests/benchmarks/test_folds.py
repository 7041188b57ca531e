"""The benchmark of races: its tables, and what a race over one of them comes to."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.folds.races import RULES, race
from benchmarks.folds.tables import CASES, CONFIGURATIONS, FOLDS, SEEDS, table


def test_tables_are_whole() -> None:
    for case in CASES:
        for seed in range(SEEDS):
            found = table(case, seed)
            assert len(found.params) == CONFIGURATIONS
            assert found.scores.shape == found.seconds.shape == (CONFIGURATIONS, FOLDS)
            assert ((found.scores >= 0) & (found.scores <= 1)).all()
            assert found.test.shape == (CONFIGURATIONS,)


def test_without_a_race_all_is_run_and_nothing_lost() -> None:
    ran = race(table("wine-svm", 0), "none", order=1)
    assert (ran.fits, ran.seconds, ran.cv, ran.test) == (1, 1, 0, 0)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "none"])
def test_races_run_less_and_lose_little(rule: str) -> None:
    runs = [race(table("digits-svm", 0), rule, order) for order in range(2)]
    assert np.mean([ran.fits for ran in runs]) < 0.45
    assert min(ran.cv for ran in runs) >= 0
    assert np.mean([ran.cv for ran in runs]) < 0.02
