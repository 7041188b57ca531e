"""Making, finding, copying and deleting studies."""

from __future__ import annotations

import datetime
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from typing import Any
from urllib.parse import quote

from luthier.core.checkpoint import CheckpointStore
from luthier.core.objective import STEP, Objective
from luthier.core.protocols import Sampler, Scheduler, Storage, StudyRecord, StudySummary
from luthier.core.rng import fresh_seed
from luthier.errors import ArgumentError, StudyExistsError, StudyMismatchError
from luthier.space import Space
from luthier.storages import FileCheckpoints, open_storage
from luthier.strategies import make_sampler, make_scheduler, strategy_parts
from luthier.strategies.names import SamplerLike, SchedulerLike
from luthier.study.budget import read_budget
from luthier.study.driver import Driver
from luthier.study.lease import KEY, Terms
from luthier.study.study import Study
from luthier.study.trial import Trial

__all__ = [
    "copy_study",
    "create_study",
    "delete_study",
    "get_all_study_names",
    "get_all_study_summaries",
    "load_study",
    "look_at",
    "maximize",
    "minimize",
]

StorageLike = Storage | str | os.PathLike[str] | None
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
    fidelity: str = STEP,
    strategy: str | tuple[SamplerLike, SchedulerLike] = "auto",
    sampler: SamplerLike | None = None,
    scheduler: SchedulerLike | None = None,
    seed: int | None = None,
    load_if_exists: bool = False,
    checkpoints: str | os.PathLike[str] | None = None,
    max_disk: str | int | None = None,
    lease: float | str | datetime.timedelta | None = None,
    max_attempts: float | None = None,
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
        fidelity: What steps and budgets count, in the singular: "epoch", "fold", "image side". So
            figures, the explanation and the command line call it; a study that exists keeps its
            own.
        strategy: A sampler and scheduler by one name, see ``luthier.known_strategies()``; or as
            a pair, such as ``luthier.bohb(81)``.
        sampler: A name or object, instead of the strategy's.
        scheduler: A name or object, instead of the strategy's.
        seed: Root of all randomness, at least 0; drawn if None.
        load_if_exists: Return the study of that name if there is one.
        checkpoints: Where to keep what trials save, each study in a folder of its own there;
            beside the storage's file if None.
        max_disk: How much that may take, such as "10GB"; None for no limit. What a trial may
            still need is never deleted.
        lease: How long a worker may be silent before others take up its trials, in seconds or as
            "5 min"; ``math.inf`` for ever. None leaves it as it is, at first a minute.
        max_attempts: A trial fails after so many runs whose worker died or fell silent before
            it saved a further checkpoint; ``math.inf`` for never. None leaves it as it is, at
            first 3.

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
        direction=direction,
        directions=directions,
        metrics=metrics,
        constraints=constraints,
        fidelity=fidelity,
    )
    parts = strategy_parts(strategy, sampler, scheduler)
    Terms().but(lease, max_attempts)  # refuses what makes no sense
    declared = None if space is None else Space.of(space)
    store = open_storage(storage)
    name = _checked_name(study_name)
    settings = {"sampler": dict(parts[0].spec), "scheduler": dict(parts[1].spec)}
    if checkpoints is not None or max_disk is not None:
        settings["checkpoints"] = _folder(name, checkpoints, max_disk)
    try:
        record = store.create_study(name, objective, _checked_seed(seed), settings)
    except StudyExistsError:
        if not load_if_exists:
            raise
        record = store.load_study(name)
        given = any(x is not None for x in (direction, directions, metrics)) or constraints
        _check_same(record, objective if given else None, seed)
        if strategy == "auto":  # not asked for another: what isn't given stays as it was
            parts = _parts(store, record, sampler, scheduler)
    if lease is not None or max_attempts is not None:
        _lend(store, record, lease, max_attempts)
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
    parts = _parts(store, record, sampler, scheduler)
    return _open(store, record, *parts, None if space is None else Space.of(space))


