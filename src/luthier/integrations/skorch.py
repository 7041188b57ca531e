"""skorch: a callback that reports, saves and ends what a scheduler says.

It trains as a ``Training`` of PyTorch does, whose parts are the net's module and optimiser.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, final

from luthier.errors import ArgumentError, require_extra
from luthier.integrations.torch import Training, epochs_left

if TYPE_CHECKING:
    from skorch.callbacks import Callback

    from luthier.core.trial import Metrics
else:
    Callback = require_extra("skorch.callbacks", "skorch", "luthier.integrations.skorch").Callback

__all__ = ["Report"]


@final
class Report(Callback):  # type: ignore[misc]  # skorch has no types
    """Report a metric after each epoch; save the net; end the run where that is said.

    Give it to the net's ``callbacks``, and ``report.left(epochs)`` to its ``max_epochs``.

    Args:
        trial: The trial.
        monitor: Name of the metric in the net's history: it is the study's first objective.
        seed: With the trial's number and the epoch it seeds all random numbers; None for none.

    Raises:
        ArgumentError: The history has no such metric.
        TrialPruned: From the net's ``fit``, where the run is to end.
    """

    def __init__(self, trial: Any, monitor: str = "valid_loss", *, seed: int | None = 0) -> None:
        self.trial = trial
        self.monitor = monitor
        self.seed = seed

    def left(self, epochs: int) -> int:
        """How many of so many epochs this run has to train."""
        saved = self.trial.load_checkpoint()
        return len(epochs_left(self.trial, epochs, 0 if saved is None else saved.step))

    @property
    def last(self) -> Metrics:
        """The metrics reported last, also in an earlier run: what the objective may return."""
        reports = self.trial.reports
        return reports[reports.last_step]  # type: ignore[no-any-return]

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **settings: Any) -> None:
        """Go on from what was saved."""
        parts = {"module": net.module_, "optimizer": net.optimizer_}
        self.training_ = Training(self.trial, seed=self.seed, **parts)
        epochs = self.training_.epoch + net.max_epochs
        self.epochs_: Iterator[int] = self.training_.epochs(epochs)

    def on_epoch_begin(self, net: Any, **settings: Any) -> None:
        """Seed the epoch."""
        next(self.epochs_)

    def on_epoch_end(self, net: Any, **settings: Any) -> None:
        """Report, save, and end the run where that is said."""
        told = net.history[-1]
        if self.monitor not in told:
            raise ArgumentError(
                f"Report: the history has no {self.monitor!r}; it has {', '.join(told)}.",
                monitor=self.monitor,
            )
        self.training_.report(float(told[self.monitor]))
