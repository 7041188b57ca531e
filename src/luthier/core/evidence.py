"""The evidence: what a study's history says of the objective, as arrays for models.

Completed trials give values, and by how much they meet each constraint. Pruned ones give their last
report, no better than the median, with noise to say that it isn't the final word. Trials that
crashed have no value, but tell where not to go. While nothing is feasible the violation of the
constraints is the objective.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.history import History
from luthier.core.trial import FrozenTrial
from luthier.numerics.pareto import chebyshev

__all__ = ["Evidence", "evidence_of"]

Array = NDArray[np.float64]
_PRUNED_NOISE: Final = 0.1
_MISSING_NOISE: Final = 0.25
_USUAL: Final = 0.9  # the median would shrink as the search closes in on a bound


@final
@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What is known of the objective.

    Attributes:
        X: Trials with a value, completed ones first, encoded, shape (n, d).
        y: Their values, lower is better, shape (n,).
        noise: What is uncertain about each, as variances of standardised values, shape (n,).
        n_completed: How many of them are completed trials.
        feasible: Whether each broke no constraint, shape (n,).
        outcomes: All finished trials, oldest first, encoded, shape (t, d).
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
    history: History, incomplete: NDArray[np.bool_], rng: np.random.Generator
) -> Evidence:
    """Read a history.

    Args:
        history: At least one trial has completed.
        incomplete: Which completed trials lack the value of an active parameter, shape (n,).
        rng: Weights several objectives.
    """
    feasible = history.violations <= 0
    if not feasible.any():
        y, aim = history.violations, "the constraints' violation"
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
    return Evidence(
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


def _last_values(history: History, y: Array, only_median: bool) -> Array:
    """What pruned trials may be taken for: their last report, but no better than the median."""
    middle = float(np.median(y))
    if only_median:
        return np.full(len(history.pruned), middle)
    metric = history.objective.names[0]
    sign = 1.0 if history.objective.directions[0] == "minimize" else -1.0

    def last(trial: FrozenTrial) -> float:
        step = trial.last_step
        value = np.nan if step is None else sign * trial.reports[step].get(metric, np.nan)
        return middle if np.isnan(value) else max(value, middle)

    return np.array([last(trial) for trial in history.pruned], dtype=np.float64)


def _outcomes(history: History) -> tuple[Array, NDArray[np.bool_]]:
    """All trials that gave a value or crashed, in the order in which they finished."""
    n, n_failed = len(history.completed), len(history.failed)
    ok = np.arange(n + n_failed) < n
    if not n_failed:
        return history.X, ok
    trials = [*history.completed, *history.failed]
    order = np.argsort([trial.finished_version or trial.version for trial in trials])
    X = np.concatenate([history.X, history.encoded(history.failed)])
    return X[order], ok[order]


def _excess(history: History) -> Array:
    """By how much each constraint is broken, with values far from its bound drawn nearer."""
    constraints, trials = history.objective.constraints, history.completed
    metrics = [trial.metrics for trial in trials] if constraints else []
    raw = np.array([[c.violation(found) for c in constraints] for found in metrics])
    raw = raw.reshape(len(trials), len(constraints))
    finite = np.where(np.isfinite(raw), np.abs(raw), 0.0)
    raw = np.clip(raw, -finite.max(axis=0, initial=0.0), finite.max(axis=0, initial=0.0))
    unit = np.quantile(finite, _USUAL, axis=0)
    return np.asarray(np.arcsinh(raw / np.where(unit > 0, unit, 1.0)))
