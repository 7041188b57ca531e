"""What all samplers that build a model of the objective have in common."""

from __future__ import annotations

import pytest

from luthier.core.protocols import Sampler
from luthier.samplers import GP, TPE, Auto, Forest
from luthier.space import Categorical, Float, Int, Space
from luthier.testing.rehearsal import Rehearsal


@pytest.mark.parametrize("sampler", [GP(), TPE(), Forest(), Auto()])
def test_a_space_that_grew_keeps_what_was_learnt(sampler: Sampler) -> None:
    play = Rehearsal(Space(x=Float(0, 1)))
    play.optimise(sampler, lambda p: abs(p["x"] - 0.3), 25)
    play.declare(Space(x=Float(0, 1), z=Categorical(["a", "b"]), n=Int(1, 5)))
    values = play.optimise(sampler, lambda p: abs(p["x"] - 0.3) + (p["z"] == "a"), 20)
    assert min(values) < 0.1
