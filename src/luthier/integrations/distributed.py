"""Training on several ranks of torch.distributed: one of them talks to the study, all hear it.

Rank 0 holds the study. What a trial says there is broadcast, errors included, so that every rank
takes the same turn at the same place. Each method of ``Distributed`` is therefore a collective
operation: call it on all ranks, in the same order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast, final

from luthier.core.suggest import Suggest
from luthier.errors import ArgumentError, TrialPruned, require_extra
from luthier.space import Param

if TYPE_CHECKING:
    import torch.distributed as dist

    from luthier.core.trial import Metrics, Reports
    from luthier.study.study import Study
    from luthier.study.trial import Restored, Trial
else:
    dist = require_extra("torch.distributed", "torch", "luthier.integrations.distributed")

__all__ = ["Distributed", "optimize"]

T = TypeVar("T")


def optimize(study: Study | None, objective: Callable[[Distributed], Any], **settings: Any) -> None:
    """Run ``study.optimize`` with an objective that runs on all ranks; call it on all ranks.

    An error on one rank ends its process, as it breaks the group: where all fail together, the
    trial is recorded as failed. Start the script with ``torchrun --max-restarts``; the study goes
    on where it was.

    Args:
        study: The study on rank 0, None on the others.
        objective: A function of a ``Distributed`` trial. The result of rank 0 counts.
        **settings: What ``study.optimize`` takes, on rank 0.

    Raises:
        ArgumentError: There is no group, or the study isn't on rank 0 alone.
    """
    if not dist.is_initialized():
        raise ArgumentError("Call torch.distributed.init_process_group before optimize.")
    if (study is not None) != (dist.get_rank() == 0):
        raise ArgumentError(
            "optimize takes the study on rank 0 and None on all others.", rank=dist.get_rank()
        )
    if study is None:
        while _from_rank_0(bool):
            try:
                objective(Distributed(None))
            except TrialPruned:
                continue
        return

    def on_all_ranks(trial: Trial) -> Any:
        _from_rank_0(lambda: True)
        return objective(Distributed(trial))

    study.optimize(on_all_ranks, executor="inline", catch=(), **settings)
    _from_rank_0(lambda: False)


@final
class Distributed(Suggest):
    """A trial on all ranks: it is asked on rank 0, and all ranks get the answer.

    Args:
        trial: The trial on rank 0, None on the others.

    Attributes:
        number: The trial's number.
        budget: The step up to which this run may go, or None.
        seed: The study's seed.
        user_attrs: The notes that the trial began with.
    """

    def __init__(self, trial: Trial | None) -> None:
        self._trial = cast("Trial", trial)  # which is asked on rank 0 alone
        self.number: int
        self.budget: int | None
        self.seed: int
        self.user_attrs: dict[str, Any]
        names = ("number", "budget", "seed", "user_attrs")
        vars(self).update(_from_rank_0(lambda: {n: getattr(self._trial, n) for n in names}))

    @property
    def reports(self) -> Reports:
        """What has been reported so far, by step."""
        return _from_rank_0(lambda: self._trial.reports)

    def report(self, metrics: float | Metrics, step: int) -> None:
        """Report the metrics of rank 0; what the others give is ignored."""
        _from_rank_0(lambda: self._trial.report(metrics, step))

    def should_prune(self) -> bool:
        """Whether the run is to end: the same answer on all ranks."""
        return _from_rank_0(lambda: self._trial.should_prune())  # noqa: PLW0108  None elsewhere

    def save_checkpoint(self, source: Any, step: int | None = None) -> None:
        """Save the state of rank 0."""
        _from_rank_0(lambda: self._trial.save_checkpoint(source, step))

    def load_checkpoint(self) -> Restored | None:
        """Return the saved state: a path that all ranks must be able to read."""
        return _from_rank_0(lambda: self._trial.load_checkpoint())  # noqa: PLW0108

    def set_user_attr(self, key: str, value: object) -> None:
        """Note something about this trial, as rank 0 has it."""
        _from_rank_0(lambda: self._trial.set_user_attr(key, value))

    def _suggest(self, name: str, param: Param) -> Any:
        return _from_rank_0(lambda: self._trial.suggest(name, param))


def _from_rank_0(call: Callable[[], T]) -> T:
    """Call a function on rank 0; return its result, or raise its error, on all."""
    answer: list[Any] = [None, None]
    if dist.get_rank() == 0:
        try:
            answer[0] = call()
        except Exception as error:  # noqa: BLE001  raised below, on all ranks
            answer[1] = error
    dist.broadcast_object_list(answer, src=0)
    if answer[1] is not None:
        raise answer[1]
    return answer[0]  # type: ignore[no-any-return]
