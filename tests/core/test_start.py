from __future__ import annotations

import numpy as np

from luthier.core.asking import Turn
from luthier.core.start import start_point
from luthier.core.tried import Tried
from luthier.space import Float, Int, Space
from luthier.testing.rehearsal import Rehearsal


def points(space: Space, seed: int, n: int) -> list[dict[str, object]]:
    history, rng = Rehearsal(space, seed=seed).history, np.random.default_rng(0)
    found = [start_point(space, history, Turn(k, (), None), rng) for k in range(n)]
    return [dict(p.params) for p in found if p is not None]


def test_the_default_first_then_the_studys_own_spread() -> None:
    space = Space(x=Float(0, 1, default=0.25))
    first, *rest = points(space, 1, 9)
    assert first == {"x": 0.25}
    cells = {int(p["x"] * 8) for p in rest}  # type: ignore[operator]
    assert len(cells) >= 7
    assert rest == points(space, 1, 9)[1:] != points(space, 2, 9)[1:]


def test_a_default_that_is_not_allowed_is_passed_over() -> None:
    space = Space(x=Float(0, 1, default=0.25)).require("x > 0.5")
    assert all(p["x"] > 0.5 for p in points(space, 1, 8))  # type: ignore[operator]


def test_a_finite_space_ends() -> None:
    space = Space(n=Int(1, 2))
    play = Rehearsal(space)
    for n in (1, 2):
        play.end(play.add({"n": n}))
    tried = Tried(space, play.history)
    assert start_point(space, play.history, Turn(2, (), tried), np.random.default_rng(0)) is None
