"""The evidence: what a study's history says of the objective, as arrays for models.

Completed trials give values, and by how much they meet each constraint. Pruned ones give their last
report, no better than the median, with noise to say that it isn't the final word. Trials that
crashed have no value, but tell where not to go. While nothing is feasible the violation of the
constraints is the objective.

Models that can tell early values from final ones take ``reports_of`` instead of the pruned trials'
last values; what trials cost is in ``log_costs_of``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.history import History
from luthier.core.trial import FrozenTrial
from luthier.numerics.pareto import chebyshev

__all__ = ["Evidence", "Reports", "best_and_others", "evidence_of", "log_costs_of", "reports_of"]

Array = NDArray[np.float64]
_PRUNED_NOISE: Final = 0.1
_MISSING_NOISE: Final = 0.25
_MOST_REPORTS: Final = 150
_PLENTY: Final = 8192
_KEPT: Final = 4096
_BLOCK: Final = 1024
_USUAL: Final = 0.9  # the median would shrink as the search closes in on a bound


@final
@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What is known of the objective; of thousands of trials, what is worth the most.

    Attributes:
        X: Trials with a value, completed ones first, encoded, shape (n, d).
        y: Their values, lower is better, shape (n,).
        noise: What is uncertain about each, as variances of standardised values, shape (n,).
        n_completed: How many of them are completed trials.
        feasible: Whether each broke no constraint, shape (n,).
        outcomes: Finished trials, oldest first, encoded, shape (t, d).
        succeeded: Whether each of these gave a value, shape (t,).
        excess: By how much completed trials break each constraint, or meet it where negative, on
            a scale that bends, shape (n_completed, c); none while nothing is feasible.
        aim: What y is, in words.
    """

    X: Array
    y: Array
    noise: Array
    n_completed: int
    feasible: NDArray[np.bool_]
    outcomes: Array
    succeeded: NDArray[np.bool_]
    excess: Array
    aim: str

    @property
    def crashed(self) -> Array:
        """Trials that gave no value, encoded, shape (c, d)."""
        return self.outcomes[~self.succeeded]

    @property
    def setbacks(self) -> list[str]:
        """What went wrong how often, in words."""
        n_infeasible = int((self.excess > 0).any(axis=1).sum())
        counts = {"failures": len(self.crashed), "infeasible": n_infeasible}
        return [f"{count} {what}" for what, count in counts.items() if count]


def evidence_of(
    history: History,
    incomplete: NDArray[np.bool_],
    rng: np.random.Generator,
    objective: int | None = None,
) -> Evidence:
    """Read a history.

    Args:
        history: At least one trial has completed.
        incomplete: Which completed trials lack the value of an active parameter, shape (n,).
        rng: Weights several objectives.
        objective: Which of several objectives is of interest; a weighting of them if None.
    """
    feasible = history.violations <= 0
    if not feasible.any():
        y, aim = history.violations, "the constraints' violation"
    elif objective is not None:
        y, aim = history.Y[:, objective], history.objective.names[objective]
    elif len(history.objective.names) > 1:
        y, aim = chebyshev(history.Y, rng), "a random weighting of the objectives"
    else:
        y, aim = history.Y[:, 0], ""
    n, n_pruned = len(y), len(history.pruned)
    X, noise = history.X, incomplete.astype(np.float64) * _MISSING_NOISE
    if n_pruned:
        X = np.concatenate([X, history.encoded(history.pruned)])
        y = np.concatenate([y, _last_values(history, y, bool(aim))])
        noise = np.concatenate([noise, np.full(n_pruned, _PRUNED_NOISE)])
    counts = feasible | (not feasible.any())
    outcomes, succeeded = _outcomes(history)
    everything = Evidence(
        X,
        y,
        noise,
        n,
        np.concatenate([counts, np.zeros(n_pruned, dtype=bool)]),
        outcomes,
        succeeded,
        _excess(history) if feasible.any() else np.empty((n, 0)),
        aim,
    )
    return _thinned(everything) if len(X) + len(outcomes) > _PLENTY else everything


