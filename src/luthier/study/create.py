"""Making, finding, copying and deleting studies."""

from __future__ import annotations

import datetime
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from luthier.core.objective import Objective
from luthier.core.protocols import Sampler, Scheduler, Storage, StudyRecord, StudySummary
from luthier.core.rng import fresh_seed
from luthier.core.trial import EMPTY, FrozenTrial, Origin, Reports, TrialState
from luthier.errors import ArgumentError, StudyExistsError, StudyMismatchError
from luthier.space import Param, Space
from luthier.storages import open_storage
from luthier.strategies import make_sampler, make_scheduler, strategy_parts
from luthier.study.budget import read_budget
from luthier.study.driver import Driver
from luthier.study.study import Study
from luthier.study.trial import Trial, check_attr

__all__ = [
    "copy_study",
    "create_study",
    "create_trial",
    "delete_study",
    "get_all_study_names",
    "get_all_study_summaries",
    "load_study",
    "maximize",
    "minimize",
]

StorageLike = Storage | str | os.PathLike[str] | None
SamplerLike = Sampler | str | Mapping[str, Any]
SchedulerLike = Scheduler | str | Mapping[str, Any]
SpaceLike = Space | Mapping[str, Any]


def create_study(
    *,
    study_name: str | None = None,
    storage: StorageLike = None,
    space: SpaceLike | None = None,
    direction: str | None = None,
    directions: Sequence[str] | None = None,
    metrics: Mapping[str, str] | None = None,
    constraints: Sequence[str] = (),
    strategy: str = "auto",
    sampler: SamplerLike | None = None,
    scheduler: SchedulerLike | None = None,
    seed: int | None = None,
    load_if_exists: bool = False,
) -> Study:
    """Create a study.

    Args:
        study_name: Unique in its storage; made up if None.
        storage: Where to keep it: None or "memory:", "sqlite:///file.db", or a plain path.
        space: What to search, if declared; None if the objective asks by ``trial.suggest_*``.
        direction: "minimize" (the default) or "maximize".
        directions: The same for several objectives.
        metrics: Directions of named objectives, instead: ``{"accuracy": "maximize"}``.
        constraints: Bounds on metrics, such as ``["size_mb <= 10"]``.
        strategy: A sampler and scheduler by one name; see ``luthier.known_strategies()``.
        sampler: A name or object, instead of the strategy's.
        scheduler: A name or object, instead of the strategy's.
        seed: Root of all randomness, at least 0; drawn if None.
        load_if_exists: Return the study of that name if there is one.

    Raises:
        ArgumentError: An argument that makes no sense.
        StudyExistsError: The name is taken, and ``load_if_exists`` isn't set.
        StudyMismatchError: The study that exists has other objectives or another seed.

    Example:
        >>> import luthier
        >>> luthier.create_study(direction="maximize", study_name="digits").study_name
        'digits'
    """
    objective = Objective.of(
        direction=direction, directions=directions, metrics=metrics, constraints=constraints
    )
    parts = strategy_parts(strategy, sampler, scheduler)
    declared = None if space is None else Space.of(space)
    store = open_storage(storage)
    name = _checked_name(study_name)
    settings = {"sampler": dict(parts[0].spec), "scheduler": dict(parts[1].spec)}
    try:
        record = store.create_study(name, objective, _checked_seed(seed), settings)
    except StudyExistsError:
        if not load_if_exists:
            raise
        record = store.load_study(name)
        given = any(x is not None for x in (direction, directions, metrics)) or constraints
        _check_same(record, objective if given else None, seed)
        if strategy == "auto":  # not asked for another: what isn't given stays as it was
            stored = _stored_parts(store, record, sampler is not None, scheduler is not None)
            parts = (
                stored[0] if sampler is None else parts[0],
                stored[1] if scheduler is None else parts[1],
            )
    return _open(store, record, *parts, declared)


