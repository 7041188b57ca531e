from __future__ import annotations

import numpy as np

from luthier.core.trial import TrialState
from luthier.samplers import Random
from luthier.space import Categorical, Float, Int, Normal, Space
from luthier.testing.rehearsal import Rehearsal


def values_of(space: Space, name: str, n: int = 2000) -> np.ndarray:
    proposals = Rehearsal(space, seed=3).propose(Random(), n)
    return np.array([p.params[name] for p in proposals if name in p.params])


def test_scales_and_priors() -> None:
    space = Space(
        x=Float(0, 10),
        lr=Float(1e-4, 1, log=True),
        p=Float(0, 10, prior=Normal(5, 1)),
        c=Categorical(["a", "b"], prior=[0.9, 0.1]),
    )
    assert abs(values_of(space, "x").mean() - 5) < 0.3
    assert abs(np.log10(values_of(space, "lr")).mean() + 2) < 0.15
    assert abs(values_of(space, "p").std() - 1) < 0.1
    assert abs((values_of(space, "c") == "a").mean() - 0.9) < 0.03


def test_trials_differ_and_seeds_differ() -> None:
    space = Space(x=Float(0, 1))
    play = Rehearsal(space, seed=1)
    [first] = play.start(Random())
    [second] = play.start(Random())
    [other] = Rehearsal(space, seed=2).start(Random())
    assert len({first.params["x"], second.params["x"], other.params["x"]}) == 3


def test_duplicates_only_if_allowed() -> None:
    space = Space(n=Int(1, 5))
    assert len(Rehearsal(space).start(Random(), 9)) == 5
    assert len(Rehearsal(space).start(Random(allow_duplicates=True), 9)) == 9


def test_failed_configurations_are_not_proposed_again() -> None:
    play = Rehearsal(Space(n=Int(1, 3)))
    for trial in play.start(Random(), 3):
        play.end(trial, TrialState.FAILED)
    assert play.propose(Random()) == []


def test_what_was_invalidated_may_be_proposed_again() -> None:
    play = Rehearsal(Space(n=Int(1, 3)))
    trials = [play.end(trial) for trial in play.start(Random(), 3)]
    play.invalidate(trials[1])
    assert [dict(p.params) for p in play.propose(Random(), 3)] == [trials[1].params]


def test_huge_finite_spaces_need_no_listing() -> None:
    space = Space({f"n{i}": Int(0, 10**6) for i in range(10)})
    assert len(Rehearsal(space).start(Random(), 50)) == 50
