"""The keeper of checkpoints: saved states that nothing needs any more are deleted.

Kept are the latest state of every trial that may go on, or that has completed, and the one before
it, which another process may be cloning at this moment. States of trials that were pruned or
failed go when they end. Under ``max_disk`` completed trials' states go as well, oldest first,
unless the scheduler names them as donors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, final

from luthier.core.checkpoint import Checkpoint, CheckpointStore, needed_checkpoints
from luthier.core.events import LogEvent
from luthier.core.trial import FrozenTrial, TrialState
from luthier.errors import CheckpointMissingError

__all__ = ["Keeper"]

_GONE = (TrialState.PRUNED, TrialState.FAILED)
Trials = Callable[[], Iterable[FrozenTrial]]


@final
class Keeper:
    """Deletes what isn't needed from the store of one study.

    Which states were saved before which, the log tells: of any process, whether it lives or not.

    Args:
        opened: Opens the store.
        events: The study's log after a version.
        trials: All trials of the study as they stand.
        donors: Finished trials that others may still be cloned from.
    """

    def __init__(
        self,
        opened: Callable[[], CheckpointStore],
        events: Callable[[int], Iterable[LogEvent]],
        trials: Trials,
        donors: Trials,
    ) -> None:
        self._opened = opened
        self._events = events
        self._trials = trials
        self._donors = donors
        self._version = 0
        self._latest: dict[int, str] = {}
        self._before: dict[int, str] = {}
        self._unwanted: set[str] = set()

    def check_in_sight(self, number: int, checkpoint: Checkpoint) -> None:
        """Refuse what a trial on another machine has saved where this process can't see it.

        Raises:
            CheckpointMissingError: It isn't in the store as it is here.
        """
        try:
            self._opened().path(checkpoint.key)
        except CheckpointMissingError as error:
            raise CheckpointMissingError(
                f"Trial {number} has saved a checkpoint on its machine, and it isn't to be found "
                f"on this one: {error} Workers on other machines need a folder that all see at "
                'the same path: create_study(checkpoints="/shared/folder").',
                **error.fields,
            ) from error

    def tidy(self) -> None:
        """Take in what the log says since the last time; delete what isn't needed any more."""
        for event in self._events(self._version):
            self._version = event.version
            if event.number is not None:
                self._take_in(event.number, event.data)
        self._unwanted -= self._held()
        gone = self._opened().make_room(self._needed, self._unwanted)
        self._unwanted.difference_update(gone)

    def _take_in(self, number: int, data: Mapping[str, Any]) -> None:
        if "checkpoint" in data:
            self._drop(self._before, number)
            if number in self._latest:
                self._before[number] = self._latest[number]
            self._latest[number] = Checkpoint.from_json(data["checkpoint"]).key
        state = TrialState[data.get("state", "RUNNING")]
        if state.is_finished:
            self._drop(self._before, number)
        if state in _GONE:
            self._drop(self._latest, number)

    def _drop(self, keys: dict[int, str], number: int) -> None:
        if number in keys:
            self._unwanted.add(keys.pop(number))

    def _held(self) -> set[str]:
        """Keys of trials that may go on or have completed: not unwanted, whoever let go of them."""
        if not self._unwanted:
            return set()
        held = (t.checkpoint.key for t in self._trials() if t.checkpoint and t.state not in _GONE)
        return {*held, *self._before.values()}

    def _needed(self) -> set[str]:
        return needed_checkpoints(self._trials(), self._donors()) | set(self._before.values())