def _thinned(whole: Evidence) -> Evidence:
    """Leave out most of what is old, so that what an ask costs is bounded.

    The latest thousand or two stay. Of older ones that completed the best do, and others spread
    evenly over time. What is left out changes only every thousand trials.
    """
    old = _old(whole.n_completed)
    kept = np.arange(whole.n_completed)
    if old > _KEPT:
        worth = np.where(whole.feasible[:old], whole.y[:old], np.inf)
        best = np.argpartition(worth, _KEPT // 2)[: _KEPT // 2]
        others = np.setdiff1d(kept[:old], best)
        spread = others[np.linspace(0, len(others) - 1, _KEPT // 2).astype(np.intp)]
        kept = np.concatenate([np.sort(np.concatenate([best, spread])), kept[old:]])
    last = slice(_old(len(whole.succeeded)), None)
    pruned = np.arange(whole.n_completed, len(whole.X))
    seen = np.concatenate([kept, pruned[_old(len(pruned)) :]])
    return replace(
        whole,
        X=whole.X[seen],
        y=whole.y[seen],
        noise=whole.noise[seen],
        n_completed=len(kept),
        feasible=whole.feasible[seen],
        outcomes=whole.outcomes[last],
        succeeded=whole.succeeded[last],
        excess=whole.excess[kept],
    )


def _old(n: int) -> int:
    return max(0, n // _BLOCK - 1) * _BLOCK


def _last_values(history: History, y: Array, only_median: bool) -> Array:
    """What pruned trials may be taken for: their last report, but no better than the median."""
    middle = float(np.median(y))
    if only_median:
        return np.full(len(history.pruned), middle)

    def last(trial: FrozenTrial) -> tuple[float]:
        step = trial.last_step
        return (np.nan if step is None else _reported(history, trial, step),)

    return np.fmax(history.table(("last report",), history.pruned, last)[:, 0], middle)


def _outcomes(history: History) -> tuple[Array, NDArray[np.bool_]]:
    """All trials that gave a value or crashed, in the order in which they finished."""
    n, n_failed = len(history.completed), len(history.failed)
    ok = np.arange(n + n_failed) < n
    if not n_failed:
        return history.X, ok
    groups = (history.completed, history.failed)
    order = np.argsort(np.concatenate([history.ended(group) for group in groups]))
    X = np.concatenate([history.X, history.encoded(history.failed)])
    return X[order], ok[order]


def _excess(history: History) -> Array:
    """By how much each constraint is broken, with values far from its bound drawn nearer."""
    constraints = history.objective.constraints

    def row(trial: FrozenTrial) -> list[float]:
        return [constraint.violation(trial.metrics) for constraint in constraints]

    raw = history.table(("excess",), history.completed, row, len(constraints))
    finite = np.where(np.isfinite(raw), np.abs(raw), 0.0)
    raw = np.clip(raw, -finite.max(axis=0, initial=0.0), finite.max(axis=0, initial=0.0))
    unit = np.quantile(finite, _USUAL, axis=0)
    return np.asarray(np.arcsinh(raw / np.where(unit > 0, unit, 1.0)))


@final
@dataclass(frozen=True, slots=True, eq=False)
class Reports:
    """Values at the end of trials and before it, oldest first.

    Attributes:
        X: The trials' parameters, encoded, shape (r, d).
        y: Values, lower is better, shape (r,).
        share: How far the trial had got, above 0; 1 is the end, shape (r,).
        feasible: Whether a value is final and breaks no constraint, shape (r,).
    """

    X: Array
    y: Array
    share: Array
    feasible: NDArray[np.bool_]


def reports_of(history: History) -> Reports | None:
    """Return what tells early values from final ones, so that pruned trials can be judged.

    These are the final values of completed trials and the last reports of pruned ones; and what
    completed trials had reported at the step at which most were pruned. Of the latter two, about
    the latest 150, less what values usually fall from there to the end.

    Args:
        history: At least one trial has completed.

    Returns:
        None if no trial was pruned, or none of the completed ones reported.
    """
    if not history.pruned:
        return None
    ends = [end for trial in history.completed if (end := trial.last_step) is not None]
    stops = {k: end for k, t in enumerate(history.pruned) if (end := t.last_step) is not None}
    if not ends or not stops:
        return None
    steps, counts = np.unique(list(stops.values()), return_counts=True)
    usual = int(steps[np.argmax(counts)])
    passed = {k: usual for k, trial in enumerate(history.completed) if usual in trial.reports}
    groups = ((history.pruned, stops), (history.completed, passed))
    fall = {int(step): _progress(history, int(step)) for step in steps}
    rows = [
        (
            trials[k].finished_version,
            _reported(history, trials[k], step) - fall[step],
            step / max(*ends, 1),
        )
        for trials, found in groups
        for k, step in _latest(found)
    ]
    X = [history.encoded(trials)[[k for k, _ in _latest(found)]] for trials, found in groups]
    n = len(history.completed)
    version, y, share = np.array(rows, dtype=np.float64).T
    version = np.concatenate([version, [t.finished_version or 0 for t in history.completed]])
    y, share = np.concatenate([y, history.Y[:, 0]]), np.concatenate([share, np.ones(n)])
    feasible = np.concatenate([np.zeros(len(rows), dtype=bool), history.violations <= 0])
    order = np.argsort(version, kind="stable")
    order = order[np.isfinite(y[order])]
    share = np.minimum(share, 1.0)
    return Reports(np.concatenate([*X, history.X])[order], y[order], share[order], feasible[order])


def _latest(found: dict[int, int]) -> list[tuple[int, int]]:
    first = max(0, len(found) - _MOST_REPORTS) // _MOST_REPORTS * _MOST_REPORTS
    return list(found.items())[first:]


def log_costs_of(history: History) -> tuple[Array, Array]:
    """Return the completed trials that took time, encoded, and the log of their seconds of work.

    Returns:
        Shapes (n, d) and (n,).
    """
    costs = np.array([trial.cost or 0.0 for trial in history.completed])
    return history.X[costs > 0], np.log(costs[costs > 0])


def _reported(history: History, trial: FrozenTrial, step: int) -> float:
    """What a trial reported of the objective at a step, minimised; NaN if it didn't."""
    return _sign(history) * trial.reports[step].get(history.objective.names[0], np.nan)


def _progress(history: History, step: int) -> float:
    """By how much values usually fall from a step to the end; NaN if no completed trial says."""
    change = _sign(history) * history.at(step) - history.Y[:, 0]
    known = change[np.isfinite(change)]
    return float(np.median(known)) if len(known) else np.nan


def _sign(history: History) -> float:
    return 1.0 if history.objective.directions[0] == "minimize" else -1.0


def best_and_others(order: NDArray[np.intp], k: int) -> NDArray[np.intp]:
    """Return the best two fifths of k places, best first, and others spread evenly over time.

    Args:
        order: Places of trials, the best first, shape (n,).
        k: How many are wanted, at most n.

    Example:
        >>> best_and_others(np.array([4, 2, 0, 1, 3]), 5).tolist()
        [4, 2, 0, 1, 3]
        >>> best_and_others(np.array([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]), 5).tolist()
        [9, 8, 0, 3, 7]
    """
    best, others = order[: 2 * k // 5], np.sort(order[2 * k // 5 :])
    spread = others[np.linspace(0, len(others) - 1, k - len(best)).astype(np.intp)]
    return np.concatenate([best, spread])
