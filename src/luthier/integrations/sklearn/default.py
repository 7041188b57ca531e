"""The default: the estimator as it was given, evaluated before any candidate.

What a search has found is worth what it adds to this. Where the estimator's own parameters lie in
the search space, the default is the first trial, and samplers learn from it. Where they don't
(``gamma="scale"`` among numbers), it is evaluated beside the study, on the same splits, and kept
with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from luthier.errors import LuthierError
from luthier.integrations.sklearn.cross_validation import CrossValidation
from luthier.integrations.sklearn.cv_results import (
    Candidate,
    estimator_params,
    folds_from_json,
    folds_to_json,
)
from luthier.integrations.sklearn.fidelity import EPOCHS, Fidelity
from luthier.integrations.sklearn.fitting import first_error
from luthier.space import Space
from luthier.study.study import Study

__all__ = ["own_params", "try_default", "try_default_in_full", "with_default"]

_DEFAULT: Final = "default"


def try_default(study: Study, task: CrossValidation, n_trials: int | None) -> None:
    """Have the default evaluated first: as a trial, or here and now.

    A default that can't be fitted is noted and nothing more: not every estimator works as it is.

    Args:
        study: The study of a search.
        task: What candidates are put to.
        n_trials: How many trials the study may have; a full one gets none.
    """
    own = own_params(task.fitting.estimator, study.space)
    inside = _inside(study.space, own)
    if inside is not None:
        if n_trials is None or len(study.trials) < n_trials:
            study.enqueue_trial(inside, skip_if_exists=True)
    elif _DEFAULT not in study.user_attrs:
        _evaluate_beside(study, task)


def try_default_in_full(study: Study, task: CrossValidation, fidelity: Fidelity) -> None:
    """Evaluate a default that was a trial and whose scheduler gave it less than all.

    Of epochs it is left as it is: the estimator's own ``fit`` doesn't count in them.

    Args:
        study: The study of a search that is over.
        task: What candidates are put to.
        fidelity: What they got little of at first.
    """
    inside = _inside(study.space, own_params(task.fitting.estimator, study.space))
    if inside is None or _DEFAULT in study.user_attrs or fidelity.resource == EPOCHS:
        return
    steps = [trial.last_step or 0 for trial in study.trials if trial.params == inside]
    if all(fidelity.amount(step) < fidelity.full for step in steps):
        _evaluate_beside(study, task)


def with_default(
    study: Study, estimator: Any, candidates: Sequence[Candidate]
) -> tuple[list[Candidate], int | None]:
    """Return the candidates of a search with the default among them, and its place.

    Args:
        study: The study of a search.
        estimator: What its candidates are made from.
        candidates: Those of its trials.

    Returns:
        The default is first if it is no trial; its place is None if it has failed, or wasn't tried.
    """
    own = own_params(estimator, study.space)
    inside, noted = _inside(study.space, own), study.user_attrs.get(_DEFAULT)
    rows, place = list(candidates), None
    if inside is not None:
        resolved = {name: study.space[name].resolve(value) for name, value in inside.items()}
        wanted = repr(estimator_params(resolved))
        place = next((i for i, c in enumerate(rows) if repr(dict(c.params)) == wanted), None)
    if noted is None or (place is not None and rows[place].feasible):
        return rows, place
    if noted["error"] is not None:
        return rows, None
    unbound = not study.objective.constraints  # whether it keeps them wasn't measured
    found = Candidate(own, folds_from_json(noted["folds"]), feasible=unbound)
    if place is None:
        return [found, *rows], 0
    rows[place] = replace(found, params=rows[place].params)  # its trial got less than all
    return rows, place


def own_params(estimator: Any, space: Space) -> dict[str, Any]:
    """The parameters of a space as an estimator has them; those it doesn't have are left out.

    Example:
        >>> from sklearn.svm import SVC
        >>> own_params(SVC(), Space.of({"C": [1, 10], "gamma": [0.1]}))
        {'C': 1.0, 'gamma': 'scale'}
    """
    has = estimator.get_params()
    return {name: has[name] for name in space if name in has}


def _evaluate_beside(study: Study, task: CrossValidation) -> None:
    fitting = replace(task.fitting, raises=False)
    fits = replace(task, fitting=fitting).evaluate(fitting.estimator)
    folds = folds_to_json([fit.scores for fit in fits])
    study.set_user_attr(_DEFAULT, {"folds": folds, "error": first_error(fits)})


def _inside(space: Space, own: Mapping[str, Any]) -> dict[str, Any] | None:
    """The default as a configuration of the space; None if it isn't one."""
    values: dict[str, Any] = {}
    try:
        for name in space.activity.order:
            if space.activity.holds(name, values):
                values[name] = own[name]
        return space.check(values)
    except (LuthierError, KeyError):  # a value outside its domain, or none
        return None
