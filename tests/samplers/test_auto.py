from __future__ import annotations

from luthier.core.trial import TrialState
from luthier.samplers import Auto, QuasiRandom
from luthier.space import Categorical, Float, Int, Space
from luthier.testing.rehearsal import Rehearsal

SQUARE = Space(x=Float(0, 1), y=Float(0, 1))


def test_an_even_start_then_random() -> None:
    play = Rehearsal(SQUARE)
    proposals = play.propose(Auto(), 66)
    sobol = play.propose(QuasiRandom(), 64)
    assert [p.params for p in proposals[:64]] == [p.params for p in sobol]
    assert proposals[63].reason == "auto: an even start, 64 trials: sobol point 63"
    assert proposals[64].reason == "auto: after the start: drawn at random from the prior"
    for proposal in proposals:
        play.add(proposal.params)
    assert play.propose(Auto())[0].reason.startswith("auto: after the start")


def test_few_configurations_are_all_tried() -> None:
    space = Space(a=Int(1, 5), b=Categorical(["p", "q"], when={"a": [1, 2]})).forbid(
        {"a": 1, "b": "q"}
    )
    play = Rehearsal(space)
    trials = play.start(Auto(), 10)
    assert len({space.key(t.params) for t in trials}) == len(trials) == 6
    assert trials[0].origin.reason.startswith("auto: all 6 configurations: grid cell ")


def test_a_crashed_configuration_comes_again() -> None:
    play = Rehearsal(Space(a=Int(1, 3)))
    for trial in play.start(Auto(), 3):
        play.end(trial, TrialState.FAILED if trial.number == 1 else TrialState.COMPLETE)
    assert [dict(p.params) for p in play.propose(Auto(), 3)] == [play.history.failed[0].params]


def test_many_configurations_are_sampled() -> None:
    for space in (Space(a=Int(1, 1001)), Space(a=Int(1, 999), b=Int(1, 2, when={"a": [1, 2]}))):
        size = space.cardinality or 0
        reason = Rehearsal(space).propose(Auto())[0].reason
        assert reason.startswith("auto: all" if size <= 1000 else "auto: an even start")


def test_an_unknown_space() -> None:
    [proposal] = Rehearsal(Space()).propose(Auto())
    assert proposal.reason == "auto: the space isn't known yet: drawn from the prior"
