"""Optuna's importance evaluators, answered by ``luthier.analysis``; scikit-learn isn't needed.

They give what scripts expect: a dict of shares. Intervals, interactions and how far to believe it
all come with ``study.importance()``. Forests cover conditional parameters too, and average over a
logarithmic parameter's scale instead of its values.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from luthier.analysis.importance.domain import Domain, domain_of
from luthier.analysis.importance.fanova import fractions
from luthier.analysis.importance.ped_anova import by_ped_anova
from luthier.core.history import History
from luthier.core.rng import generator
from luthier.errors import ArgumentError, UnsupportedError
from luthier.numerics import forest
from luthier.numerics.pareto import non_dominated_ranks
from luthier.optuna.missing import missing
from luthier.optuna.surface import Study

__all__ = [
    "BaseImportanceEvaluator",
    "FanovaImportanceEvaluator",
    "MeanDecreaseImpurityImportanceEvaluator",
    "PedAnovaImportanceEvaluator",
    "get_param_importances",
]

Array = NDArray[np.float64]
Target = Callable[[Any], float]
_DEEP = 32


class BaseImportanceEvaluator(abc.ABC):
    """What evaluators share; one of your own defines ``evaluate``."""

    @abc.abstractmethod
    def evaluate(
        self, study: Study, params: list[str] | None = None, *, target: Target | None = None
    ) -> dict[str, float]:
        """Return importances by parameter."""


@final
class PedAnovaImportanceEvaluator(BaseImportanceEvaluator):
    """PED-ANOVA; of several objectives without a target, for reaching their front.

    Args:
        target_quantile: The share of trials that are the best.
        region_quantile: The share that they are compared with.
        evaluate_on_local: Compare with trials as made, not with an even density.

    Raises:
        ArgumentError: Shares that aren't 0 < target_quantile < region_quantile <= 1.
    """

    def __init__(
        self,
        *,
        target_quantile: float = 0.1,
        region_quantile: float = 1.0,
        evaluate_on_local: bool = True,
    ) -> None:
        if not 0 < target_quantile < region_quantile <= 1:
            raise ArgumentError(
                "PedAnovaImportanceEvaluator: 0 < target_quantile < region_quantile <= 1 must "
                f"hold, got {target_quantile!r} and {region_quantile!r}."
            )
        self._target, self._region = target_quantile, region_quantile
        self._local = evaluate_on_local

    def evaluate(
        self, study: Study, params: list[str] | None = None, *, target: Target | None = None
    ) -> dict[str, float]:
        """Return importances by parameter; see ``get_param_importances``."""
        history = study._native.history
        if target is None and len(history.objective.names) > 1:
            y = non_dominated_ranks(history.Y).astype(np.float64)
            y[~np.isfinite(history.Y).all(axis=1)] = np.nan
        else:
            y = _values(study, history, target)
        rng = generator(history.seed, "importance")
        domain = domain_of(history.space, rng, drawn=False)
        known = np.isfinite(y)
        X, shares = history.X[known], {"target": self._target, "region": self._region}
        effects = np.zeros(len(domain.names))
        if len(X) > 1:
            found = by_ped_anova(
                domain, X, y[known], rng, **shares, local=self._local, blurred=True
            )
            effects = found.effects
        return _named(domain, effects, params)


class _ForestEvaluator(BaseImportanceEvaluator):
    """What evaluators on a forest share."""

    def __init__(self, *, n_trees: int = 64, max_depth: int = 64, seed: int | None = None) -> None:
        if max_depth < _DEEP:
            raise UnsupportedError(
                f"{type(self).__name__}: max_depth must be at least {_DEEP}, got {max_depth}: "
                "trees grow until nothing is left to explain."
            )
        self._n_trees, self._seed = n_trees, seed

    def evaluate(
        self, study: Study, params: list[str] | None = None, *, target: Target | None = None
    ) -> dict[str, float]:
        """Return importances by parameter; see ``get_param_importances``."""
        history = study._native.history
        if target is None and len(history.objective.names) > 1:
            raise ArgumentError(
                "get_param_importances: the study has several objectives: give a target such as "
                "lambda trial: trial.values[0]."
            )
        y = _values(study, history, target)
        rng = generator(history.seed if self._seed is None else self._seed, "importance")
        domain = domain_of(history.space, rng)
        known = np.isfinite(y)
        effects = np.zeros(len(domain.names))
        if np.count_nonzero(known) > 1 and effects.size:
            X, n_trees = domain.filled(history.X[known], rng), self._n_trees
            grown = forest.fit(
                X, y[known], domain.categories, rng, n_trees=n_trees, max_features=1.0, share=1.0
            )
            effects = self._effects(grown, domain)
        return _named(domain, effects, params)

    @abc.abstractmethod
    def _effects(self, grown: forest.Forest, domain: Domain) -> Array: ...


@final
class FanovaImportanceEvaluator(_ForestEvaluator):
    """Functional ANOVA of a random forest.

    Args:
        n_trees: The number of trees.
        max_depth: At least 32: trees of this forest grow to their end.
        seed: Of the forest; the study's if None.

    Raises:
        UnsupportedError: A smaller depth.
    """

    def _effects(self, grown: forest.Forest, domain: Domain) -> Array:
        return fractions(grown, domain, [(k,) for k in range(len(domain.names))])


@final
class MeanDecreaseImpurityImportanceEvaluator(_ForestEvaluator):
    """By how much the splits of a random forest on a parameter lower its error.

    The arguments are those of ``FanovaImportanceEvaluator``.
    """

    def _effects(self, grown: forest.Forest, domain: Domain) -> Array:
        gains = grown.gains()
        effects = np.array([gains[list(factor.columns)].sum() for factor in domain.factors])
        return effects / max(float(effects.sum()), np.finfo(np.float64).tiny)


def get_param_importances(
    study: Study,
    *,
    evaluator: BaseImportanceEvaluator | None = None,
    params: Sequence[str] | None = None,
    target: Target | None = None,
    normalize: bool = True,
) -> dict[str, float]:
    """Return importances by parameter, the most important first.

    Args:
        study: A study.
        evaluator: How they are found; PED-ANOVA if None, as in Optuna 5.
        params: Only of these parameters; all that completed trials have if None.
        target: What they are the importances for; the single objective if None. Lower values
            count as better.
        normalize: Have them add up to 1.

    Raises:
        ArgumentError: Not an evaluator, a parameter that the study doesn't have, or several
            objectives and no target.

    Example:
        >>> import luthier.optuna as optuna
        >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
        >>> def objective(trial):
        ...     return 5 * trial.suggest_float("x", 0, 1) + trial.suggest_float("y", 0, 1)
        >>> study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
        >>> study.optimize(objective, n_trials=50)
        >>> list(get_param_importances(study))
        ['x', 'y']
    """
    judge = PedAnovaImportanceEvaluator() if evaluator is None else evaluator
    if not isinstance(judge, BaseImportanceEvaluator):
        raise ArgumentError(
            "evaluator must be one of luthier.optuna.importance, such as "
            f"FanovaImportanceEvaluator(), got {evaluator!r}."
        )
    found = judge.evaluate(study, None if params is None else list(params), target=target)
    if not normalize or not found:
        return found
    total = sum(found.values())
    return {name: value / total if total else 1 / len(found) for name, value in found.items()}


def _values(study: Study, history: History, target: Target | None) -> Array:
    if target is None:
        return history.Y[:, 0]
    values = [float(target(study._record(trial))) for trial in history.completed]
    return np.array(values, dtype=np.float64)


def _named(domain: Domain, effects: Array, params: list[str] | None) -> dict[str, float]:
    found = dict(zip(domain.names, effects.tolist(), strict=True))
    found |= dict.fromkeys(domain.constants, 0.0)
    if params is not None:
        unknown = [name for name in params if name not in found]
        if unknown:
            raise ArgumentError(
                f"params must be parameters of the study ({', '.join(found)}), got {unknown}."
            )
        found = {name: found[name] for name in params}
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def __getattr__(name: str) -> Any:
    raise missing(__name__, name, {})
