"""Surrogate quality: can a model of the trials so far foretell what a new one will give?

Every model-based search, and every importance and partial dependence, is as good as its model. The
trials with values are divided into folds; each fold is foretold from the others, and what was
foretold is compared with what came. Values are warped first (``luthier.numerics.warp``), as
samplers do, so that nothing here depends on their scale.

    z_i  =  (y_i - mu_i) / s_i         standardised residuals: of mean 0, standard deviation 1
    coverage of the level c            share of |z_i| up to the normal quantile of (1 + c) / 2

References:
    Jones, Schonlau, Welch, Efficient global optimization of expensive black-box functions, Journal
    of Global Optimization 13 (1998), section 3: diagnostics by cross-validation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, final

import numpy as np
from numpy.typing import NDArray

from luthier.analysis.outcomes import outcomes_of, place_of_metric
from luthier.analysis.wording import Worded, counted, percent
from luthier.core.history import History
from luthier.core.rng import generator
from luthier.errors import ArgumentError
from luthier.numerics import forest, gp
from luthier.numerics.order import rank_correlation
from luthier.numerics.warp import warped
from luthier.space import Space

__all__ = ["FEWEST", "SurrogateQuality", "surrogate_quality"]

Array = NDArray[np.float64]
Model = Literal["forest", "gp"]
FEWEST: Final = 10  # trials from which a model can be judged at all
_MOST: Final = {"forest": 2000, "gp": 300}
_TREES: Final = 32
_HALF: Final = 0.6744897501960817  # normal quantiles of .75 and .95
_NINETY: Final = 1.6448536269514722


@final
@dataclass(frozen=True, slots=True, eq=False)
class SurrogateQuality(Worded):
    """How well a model foretells trials that it hasn't seen.

    Attributes:
        model: "forest" or "gp".
        metric: The objective that was modelled.
        n: On how many trials; if they are too few, all that follows is NaN or empty.
        correlation: Spearman's rank correlation of what was foretold and what came, -1 to 1.
        coverage_50: Share of the trials within their 50% intervals.
        coverage_90: Share within their 90% intervals.
        numbers: The trials' numbers, shape (n,).
        predicted: What was foretold, warped: of mean 0 and standard deviation 1, lower is better,
            shape (n,).
        std: With which standard deviation, shape (n,).
        observed: What came, warped likewise, shape (n,).
    """

    model: str
    metric: str
    n: int
    correlation: float
    coverage_50: float
    coverage_90: float
    numbers: NDArray[np.intp]
    predicted: Array
    std: Array
    observed: Array

    @property
    def residuals(self) -> Array:
        """Standardised residuals, shape (n,): their standard deviation should be about 1."""
        return (self.observed - self.predicted) / self.std

    @property
    def knows_something(self) -> bool:
        """Whether the order of the trials is foretold better than by chance."""
        return self.n >= FEWEST and self.correlation > 2 / math.sqrt(self.n - 1)

    @property
    def calibration(self) -> str:
        """Whether it is "calibrated", "overconfident" (too narrow), "cautious", or "unknown".

        Two and a half standard errors of a share decide.
        """
        if self.n < FEWEST:
            return "unknown"
        off = [
            (found - level) / math.sqrt(level * (1 - level) / self.n)
            for found, level in ((self.coverage_50, 0.5), (self.coverage_90, 0.9))
        ]
        if min(off) < -2.5:
            return "overconfident"
        return "cautious" if max(off) > 2.5 else "calibrated"

    def __str__(self) -> str:
        if self.n < FEWEST:
            return (
                f"{counted(self.n, 'trial').capitalize()} with values: too few to judge a model "
                f"by, it takes {FEWEST}."
            )
        if math.isnan(self.correlation):
            return f"All {self.n} trials have one value, or no parameter: nothing can be learnt."
        strength = "well" if self.correlation > 0.7 else "fairly"
        rank = f"rank correlation {self.correlation:.2f} on {self.n} trials it hadn't seen"
        if not self.knows_something:
            return (
                f"A {_NAMES[self.model]} can't foretell {self.metric} ({rank}): it is noise, or "
                "depends on more than the trials show. Take importances with a pinch of salt."
            )
        if self.correlation <= 0.4:
            strength = "poorly"
        return (
            f"A {_NAMES[self.model]} foretells {self.metric} {strength} ({rank}). Its 90% "
            f"intervals hold {percent(self.coverage_90)} of them: {_VERDICTS[self.calibration]}"
        )


_NAMES: Final = {"forest": "random forest", "gp": "Gaussian process"}
_VERDICTS: Final = {
    "calibrated": "its uncertainty can be trusted.",
    "overconfident": "it is surer than it may be.",
    "cautious": "it knows more than it claims.",
}


def surrogate_quality(
    history: History,
    space: Space,
    *,
    model: Model = "forest",
    metric: str | None = None,
    folds: int = 5,
    seed: int = 0,
) -> SurrogateQuality:
    """Judge a model of a study's trials by cross-validation.

    Args:
        history: The study; any.
        space: Its space.
        model: "forest" (up to 2,000 trials, evenly from all) or "gp" (300, and a second or more).
        metric: Which objective; the first if None.
        folds: Into how many parts trials are divided, at least 2. Equal ones stay together.
        seed: Of the division, and of the forest.

    Returns:
        What was found; it says so itself if there are too few trials.

    Raises:
        ArgumentError: An unknown model or metric, or fewer than two folds.

    Example:
        >>> from luthier import Float, create_study
        >>> study = create_study(space=Space(x=Float(0, 1)), strategy="random", seed=0)
        >>> study.optimize(lambda trial: (trial.suggest_float("x", 0, 1) - 0.3) ** 2, n_trials=60)
        >>> surrogate_quality(study.history, study.space).correlation > 0.9
        True
    """
    if model not in _MOST or isinstance(folds, bool) or not isinstance(folds, int) or folds < 2:
        raise ArgumentError(
            "surrogate_quality: model must be 'forest' or 'gp' and folds an integer of at least 2, "
            f"got {model!r} and {folds!r}."
        )
    objective = place_of_metric(history, metric, "surrogate_quality")
    found = outcomes_of(history, space)
    rows = found.having_values(objective)
    if len(rows) > _MOST[model]:
        rows = rows[np.linspace(0, len(rows) - 1, _MOST[model]).astype(np.intp)]
    X, y = found.X[rows], warped(found.Y[rows, objective])
    mean, std = np.zeros(len(rows)), np.ones(len(rows))
    enough = len(rows) >= FEWEST
    if enough and X.shape[1] and np.ptp(y):
        mean, std = _foretold(X, y, space, model, folds, seed)
    z = np.abs(y - mean) / std
    return SurrogateQuality(
        model,
        history.objective.names[objective],
        len(rows),
        rank_correlation(mean, y) if enough else math.nan,
        float(np.mean(z <= _HALF)) if enough else math.nan,
        float(np.mean(z <= _NINETY)) if enough else math.nan,
        found.numbers[rows],
        mean,
        std,
        y,
    )


def _foretold(
    X: Array, y: Array, space: Space, model: Model, folds: int, seed: int
) -> tuple[Array, Array]:
    """Means and standard deviations of each trial by a model of the other folds."""
    rng = generator(seed, "surrogate")
    _, group = np.unique(np.nan_to_num(X, nan=-1.0), axis=0, return_inverse=True)
    group = group.reshape(-1)
    fold = rng.permutation(group.max() + 1)[group] % folds
    categories = [column.categories for column in space.encoding.columns]
    mean, std = np.zeros(len(y)), np.ones(len(y))
    for k in range(folds):
        out = fold == k
        if not out.any() or out.all():
            continue
        if model == "forest":
            trees = forest.fit(X[~out], y[~out], categories, rng, n_trees=_TREES)
            mean[out], std[out] = trees.predict(X[out])
        else:
            process = gp.fit(X[~out], y[~out], categories=categories)
            mean[out], of_mean = process.predict(X[out])
            std[out] = np.hypot(of_mean, process.unit * math.sqrt(process.hyper.noise))
    return mean, np.maximum(std, 1e-9)