def load_study(
    *,
    study_name: str | None = None,
    storage: StorageLike,
    sampler: SamplerLike | None = None,
    scheduler: SchedulerLike | None = None,
    space: SpaceLike | None = None,
) -> Study:
    """Load a study, with the sampler and scheduler it was left with unless others are given.

    Args:
        study_name: Its name; may be None where the storage holds just one.
        storage: Where it is kept.
        sampler: Another sampler.
        scheduler: Another scheduler.
        space: A new version of its space, or the old one where that holds functions.

    Raises:
        StudyNotFoundError: There is none of that name.
        ArgumentError: No name, and not just one study.
    """
    store = open_storage(storage)
    if study_name is None:
        names = [s.record.name for s in store.studies()]
        if len(names) != 1:
            raise ArgumentError(
                f"load_study needs study_name: the storage holds {len(names)} studies"
                + (f": {', '.join(names[:10])}." if names else ".")
            )
        study_name = names[0]
    record = store.load_study(study_name)
    stored = _stored_parts(store, record, sampler is not None, scheduler is not None)
    parts = (
        stored[0] if sampler is None else make_sampler(sampler),
        stored[1] if scheduler is None else make_scheduler(scheduler),
    )
    return _open(store, record, *parts, None if space is None else Space.of(space))


def delete_study(*, study_name: str, storage: StorageLike) -> None:
    """Delete a study with all its trials.

    Raises:
        StudyNotFoundError: There is none of that name.
    """
    open_storage(storage).delete_study(study_name)


def copy_study(
    *,
    from_study_name: str,
    from_storage: StorageLike,
    to_storage: StorageLike,
    to_study_name: str | None = None,
) -> Study:
    """Copy a study with its trials, notes and space into another storage, or under another name.

    Returns:
        The copy. Trials keep their numbers and results; live ones wait in the copy.

    Raises:
        StudyNotFoundError: There is no such study.
        StudyExistsError: The name is taken at the destination.
    """
    source = load_study(study_name=from_study_name, storage=from_storage)
    target = open_storage(to_storage)
    old = source._driver.record
    record = target.create_study(to_study_name or old.name, old.objective, old.seed, old.settings)
    copy = _open(target, record, source.sampler, source.scheduler, source._driver.declared)
    for trial in source.trials:
        copy.add_trial(trial)
        if trial.invalid is not None:
            copy.invalidate(trial.number, trial.invalid)
    for key, value in source.user_attrs.items():
        copy.set_user_attr(key, value)
    return copy


def get_all_study_names(storage: StorageLike) -> list[str]:
    """The names of all studies in a storage, oldest first."""
    return [s.record.name for s in open_storage(storage).studies()]


