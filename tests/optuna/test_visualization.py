"""Optuna's plots by Luthier's figures."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as graphs
import pytest

import luthier.optuna as optuna
from luthier.errors import ArgumentError, UnsupportedError
from luthier.optuna import visualization as vis


def curve(trial: Any) -> float:
    x = trial.suggest_float("x", 0, 1)
    y = trial.suggest_float("y", 0, 1)
    for step in range(3):
        trial.report(x + 1 / (step + 1), step)
    return float(x + y)


@pytest.fixture(scope="module")
def study() -> Any:
    study = optuna.create_study(pruner=optuna.pruners.NopPruner())
    study.optimize(curve, n_trials=20)
    return study


@pytest.fixture(scope="module")
def tradeoff() -> Any:
    study = optuna.create_study(directions=["minimize", "maximize"])
    study.optimize(lambda t: (t.suggest_float("x", 0, 1), t.suggest_float("y", 0, 1)), n_trials=12)
    return study


SINGLE = sorted(
    {name for name in vis.__all__ if name.startswith("plot_")}
    - {"plot_pareto_front", "plot_hypervolume_history"}
)


@pytest.mark.parametrize("name", SINGLE)
def test_every_plot_is_a_figure_of_plotlys(name: str, study: Any) -> None:
    figure = getattr(optuna.visualization, name)(study)
    assert isinstance(figure, graphs.Figure)
    assert len(figure.data)


def test_names_are_optunas() -> None:
    assert vis.is_available()
    with pytest.raises(UnsupportedError, match="study.plot"):
        _ = vis.matplotlib


def test_a_target_takes_the_place_of_the_objective(study: Any, tradeoff: Any) -> None:
    figure = vis.plot_optimization_history(
        study, target=lambda t: t.params["x"], target_name="mine"
    )
    assert figure.layout.yaxis.title.text == "mine"
    points = dict(zip(figure.data[0].customdata, figure.data[0].y, strict=True))
    assert points[3] == pytest.approx(study.trials[3].params["x"], abs=1e-6)
    figure = vis.plot_slice(tradeoff, params=["x"], target=lambda t: t.values[1])
    assert figure.layout.xaxis.title.text == "x"


def test_several_studies(study: Any) -> None:
    other = optuna.create_study(study_name="other")
    other.optimize(curve, n_trials=4)
    assert {trace.name for trace in vis.plot_edf([study, other]).data} == {
        study.study_name,
        "other",
    }
    assert "other" in {trace.name for trace in vis.plot_optimization_history([study, other]).data}
    with pytest.raises(ArgumentError, match="At least one study"):
        vis.plot_edf([])


def test_fronts(tradeoff: Any) -> None:
    figure = vis.plot_pareto_front(tradeoff, target_names=["a", "b"])
    assert figure.layout.xaxis.title.text == "a (lower is better)"
    front = {n for trace in figure.data if trace.name == "Pareto front" for n in trace.customdata}
    assert front == {trial.number for trial in tradeoff.best_trials}
    alone = vis.plot_pareto_front(tradeoff, include_dominated_trials=False)
    assert "dominated" not in {trace.name for trace in alone.data}
    volume = vis.plot_hypervolume_history(tradeoff, [1.0, 0.0])
    assert list(volume.data[0].y) == sorted(volume.data[0].y)
    with pytest.raises(ArgumentError, match="2 objectives, got 1 names"):
        vis.plot_pareto_front(tradeoff, target_names=["a"])
    with pytest.raises(UnsupportedError, match="no axis_order yet"):
        vis.plot_pareto_front(tradeoff, axis_order=[1, 0])


def test_only_feasible_trials_are_on_a_constrained_front() -> None:
    sampler = optuna.samplers.NSGAIISampler(
        seed=0, constraints_func=lambda trial: [trial.params["x"] - 0.5]
    )
    study = optuna.create_study(directions=["minimize", "minimize"], sampler=sampler)
    study.optimize(lambda t: (t.suggest_float("x", 0, 1), t.suggest_float("y", 0, 1)), n_trials=12)
    shown = {n for t in vis.plot_pareto_front(study).data for n in t.customdata or ()}
    assert shown
    assert all(study.trials[n].params["x"] <= 0.5 for n in shown)
