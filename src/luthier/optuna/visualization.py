"""Optuna's plots, drawn by Luthier's own figures and returned as plotly's.

    from luthier.optuna.visualization import plot_optimization_history
    plot_optimization_history(study).show()

``luthier.plots`` draws the same without the package plotly: ``study.plot.history()``.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

from luthier.core.history import History
from luthier.core.objective import Objective
from luthier.errors import ArgumentError, UnsupportedError
from luthier.optuna.importance import get_param_importances
from luthier.optuna.missing import missing
from luthier.optuna.surface import Study
from luthier.plots import FIGURES

__all__ = [
    "is_available",
    "plot_contour",
    "plot_edf",
    "plot_hypervolume_history",
    "plot_intermediate_values",
    "plot_optimization_history",
    "plot_parallel_coordinate",
    "plot_param_importances",
    "plot_pareto_front",
    "plot_rank",
    "plot_slice",
    "plot_timeline",
]

Target = Callable[[Any], float] | None
Studies = Any
_VALUE = "Objective Value"
_ABSENT = {
    "matplotlib": "Figures are drawn by plotly; see study.plot for pages without any package.",
    "plot_terminator_improvement": "Use stop rules on Luthier's own face.",
}


def is_available() -> bool:
    """Whether plotly is installed, which these figures are returned as."""
    return importlib.util.find_spec("plotly") is not None


def plot_optimization_history(
    study: Studies, *, target: Target = None, target_name: str = _VALUE, error_bar: bool = False
) -> Any:
    """Every trial's value and the best so far; of several studies, their best so far.

    Raises:
        UnsupportedError: ``error_bar`` over several studies.
    """
    if error_bar:
        raise UnsupportedError("plot_optimization_history has no error_bar yet.", name="error_bar")
    first, *others = _named(study, target, target_name).items()
    return _drawn("history", first[1], label=first[0], others=dict(others))


def plot_edf(study: Studies, *, target: Target = None, target_name: str = _VALUE) -> Any:
    """The share of trials that were at least as good as a value, of one study or several."""
    first, *others = _named(study, target, target_name).items()
    return _drawn("edf", first[1], label=first[0], others=dict(others))


def plot_slice(
    study: Studies,
    params: Sequence[str] | None = None,
    *,
    target: Target = None,
    target_name: str = _VALUE,
) -> Any:
    """The value beside each parameter."""
    return _drawn("slice", _history(study, target, target_name), params=params)


def plot_parallel_coordinate(
    study: Studies,
    params: Sequence[str] | None = None,
    *,
    target: Target = None,
    target_name: str = _VALUE,
) -> Any:
    """Trials as lines through all parameters."""
    return _drawn("parallel", _history(study, target, target_name), params=params)


def plot_contour(
    study: Studies,
    params: Sequence[str] | None = None,
    *,
    target: Target = None,
    target_name: str = _VALUE,
) -> Any:
    """How the value depends on pairs of parameters."""
    return _drawn("contour", _history(study, target, target_name), params=params)


def plot_rank(
    study: Studies,
    params: Sequence[str] | None = None,
    *,
    target: Target = None,
    target_name: str = _VALUE,
) -> Any:
    """Where the best trials are, pair by pair of parameters."""
    return _drawn("rank", _history(study, target, target_name), params=params)


def plot_param_importances(
    study: Studies,
    evaluator: Any = None,
    params: Sequence[str] | None = None,
    *,
    target: Target = None,
    target_name: str = _VALUE,
) -> Any:
    """How much each parameter mattered, by one of Optuna's evaluators if one is given."""
    history = _history(study, target, target_name)
    if evaluator is None and params is None:
        return _drawn("importance", history)
    names = None if params is None else list(params)
    found = get_param_importances(study, evaluator=evaluator, params=names, target=target)
    return _drawn("importance", history, found=found)


def plot_intermediate_values(study: Studies) -> Any:
    """What trials reported, step by step."""
    return _drawn("curves", study.history)


def plot_timeline(study: Studies, n_recent_trials: int | None = None) -> Any:
    """Which worker ran which trial when."""
    options = {} if n_recent_trials is None else {"most": n_recent_trials}
    return _drawn("timeline", study.history, **options)


def plot_pareto_front(
    study: Studies,
    *,
    target_names: Sequence[str] | None = None,
    include_dominated_trials: bool = True,
    **others: Any,
) -> Any:
    """Trials by their objectives, with the Pareto front; three objectives in three dimensions.

    Where the sampler has a ``constraints_func``, only feasible trials are shown.

    Raises:
        UnsupportedError: Another argument of Optuna's is given.
    """
    if given := [name for name, value in others.items() if value is not None]:
        raise UnsupportedError(f"plot_pareto_front has no {given[0]} yet.", name=given[0])
    history = study.history
    if isinstance(study, Study) and study._is_constrained():
        history = study._feasible()
    if not include_dominated_trials:
        numbers = {trial.number for trial in study.best_trials}
        history = history.where(lambda trial: trial.number in numbers)
    if target_names is not None:
        history = _renamed(history, tuple(target_names))
    return _drawn("pareto", history, solid=len(history.objective.names) == 3)


def plot_hypervolume_history(study: Studies, reference_point: Sequence[float]) -> Any:
    """The volume that the front dominates, trial by trial."""
    return _drawn("hypervolume", study.history, reference=list(reference_point))


def _drawn(name: str, history: History, **options: Any) -> Any:
    return FIGURES[name].draw(history, history.space, **options).to_plotly()


def _named(studies: Studies, target: Target, target_name: str) -> dict[str, History]:
    listed = list(studies) if isinstance(studies, Sequence) else [studies]
    if not listed:
        raise ArgumentError("At least one study must be given, got none.")
    return {study.study_name: _history(study, target, target_name) for study in listed}


def _history(study: Studies, target: Target, target_name: str) -> History:
    """A study's history, in which a target is the single objective."""
    history: History = study.history
    objective = history.objective
    if target is None:
        plain = len(objective.names) == 1 and not objective.named
        return _renamed(history, (target_name,)) if plain else history
    shown = {trial.number: trial for trial in study.trials}
    ways = objective.directions if len(objective.names) == 1 else ("minimize",)
    return history.with_metrics(
        Objective((target_name,), ways),
        lambda trial: {target_name: float(target(shown[trial.number]))},
    )


def _renamed(history: History, names: tuple[str, ...]) -> History:
    """The history with other names for its objectives."""
    ways = history.objective.directions
    if len(names) != len(ways):
        raise ArgumentError(f"There are {len(ways)} objectives, got {len(names)} names: {names}.")
    return history.with_metrics(
        Objective(names, ways),
        lambda trial: dict(zip(names, trial.metric_values, strict=False)),
    )


def __getattr__(name: str) -> Any:
    raise missing(__name__, name, _ABSENT)
