"""PyTorch: the loop over epochs of a trial that may be paused, killed, cloned and continued.

What training has reached is kept as one checkpoint: the ``state_dict`` of each part, and what the
settings of the optimisers were at first. A clone, whose own settings differ, takes over how far a
setting has come (lr decayed to a tenth), not its value. Each epoch has random numbers of its own,
so a run that was continued does what one that wasn't interrupted would have done.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol, final

from luthier.core.settings import Number
from luthier.errors import ArgumentError, TrialPruned, require_extra
from luthier.integrations.computing import device, precision, seed_all
from luthier.integrations.optimizers import adopt, settings_of

if TYPE_CHECKING:
    import torch

    from luthier.core.trial import Metrics, Reports
    from luthier.study.trial import Restored
else:
    torch = require_extra("torch", "torch", "luthier.integrations.torch")

__all__ = [
    "Training",
    "adopt",
    "device",
    "epochs_left",
    "precision",
    "seed_all",
    "settings_of",
]


class Stateful(Protocol):
    """A module, an optimiser, a scheduler of learning rates, a GradScaler, an average."""

    def state_dict(self) -> dict[str, Any]:
        """Return what it has come to."""

    def load_state_dict(self, state_dict: Any) -> Any:
        """Take over what it had come to."""


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
        if not parts or not all(hasattr(part, "state_dict") for part in parts.values()):
            raise ArgumentError(
                "Training takes what is trained as keywords: model=..., optimizer=..., each with "
                f"a state_dict, got {', '.join(parts) or 'none'}."
            )
        if Number(1, whole=True).read(save_every) is None:
            raise ArgumentError(f"Training: save_every must be at least 1, got {save_every!r}.")
        self._trial: _Trial = trial
        self._seed = seed
        self._save_every = save_every
        self._parts = parts
        self._own = {n: settings_of(part) for n, part in parts.items() if _is_optimizer(part)}
        self.epoch = 0
        if (saved := self._trial.load_checkpoint()) is not None:
            self._load(torch.load(saved.path, map_location="cpu", weights_only=True))
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
            self._trial.save_checkpoint(self._content(), self.epoch)
        if over:
            raise TrialPruned(f"at epoch {self.epoch}")

    def _content(self) -> bytes:
        states = {name: part.state_dict() for name, part in self._parts.items()}
        file = io.BytesIO()
        torch.save({"states": states, "settings": self._own}, file)
        return file.getvalue()

    def _load(self, saved: dict[str, Any]) -> None:
        states = saved["states"]
        if states.keys() != self._parts.keys():
            raise ArgumentError(
                f"Training: the checkpoint holds {', '.join(states)}, and this trial trains "
                f"{', '.join(self._parts)}. Give the same parts in every run."
            )
        for name, part in self._parts.items():
            own_lrs = list(getattr(part, "base_lrs", ()))
            part.load_state_dict(states[name])
            if own_lrs:
                part.base_lrs = own_lrs  # type: ignore[attr-defined]  # of schedulers
            if _is_optimizer(part):
                adopt(part, self._own[name], saved["settings"][name])


def epochs_left(trial: Any, count: int, done: int) -> range:
    """Return which of ``count`` epochs are left after those done, up to the trial's budget."""
    return range(done + 1, min(count, count if trial.budget is None else trial.budget) + 1)


def _is_optimizer(part: object) -> bool:
    return isinstance(part, torch.optim.Optimizer)
