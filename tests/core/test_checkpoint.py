"""Checkpoints as JSON, and which of them must be kept."""

from __future__ import annotations

import json
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from luthier.core.checkpoint import Checkpoint, needed_checkpoints
from luthier.core.trial import TrialState

CHECKPOINTS = st.builds(
    Checkpoint, st.integers(), st.text("0123456789abcdef", min_size=64, max_size=64), st.integers(0)
)


@dataclass(frozen=True)
class Held:
    state: TrialState
    checkpoint: Checkpoint | None


@given(CHECKPOINTS)
def test_json_and_back(checkpoint: Checkpoint) -> None:
    assert Checkpoint.from_json(json.loads(json.dumps(checkpoint.to_json()))) == checkpoint


def test_live_trials_and_donors_keep_what_they_hold() -> None:
    trials = [Held(state, Checkpoint(1, f"{state:064x}", 1)) for state in TrialState]
    trials += [Held(state, None) for state in TrialState]
    live = {f"{state:064x}" for state in TrialState if not state.is_finished}
    assert len(live) == 3
    assert needed_checkpoints(trials) == live
    complete = Held(TrialState.COMPLETE, Checkpoint(1, "f" * 64, 1))
    assert needed_checkpoints(trials, donors=[complete]) == live | {"f" * 64}
    assert needed_checkpoints(iter([complete])) == set()
