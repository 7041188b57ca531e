"""The trials worth having: the best one, the Pareto front, its knee, the best under bounds.

Only completed trials that keep all constraints are ever chosen. Where there is none, the error
names the one that comes nearest.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from luthier.core.history import History
from luthier.core.objective import Constraint, Objective
from luthier.core.trial import FrozenTrial
from luthier.errors import ArgumentError, NoTrialError, StudyError
from luthier.numerics import knee as knees
from luthier.numerics.pareto import non_dominated
from luthier.space.values import hint
from luthier.study.stopping import is_number

__all__ = ["Bounds", "best", "best_under", "front", "knee", "least_infeasible"]

Bounds = Mapping[str, float] | Sequence[str]
Places = NDArray[np.intp]


def best(history: History, study: str) -> int:
    """Return the number of the best trial by the first objective.

    Args:
        history: The study's history.
        study: Its name, for the message.

    Raises:
        NoTrialError: No trial has completed, or none is feasible.
    """
    feasible = _feasible(history, study)
    return history.completed[int(feasible[np.argmin(history.Y[feasible, 0])])].number


def front(history: History, study: str) -> list[int]:
    """Return the numbers of the trials that no other is better than in all objectives.

    Raises:
        NoTrialError: Trials have completed, but none is feasible.
    """
    if not len(history.completed):
        return []
    return [int(n) for n in _numbers(history, _front(history, _feasible(history, study)))]


def knee(history: History, study: str) -> int:
    """Return the number of the trial at the knee of the front; see ``numerics.knee``.

    Raises:
        StudyError: There is a single objective.
        NoTrialError: No trial has completed, or none is feasible.
    """
    m = len(history.objective.names)
    if m == 1:
        raise StudyError(
            f"knee needs several objectives, the study {study!r} has one. Use best_trial."
        )
    return _chosen(history, _feasible(history, study), range(m))


def best_under(history: History, study: str, bounds: Bounds, objective: str | None) -> int:
    """Return the number of the best trial within bounds; see ``Study.best_under``.

    Raises:
        ArgumentError: Bounds or objectives that there aren't.
        NoTrialError: No trial has completed, none is feasible, or none is within the bounds.
    """
    limits = _limits(bounds, history.objective)
    columns = _deciding(history.objective, limits, objective)
    feasible = _feasible(history, study)
    _check_known(history, limits)
    bounded = replace(history.objective, constraints=limits)
    excess = np.array([bounded.violation(history.completed[int(i)].metrics) for i in feasible])
    within = feasible[excess <= 0]
    if not len(within):
        nearest = history.completed[int(feasible[np.argmin(excess)])]
        raise NoTrialError(
            f"No feasible trial of study {study!r} has {', '.join(map(str, limits))}. The nearest "
            f"is trial {nearest.number} with {nearest.metrics}. Loosen the bounds, or run more "
            "trials.",
            nearest=nearest.number,
        )
    return _chosen(history, within, columns)


def least_infeasible(history: History) -> FrozenTrial | None:
    """Return the completed trial that breaks the constraints least, if none keeps them."""
    violations = history.violations
    if not len(violations) or violations.min() <= 0:
        return None
    return history.completed[int(np.argmin(violations))]


def _feasible(history: History, study: str) -> Places:
    """Places of the completed trials that keep all constraints, at least one."""
    if not len(history.completed):
        raise NoTrialError(
            f"Study {study!r} has no completed trial yet "
            f"({len(history.failed)} failed, {len(history.pruned)} pruned)."
        )
    least = least_infeasible(history)
    if least is not None:
        raise NoTrialError(
            f"No completed trial of study {study!r} keeps the constraints "
            f"{', '.join(map(str, history.objective.constraints))}. The least infeasible is trial "
            f"{least.number} with {least.metrics}.",
            least_infeasible=least.number,
        )
    return np.flatnonzero(history.violations <= 0)


def _front(history: History, places: Places) -> Places:
    """Those of some places that nothing among them dominates, by number."""
    places = places[non_dominated(history.Y[places])]
    return places[np.argsort(_numbers(history, places))]


def _numbers(history: History, places: Places) -> Places:
    return np.array([history.completed[int(i)].number for i in places], dtype=np.intp)


def _chosen(history: History, places: Places, columns: Iterable[int]) -> int:
    """The number of the trial at the knee of some objectives; with one objective its best."""
    places = _front(history, places)  # of equals in these objectives, the best in the others
    Y = history.Y[places][:, list(columns)]
    ahead = non_dominated(Y)
    return history.completed[int(places[ahead][knees.knee(Y[ahead])])].number


def _limits(bounds: Bounds, objective: Objective) -> tuple[Constraint, ...]:
    if not isinstance(bounds, Mapping | Sequence) or isinstance(bounds, str) or not bounds:
        raise ArgumentError(
            f"best_under needs bounds by metric, or a list of texts, got {bounds!r}. "
            "Write {'latency_ms': 5} or ['latency_ms <= 5']."
        )
    if not isinstance(bounds, Mapping):
        return tuple(_limit(text, objective) for text in bounds)
    for name, bound in bounds.items():
        if not is_number(bound) or not math.isfinite(bound):
            raise ArgumentError(
                f"best_under: the bound on {name!r} must be a finite number, got {bound!r}.",
                metric=name,
            )
    return tuple(Constraint(n, _relation(n, objective), float(b)) for n, b in bounds.items())


def _limit(text: str, objective: Objective) -> Constraint:
    """Read ``metric <= number``, or ``metric=number`` with the relation that goes with it."""
    name, equals, number = text.partition("=") if isinstance(text, str) else ("", "", "")
    if not equals or name.endswith(("<", ">")):
        return Constraint.parse(text)
    metric = name.strip()
    return Constraint.parse(f"{metric} {_relation(metric, objective)} {number.strip()}")


def _relation(metric: str, objective: Objective) -> Literal["<=", ">="]:
    """At most or at least: by the metric's direction, or else as the study's constraints say."""
    if metric not in objective.names:
        for constraint in objective.constraints:
            if constraint.metric == metric:
                return constraint.relation
    return ">=" if objective.direction_of(metric) == "maximize" else "<="


def _deciding(
    objective: Objective, limits: Sequence[Constraint], chosen: str | None
) -> Sequence[int]:
    """Which objectives decide among trials within the limits: those without one, or else all."""
    names = objective.names
    if chosen is not None:
        if chosen not in names:
            raise ArgumentError(
                f"best_under: objective must be one of the study's, got {chosen!r}. "
                f"{hint(str(chosen), names)}"
            )
        return [names.index(chosen)]
    bounded = {limit.metric for limit in limits}
    return [j for j, n in enumerate(names) if n not in bounded] or range(len(names))


def _check_known(history: History, limits: Sequence[Constraint]) -> None:
    recorded = {trial.metric_names for trial in history.completed}
    known = dict.fromkeys([*history.objective.names, *sorted({n for ns in recorded for n in ns})])
    for limit in limits:
        if limit.metric not in known:
            raise ArgumentError(
                f"best_under: no completed trial has a metric {limit.metric!r}. "
                f"Known metrics: {', '.join(map(repr, known))}.",
                metric=limit.metric,
                known=list(known),
            )
