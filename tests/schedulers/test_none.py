from __future__ import annotations

from collections.abc import Callable

import numpy as np

from luthier.core.jobs import NEW
from luthier.schedulers import NoStopping
from luthier.space import Space
from luthier.testing.rehearsal import Rehearsal

Stops = Callable[..., list[bool]]


def test_it_never_stops_and_always_starts(stops: Stops) -> None:
    assert stops(NoStopping(), [9.0, 99.0], [[0.0, 0.0]] * 9) == [False, False]
    assert NoStopping().next(Rehearsal(Space()).history, np.random.default_rng(0)) is NEW
