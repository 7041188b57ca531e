"""Samplers and schedulers that are known by one name together, as pairs for ``create_study``."""

from __future__ import annotations

from typing import Any

from luthier.core.protocols import Sampler, Scheduler
from luthier.samplers import GP, RungDE
from luthier.schedulers import Hyperband
from luthier.strategies.names import SamplerLike, make_sampler

__all__ = ["bohb", "dehb", "mfes"]


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
    """Return DEHB: Hyperband, with differential evolution that has a population on every rung.

    A trial is a child made for the rung at which its bracket begins: of an occupant of a slot there
    and a mutant of the best of the rung below. It takes the slot if it is no worse at that rung.
    Then it competes for places on higher rungs as under Hyperband, and whoever is promoted takes
    the place of the worst occupant there, if that is worse. As long as a rung has empty slots,
    which is so in the first round, its trials are spread over the space.

    In the paper a bracket's higher rungs train new mutants from their first step after the first
    round; here they go on with promoted trials from where those are, which finds better ones for
    the same steps (docs/adr/0011-multi-fidelity.md).

    Args:
        max_resource: The step at which a trial has finished: its last epoch, say.
        **settings: Further settings of ``Hyperband``: min_resource, eta, metric.

    Raises:
        ArgumentError: A setting is out of range.

    Example:
        >>> dehb(27)[0].spec["starts"]  # how many trials start at which step, in turn
        [[27, 1], [12, 3], [6, 9], [4, 27]]

    References:
        Awad et al., DEHB: Evolutionary Hyperband for Scalable, Robust and Efficient
        Hyperparameter Optimization (IJCAI 2021).
    """
    scheduler = Hyperband(max_resource, **settings)
    starts = [(bracket.size, bracket.rungs[0]) for bracket in scheduler.brackets]
    return RungDE(starts), scheduler


def mfes(max_resource: int, **settings: Any) -> tuple[Sampler, Scheduler]:
    """Return MFES-HB: Hyperband, with Gaussian processes of all rungs joined into one model.

    ``bohb`` learns from one rung and leaves all below it behind. Here a model of every rung that 8
    trials (two more than there are parameters) have reached counts, by how well it ranks the trials
    of the highest of them; running, paused and pruned trials are in it as well. Every third trial
    is spread over the space. Best where trials are few: it finds good ones earlier than ``bohb``.

    Args:
        max_resource: The step at which a trial has finished: its last epoch, say.
        **settings: Further settings of ``Hyperband``: min_resource, eta, metric.

    Raises:
        ArgumentError: A setting is out of range.

    Example:
        >>> sampler, scheduler = mfes(27)
        >>> sampler.spec["rungs"]
        [1, 3, 9, 27]

    References:
        Li et al., MFES-HB: Efficient Hyperband with Multi-Fidelity Quality Measurements
        (AAAI 2021).
    """
    scheduler = Hyperband(max_resource, **settings)
    return GP(rungs=scheduler.rungs), scheduler
