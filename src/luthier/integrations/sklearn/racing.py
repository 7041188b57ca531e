"""Which scheduler races a ``SearchCV``'s candidates, and how many of them run at once.

The races themselves are schedulers (``luthier.schedulers``): here is what a search's settings ask
for, and what of it doesn't go together.
"""

from __future__ import annotations

import math
from typing import Any, Final

from joblib import effective_n_jobs
from sklearn.base import is_classifier, is_regressor
from sklearn.metrics import get_scorer_names

from luthier.errors import ArgumentError
from luthier.integrations.sklearn.fitting import MULTIMETRIC
from luthier.samplers import Grid, QuasiRandom, Random
from luthier.schedulers import BayesRace, NoStopping, Race
from luthier.study.study import Study

__all__ = ["RACES", "ceiling_of", "race_of", "running", "scheduler_of"]

RACES: Final = ("auto", "paired", "forgiving", "aggressive", "bayes", "none")
_UNBOUNDED: Final = ("mutual_info_score", "positive_likelihood_ratio")


def race_of(search: Any) -> str:
    """Return how a search races its candidates, where it may decide so itself.

    Raises:
        ArgumentError: A race that can't be: by name, or as the settings are.
    """
    if search.race not in RACES:
        raise ArgumentError(
            f"SearchCV: race must be one of {', '.join(map(repr, RACES))}, got {search.race!r}."
        )
    several = isinstance(search.scoring, MULTIMETRIC)
    undecided = callable(search.refit) or (several and not isinstance(search.refit, str))
    if search.race == "auto":
        if search.scheduler is not None or search.fidelity is not None or undecided:
            return "none"
        return "forgiving" if search.reshuffle else "paired"
    if search.race != "none":
        if search.fidelity is not None:
            raise ArgumentError(
                f"SearchCV: give race={search.race!r} or a fidelity, not both: a trial's steps are "
                "its splits, or levels of the fidelity."
            )
        if search.scheduler is not None:
            raise ArgumentError(
                f"SearchCV: give race={search.race!r} or a scheduler, not both: it is the race's."
            )
        if search.reshuffle and search.race != "forgiving":
            raise ArgumentError(
                f"SearchCV: race={search.race!r} compares candidates on the same splits, with "
                "reshuffle=True each has its own. Use race='forgiving' or 'none'."
            )
    return str(search.race)


def scheduler_of(search: Any, n_splits: int) -> Any:
    """Return the scheduler of a search: the given one, or that of its race."""
    race = race_of(search)
    if search.scheduler is not None:
        return search.scheduler
    if race == "none" or n_splits == 1:
        return NoStopping()
    ceiling = ceiling_of(search.estimator, _deciding(search))
    bound = ceiling if math.isfinite(ceiling) else None
    return BayesRace(n_splits, bound) if race == "bayes" else Race(race, bound=bound)


def ceiling_of(estimator: Any, scoring: Any) -> float:
    """Return the highest score there can be: 1 of scikit-learn's own metrics, but for errors, odds.

    Args:
        estimator: What is scored.
        scoring: By what: None, a name, or anything else, of which nothing is known.
    """
    if scoring is None:
        known = is_classifier(estimator) or is_regressor(estimator)
        return 1.0 if known else math.inf
    if not isinstance(scoring, str) or scoring not in get_scorer_names() or scoring in _UNBOUNDED:
        return math.inf
    return 0.0 if scoring.startswith("neg_") else 1.0


def _deciding(search: Any) -> Any:
    """What decides of several metrics, as ``scoring`` would say it alone."""
    if not isinstance(search.scoring, MULTIMETRIC):
        return search.scoring
    return search.scoring[search.refit] if isinstance(search.scoring, dict) else search.refit


def running(search: Any, study: Study) -> dict[str, Any]:
    """Return the settings of ``optimize`` that say where candidates run.

    With a ``random_state`` several at a time come out the same in every run, if the scheduler looks
    at each alone. Draws that don't depend on results do so by themselves.
    """
    slots = 1 if search.n_jobs is None else effective_n_jobs(search.n_jobs)
    settings: dict[str, Any] = {"n_jobs": slots, "executor": search.executor}
    history = study.history
    learns = not isinstance(study.sampler, Grid | QuasiRandom | Random)
    races = isinstance(study.scheduler, Race)
    alone = races or isinstance(study.scheduler, NoStopping)
    parallel = slots > 1 or search.executor is not None
    if search.random_state is not None and alone and (learns or (races and parallel)):
        begun = history.next_number > len(history.waiting)
        settings["reproducible"] = not begun
    return settings
