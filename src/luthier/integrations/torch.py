"""PyTorch: the loop over epochs of a trial that may be paused, killed, cloned and continued.

What training has reached is kept as one checkpoint, see ``parts.py``. Each epoch has random numbers
of its own, so a run that was continued does what one that wasn't interrupted would have done.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol, final

from luthier.core.settings import Number
from luthier.errors import ArgumentError, TrialPruned
from luthier.integrations.computing import device, precision, seed_all
from luthier.integrations.optimizers import adopt, settings_of
from luthier.integrations.parts import Parts, Stateful

if TYPE_CHECKING:
    from luthier.core.trial import Metrics, Reports
    from luthier.study.trial import Restored

__all__ = [
    "Training",
    "adopt",
    "device",
    "epochs_left",
    "precision",
    "seed_all",
    "settings_of",
]


class _Trial(Protocol):
    """What a training needs of a trial."""

    @property
    def number(self) -> int: ...
    @property
    def budget(self) -> int | None: ...
    @property
    def reports(self) -> Reports: ...
    def report(self, metrics: float | Metrics, step: int) -> None: ...
    def should_prune(self) -> bool: ...
    def save_checkpoint(self, source: bytes, step: int | None = None) -> None: ...
    def load_checkpoint(self) -> Restored | None: ...


@final
class Training:
    """A trial's training: where it begins, what it reports, and when it ends.

    Args:
        trial: The trial; on several ranks a ``Distributed`` one.
        seed: With the trial's number and the epoch it seeds ``random``, NumPy and torch; None
            leaves them alone, as trials in threads of one process must.
        save_every: Save after every so many epochs, and always at the trial's budget and where
            the run is told to end.
        **parts: What training changes, by name: ``model``, ``optimizer``, ``scheduler``,
            ``scaler`` or anything with ``state_dict``. Its state is loaded at once.

    Raises:
        ArgumentError: No parts, one without ``state_dict``, or one that the checkpoint lacks.
        TrialPruned: From ``report``, where the trial is to end.

    Example:
        >>> import luthier, torch
        >>> def objective(trial):
        ...     model = torch.nn.Linear(1, 1)
        ...     lr = trial.suggest_float("lr", 0.01, 1, log=True)
        ...     optimizer = torch.optim.SGD(model.parameters(), lr)
        ...     run = Training(trial, model=model, optimizer=optimizer)
        ...     for epoch in run.epochs(9):
        ...         optimizer.zero_grad()
        ...         loss = ((model(torch.ones(4, 1)) - 2) ** 2).mean()
        ...         loss.backward()
        ...         optimizer.step()
        ...         run.report(loss.item())
        ...     return run.last
        >>> study = luthier.create_study(scheduler="asha:max_resource=9", seed=0)
        >>> study.optimize(objective, total_trials=6)
        >>> {trial.last_step for trial in study.trials} <= {1, 3, 9}
        True
    """

    def __init__(
        self, trial: Any, *, seed: int | None = 0, save_every: int = 1, **parts: Stateful
    ) -> None:
        if Number(1, whole=True).read(save_every) is None:
            raise ArgumentError(f"Training: save_every must be at least 1, got {save_every!r}.")
        self._trial: _Trial = trial
        self._seed = seed
        self._save_every = save_every
        self._parts = Parts(parts)
        self.epoch = 0
        if (saved := self._trial.load_checkpoint()) is not None:
            self._parts.load(saved.path)
            self.epoch = saved.step

    @property
    def last(self) -> Metrics:
        """The metrics reported last, also in an earlier run: what the objective may return."""
        reports = self._trial.reports
        step = reports.last_step
        if step is None:
            raise ArgumentError("Training: nothing was reported yet. Call run.report in the loop.")
        return reports[step]

    def epochs(self, count: int) -> Iterator[int]:
        """Yield the epochs that are left of ``count``, from 1, up to the trial's budget."""
        for epoch in epochs_left(self._trial, count, self.epoch):
            self.epoch = epoch
            if self._seed is not None:
                seed_all(self._seed, self._trial.number, epoch)
            yield epoch

    def report(self, metrics: float | Metrics) -> None:
        """Report the epoch's metrics and save the state.

        Raises:
            TrialPruned: The run is to end here.
        """
        self._trial.report(metrics, self.epoch)
        over = self._trial.should_prune()
        if over or self.epoch == self._trial.budget or self.epoch % self._save_every == 0:
            self._trial.save_checkpoint(self._parts.content(), self.epoch)
        if over:
            raise TrialPruned(f"at epoch {self.epoch}")


def epochs_left(trial: Any, count: int, done: int) -> range:
    """Return which of ``count`` epochs are left after those done, up to the trial's budget."""
    return range(done + 1, min(count, count if trial.budget is None else trial.budget) + 1)
