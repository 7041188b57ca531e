"""Gradients inside a trial: ``trial.refine(problem)``."""

from __future__ import annotations

from typing import Any

import pytest

import luthier

torch = pytest.importorskip("torch")

from luthier.gradient import Bilevel, Hyper  # noqa: E402

DRAW = torch.Generator().manual_seed(0)
X = torch.randn(60, 4, generator=DRAW, dtype=torch.float64)
Y = X[:, 0] ** 2 + 0.3 * torch.randn(60, generator=DRAW, dtype=torch.float64)


def objective(trial: Any) -> float:
    """The features are the study's business, the penalties are learnt."""
    squared = trial.suggest_categorical("features", ["plain", "squared"]) == "squared"
    trial.suggest_float("l2", 1e-4, 1e2, log=True)
    F = X**2 if squared else X

    def outer(params: Any, hyper: Any) -> Any:
        return ((F[40:] @ params["w"] - Y[40:]) ** 2).mean()

    def inner(params: Any, hyper: Any) -> Any:
        fit = ((F[:40] @ params["w"] - Y[:40]) ** 2).mean()
        return fit + (hyper["l2"] * params["w"] ** 2).sum()

    start = {"w": torch.zeros(4, dtype=torch.float64)}
    l2 = Hyper(0.1, shape=(4,), bounds=(1e-8, 1e4))
    return trial.refine(Bilevel(inner, outer, start, {"l2": l2}), steps=8).loss


def test_a_refined_trial_is_recorded_budgeted_and_replayable() -> None:
    study = luthier.create_study(seed=0)
    for features in ("plain", "squared"):
        study.enqueue_trial({"features": features, "l2": 1.0})
    study.optimize(objective, 2)
    assert study.best_params["features"] == "squared"
    for trial in study.trials:
        told = trial.user_attrs["refined"]
        assert told["start"] == {"l2": [1.0] * 4}
        assert told["end"] != told["start"]
        assert told["loss"] == trial.value
        assert told["guard_loss"] is None
        assert 1 < told["steps"] <= 9
        assert told["products"] > 0
        assert objective(trial) == pytest.approx(trial.value, rel=1e-12)


def test_the_budget_of_a_trial_is_the_most_that_it_refines() -> None:
    study = luthier.create_study(
        seed=0, scheduler="successive_halving:max_resource=4,min_resource=1"
    )
    study.optimize(objective, 4)
    spent = [trial.user_attrs["refined"]["steps"] for trial in study.trials if trial.budget == 1]
    assert spent
    assert max(spent) <= 2
