"""What the monkey does and when: drawn from a seed, before anything runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, final

import numpy as np

__all__ = ["ACTIONS", "Action", "actions"]

_MEAN_PAUSE: Final = 0.7  # seconds
ACTIONS: Final = {  # kind: (how often, from how much, to how much)
    "kill worker": (4.0, 0.0, 0.0),
    "kill driver": (4.0, 0.0, 0.0),
    "stop worker": (1.0, 0.5, 5.0),  # seconds
    "stop driver": (3.0, 0.5, 9.0),
    "stop connection": (1.0, 0.2, 3.0),
    "end connections": (4.0, 1.0, 12.0),  # how many
    "restart server": (0.5, 0.0, 1.0),  # seconds that it is away
    "crash server": (0.5, 0.0, 1.0),
    "jump clock": (3.0, -1e6, 1e6),  # seconds
}


@final
@dataclass(frozen=True, slots=True)
class Action:
    """Something that the monkey does.

    Attributes:
        at: Seconds after its start.
        kind: One of ``ACTIONS``.
        driver: Which driver it concerns, from 0.
        choice: Which of the things there are then, from 0 to 1.
        amount: How much of it.
    """

    at: float
    kind: str
    driver: int
    choice: float
    amount: float


def actions(seed: int, drivers: int) -> Iterator[Action]:
    """Yield what to do, without end; the same for the same arguments."""
    rng = np.random.default_rng(seed)
    kinds, weights = [*ACTIONS], np.array([often for often, _, _ in ACTIONS.values()])
    at = 0.0
    while True:
        at += float(rng.exponential(_MEAN_PAUSE))
        kind = kinds[rng.choice(len(kinds), p=weights / weights.sum())]
        amount = float(rng.uniform(*ACTIONS[kind][1:]))
        yield Action(at, kind, int(rng.integers(drivers)), float(rng.random()), amount)