def look_at(storage: Storage, study_name: str) -> Study:
    """Open a study to look at it, whatever sampler made it; nothing of it changes.

    Args:
        storage: Where it is kept.
        study_name: Its name.

    Raises:
        StudyNotFoundError: There is none of that name.
    """
    record = storage.load_study(study_name)
    return Study(Driver(storage, record, make_sampler("random"), make_scheduler("none")))


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
        The copy. Trials keep their numbers and results, and what they saved; live ones wait in
        the copy.

    Raises:
        StudyNotFoundError: There is no such study.
        StudyExistsError: The name is taken at the destination.
    """
    source = load_study(study_name=from_study_name, storage=from_storage)
    source._driver.refresh()  # the declared space is among what is read
    target = open_storage(to_storage)
    old = source._driver.record
    settings = dict(old.settings)
    if "checkpoints" in settings:  # each study keeps its own: what one deletes the other may need
        settings["checkpoints"] = {**settings["checkpoints"], "folder": None}
    record = target.create_study(to_study_name or old.name, old.objective, old.seed, settings)
    copy = _open(target, record, source.sampler, source.scheduler, source._driver.declared)
    for trial in source.trials:
        copy.add_trial(trial)
        if trial.invalid is not None:
            copy.invalidate(trial.number, trial.invalid)
    _copy_checkpoints(source, copy)
    if KEY in source._driver.ledger.state:
        target.put_state(record.id, KEY, source._driver.ledger.state[KEY])
    for key, value in source.user_attrs.items():
        copy.set_user_attr(key, value)
    return copy


def _copy_checkpoints(source: Study, copy: Study) -> None:
    """Copy what trials have saved, as far as it is still kept."""
    keys = {trial.checkpoint.key for trial in source.trials if trial.checkpoint is not None}
    if not keys:
        return
    ours, theirs = source._driver.open_checkpoints(), copy._driver.open_checkpoints()
    for key in sorted(keys & ours.sizes().keys()):
        theirs.save(ours.path(key))


def get_all_study_names(storage: StorageLike) -> list[str]:
    """The names of all studies in a storage, oldest first."""
    return [s.record.name for s in open_storage(storage).studies()]


def get_all_study_summaries(storage: StorageLike) -> list[StudySummary]:
    """All studies in a storage at a glance, oldest first."""
    return open_storage(storage).studies()


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

    Raises:
        ArgumentError: A budget or an option that makes no sense.

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
    creating, running = _options(direction, options)
    if seconds is not None:
        running["timeout"] = seconds
    if not {"metrics", "directions"} & set(creating):
        creating["direction"] = direction
    study = create_study(space=space, **creating)

    def objective(trial: Trial) -> Any:
        return function(trial.params)

    study.optimize(objective, n_trials=trials, **running)
    return study


def _options(direction: str, options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Options of ``create_study`` and those of ``Study.optimize``; there must be no others."""
    creating = set(signature(create_study).parameters) - {"direction"}
    running = set(signature(Study.optimize).parameters)
    running -= {"self", "func", "n_trials", "total_trials", "timeout"}
    for name in options:
        if name not in creating | running:
            raise ArgumentError(
                f"{direction}: an option must be one of create_study or Study.optimize, without "
                f"the direction and limits that this call sets, got {name!r}.",
                option=name,
            )
    return (
        {name: value for name, value in options.items() if name in creating},
        {name: value for name, value in options.items() if name in running},
    )


def _open(
    store: Storage,
    record: StudyRecord,
    sampler: Sampler,
    scheduler: Scheduler,
    declared: Space | None,
) -> Study:
    requirements = {} if declared is None else declared.requirements
    driver = Driver(store, record, sampler, scheduler, requirements, _checkpoints(store, record))
    if declared is not None:
        driver.mirror.declare(declared)
    settings = {"sampler": dict(sampler.spec), "scheduler": dict(scheduler.spec)}
    if settings != _settings(store, record):
        store.put_state(record.id, "settings", settings)
    return Study(driver)


def _settings(store: Storage, record: StudyRecord) -> Mapping[str, Any]:
    return store.get_state(record.id).get("settings", record.settings)  # type: ignore[no-any-return]


def _lend(
    store: Storage,
    record: StudyRecord,
    lease: float | str | datetime.timedelta | None,
    max_attempts: float | None,
) -> None:
    """Record on what terms trials belong to workers, where they are new."""
    present = Terms.of(store.get_state(record.id))
    terms = present.but(lease, max_attempts)
    if terms != present:
        store.put_state(record.id, KEY, terms.to_json())


def _folder(
    name: str, parent: str | os.PathLike[str] | None, max_disk: str | int | None
) -> dict[str, Any]:
    """The settings of a place that is one study's alone: what it deletes no other may need."""
    FileCheckpoints("." if parent is None else parent, max_disk)  # refuses what's unfit
    if parent is None:
        return {"folder": None, "max_disk": max_disk}
    own = f"{quote(name, safe='')[:100]}-{secrets.token_hex(4)}"
    folder = os.path.join(os.path.abspath(os.path.expanduser(parent)), own)
    return {"folder": folder, "max_disk": max_disk}


def _checkpoints(store: Storage, record: StudyRecord) -> CheckpointStore | None:
    """Where the study's settings say that saved states are kept; None: in the storage's place."""
    given = record.settings.get("checkpoints")
    if given is None:
        return None
    if given["folder"] is not None:
        return FileCheckpoints(given["folder"], given["max_disk"])
    own = store.checkpoints(record.id)
    return own.limited(given["max_disk"]) if isinstance(own, FileCheckpoints) else own


def _parts(
    store: Storage,
    record: StudyRecord,
    sampler: SamplerLike | None,
    scheduler: SchedulerLike | None,
) -> tuple[Sampler, Scheduler]:
    """What is given, and what the study was left with for what isn't."""
    settings = _settings(store, record)
    return (
        make_sampler(settings["sampler"] if sampler is None else sampler),
        make_scheduler(settings["scheduler"] if scheduler is None else scheduler),
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
