"""Optuna's pruners: each holds the scheduler that answers it.

Objectives written for Optuna know of no budget and can't be paused, so all of them only stop.
"""

from __future__ import annotations

from typing import Any, final

from luthier.core.protocols import Scheduler
from luthier.errors import ArgumentError, UnsupportedError
from luthier.optuna.missing import missing
from luthier.schedulers import (
    Median,
    NoStopping,
    OpenHalving,
    OpenHyperband,
    Patience,
    Percentile,
    Threshold,
    Wilcoxon,
)

__all__ = [
    "BasePruner",
    "HyperbandPruner",
    "MedianPruner",
    "NopPruner",
    "PatientPruner",
    "PercentilePruner",
    "SuccessiveHalvingPruner",
    "ThresholdPruner",
    "WilcoxonPruner",
    "scheduler_of",
]


class BasePruner:
    """What the pruners of this module share.

    Attributes:
        native: The scheduler that decides.
    """

    def __init__(self, native: Scheduler) -> None:
        self.native = native

    def __init_subclass__(cls) -> None:
        if cls.__module__ != __name__:
            raise UnsupportedError(
                f"{cls.__name__}: a pruner of your own can't be asked here, as Luthier's decide "
                "from a history. Write a luthier.core.protocols.Scheduler instead."
            )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.native}>"


@final
class NopPruner(BasePruner):
    """Never prunes."""

    def __init__(self) -> None:
        super().__init__(NoStopping())


@final
class MedianPruner(BasePruner):
    """The median rule.

    Args:
        n_startup_trials: No trial is pruned before this many have completed.
        n_warmup_steps: No trial is pruned before this step.
        interval_steps: Decide only every so many steps.
        n_min_trials: Decide only where so many trials reported the step.

    Raises:
        ArgumentError: A setting is out of range.

    Example:
        >>> MedianPruner(n_warmup_steps=3).native.n_warmup_steps
        3
    """

    def __init__(
        self,
        n_startup_trials: int = 5,
        n_warmup_steps: int = 0,
        interval_steps: int = 1,
        *,
        n_min_trials: int = 1,
    ) -> None:
        super().__init__(Median(n_startup_trials, n_warmup_steps, interval_steps, n_min_trials))


@final
class PercentilePruner(BasePruner):
    """The percentile rule; ``percentile`` percent go on, the other arguments are the median's."""

    def __init__(
        self,
        percentile: float,
        n_startup_trials: int = 5,
        n_warmup_steps: int = 0,
        interval_steps: int = 1,
        *,
        n_min_trials: int = 1,
    ) -> None:
        rest = (n_startup_trials, n_warmup_steps, interval_steps, n_min_trials)
        super().__init__(Percentile(percentile, *rest))


@final
class ThresholdPruner(BasePruner):
    """Prunes what is reported below ``lower`` or above ``upper``."""

    def __init__(
        self,
        lower: float | None = None,
        upper: float | None = None,
        n_warmup_steps: int = 0,
        interval_steps: int = 1,
    ) -> None:
        super().__init__(Threshold(lower, upper, n_warmup_steps, interval_steps))


@final
class PatientPruner(BasePruner):
    """Prunes, or asks ``wrapped_pruner``, where there was no improvement for a while."""

    def __init__(
        self, wrapped_pruner: BasePruner | None, patience: int, min_delta: float = 0.0
    ) -> None:
        super().__init__(Patience(patience, min_delta, scheduler_of(wrapped_pruner)))


@final
class SuccessiveHalvingPruner(BasePruner):
    """Prunes what isn't among the best at a rung.

    Args:
        min_resource: The step that rungs are counted from; "auto" finds it out.
        reduction_factor: One in so many trials goes on from a rung to the next.
        min_early_stopping_rate: So many rungs are left out at the bottom.
        bootstrap_count: So many trials must have ended at a rung before any goes on.

    Raises:
        ArgumentError: A setting is out of range.
    """

    def __init__(
        self,
        min_resource: int | str = "auto",
        reduction_factor: int = 4,
        min_early_stopping_rate: int = 0,
        bootstrap_count: int = 0,
    ) -> None:
        least = _unless_auto("min_resource", min_resource)
        if bootstrap_count and least is None:
            raise _boots("min_resource")
        super().__init__(
            OpenHalving(least, reduction_factor, min_early_stopping_rate, bootstrap_count)
        )


@final
class HyperbandPruner(BasePruner):
    """Prunes by successive halving, in brackets that differ in how early they begin.

    Args:
        min_resource: The step of the lowest rung of the first bracket.
        max_resource: The number of steps of a trial; "auto" finds it out.
        reduction_factor: One in so many trials goes on from a rung to the next.
        bootstrap_count: So many trials must have ended at a rung before any goes on.

    Raises:
        ArgumentError: A setting is out of range.
    """

    def __init__(
        self,
        min_resource: int = 1,
        max_resource: int | str = "auto",
        reduction_factor: int = 3,
        bootstrap_count: int = 0,
    ) -> None:
        most = _unless_auto("max_resource", max_resource)
        if bootstrap_count and most is None:
            raise _boots("max_resource")
        super().__init__(OpenHyperband(most, min_resource, reduction_factor, bootstrap_count))


@final
class WilcoxonPruner(BasePruner):
    """Prunes what a signed-rank test finds worse than the best trial, step for step."""

    def __init__(self, *, p_threshold: float = 0.1, n_startup_steps: int = 2) -> None:
        super().__init__(Wilcoxon(p_threshold, n_startup_steps))


def scheduler_of(pruner: Any) -> Scheduler | None:
    """Return the scheduler that a pruner stands for; a scheduler is returned as it is.

    Args:
        pruner: A pruner of this module, a scheduler, or None.

    Raises:
        ArgumentError: Something else.
    """
    native = pruner.native if isinstance(pruner, BasePruner) else pruner
    if native is None or (hasattr(native, "decide") and not isinstance(native, type)):
        return native
    raise ArgumentError(
        f"A pruner must be one of luthier.optuna.pruners, such as MedianPruner(), got {pruner!r}."
    )


def _unless_auto(name: str, value: Any) -> int | None:
    if value is None or (isinstance(value, str) and value != "auto"):
        raise ArgumentError(f'{name} must be a whole number or "auto", got {value!r}.')
    return None if value == "auto" else value


def _boots(name: str) -> ArgumentError:
    return ArgumentError(
        f'bootstrap_count needs to know the rungs: give {name} as a number, it is "auto".'
    )


def __getattr__(name: str) -> Any:
    raise missing(__name__, name, {})