def get_all_study_summaries(storage: StorageLike) -> list[StudySummary]:
    """All studies in a storage at a glance, oldest first."""
    return open_storage(storage).studies()


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
        intermediate_values: Reports by step.

    Raises:
        ArgumentError: Arguments that contradict each other.
        ParamValueError: A value outside its definition.

    Example:
        >>> create_trial(value=0.5, params={"x": 1}).state.name
        'COMPLETE'
    """
    if sum(x is not None for x in (value, values, metrics)) > 1:
        raise ArgumentError("create_trial: give only one of value, values and metrics.")
    state = TrialState.COMPLETE if state is None else state
    named = _result_by_name(value, values, metrics)
    if state is TrialState.COMPLETE and not named:
        raise ArgumentError("create_trial: a COMPLETE trial needs value, values or metrics.")
    given, definitions = dict(params or {}), dict(distributions or {})
    if definitions and set(definitions) != set(given):
        raise ArgumentError(
            "create_trial: params and distributions must have the same names, got "
            f"{sorted(given)} and {sorted(definitions)}."
        )
    checked = {n: definitions[n].check(v, n) if n in definitions else v for n, v in given.items()}
    for key, note in (user_attrs or {}).items():
        check_attr(key, note)
    reports = [(step, {"value": float(v)}) for step, v in (intermediate_values or {}).items()]
    now = time.time()
    return FrozenTrial(
        number=0,
        state=state,
        param_names=tuple(checked),
        param_values=tuple(checked.values()),
        metric_names=tuple(named),
        metric_values=tuple(named.values()),
        objectives=len(values) if values is not None else 1,
        reports=Reports(reports),
        started=now,
        finished=now if state.is_finished else None,
        cost=0.0 if state.is_finished else None,
        origin=Origin("added", "added by the user"),
        user_attrs=dict(user_attrs or {}) or EMPTY,
        declares=definitions or EMPTY,
    )


def minimize(
    function: Callable[[dict[str, Any]], Any],
    space: SpaceLike,
    budget: int | str | datetime.timedelta,
    **options: Any,
) -> Study:
    """Minimise a function of a configuration.

    Args:
        function: Gets the active parameters as a dict, returns a number (or named metrics).
        space: What to search.
        budget: A number of trials, or a time such as "10 min" or a ``timedelta``.
        **options: Further arguments of ``create_study``, and ``n_jobs`` and the like of
            ``Study.optimize``.

    Returns:
        The study, for ``best_params`` and the rest.

    Example:
        >>> from luthier import Float, minimize
        >>> study = minimize(lambda p: p["x"] ** 2, {"x": Float(-1, 1)}, 20, seed=0)
        >>> abs(study.best_params["x"]) < 0.3
        True
    """
    return _search("minimize", function, space, budget, options)


def maximize(
    function: Callable[[dict[str, Any]], Any],
    space: SpaceLike,
    budget: int | str | datetime.timedelta,
    **options: Any,
) -> Study:
    """Maximise a function of a configuration; see ``minimize``."""
    return _search("maximize", function, space, budget, options)


_OPTIMIZE_OPTIONS = frozenset(
    {
        "n_jobs",
        "catch",
        "callbacks",
        "show_progress_bar",
        "stop",
        "retries",
        "fail_fast",
        "executor",
    }
)


def _search(
    direction: str,
    function: Callable[[dict[str, Any]], Any],
    space: SpaceLike,
    budget: int | str | datetime.timedelta,
    options: dict[str, Any],
) -> Study:
    if not callable(function):
        raise ArgumentError(f"{direction}: the function must be callable, got {function!r}.")
    trials, seconds = read_budget(budget)
    running = {k: v for k, v in options.items() if k in _OPTIMIZE_OPTIONS}
    creating = {k: v for k, v in options.items() if k not in _OPTIMIZE_OPTIONS}
    if not {"metrics", "directions"} & set(creating):
        creating["direction"] = direction
    study = create_study(space=space, **creating)

    def objective(trial: Trial) -> Any:
        return function(trial.params)

    study.optimize(objective, n_trials=trials, timeout=seconds, **running)
    return study


def _result_by_name(
    value: float | None, values: Sequence[float] | None, metrics: Mapping[str, float] | None
) -> dict[str, float]:
    if metrics is not None:
        return {name: float(v) for name, v in metrics.items()}
    if values is not None:
        return {f"value_{i}": float(v) for i, v in enumerate(values)}
    return {} if value is None else {"value": float(value)}


def _open(
    store: Storage,
    record: StudyRecord,
    sampler: Sampler,
    scheduler: Scheduler,
    declared: Space | None,
) -> Study:
    requirements = {} if declared is None else declared.requirements
    driver = Driver(store, record, sampler, scheduler, requirements)
    if declared is not None:
        driver.declare(declared)
    settings = {"sampler": dict(sampler.spec), "scheduler": dict(scheduler.spec)}
    if settings != _settings(store, record):
        store.put_state(record.id, "settings", settings)
    return Study(driver)


def _settings(store: Storage, record: StudyRecord) -> Mapping[str, Any]:
    return store.get_state(record.id).get("settings", record.settings)  # type: ignore[no-any-return]


def _stored_parts(
    store: Storage, record: StudyRecord, skip_sampler: bool = False, skip_scheduler: bool = False
) -> tuple[Sampler, Scheduler]:
    settings = _settings(store, record)
    return (
        make_sampler("auto" if skip_sampler else settings["sampler"]),
        make_scheduler("none" if skip_scheduler else settings["scheduler"]),
    )


def _check_same(record: StudyRecord, objective: Objective | None, seed: int | None) -> None:
    if objective is not None and objective != record.objective:
        raise StudyMismatchError(
            f"Study {record.name!r} exists with the objectives {record.objective.to_json()}, got "
            f"{objective.to_json()}. Leave them out to load it, or choose another name."
        )
    if seed is not None and seed != record.seed:
        raise StudyMismatchError(
            f"Study {record.name!r} exists with seed={record.seed}, got seed={seed}. "
            "Leave the seed out to go on with it, or choose another name."
        )


def _checked_name(name: str | None) -> str:
    if name is None:
        return f"study-{secrets.token_hex(4)}"
    if not isinstance(name, str) or not name:
        raise ArgumentError(f"create_study: study_name must be non-empty text, got {name!r}.")
    return name


def _checked_seed(seed: int | None) -> int:
    if seed is None:
        return fresh_seed()
    if isinstance(seed, bool) or not hasattr(seed, "__index__") or not 0 <= int(seed) < 2**63:
        raise ArgumentError(
            f"create_study: seed must be an integer from 0 to 2**63 - 1, got {seed!r}."
        )
    return int(seed)
