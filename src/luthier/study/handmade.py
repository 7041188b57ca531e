"""Trials made by hand or elsewhere, and what makes them a study's own."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from luthier.core.history import History
from luthier.core.jobs import Outcome
from luthier.core.objective import Objective
from luthier.core.trial import EMPTY, FrozenTrial, Origin, Reports, TrialState, changed
from luthier.errors import ArgumentError, ObjectiveError
from luthier.space import Param, Space, to_json_value
from luthier.space.completion import complete
from luthier.space.values import value_key
from luthier.study.trial import Trial, at_its_end, check_attr, checked_step, stopped

__all__ = [
    "adapted",
    "check_values",
    "checked_definitions",
    "create_trial",
    "enqueued",
    "has_params",
    "outcome_told",
]

logger = logging.getLogger("luthier")


def create_trial(
    *,
    state: TrialState | None = None,
    value: float | None = None,
    values: Sequence[float] | None = None,
    metrics: Mapping[str, float] | None = None,
    params: Mapping[str, Any] | None = None,
    distributions: Mapping[str, Param] | None = None,
    user_attrs: Mapping[str, Any] | None = None,
    intermediate_values: Mapping[int, float] | None = None,
) -> FrozenTrial:
    """Make a trial record by hand, for ``study.add_trial``.

    Args:
        state: COMPLETE if None.
        value: The objective's value.
        values: The values of several objectives, instead.
        metrics: Named metrics, instead.
        params: Parameters by name.
        distributions: Their definitions, where the study doesn't know them yet.
        user_attrs: Notes; JSON values.
        intermediate_values: Reports of the first objective by step.

    Raises:
        ArgumentError: Arguments of the wrong kind, or that contradict each other.
        ObjectiveError: A result or report that isn't a number.
        ParamValueError: A value outside its definition.

    Example:
        >>> create_trial(value=0.5, params={"x": 1}).state.name
        'COMPLETE'
    """
    state = TrialState.COMPLETE if state is None else state
    named = _result_by_name(state, value, values, metrics)
    definitions = _mapping("distributions", distributions)
    checked = _checked_params(_mapping("params", params), definitions)
    for key, note in _mapping("user_attrs", user_attrs).items():
        check_attr(key, note)
    first = next(iter(named), "value")
    reports = [
        (checked_step(step), Objective((first,)).read_report(report))
        for step, report in _mapping("intermediate_values", intermediate_values).items()
    ]
    now = time.time()
    return FrozenTrial(
        number=0,
        state=state,
        param_names=tuple(checked),
        param_values=tuple(checked.values()),
        metric_names=tuple(named),
        metric_values=tuple(named.values()),
        objectives=1 if values is None else len(values),
        reports=Reports(reports),
        started=now,
        finished=now if state.is_finished else None,
        cost=0.0 if state.is_finished else None,
        origin=Origin("added", "added by the user"),
        user_attrs=dict(user_attrs or {}) or EMPTY,
        declares=definitions or EMPTY,
    )


def adapted(trial: FrozenTrial, objective: Objective) -> FrozenTrial:
    """Return a trial of elsewhere with its results under the names of a study's objectives.

    Args:
        trial: The trial; its objectives are told by name, or else by their order.
        objective: What the study optimises.

    Raises:
        ArgumentError: It has no value, or another number of objectives.
        ObjectiveError: A COMPLETE trial with a value that can't be used.
    """
    metrics, names = trial.metrics, objective.names
    if not metrics and trial.state is TrialState.COMPLETE:
        raise ArgumentError("add_trial: a COMPLETE trial needs a value, got none.")
    ours = dict(zip(trial.metric_names[: trial.objectives] or ("value",), names, strict=False))
    if set(names) <= set(metrics):
        ours = {}
    elif metrics and trial.objectives != len(names):
        raise ArgumentError(
            f"add_trial: the trial has {trial.objectives} objective values, the study "
            f"has {len(names)}: {', '.join(names)}. Make it with as many values."
        )
    if trial.state is TrialState.COMPLETE:
        metrics = objective.read(_renamed(metrics, ours))
    elif metrics:
        metrics = objective.read_report(_renamed(metrics, ours))
    reports = [(step, _renamed(report, ours)) for step, report in trial.reports.items_in_order()]
    return changed(
        trial,
        objectives=len(names),
        metric_names=tuple(metrics),
        metric_values=tuple(metrics.values()),
        reports=Reports(reports),
    )


def checked_definitions(given: Mapping[str, Param] | None) -> dict[str, Param]:
    """Return the definitions that ``ask`` was given, by name.

    Raises:
        ArgumentError: They aren't definitions by name.
    """
    if given is not None and not isinstance(given, Mapping):
        raise ArgumentError(
            "ask: fixed_distributions must be a mapping such as {'x': Float(0, 1)}, got "
            f"{given!r}."
        )
    for name, param in (given or {}).items():
        if not isinstance(param, Param):
            raise ArgumentError(
                f"ask: {name!r} must be a parameter such as Float(0, 1), got {param!r}."
            )
    return dict(given or {})


def check_values(params: Mapping[str, Any]) -> None:
    """Refuse parameters that no record can hold: names must be text, values JSON values.

    Raises:
        ArgumentError: A name that isn't text.
        SpaceError: A value that isn't a JSON value, a tuple or None.
    """
    for name, value in params.items():
        if not isinstance(name, str) or not name:
            raise ArgumentError(f"A parameter's name must be text, got {name!r}.", name=name)
        to_json_value(value)


def _renamed(metrics: Mapping[str, float], names: Mapping[str, str]) -> dict[str, float]:
    return {names.get(name, name): value for name, value in metrics.items()}


def _result_by_name(
    state: object,
    value: float | None,
    values: Sequence[float] | None,
    metrics: Mapping[str, float] | None,
) -> dict[str, float]:
    if not isinstance(state, TrialState):
        raise ArgumentError(f"create_trial: state must be a TrialState, got {state!r}.")
    if sum(x is not None for x in (value, values, metrics)) > 1:
        raise ArgumentError("create_trial: give only one of value, values and metrics.")
    named = _mapping("metrics", metrics)
    if value is not None:
        named = {"value": value}
    if values is not None:
        if isinstance(values, str) or not isinstance(values, Sequence):
            raise ArgumentError(f"create_trial: values must be a list of numbers, got {values!r}.")
        named = {f"value_{i}": v for i, v in enumerate(values)}
    if state is TrialState.COMPLETE and not named:
        raise ArgumentError("create_trial: a COMPLETE trial needs value, values or metrics.")
    if named and state not in (TrialState.COMPLETE, TrialState.PRUNED):
        raise ArgumentError(
            f"create_trial: a {state.name} trial has no result, got {named}. Leave it out."
        )
    return Objective().read_report(named) if named else {}


def _checked_params(given: Mapping[str, Any], definitions: Mapping[str, Param]) -> dict[str, Any]:
    for name, param in definitions.items():
        if not isinstance(param, Param):
            raise ArgumentError(
                f"create_trial: the distribution of {name!r} must be a parameter such as "
                f"Float(0, 1), got {param!r}."
            )
    if definitions and set(definitions) != set(given):
        raise ArgumentError(
            "create_trial: params and distributions must have the same names, got "
            f"{sorted(given)} and {sorted(definitions)}."
        )
    check_values(given)
    return {n: definitions[n].check(v, n) if n in definitions else v for n, v in given.items()}


def _mapping(name: str, given: Mapping[Any, Any] | None) -> dict[Any, Any]:
    if given is not None and not isinstance(given, Mapping):
        raise ArgumentError(f"create_trial: {name} must be a mapping by name, got {given!r}.")
    return dict(given or {})


def has_params(trial: FrozenTrial, params: Mapping[str, Any], known: Mapping[str, Param]) -> bool:
    """Whether a trial that counts has these values.

    Args:
        trial: The trial.
        params: Values by name; others it may have as it likes.
        known: Definitions by name.
    """
    theirs = trial.params
    return trial.invalid is None and all(
        name in theirs and _same(known.get(name), theirs[name], value)
        for name, value in params.items()
    )


def _same(param: Param | None, one: Any, other: Any) -> bool:
    """Whether two values of a parameter are the same."""
    if param is not None and param.contains(one) and param.contains(other):
        return value_key(param.check(one, "")) == value_key(param.check(other, ""))
    return bool(one == other) and isinstance(one, bool) is isinstance(other, bool)


def enqueued(
    params: Mapping[str, Any], history: History, declared: Space | None, rng: np.random.Generator
) -> dict[str, Any]:
    """Check values that are to be tried next; complete them where the space was declared.

    Args:
        params: Values by name.
        history: What has happened.
        declared: The declared space, if any.
        rng: The trial's, to draw what is left open.
    """
    if declared is not None:
        return complete(declared, declared.check_partial(params), rng)
    check_values(params)
    space = history.space
    unfit = [
        name for name, value in params.items() if name in space and not space[name].contains(value)
    ]
    for name in unfit:
        logger.warning(
            "Trial %d is given %s=%r, which earlier trials couldn't have: %r. It will fail "
            "unless the objective asks differently now.",
            *(history.next_number, name, params[name], space[name]),
        )
    known = {name: value for name, value in params.items() if name in space and name not in unfit}
    return {**params, **space.check_partial(known)}


def outcome_told(
    trial: Trial, objective: Objective, values: Any, state: TrialState | None
) -> Outcome:
    """What a trial's run came to that the user tells of; see ``Study.tell``."""
    if state is not None and (not isinstance(state, TrialState) or not state.is_finished):
        raise ArgumentError(f"tell: state must be COMPLETE, PRUNED or FAILED, got {state!r}.")
    if state is TrialState.PRUNED and values is None:
        return stopped(trial, "pruned by the user")
    if state is TrialState.PRUNED or state is TrialState.FAILED:
        if values is not None and state is TrialState.FAILED:
            raise ArgumentError(f"tell: a FAILED trial has no values, got {values!r}.")
        return trial.outcome(state, EMPTY if values is None else objective.read(values))
    try:
        if values is None:
            raise ObjectiveError(
                f"Trial {trial.number} was told None; a completed trial needs a number. Tell "
                "state=TrialState.FAILED if there is none."
            )
        metrics = objective.read(values)
        if state is TrialState.COMPLETE:
            return trial.outcome(state, metrics)
        return at_its_end(trial, metrics)
    except ObjectiveError as error:
        if state is TrialState.COMPLETE:
            raise
        return trial.outcome(TrialState.FAILED, error=f"ObjectiveError: {error}")
