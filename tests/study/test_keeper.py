"""Saved states that nothing needs any more are deleted, and no others."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from luthier.core.checkpoint import Checkpoint
from luthier.core.events import LogEvent
from luthier.core.record import finish_json
from luthier.core.trial import FrozenTrial, TrialState
from luthier.study.keeper import Keeper


class Store:
    """Deletes what is unwanted, and writes down what it was told to keep."""

    def __init__(self) -> None:
        self.kept: set[str] = set()
        self.needed: set[str] = set()

    def make_room(
        self, needed: Callable[[], Collection[str]], unwanted: Collection[str] = ()
    ) -> list[str]:
        self.needed = set(needed())
        gone = sorted((self.kept & set(unwanted)) - self.needed)
        self.kept -= set(gone)
        return gone


class Play:
    """Trials that save and end under a keeper."""

    def __init__(self, *donors: int) -> None:
        self.store = Store()
        self.trials: dict[int, FrozenTrial] = {}
        self.events: list[LogEvent] = []
        self.donors = donors
        self.restart()

    def restart(self) -> None:
        """Go on with another keeper, as after a kill."""
        self.keeper = Keeper(
            lambda: self.store,  # type: ignore[arg-type, return-value]
            lambda since: self.events[since:],
            self.trials.values,
            lambda: [self.trials[n] for n in self.donors if n in self.trials],
        )

    def save(self, number: int, key: str) -> None:
        self.store.kept.add(key)
        saved = Checkpoint(1, key, 1)
        self.trials[number] = FrozenTrial(number=number, state=TrialState.RUNNING, checkpoint=saved)
        self.log("checkpointed", number, {"checkpoint": saved.to_json(), "reports": []})

    def end(self, number: int, state: TrialState) -> None:
        checkpoint = self.trials[number].checkpoint
        self.trials[number] = FrozenTrial(number=number, state=state, checkpoint=checkpoint)
        self.log("finished", number, finish_json(self.trials[number]))

    def log(self, kind: str, number: int, data: dict[str, Any]) -> None:
        self.events.append(LogEvent(len(self.events) + 1, 0.0, kind, number, data))
        self.keeper.tidy()


def test_the_latest_state_and_the_one_before_are_kept() -> None:
    play = Play()
    for key in "abcd":
        play.save(0, key)
    assert play.store.kept == {"c", "d"}
    play.end(0, TrialState.COMPLETE)
    assert play.store.kept == {"d"}


def test_states_of_trials_that_lost_go() -> None:
    for state in (TrialState.PRUNED, TrialState.FAILED):
        play = Play()
        play.save(0, "a")
        play.save(0, "b")
        play.save(1, "c")
        play.end(0, state)
        assert play.store.kept == {"c"}


def test_what_another_trial_holds_stays() -> None:
    play = Play()
    play.save(0, "same")
    play.save(1, "same")
    play.end(0, TrialState.PRUNED)
    assert play.store.kept == {"same"}
    play.end(1, TrialState.PRUNED)
    assert play.store.kept == set()


def test_donors_and_live_trials_are_needed_completed_ones_are_not() -> None:
    play = Play(0)
    for number, key in enumerate("abc"):
        play.save(number, key)
    play.end(0, TrialState.PRUNED)
    play.end(1, TrialState.COMPLETE)
    assert play.store.needed == {"a", "c"}
    assert play.store.kept == {"a", "b", "c"}  # b goes only under max_disk


def test_what_a_killed_process_left_is_found_in_the_log() -> None:
    play = Play()
    for number, keys in enumerate(("abc", "def", "ghi")):
        for key in keys:
            play.save(number, key)
    play.end(2, TrialState.COMPLETE)
    assert play.store.kept == {"b", "c", "e", "f", "i"}
    play.restart()
    play.save(0, "x")
    assert play.store.kept == {"c", "x", "e", "f", "i"}
    play.end(1, TrialState.PRUNED)
    assert play.store.kept == {"c", "x", "i"}


def test_a_process_that_died_before_it_deleted_leaves_nothing() -> None:
    play = Play()
    play.save(0, "a")
    play.save(0, "b")
    play.keeper.tidy = lambda: None  # type: ignore[method-assign]
    play.save(0, "c")
    play.end(0, TrialState.PRUNED)
    play.save(1, "d")
    assert play.store.kept == {"a", "b", "c", "d"}
    play.restart()
    play.save(1, "e")
    assert play.store.kept == {"d", "e"}
