"""Outcomes: the finished trials of a history as arrays, in the order in which they finished.

name      meaning                                                    shape
X         parameters, encoded                                        (n, d)
Y         objectives, lower is better; NaN where there is no value   (n, m)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.history import History
from luthier.core.trial import FrozenTrial, TrialState
from luthier.errors import ArgumentError
from luthier.numerics.pareto import hypervolume
from luthier.space import Space

__all__ = ["LARGEST", "Outcomes", "outcomes_of", "place_of_metric", "volumes_so_far"]

Array = NDArray[np.float64]
LARGEST: Final = 1e100
_MARGIN: Final = 0.1  # by which share of its range the reference point lies beyond the worst


@final
@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What came of the finished trials.

    Attributes:
        trials: Their records, the first to finish first; n of them.
        X: Their parameters, encoded; NaN where inactive or missing, shape (n, d).
        Y: Their objectives, lower is better; NaN for pruned and failed trials, shape (n, m). Finite
            ones are at most 1e100 either way, so that their squares are finite too.
        feasible: Whether each has a value that isn't NaN and keeps all constraints, shape (n,).
        states: Their states, shape (n,).
        signs: 1 for objectives that are minimised, -1 for others, shape (m,).
    """

    trials: Sequence[FrozenTrial]
    X: Array
    Y: Array
    feasible: NDArray[np.bool_]
    states: NDArray[np.intp]
    signs: Array

    def __len__(self) -> int:
        return len(self.trials)

    @property
    def numbers(self) -> NDArray[np.intp]:
        """The trials' numbers, shape (n,)."""
        return np.fromiter((trial.number for trial in self.trials), np.intp, len(self.trials))

    def having_values(self, objective: int) -> NDArray[np.intp]:
        """Places of the trials with a finite value of an objective, feasible or not."""
        return np.flatnonzero(np.isfinite(self.Y[:, objective]))


def outcomes_of(history: History, space: Space) -> Outcomes:
    """Read a history.

    Args:
        history: Any.
        space: How parameters are encoded; mostly the history's own.

    Example:
        >>> from luthier.samplers import Random
        >>> from luthier.space import Float
        >>> from luthier.testing.rehearsal import Rehearsal
        >>> play = Rehearsal(Space(x=Float(0, 1)))
        >>> values = play.optimise(Random(), lambda p: p["x"] ** 2, 5)
        >>> found = outcomes_of(play.history, play.history.space)
        >>> found.Y[:, 0].tolist() == values
        True
    """
    seen = history if space is history.space else history.seen_in(space)
    groups = (seen.completed, seen.pruned, seen.failed)
    n, m = len(seen.completed), len(seen.objective.names)
    Y = np.full((seen.n_finished, m), np.nan)
    feasible = np.zeros(len(Y), dtype=bool)
    if n:
        Y[:n] = np.where(np.isfinite(seen.Y), np.clip(seen.Y, -LARGEST, LARGEST), seen.Y)
        feasible[:n] = (seen.violations <= 0) & ~np.isnan(seen.Y).any(axis=1)
    order = np.argsort(np.concatenate([seen.ended(group) for group in groups]), kind="stable")
    trials = [trial for group in groups for trial in group]
    states = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED)
    return Outcomes(
        [trials[k] for k in order],
        np.concatenate([seen.encoded(group) for group in groups])[order],
        Y[order],
        feasible[order],
        np.repeat(np.array(states, dtype=np.intp), [len(group) for group in groups])[order],
        np.array([1.0 if way == "minimize" else -1.0 for way in seen.objective.directions]),
    )


def place_of_metric(history: History, metric: str | None, where: str) -> int:
    """Return the place of an objective among all, the first if none is named.

    Args:
        history: The study.
        metric: An objective's name, or None.
        where: The function that was asked, for the message.

    Raises:
        ArgumentError: No objective has that name.
    """
    names = history.objective.names
    if metric is None:
        return 0
    if metric not in names:
        raise ArgumentError(
            f"{where}: metric must be an objective of the study ({', '.join(names)}), "
            f"got {metric!r}."
        )
    return names.index(metric)


def volumes_so_far(several: Sequence[Outcomes], budget: int) -> list[Array]:
    """Return the hypervolume of the front after each trial, for several studies in common units.

    Each objective counts in units of its range over all their trials; the reference point lies a
    tenth of it beyond the worst. Infeasible trials and values that aren't finite don't count.

    Args:
        several: Studies of the same objectives.
        budget: How many trials of each, at most those that it has.

    Returns:
        For each study, shape (budget,), 0 while there is no front.
    """
    counts = [f.feasible[:budget] & np.isfinite(f.Y[:budget]).all(axis=1) for f in several]
    every = np.concatenate([f.Y[:budget][c] for f, c in zip(several, counts, strict=True)])
    if not len(every):
        return [np.zeros(budget) for _ in several]
    low, high = every.min(axis=0), every.max(axis=0)
    unit = np.where(high > low, high - low, 1.0)
    pairs = zip(several, counts, strict=True)
    return [_volumes(f.Y[:budget], counted, low, unit) for f, counted in pairs]


def _volumes(Y: Array, counts: NDArray[np.bool_], low: Array, unit: Array) -> Array:
    reference = np.full(Y.shape[1], 1 + _MARGIN)
    front, volumes = np.empty((0, Y.shape[1])), np.zeros(len(Y))
    for i in np.flatnonzero(counts):
        y = np.clip(Y[i] / unit - low / unit, 0.0, 1.0)
        if not (front <= y).all(axis=1).any():
            front = np.vstack([front[~(front >= y).all(axis=1)], y])
            volumes[i:] = hypervolume(front, reference)
    return volumes
