"""Held out: what a study's own records tell of overtuning.

That takes scores which the search didn't follow. In this order they are looked for:

- a metric on other data that trials recorded beside the objective: "test_loss" beside "loss" or
  "val_loss";
- folds: for each fold j the search is followed by the mean of the others, and its incumbents are
  scored on j;
- repeats: the first value of a configuration is what the search saw when it chose it, the mean of
  those that came later is fresh.

With e_j(t) the score on fold j of the incumbent after t candidates, e(t) = mean_j e_j(t), s the t
at which e is best, and d_j = e_j(n) - e_j(s), the loss has the standard error of Nadeau and Bengio
(2003), as folds share what they train on:

    error^2  =  var_j d_j (1 / K + 1 / (K - 1))
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.analysis.duplicates import key_of
from luthier.analysis.outcomes import Outcomes, outcomes_of
from luthier.analysis.overtuning import Overtuning, overtuning
from luthier.analysis.wording import Worded, counted, number
from luthier.core.folds import fold_scores
from luthier.core.history import History
from luthier.errors import ArgumentError
from luthier.space import Space

__all__ = ["HeldOut", "held_out"]

Array = NDArray[np.float64]
_SEEN: Final = re.compile(r"^(val|valid|validation|dev|cv)_|_(val|valid|validation|dev|cv)$")
_UNSEEN: Final = re.compile(r"^(test|holdout|held_?out)(_|$)|_(test|holdout|held_?out)$")
_CLEAR: Final = 2.0  # standard errors
_MUCH: Final = 0.5


@final
@dataclass(frozen=True, slots=True, eq=False)
class HeldOut(Worded):
    """Whether the search followed noise, as scores tell that it didn't look at.

    Attributes:
        source: In words, what tells it; "" if nothing does.
        numbers: The numbers of the trials that are compared, in the order in which they finished.
        series: The overtuning after each; None if nothing tells it.
        error: The standard error of what the winner lost; NaN if unknown.
    """

    source: str
    numbers: tuple[int, ...]
    series: Overtuning | None
    error: float

    @property
    def is_clear(self) -> bool:
        """Whether much was lost, and more than chance alone gives where that is known."""
        if self.series is None or self.series.final <= _CLEAR * np.nan_to_num(self.error):
            return False
        return self.series.worse_than_first or bool(self.series.relative[-1] > _MUCH)

    def __str__(self) -> str:
        if self.series is None:
            return (
                "Whether the search followed noise can't be told, for nothing says how trials do "
                "where the search didn't look. Return such a metric beside the objective "
                "(test_loss beside loss), run folds, or try the best configurations again."
            )
        told = f"By {self.source} of {counted(len(self.numbers), 'trial')}: {self.series}"
        if self.series.final > 0:
            told += f" {self._doubt}"
        better = float(self.series.optimism[-1])
        if better > 0:
            told += f" There the winner is {number(better)} worse than where it was chosen."
        return told

    @property
    def _doubt(self) -> str:
        if math.isnan(self.error):
            return "How much of that is chance isn't known: there is one value of each."
        size = f"its standard error is {number(self.error)}"
        if self.series is not None and self.series.final > _CLEAR * self.error:
            return f"That is more than chance alone gives ({size})."
        return f"Chance alone may give as much ({size})."


def held_out(history: History, space: Space, *, test: str | None = None) -> HeldOut:
    """Tell whether a search followed noise, if its records tell it.

    Args:
        history: A study with a single objective; any.
        space: Its space.
        test: A metric that trials recorded and the search didn't look at, on the scale of the
            objective. None: one whose name says so, else folds, else repeats.

    Raises:
        ArgumentError: Several objectives, or no trial recorded the metric.

    Example:
        >>> from luthier import Float, create_study
        >>> study = create_study(
        ...     metrics={"loss": "minimize"}, space=Space(x=Float(0, 1)), sampler="random", seed=0
        ... )
        >>> study.optimize(
        ...     lambda t: {"loss": t.params["x"], "test_loss": t.params["x"] + 0.1}, n_trials=9
        ... )
        >>> print(held_out(study.history, study.space).source)
        test_loss
    """
    names = history.objective.names
    if len(names) > 1:
        raise ArgumentError(
            f"held_out: the study must have a single objective, it has {', '.join(names)}."
        )
    found = outcomes_of(history, space)
    rows = np.flatnonzero(found.feasible & np.isfinite(found.Y[:, 0]))
    metric = _unseen(found, rows, names[0]) if test is None else test
    told = None if metric is None else _by_metric(found, rows, metric)
    if told is None and test is not None:
        raise ArgumentError(f"held_out: test must be a metric that trials recorded, got {test!r}.")
    told = told or _by_folds(found, rows) or _by_repeats(found, rows, space)
    return told or HeldOut("", (), None, math.nan)


def _unseen(found: Outcomes, rows: NDArray[np.intp], objective: str) -> str | None:
    """The metric that is the objective on other data, by its name."""
    stem = _SEEN.sub("", objective)
    names = dict.fromkeys(name for i in rows for name in found.trials[i].metric_names)
    for name in names:
        rest = _UNSEEN.sub("", name)
        if name not in (objective, rest) and rest in (stem, objective, ""):
            return str(name)
    return None


def _by_metric(found: Outcomes, rows: NDArray[np.intp], metric: str) -> HeldOut | None:
    e = np.array([found.trials[i].metrics.get(metric, math.nan) for i in rows], dtype=np.float64)
    known = np.isfinite(e)
    if not known.any():
        return None
    e, rows = found.signs[0] * e[known], rows[known]
    series = overtuning(found.Y[rows, 0], e, greater_is_better=False)
    return HeldOut(metric, _numbers(found, rows), series, math.nan)


def _by_folds(found: Outcomes, rows: NDArray[np.intp]) -> HeldOut | None:
    scores = [fold_scores(found.trials[i].reports) for i in rows]
    k = max(map(len, scores), default=0)
    whole = [
        i
        for i, by_fold in enumerate(scores)
        if len(by_fold) == k
        and set(by_fold) == set(range(k))
        and all(map(math.isfinite, by_fold.values()))
    ]
    if k < 3 or len(whole) < 2:
        return None
    E = found.signs[0] * np.array([[scores[i][j] for j in range(k)] for i in whole])
    V = (E.sum(axis=1, keepdims=True) - E) / (k - 1)
    paths = [overtuning(V[:, j], E[:, j], greater_is_better=False).incumbents for j in range(k)]
    unseen = np.array([E[path, j] for j, path in enumerate(paths)])  # (k, n)
    seen = np.array([V[path, j] for j, path in enumerate(paths)])
    e, v = unseen.mean(axis=0), seen.mean(axis=0)
    lost, won = e - np.minimum.accumulate(e), e[0] - np.minimum.accumulate(e)
    relative = np.divide(lost, won, out=np.full(len(e), np.nan), where=won > 0)
    apart = unseen[:, -1] - unseen[:, int(e.argmin())]
    error = math.sqrt(float(np.var(apart, ddof=1)) * (1 / k + 1 / (k - 1)))
    chosen = overtuning(E.mean(axis=1), E.mean(axis=1), greater_is_better=False).incumbents
    series = Overtuning(chosen, lost, relative, e - v)
    return HeldOut(
        f"{k} folds, each left out in turn,", _numbers(found, rows[whole]), series, error
    )


def _by_repeats(found: Outcomes, rows: NDArray[np.intp], space: Space) -> HeldOut | None:
    places: dict[Hashable, list[int]] = {}
    for i in rows:
        if found.trials[i].origin.parent is None:
            places.setdefault(key_of(found.trials[i], space), []).append(int(i))
    several = [np.array(some) for some in places.values() if len(some) > 1]
    values = [found.Y[some, 0] for some in several]
    square = sum(float(np.sum((y - y.mean()) ** 2)) for y in values if np.ptp(y))
    if len(several) < 2 or not square:
        return None
    noise = math.sqrt(square / sum(len(y) - 1 for y in values))
    fresh = np.array([y[1:].mean() for y in values])
    series = overtuning([y[0] for y in values], fresh, greater_is_better=False)
    path = series.incumbents
    ends = path[-1], path[int(fresh[path].argmin())]
    error = noise * math.sqrt(sum(1 / (len(values[i]) - 1) for i in ends))
    first = np.array([some[0] for some in several])
    return HeldOut("later trials of the same configurations", _numbers(found, first), series, error)


def _numbers(found: Outcomes, rows: NDArray[np.intp]) -> tuple[int, ...]:
    return tuple(found.trials[i].number for i in rows)
