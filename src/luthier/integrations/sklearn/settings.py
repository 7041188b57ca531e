"""What a ``SearchCV`` may be told: its settings checked, each with a message of its own."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from luthier import catalog
from luthier.core.objective import Constraint
from luthier.errors import ArgumentError, StudyMismatchError
from luthier.integrations.sklearn.cv_results import MEASURES
from luthier.integrations.sklearn.fitting import MULTIMETRIC, metric_names
from luthier.space import Space
from luthier.study.study import Study

__all__ = [
    "check_ends",
    "check_refit",
    "check_same_task",
    "check_settings",
    "constraints_of",
    "searched_space",
    "task_of",
]

_TASK = "search_cv"


def searched_space(search: Any) -> Space:
    """Return the space of a search: its own, or what the catalog recommends for its estimator.

    Args:
        search: A ``SearchCV``.

    Raises:
        ArgumentError: None was given, and the catalog doesn't know the estimator.
        SpaceError: What was given describes no space.
    """
    if search.space is None or (isinstance(search.space, str) and search.space == "auto"):
        return catalog.for_estimator(search.estimator)
    return Space.of(search.space)


def check_settings(search: Any) -> None:
    """Check what can be told from a search's settings alone.

    Args:
        search: A ``SearchCV``.

    Raises:
        ArgumentError: A setting that makes no sense.
    """
    n_trials, error_score = search.n_trials, search.error_score
    if n_trials is not None and (not isinstance(n_trials, Integral) or int(n_trials) < 1):
        raise ArgumentError(
            f"SearchCV: n_trials must be an integer of at least 1, or None, got {n_trials!r}."
        )
    n_jobs = search.n_jobs
    if n_jobs is not None and (not isinstance(n_jobs, Integral) or n_jobs == 0):
        raise ArgumentError(
            "SearchCV: n_jobs must be an integer other than 0 (-1 for all cores) or None, got "
            f"{n_jobs!r}."
        )
    _check_bounds(search)
    if error_score != "raise" and not isinstance(error_score, Real):
        raise ArgumentError(
            f"SearchCV: error_score must be a number or 'raise', got {error_score!r}."
        )
    if isinstance(search.scoring, MULTIMETRIC):
        if not search.scoring:
            raise ArgumentError(f"SearchCV: scoring must name a metric, got {search.scoring!r}.")
        check_refit(search.refit, metric_names(search.scoring))
    elif not (isinstance(search.refit, (bool, str)) or callable(search.refit)):
        raise ArgumentError(
            "SearchCV: refit must be True, False, a metric's name or a function of cv_results_, "
            f"got {search.refit!r}."
        )


def _check_bounds(search: Any) -> None:
    """Check that what is bounded is measured, as far as that is known before the first fit."""
    metrics = metric_names(search.scoring)
    if not metrics:
        return
    known = [*metrics, *MEASURES]
    for text in constraints_of(search.constraints):
        if Constraint.parse(text).metric not in known:
            raise ArgumentError(
                f"SearchCV: constraints may bound {', '.join(known)}, got {text!r}. To bound "
                "another metric, name it in scoring, and in refit the one that decides."
            )


def check_refit(refit: object, metrics: Sequence[str]) -> None:
    """Check that ``refit`` tells which of several metrics decides.

    Args:
        refit: The setting.
        metrics: The metrics' names; just "score" if there is one only.

    Raises:
        ArgumentError: It doesn't.

    Example:
        >>> check_refit("f1", ["accuracy", "f1"])
    """
    if list(metrics) == ["score"] or refit is False or callable(refit) or refit in metrics:
        return
    raise ArgumentError(
        f"SearchCV: with several metrics refit must be one of {', '.join(map(repr, metrics))}, a "
        f"function of cv_results_, or False, got {refit!r}."
    )


def constraints_of(given: Any) -> list[str]:
    """Return constraints as a study takes them.

    Args:
        given: Texts such as "fit_time <= 0.5", or a mapping such as {"fit_time": "<= 0.5"}.
    """
    if isinstance(given, Mapping):
        return [f"{metric} {bound}" for metric, bound in given.items()]
    return [given] if isinstance(given, str) else list(given or ())


def check_ends(search: Any, study: Study, space: Space) -> None:
    """Check that a search has an end; warn of a grid that is cut short.

    Args:
        search: A ``SearchCV``.
        study: Its study.
        space: Its space.

    Raises:
        ArgumentError: The search would never end.
    """
    is_grid = study.sampler.spec.get("name") == "grid"
    if search.n_trials is None:
        if search.timeout is None and space.cardinality is None and not is_grid:
            raise ArgumentError(
                "SearchCV: n_trials=None needs a timeout, strategy='grid' or a finite space, or "
                "the search would never end. Pass one of them."
            )
    elif is_grid and space.cardinality is not None and space.cardinality > search.n_trials:
        warnings.warn(
            f"SearchCV: the grid has {space.cardinality} cells, n_trials={search.n_trials} leaves "
            "some out. Pass n_trials=None for all.",
            UserWarning,
            stacklevel=4,
        )


def task_of(study: Study) -> Mapping[str, Any] | None:
    """What a study's candidates were put to, as ``check_same_task`` noted it; None if unknown."""
    return study.user_attrs.get(_TASK)


def check_same_task(study: Study, task: Mapping[str, Any]) -> None:
    """Check that a study's results can be compared with new ones; note what they are of.

    Args:
        study: The study.
        task: ``CrossValidation.fingerprint()``.

    Raises:
        StudyMismatchError: The study was made with other data, splits or settings.
    """
    stored = task_of(study)
    if stored is None:
        study.set_user_attr(_TASK, task)
        return
    differing = [name for name in task if stored.get(name) != task[name]]
    if differing:
        raise StudyMismatchError(
            f"Study {study.study_name!r} was made with other {' and '.join(differing)}, so its "
            "results can't be compared with new ones. Use another study_name; for the same splits "
            "every time, give the splitter a random_state.",
            differing=differing,
        )
