"""The checks must catch samplers that break the rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.samplers import Random
from luthier.space import Space
from luthier.testing import samplers as checks


class Broken:
    """A random sampler with something wrong."""

    spec: Mapping[str, Any] = {"name": "broken"}

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        return Random().suggest(space, history, n, rng)


class Stateful(Broken):
    def __init__(self) -> None:
        self.asked = 0

    def suggest(self, *args: Any) -> list[Proposal]:
        self.asked += 1
        return [replace(p, reason=f"{self.asked}") for p in super().suggest(*args)]


class Global(Broken):
    def suggest(self, *args: Any) -> list[Proposal]:
        np.random.random()  # noqa: NPY002
        return super().suggest(*args)


class Silent(Broken):
    def suggest(self, *args: Any) -> list[Proposal]:
        return [replace(p, reason="") for p in super().suggest(*args)]


class Greedy(Broken):
    def suggest(self, space: Space, history: History, n: int, rng: Any) -> list[Proposal]:
        return super().suggest(space, history, n + 1, rng)


class Careless(Broken):
    def suggest(self, space: Space, history: History, n: int, rng: Any) -> list[Proposal]:
        free = space.encoding.from_unit(rng.random((n, space.encoding.width)))
        return [Proposal(config, "any") for config in free]


class Lazy(Broken):
    def suggest(self, *args: Any) -> list[Proposal]:
        return []


class Repeating(Broken):
    def suggest(self, *args: Any) -> list[Proposal]:
        return Random(allow_duplicates=True).suggest(*args)


class SingleMinded(Broken):
    def suggest(self, space: Space, history: History, n: int, rng: Any) -> list[Proposal]:
        alone = len(history.objective.names) == 1
        return super().suggest(space, history, n, rng) if alone else []


class Nameless(Broken):
    spec: Mapping[str, Any] = {"settings": (1, 2)}


@pytest.mark.parametrize(
    ("check", "sampler"),
    [
        (checks.check_spec, Nameless),
        (checks.check_pure, Stateful),
        (checks.check_seeds_matter_to_nobody_else, Global),
        (checks.check_valid, Silent),
        (checks.check_valid, Greedy),
        (checks.check_valid, Lazy),
        (checks.check_empty_space, Lazy),
        (checks.check_finite_spaces_end, Lazy),
        (checks.check_finite_spaces_end, Repeating),
        (checks.check_several_objectives, SingleMinded),
        (checks.check_several_objectives, Stateful),
        (checks.check_batches, Lazy),
    ],
)
def test_a_broken_sampler_is_caught(check: Any, sampler: type[Broken]) -> None:
    with pytest.raises(AssertionError):
        check(sampler)


def test_forbidden_proposals_are_caught() -> None:
    with pytest.raises((AssertionError, ValueError)):
        checks.check_valid(Careless)
