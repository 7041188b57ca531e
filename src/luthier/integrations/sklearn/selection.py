"""How ``SearchCV`` chooses its winner and tells what it is worth.

The parts put together: finalists are scored again (``confirm.py``), and the verdict rests on that
(``verdict.py``).
"""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from luthier.analysis import RULES, Overtuning, overtuning
from luthier.errors import ArgumentError
from luthier.integrations.sklearn.confirm import (
    Confirm,
    Confirmed,
    confirmed,
    fresh_splits,
    ratio_of,
)
from luthier.integrations.sklearn.cross_validation import CrossValidation
from luthier.integrations.sklearn.cv_results import Candidate
from luthier.integrations.sklearn.fitting import Split
from luthier.integrations.sklearn.racing import ceiling_of
from luthier.integrations.sklearn.verdict import Field, finalists_of, judge

__all__ = ["overtuning_of", "plan", "report", "settle", "tell"]

logger = logging.getLogger("luthier")


def plan(search: Any, task: CrossValidation) -> list[list[Split]]:
    """Check a search's settings of selection; draw the splits of its confirm stage, if any.

    Raises:
        ArgumentError: A setting that makes no sense.
    """
    if search.select not in RULES:
        raise ArgumentError(
            f"SearchCV: select must be one of {', '.join(RULES)}, got {search.select!r}."
        )
    how = Confirm.of(search.confirm)
    _check_cost(search)
    if search.prefer_default and not search.default:
        raise ArgumentError(
            "SearchCV: prefer_default=True needs the default to be evaluated, got default=False. "
            "Leave one of them out."
        )
    decided = not callable(search.refit)
    if not decided and (how is not None or search.select != "best" or search.prefer_default):
        raise ArgumentError(
            "SearchCV: a refit function chooses the winner by itself. Leave it out, or leave out "
            "confirm, select and prefer_default."
        )
    return [] if how is None else fresh_splits(how, search.cv, task, search.study_.seed)


def settle(
    search: Any, candidates: Sequence[Candidate], task: CrossValidation, draws: list[list[Split]]
) -> None:
    """Choose the winner anew where the search says so, and tell what it is worth.

    Sets ``verdict_`` and what follows from it; changes ``best_index_`` and its companions.
    """
    table = search.cv_results_
    metric = f"test_{_deciding(search)}"
    if f"mean_{metric}" not in table:
        return
    n_splits = len(task.splits)
    field = _field(candidates, table[f"mean_{metric}"], n_splits, search.select)
    search.confirmed_ = None
    if not field.winners:
        return
    how = Confirm.of(search.confirm) or Confirm()
    if draws:
        finalists = finalists_of(table, metric, search.default_index_, how.top, field)
        search.confirmed_ = confirmed(search.study_, task, draws, finalists, metric, search.n_jobs)
        _show(table, search.confirmed_)
    search.verdict_ = judge(
        table,
        metric,
        rule=search.select,
        cost=_costs(search, table),
        ratio=ratio_of(task.splits),
        default=search.default_index_,
        field=field,
        prefer_default=bool(draws) if search.prefer_default is None else search.prefer_default,
        confirmed=search.confirmed_,
        margin=how.margin,
    ).up_to(_ceiling(search))
    _take(search, metric)


def report(search: Any) -> str:
    """Say in words what a search has come to."""
    verdict = getattr(search, "verdict_", None)
    if verdict is None:
        return "No verdict: no one metric decides, or no candidate was scored on every split."
    chosen = ", ".join(f"{name}={value!r}" for name, value in search.best_params_.items())
    return f"{type(search.estimator).__name__}({chosen})\n{verdict}"


def tell(search: Any) -> None:
    """Say the verdict where the search is watched: on stderr if verbose, else on the logger."""
    if search.verbose:
        sys.stderr.write(f"{report(search)}\n")
    elif hasattr(search, "verdict_"):
        logger.info("SearchCV: %s", str(search.verdict_).replace("\n", " "))


def overtuning_of(search: Any, test: Any) -> Overtuning:
    """See ``SearchCV.overtuning``."""
    means = _comparable(search, f"test_{_deciding(search)}")
    if test is not None:
        begun = int(np.argmax(np.isfinite(means)))
        return overtuning(means[begun:], np.asarray(test)[begun:])
    found = getattr(search, "confirmed_", None)
    if found is None:
        raise ArgumentError(
            "SearchCV.overtuning needs scores on other data: search with confirm=5, or give the "
            "score of every row of cv_results_."
        )
    raced = np.isfinite(means[found.rows])  # finalists that lost their race never led
    return overtuning(means[found.rows][raced], found.scores.mean(axis=1)[raced])


def _ceiling(search: Any) -> float:
    """The highest score there can be."""
    metric = search.scoring
    if search.multimetric_:
        metric = metric[_deciding(search)] if isinstance(metric, dict) else _deciding(search)
    return ceiling_of(search.estimator, metric)


def _deciding(search: Any) -> str:
    return search.refit if search.multimetric_ and isinstance(search.refit, str) else "score"


def _comparable(search: Any, metric: str) -> NDArray[np.float64]:
    """The means of candidates that were run on all splits; NaN for those that lost a race."""
    table = search.cv_results_
    splits = np.array([table[f"split{j}_{metric}"] for j in range(search.n_splits_)])
    return np.where(np.isfinite(splits).all(axis=0), table[f"mean_{metric}"], math.nan)


def _field(
    candidates: Sequence[Candidate], means: NDArray[np.float64], n_splits: int, rule: str
) -> Field:
    rows = [
        i
        for i, candidate in enumerate(candidates)
        if candidate.feasible and not candidate.failed_splits(n_splits) and math.isfinite(means[i])
    ]
    whole = [i for i in rows if candidates[i].run(n_splits).all()]
    return Field(rows, rows if rule == "posterior" else whole)


def _costs(search: Any, table: dict[str, Any]) -> NDArray[np.float64]:
    if callable(search.cost):
        return np.array([search.cost(params) for params in table["params"]], dtype=np.float64)
    if search.cost not in table:
        raise ArgumentError(
            "SearchCV: cost must be a column of cv_results_ or a function of parameters, "
            f"got {search.cost!r}."
        )
    return np.asarray(table[search.cost], dtype=np.float64)


def _check_cost(search: Any) -> None:
    """Check before the search what can be known of it then."""
    columns = ("mean_", "std_", "param_", "split", "rank_")
    if callable(search.cost) or (isinstance(search.cost, str) and search.cost.startswith(columns)):
        return
    raise ArgumentError(
        "SearchCV: cost must be a column of cv_results_ or a function of parameters, "
        f"got {search.cost!r}."
    )


def _show(table: dict[str, Any], found: Confirmed | None) -> None:
    for name, summary in (("mean", np.mean), ("std", np.std)):
        column = np.full(len(table["params"]), math.nan)
        if found is not None:
            column[found.rows] = summary(found.scores, axis=1)
        table[f"{name}_confirmed_score"] = column


def _take(search: Any, metric: str) -> None:
    verdict = search.verdict_
    search.expected_score_ = verdict.expected
    search.expected_score_interval_ = (verdict.low, verdict.high)
    search.beats_default_ = verdict.beats_default
    search.default_score_ = math.nan if verdict.default is None else verdict.default
    if callable(search.refit):
        return
    plain = search.select == "best" and not verdict.splits and not verdict.preferred
    if not plain:
        search.best_index_ = verdict.winner
        search.best_score_ = search.cv_results_[f"mean_{metric}"][verdict.winner]
        search.best_params_ = search.cv_results_["params"][verdict.winner]
