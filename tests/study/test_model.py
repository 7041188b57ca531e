"""Random sequences of what a user can do, against a model of a few lines."""

import math
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import luthier
from luthier import TrialState
from luthier.core.events import evolve
from luthier.core.trial import FrozenTrial
from luthier.errors import NoTrialError, TrialStateError

NUMBERS = st.floats(allow_nan=True, allow_infinity=True, width=16)


class Life(RuleBasedStateMachine):
    """Trials by number: state, value, reports; two handles on one study must both agree."""

    @initialize(on_disk=st.booleans(), maximize=st.booleans())
    def create(self, on_disk: bool, maximize: bool) -> None:
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "s.db" if on_disk else None
        storage = luthier.open_storage(path)
        self.maximize = maximize
        direction = "maximize" if maximize else "minimize"
        self.study = luthier.create_study(
            study_name="s", storage=storage, direction=direction, seed=1, strategy="random"
        )
        self.other = luthier.load_study(study_name="s", storage=storage)
        self.handles: dict[int, luthier.Trial] = {}
        self.states: list[str] = []
        self.values: dict[int, float] = {}
        self.reports: dict[int, dict[int, float]] = {}
        self.invalid: set[int] = set()

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.study.storage.close()
            self.folder.cleanup()

    def some(self, data: Any, state: str) -> int:
        return data.draw(  # type: ignore[no-any-return]
            st.sampled_from([n for n, s in enumerate(self.states) if s == state])
        )

    def has(self, state: str) -> bool:
        return state in self.states

    @rule(x=st.integers(0, 3), skip=st.booleans())
    def enqueue(self, x: int, skip: bool) -> None:
        valid = (t for t in self.study.trials if t.invalid is None)
        if skip and any(t.params.get("x") == x for t in valid):
            self.study.enqueue_trial({"x": x}, skip_if_exists=True)
        else:
            self.study.enqueue_trial({"x": x}, skip_if_exists=skip)
            self.states.append("WAITING")

    @rule()
    def ask(self) -> None:
        trial = self.study.ask()
        expected = self.states.index("WAITING") if self.has("WAITING") else len(self.states)
        assert trial.number == expected
        if expected == len(self.states):
            self.states.append("RUNNING")
        self.states[expected] = "RUNNING"
        assert 0 <= trial.suggest_int("x", 0, 10**9) <= 10**9
        self.handles[expected] = trial
        self.reports[expected] = {}

    @precondition(lambda self: self.has("RUNNING"))
    @rule(data=st.data(), step=st.integers(0, 5), value=NUMBERS)
    def report(self, data: Any, step: int, value: float) -> None:
        number = self.some(data, "RUNNING")
        self.handles[number].report(value, step)
        self.reports[number].setdefault(step, value)

    @precondition(lambda self: self.has("RUNNING"))
    @rule(data=st.data(), value=NUMBERS, by_number=st.booleans())
    def tell(self, data: Any, value: float, by_number: bool) -> None:
        number = self.some(data, "RUNNING")
        record = self.study.tell(number if by_number else self.handles[number], value)
        self.states[number] = "FAILED" if math.isnan(value) else "COMPLETE"
        if not math.isnan(value):
            self.values[number] = value
        assert record.state.name == self.states[number]

    @precondition(lambda self: self.has("RUNNING"))
    @rule(data=st.data(), state=st.sampled_from([TrialState.PRUNED, TrialState.FAILED]))
    def give_up(self, data: Any, state: TrialState) -> None:
        number = self.some(data, "RUNNING")
        self.study.tell(number, state=state)
        self.states[number] = state.name

    @precondition(lambda self: self.has("COMPLETE"))
    @rule(data=st.data())
    def invalidate(self, data: Any) -> None:
        number = self.some(data, "COMPLETE")
        self.other.invalidate(number)
        self.invalid.add(number)

    @precondition(lambda self: self.has("COMPLETE"))
    @rule(data=st.data())
    def tell_twice(self, data: Any) -> None:
        with pytest.raises(TrialStateError):
            self.study.tell(self.some(data, "COMPLETE"), 0.0)

    @invariant()
    def both_handles_agree_with_the_model(self) -> None:
        if not hasattr(self, "study"):
            return
        for study in (self.study, self.other):
            trials = study.trials
            assert [t.state.name for t in trials] == self.states
            told = {t.number: t.value for t in trials if t.state is TrialState.COMPLETE}
            assert told == self.values
        for number, state in enumerate(self.states):
            if state in ("COMPLETE", "PRUNED", "FAILED"):
                reports = self.study.trials[number].intermediate_values
                assert str(reports) == str(self.reports[number])  # as text: NaN equals NaN

    @invariant()
    def the_best_is_the_best(self) -> None:
        if not hasattr(self, "study"):
            return
        valid = {n: v for n, v in self.values.items() if n not in self.invalid}
        if not valid:
            with pytest.raises(NoTrialError):
                _ = self.study.best_value
        else:
            best = max(valid.values()) if self.maximize else min(valid.values())
            assert self.study.best_value == best

    @invariant()
    def the_log_tells_the_same_story(self) -> None:
        if not hasattr(self, "study"):
            return
        folded: dict[int, FrozenTrial] = {}
        for event in self.study.storage.events(self.study._driver.record.id):
            if event.number is not None:
                folded[event.number] = evolve(folded.get(event.number), event)
        assert [t.state.name for t in folded.values()] == self.states


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


@pytest.mark.slow
def test_long_lives() -> None:
    """The same machine with many more and longer lives."""
    run_state_machine_as_test(
        Life, settings=settings(max_examples=300, stateful_step_count=60, deadline=None)
    )
