"""Lightning: a callback that reports, saves and ends what a scheduler says.

The trainer's own checkpoint is the trial's, so all that Lightning restores (loops, optimisers,
schedulers, other callbacks) is restored.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from luthier.errors import ArgumentError, TrialPruned, require_extra
from luthier.integrations.computing import seed_all
from luthier.integrations.optimizers import Settings, adopt, settings_of

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer
    from lightning.pytorch.callbacks import Callback

    from luthier.core.trial import Metrics
else:
    Callback = require_extra(
        "lightning.pytorch.callbacks", "lightning", "luthier.integrations.lightning"
    ).Callback

__all__ = ["Report"]


@final
class Report(Callback):
    """Report metrics after each validation; save the trainer; end the run where that is said.

    Give it to the trainer's ``callbacks``, and ``report.checkpoint`` to its ``fit``.

    Args:
        trial: The trial; where the trainer has several ranks, a ``Distributed`` one.
        monitor: Name of the metric as the module logs it: it is the study's first objective.
        seed: With the trial's number and the epoch it seeds all random numbers; None for none.

    Raises:
        ArgumentError: The module doesn't log such a metric.
        TrialPruned: From the trainer's ``fit``, where the run is to end.
    """

    def __init__(self, trial: Any, monitor: str, *, seed: int | None = 0) -> None:
        self._trial = trial
        self._monitor = monitor
        self._seed = seed
        self._own: list[Settings] = []
        self._before: list[Settings] = []
        self._validated = False
        self._start = 0

    @property
    def checkpoint(self) -> Path | None:
        """Where the trial goes on: the ``ckpt_path`` of the trainer's ``fit``."""
        saved = self._trial.load_checkpoint()
        if saved is None:
            return None
        self._start = saved.step
        return saved.path  # type: ignore[no-any-return]

    @property
    def last(self) -> Metrics:
        """The metrics reported last, also in an earlier run: what the objective may return."""
        reports = self._trial.reports
        return reports[reports.last_step]  # type: ignore[no-any-return]

    def state_dict(self) -> dict[str, Any]:
        """What the optimisers' settings were at first."""
        return {"settings": self._own}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what they were in the run that was saved."""
        self._before = state_dict["settings"]

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note the settings, before a checkpoint is loaded; seed the first epoch."""
        self._own = [settings_of(optimizer) for optimizer in trainer.optimizers]
        self._seed_epoch(self._start)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Give a clone its own settings, as far as those of its parent have come."""
        for optimizer, own, before in zip(
            trainer.optimizers, self._own, self._before or self._own, strict=True
        ):
            adopt(optimizer, own, before)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note that there is something to report."""
        self._validated = not trainer.sanity_checking

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report, save, and end the run where that is said; seed the next epoch."""
        if self._validated:
            self._validated = False
            self._report(trainer)
        self._seed_epoch(trainer.current_epoch + 1)

    def _report(self, trainer: Trainer) -> None:
        if self._monitor not in trainer.callback_metrics:
            raise ArgumentError(
                f"Report: the module logs no {self._monitor!r}; it logs "
                f"{', '.join(trainer.callback_metrics) or 'nothing'}.",
                monitor=self._monitor,
            )
        step = trainer.current_epoch + 1
        self._trial.report(float(trainer.callback_metrics[self._monitor]), step)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "trainer.ckpt")
            trainer.save_checkpoint(path)
            self._trial.save_checkpoint(path, step)
        if self._trial.should_prune():
            raise TrialPruned(f"at epoch {step}")

    def _seed_epoch(self, epoch: int) -> None:
        # before its loader is asked for an iterator, which draws, too
        if self._seed is not None:
            seed_all(self._seed, self._trial.number, epoch)
