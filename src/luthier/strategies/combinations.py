"""Samplers and schedulers that are known by one name together, as pairs for ``create_study``."""

from __future__ import annotations

from typing import Any

from luthier.core.protocols import Sampler, Scheduler
from luthier.schedulers import Hyperband
from luthier.strategies.names import SamplerLike, make_sampler

__all__ = ["bohb", "dehb"]


def bohb(
    max_resource: int, *, sampler: SamplerLike = "tpe", **settings: Any
) -> tuple[Sampler, Scheduler]:
    """Return BOHB: Hyperband, with a model that learns from the highest rung that says enough.

    Args:
        max_resource: The step at which a trial has finished: its last epoch, say.
        sampler: The model: "tpe" as in the paper, "gp", "auto" or any other.
        **settings: Further settings of ``Hyperband``: min_resource, eta, metric.

    Raises:
        ArgumentError: A setting is out of range.

    Example:
        >>> import luthier
        >>> study = luthier.create_study(strategy=bohb(27), seed=0)
        >>> study.optimize(lambda t: t.suggest_float("x", 0, 1) + 1 / t.budget, n_trials=20)
        >>> len(study.trials)
        20

    References:
        Falkner et al., BOHB: Robust and Efficient Hyperparameter Optimization at Scale
        (ICML 2018).
    """
    return make_sampler(sampler), Hyperband(max_resource, **settings)


def dehb(max_resource: int, **settings: Any) -> tuple[Sampler, Scheduler]:
    """Return DEHB: Hyperband, with differential evolution on the highest rung that says enough.

    The paper keeps a population on every rung, which evolves by mutants of the one below. Here
    one population follows the rungs upwards: what it knows of short trials it leaves behind.

    Args:
        max_resource: The step at which a trial has finished: its last epoch, say.
        **settings: Further settings of ``Hyperband``: min_resource, eta, metric.

    Raises:
        ArgumentError: A setting is out of range.

    Example:
        >>> dehb(27)[0].spec["name"]
        'de'

    References:
        Awad et al., DEHB: Evolutionary Hyperband for Scalable, Robust and Efficient
        Hyperparameter Optimization (IJCAI 2021).
    """
    return make_sampler("de"), Hyperband(max_resource, **settings)
