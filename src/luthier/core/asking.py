"""Asking one by one: what samplers share that weigh each proposal against those before it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np

from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.tried import Tried
from luthier.space import Space, sample

__all__ = ["Propose", "Turn", "drawn_instead", "is_new", "one_by_one"]

_DRAWS: Final = 64


@final
@dataclass(frozen=True, slots=True)
class Turn:
    """One trial that is to be proposed.

    Attributes:
        number: The trial's number.
        pending: The configurations that are being tried or were proposed just now.
        tried: What mustn't be proposed again; None: anything may.
    """

    number: int
    pending: Sequence[Mapping[str, Any]]
    tried: Tried | None


Propose = Callable[[Turn], "Proposal | None"]
"""Proposes a trial; None: a finite space has no more."""


def one_by_one(
    space: Space, history: History, n: int, propose: Propose, *, allow_duplicates: bool
) -> list[Proposal]:
    """Collect n proposals, each aware of those before.

    Args:
        space: What is sampled.
        history: What has happened.
        n: How many, at least 1.
        propose: Makes one; None ends it: a finite space has no more.
        allow_duplicates: Whether a finite space, or a finite branch of a conditional one, may be
            given the same configuration twice.

    Returns:
        The proposals; empty ones, to be filled from the prior, while the space isn't known.
    """
    if not space:
        return [Proposal({}, "the space isn't known yet: drawn from the prior")] * n
    tried = None if allow_duplicates or not _has_finite_part(space) else Tried(space, history)
    pending: list[Mapping[str, Any]] = [trial.params for trial in history.pending]
    proposals: list[Proposal] = []
    for number in range(history.next_number, history.next_number + n):
        proposal = propose(Turn(number, pending, tried))
        if proposal is None:
            break
        proposals.append(proposal)
        pending.append(proposal.params)
        if tried is not None:
            tried.add(space.key(proposal.params))
    return proposals


def is_new(space: Space, config: Mapping[str, Any], tried: Tried | None) -> bool:
    """Whether a configuration is allowed and may be proposed.

    Of what has been tried only configurations without continuous parameters count.
    """
    if not space.allows(config):
        return False
    if tried is None or any(space[name].size == math.inf for name in config):
        return True
    return space.key(config) not in tried


def drawn_instead(
    space: Space, rng: np.random.Generator, tried: Tried | None, why: str
) -> Proposal | None:
    """Draw from the prior, for the reason given; None where a finite space has no more."""
    if space.is_finite or tried is None:
        drawn = sample(space, 1, rng, exclude=tried)
        return Proposal(drawn[0], why) if drawn else None
    draws = sample(space, _DRAWS, rng)
    new = (config for config in draws if is_new(space, config, tried))
    return Proposal(next(new, draws[0]), why)


def _has_finite_part(space: Space) -> bool:
    """Whether some configurations have no continuous parameter, as far as conditions tell."""
    return all(param.when is not None for param in space.values() if param.size == math.inf)
