"""Keras 3: a callback that reports, saves and ends what a scheduler says.

Keras imports its backend at once: set ``KERAS_BACKEND`` before, unless that is TensorFlow.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

from luthier.core.rng import generator
from luthier.errors import ArgumentError, TrialPruned, require_extra

if TYPE_CHECKING:
    import keras

    from luthier.core.trial import Metrics
else:
    keras = require_extra("keras", "keras", "luthier.integrations.keras")

__all__ = ["Report"]

_WEIGHTS: Final = "model.weights.h5"
_RATE: Final = "rate.json"


@final
class Report(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Report a metric after each epoch; save the weights; end the run where that is said.

    The weights are saved with the optimiser's state. Training goes on after the epoch that they
    belong to, whatever ``initial_epoch`` says. A clone keeps its own learning rate, as far as its
    parent's has come down.

    Args:
        trial: The trial.
        monitor: Name of the metric, as in the history: it is the study's first objective.
        seed: With the trial's number and the epoch it seeds all random numbers; None for none.

    Raises:
        ArgumentError: Keras gives no such metric.
        TrialPruned: From the model's ``fit``, where the run is to end.
    """

    def __init__(self, trial: Any, monitor: str = "val_loss", *, seed: int | None = 0) -> None:
        super().__init__()
        self._trial = trial
        self._monitor = monitor
        self._seed = seed
        self._rate: float | None = None

    @property
    def last(self) -> Metrics:
        """The metrics reported last, also in an earlier run: what the objective may return."""
        reports = self._trial.reports
        return reports[reports.last_step]  # type: ignore[no-any-return]

    def on_train_begin(self, logs: Any = None) -> None:
        """Go on from what was saved."""
        self._rate = _rate_of(self.model)
        saved = self._trial.load_checkpoint()
        if saved is None:
            return
        self.model.optimizer.build(self.model.trainable_variables)
        self.model.load_weights(saved.path / _WEIGHTS)
        before = json.loads((saved.path / _RATE).read_text("utf-8"))
        if self._rate is not None and before and before != self._rate:
            come = float(self.model.optimizer.learning_rate) / before
            self.model.optimizer.learning_rate = self._rate * come
        self.model._initial_epoch = saved.step  # as Keras's own BackupAndRestore does

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Seed the epoch."""
        if self._seed is not None:
            stream = generator(self._seed, "training", self._trial.number, epoch)
            keras.utils.set_random_seed(int(stream.integers(2**32)))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Report, save, and end the run where that is said."""
        if self._monitor not in (logs or {}):
            raise ArgumentError(
                f"Report: Keras gives no {self._monitor!r}; it gives {', '.join(logs or {})}.",
                monitor=self._monitor,
            )
        step = epoch + 1
        self._trial.report(float(logs[self._monitor]), step)
        with tempfile.TemporaryDirectory() as folder:
            self.model.save_weights(Path(folder, _WEIGHTS))
            Path(folder, _RATE).write_text(json.dumps(self._rate), "utf-8")
            self._trial.save_checkpoint(folder, step)
        if self._trial.should_prune():
            raise TrialPruned(f"at epoch {step}")

    def on_train_end(self, logs: Any = None) -> None:
        """Let another ``fit`` of the model begin at its beginning."""
        self.model._initial_epoch = None


def _rate_of(model: Any) -> float | None:
    """The learning rate of a model's optimiser, unless a schedule computes it."""
    from keras.optimizers.schedules import LearningRateSchedule

    scheduled = isinstance(model.optimizer._learning_rate, LearningRateSchedule)
    return None if scheduled else float(model.optimizer.learning_rate)
