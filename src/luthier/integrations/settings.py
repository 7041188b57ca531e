"""What a ``SearchCV`` may be told: its settings checked, each with a message of its own."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from luthier.errors import ArgumentError, StudyMismatchError
from luthier.space import Space
from luthier.study.study import Study

__all__ = ["check_ends", "check_refit", "check_same_task", "check_settings"]

MULTIMETRIC = (list, tuple, dict)
_TASK = "search_cv"


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
    if error_score != "raise" and not isinstance(error_score, Real):
        raise ArgumentError(
            f"SearchCV: error_score must be a number or 'raise', got {error_score!r}."
        )
    if isinstance(search.scoring, MULTIMETRIC):
        if not search.scoring:
            raise ArgumentError(f"SearchCV: scoring must name a metric, got {search.scoring!r}.")
        check_refit(search.refit, list(search.scoring))
    elif not (isinstance(search.refit, (bool, str)) or callable(search.refit)):
        raise ArgumentError(
            "SearchCV: refit must be True, False, a metric's name or a function of cv_results_, "
            f"got {search.refit!r}."
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
    if metrics == ["score"] or refit is False or callable(refit) or refit in metrics:
        return
    raise ArgumentError(
        f"SearchCV: with several metrics refit must be one of {', '.join(map(repr, metrics))}, a "
        f"function of cv_results_, or False, got {refit!r}."
    )


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


def check_same_task(study: Study, task: Mapping[str, Any]) -> None:
    """Check that a study's results can be compared with new ones; note what they are of.

    Args:
        study: The study.
        task: ``CrossValidation.fingerprint()``.

    Raises:
        StudyMismatchError: The study was made with other data, splits or settings.
    """
    stored = study.user_attrs.get(_TASK)
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
