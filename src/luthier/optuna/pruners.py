"""Optuna's pruners: each holds the scheduler that answers it.

Pruners that Luthier doesn't have yet are errors: a script must not run without the pruning it
asked for.
"""

from __future__ import annotations

from typing import Any, final

from luthier.core.protocols import Scheduler
from luthier.errors import ArgumentError, UnsupportedError
from luthier.optuna.missing import missing
from luthier.schedulers import Median, NoStopping, Patience, Percentile, Threshold

__all__ = [
    "BasePruner",
    "MedianPruner",
    "NopPruner",
    "PatientPruner",
    "PercentilePruner",
    "ThresholdPruner",
    "scheduler_of",
]

_ABSENT = dict.fromkeys(
    ("SuccessiveHalvingPruner", "HyperbandPruner", "WilcoxonPruner"),
    "It comes with a later version; until then use MedianPruner or PercentilePruner.",
)


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


def __getattr__(name: str) -> Any:
    raise missing(__name__, name, _ABSENT)
