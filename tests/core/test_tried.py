from __future__ import annotations

from luthier.core.trial import TrialState
from luthier.core.tried import Tried
from luthier.space import Categorical, Float, Int, Space
from luthier.testing.rehearsal import Rehearsal


def test_finite_spaces() -> None:
    assert Space(n=Int(1, 10**9), c=Categorical(["a"])).is_finite
    assert Space(x=Float(0, 1, step=0.1)).is_finite
    assert not Space(n=Int(1, 2), x=Float(0, 1)).is_finite


def test_trials_in_every_state_and_choices_count() -> None:
    space = Space(n=Int(0, 9))
    play = Rehearsal(space)
    play.add({"n": 0}, TrialState.WAITING)
    play.add({"n": 1})
    for n, state in ((2, TrialState.COMPLETE), (3, TrialState.PRUNED), (4, TrialState.FAILED)):
        play.end(play.add({"n": n}), state)
    tried = Tried(space, play.history)
    tried.add(space.key({"n": 5}))
    assert [n for n in range(10) if space.key({"n": n}) in tried] == [0, 1, 2, 3, 4, 5]


def test_another_space_than_the_historys() -> None:
    """A definition that the first ``ask`` brings isn't known to the history yet."""
    play = Rehearsal(Space())
    play.add({"n": 1})
    play.add({"n": 77})
    wider = Space(n=Int(0, 9))
    tried = Tried(wider, play.history)
    assert [n for n in range(10) if wider.key({"n": n}) in tried] == [1]
    assert "nothing" not in tried
