"""Making, loading and listing studies, with Optuna's arguments; the rest is Luthier's own."""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

from luthier.core.objective import Objective
from luthier.core.protocols import Storage
from luthier.errors import NoTrialError, StudyError, StudyExistsError, StudyMismatchError
from luthier.optuna import logging
from luthier.optuna.pruners import MedianPruner, scheduler_of
from luthier.optuna.samplers import sampler_of
from luthier.optuna.surface import MaxTrialsCallback, Study, StudyDirection
from luthier.optuna.trial import FrozenTrial
from luthier.samplers import Auto
from luthier.storages import open_storage
from luthier.study import create
from luthier.study.create import copy_study, delete_study, get_all_study_names

__all__ = [
    "MaxTrialsCallback",
    "Study",
    "StudyDirection",
    "StudySummary",
    "copy_study",
    "create_study",
    "delete_study",
    "get_all_study_names",
    "get_all_study_summaries",
    "load_study",
]

StorageLike = Storage | str | os.PathLike[str] | None
DirectionLike = StudyDirection | str


def create_study(
    *,
    storage: StorageLike = None,
    sampler: Any = None,
    pruner: Any = None,
    study_name: str | None = None,
    direction: DirectionLike | None = None,
    load_if_exists: bool = False,
    directions: Sequence[DirectionLike] | None = None,
) -> Study:
    """Create a study.

    Args:
        storage: None for memory, or a SQLite URL or path.
        sampler: One of ``luthier.optuna.samplers``, Luthier's ``auto`` if None. Its seed becomes
            the study's; a study that exists keeps its own.
        pruner: One of ``luthier.optuna.pruners``; the median rule if None.
        study_name: Unique in its storage; made up if None.
        direction: "minimize" (the default) or "maximize".
        load_if_exists: Return the study of that name if there is one.
        directions: Directions of several objectives.

    Raises:
        ArgumentError: An argument that makes no sense.
        StudyExistsError: The name is taken, and ``load_if_exists`` isn't set.
        StudyMismatchError: The study that exists has other directions.

    Example:
        >>> create_study(direction="maximize").direction.name
        'MAXIMIZE'
    """
    logging.start()
    store = open_storage(storage)
    ways = {
        "direction": None if direction is None else _text(direction),
        "directions": None if directions is None else [_text(way) for way in directions],
    }
    given = sampler_of(Auto(allow_duplicates=True) if sampler is None else sampler)
    try:
        native = create.create_study(
            study_name=study_name,
            storage=store,
            space=given.space,
            sampler=given.native,
            scheduler=scheduler_of(pruner or MedianPruner()),
            seed=given.seed,
            **ways,  # type: ignore[arg-type]
        )
    except StudyExistsError:
        if not load_if_exists:
            raise
        study = load_study(study_name=study_name, storage=store, sampler=sampler, pruner=pruner)
        if direction is not None or directions is not None:
            _check_directions(study, Objective.of(**ways))  # type: ignore[arg-type]
        return study
    return Study(native, given, pruner or MedianPruner())


def load_study(
    *, study_name: str | None, storage: StorageLike, sampler: Any = None, pruner: Any = None
) -> Study:
    """Load a study, with the sampler and pruner it was left with unless others are given.

    Args:
        study_name: Its name; may be None where the storage holds just one.
        storage: Where it is kept.
        sampler: Another sampler; the study keeps its seed.
        pruner: Another pruner.

    Raises:
        StudyNotFoundError: There is none of that name.
        ArgumentError: No name, and not just one study.
    """
    logging.start()
    given = None if sampler is None else sampler_of(sampler)
    native = create.load_study(
        study_name=study_name,
        storage=storage,
        sampler=given.native if given else None,
        scheduler=scheduler_of(pruner),
        space=given.space if given else None,
    )
    return Study(native, given, pruner)


@final
@dataclass(frozen=True, slots=True)
class StudySummary:
    """A study at a glance.

    Attributes:
        study_name: Its name.
        directions: One for each objective.
        best_trial: The best trial of a study with one objective, if there is one.
        user_attrs: The user's notes.
        system_attrs: Notes that aren't the user's.
        n_trials: The number of its trials.
        datetime_start: When its first trial started.
    """

    study_name: str
    directions: list[StudyDirection]
    best_trial: FrozenTrial | None
    user_attrs: dict[str, Any]
    system_attrs: dict[str, Any]
    n_trials: int
    datetime_start: datetime.datetime | None

    @property
    def direction(self) -> StudyDirection:
        """The direction of the single objective.

        Raises:
            StudyError: There are several.
        """
        if len(self.directions) > 1:
            raise StudyError(
                f"direction needs a single objective, the study {self.study_name!r} has "
                f"{len(self.directions)}. Use directions."
            )
        return self.directions[0]


def get_all_study_summaries(
    storage: StorageLike, include_best_trial: bool = True
) -> list[StudySummary]:
    """All studies in a storage at a glance, oldest first.

    Args:
        storage: Where they are kept.
        include_best_trial: Whether to look for each study's best trial.
    """
    store = open_storage(storage)
    return [
        _summary(load_study(study_name=name, storage=store), include_best_trial)
        for name in get_all_study_names(store)
    ]


def _summary(study: Study, include_best_trial: bool) -> StudySummary:
    trials = study.trials
    starts = [t.datetime_start for t in trials if t.datetime_start is not None]
    return StudySummary(
        study_name=study.study_name,
        directions=study.directions,
        best_trial=_best(study) if include_best_trial else None,
        user_attrs=study.user_attrs,
        system_attrs=study.system_attrs,
        n_trials=len(trials),
        datetime_start=min(starts, default=None),
    )


def _best(study: Study) -> FrozenTrial | None:
    try:
        return study.best_trial if len(study.directions) == 1 else None
    except NoTrialError:
        return None


def _text(direction: Any) -> str:
    return direction.name if isinstance(direction, StudyDirection) else direction


def _check_directions(study: Study, wanted: Objective) -> None:
    stored = study._native.objective.directions
    if wanted.directions != stored:
        raise StudyMismatchError(
            f"Study {study.study_name!r} exists with the directions {list(stored)}, got "
            f"{list(wanted.directions)}. Leave them out to load it, or choose another name."
        )
