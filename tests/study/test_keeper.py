"""Saved states that nothing needs any more are deleted, and no others."""

from __future__ import annotations

from collections.abc import Callable, Collection

from luthier.core.checkpoint import Checkpoint
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
        self.keeper = Keeper(
            lambda: self.store,  # type: ignore[arg-type, return-value]
            self.trials.values,
            lambda: [self.trials[n] for n in donors if n in self.trials],
        )

    def save(self, number: int, key: str) -> None:
        before = self.trials.get(number, FrozenTrial(number=number, state=TrialState.RUNNING))
        self.store.kept.add(key)
        self.trials[number] = FrozenTrial(
            number=number, state=TrialState.RUNNING, checkpoint=Checkpoint(1, key, 1)
        )
        self.keeper.saved(before)

    def end(self, number: int, state: TrialState) -> None:
        checkpoint = self.trials[number].checkpoint
        self.trials[number] = FrozenTrial(number=number, state=state, checkpoint=checkpoint)
        self.keeper.ended(self.trials[number])


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
