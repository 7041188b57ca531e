"""The comparison of importances: agreement, truth and table."""

from __future__ import annotations

import pytest

from benchmarks.importance import studies
from benchmarks.importance.__main__ import agreement, page


def test_agreement_is_over_the_parameters_that_both_name() -> None:
    ours = {"a": 0.5, "b": 0.3, "c": 0.2, "d": 0.9}
    assert agreement(ours, {"a": 3.0, "b": 2.0, "c": 1.0}) == pytest.approx(1)
    assert agreement(ours, {"a": 1.0, "b": 2.0, "c": 3.0}) == pytest.approx(-1)


def test_true_effects_are_those_of_the_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studies, "_DRAWS", 5000)
    effects = studies.TASKS["mixed and conditional, random"].true_effects()
    assert max(effects, key=effects.__getitem__) == "model"
    assert effects["shuffle"] == pytest.approx(0.13**2 / 4, rel=0.6)
    assert "margin" not in effects  # conditional


def test_a_row_without_a_target_has_no_verdict() -> None:
    row = {
        "task": "t",
        "method": "fanova",
        "rank_correlation": 0.5,
        "parameters": 3,
        "luthier_seconds": 1.0,
        "optuna_seconds": 20.0,
        "truth": None,
        "met": None,
    }
    assert page([row]).splitlines()[2] == "| t | fANOVA | 3 | 0.500 |  | 1 | 20 | 0.05 |  |  |"
