"""The keeper of checkpoints: saved states that nothing needs any more are deleted.

Kept are the latest state of every trial that may go on, or that has completed, and the one before
it, which another process may be cloning at this moment. States of trials that were pruned or
failed go when they end. Under ``max_disk`` completed trials' states go as well, oldest first,
unless the scheduler names them as donors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import final

from luthier.core.checkpoint import CheckpointStore, needed_checkpoints
from luthier.core.trial import FrozenTrial, TrialState

__all__ = ["Keeper"]

_GONE = (TrialState.PRUNED, TrialState.FAILED)
Trials = Callable[[], Iterable[FrozenTrial]]


@final
class Keeper:
    """Deletes what isn't needed from the store of one study.

    Args:
        opened: Opens the store.
        trials: All trials of the study as they stand.
        donors: Finished trials that others may still be cloned from.
    """

    def __init__(self, opened: Callable[[], CheckpointStore], trials: Trials, donors: Trials):
        self._opened = opened
        self._trials = trials
        self._donors = donors
        self._before: dict[int, str] = {}
        self._unwanted: set[str] = set()

    def saved(self, before: FrozenTrial) -> None:
        """Take note that a trial has a newer state than this record says."""
        self._let_go(self._before.pop(before.number, None))
        if before.checkpoint is not None:
            self._before[before.number] = before.checkpoint.key
        self._tidy()

    def ended(self, trial: FrozenTrial) -> None:
        """Take note that a trial has finished."""
        self._let_go(self._before.pop(trial.number, None))
        if trial.checkpoint is not None and trial.state in _GONE:
            self._let_go(trial.checkpoint.key)
        self._tidy()

    def _let_go(self, key: str | None) -> None:
        if key is not None:
            self._unwanted.add(key)

    def _tidy(self) -> None:
        self._unwanted -= self._held()
        gone = self._opened().make_room(self._needed, self._unwanted)
        self._unwanted.difference_update(gone)

    def _held(self) -> set[str]:
        """Keys of trials that may go on or have completed: not unwanted, whoever let go of them."""
        if not self._unwanted:
            return set()
        held = (t.checkpoint.key for t in self._trials() if t.checkpoint and t.state not in _GONE)
        return {*held, *self._before.values()}

    def _needed(self) -> set[str]:
        return needed_checkpoints(self._trials(), self._donors()) | set(self._before.values())
