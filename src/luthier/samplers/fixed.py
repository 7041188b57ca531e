"""Pinning: another sampler searches the space that is left when some parameters are fixed.

The pinned parameters become constants of a narrower space, conditions and relations on them are
decided once, and the other sampler never sees more than that space and the trials that lie in
it. So it wastes no dimension on what is fixed, and a grid stays exhaustive.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, final

import numpy as np

from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.protocols import Sampler
from luthier.core.record import dump
from luthier.errors import ArgumentError
from luthier.space import Condition, Constant, Param, Space, from_json_value, to_json_value
from luthier.space.activity import compile_clause
from luthier.space.conditions import Clause, Is
from luthier.space.relations import Check, Forbid, Relation

__all__ = ["PartialFixed"]


@final
@dataclass(frozen=True, slots=True)
class PartialFixed:
    """Let another sampler choose all parameters but some, which keep given values.

    For a second look around a good configuration, or to search one branch of a space.

    Args:
        sampler: Chooses the other parameters.
        params: Values of the pinned ones. A name that the space doesn't know yet is kept for
            when the objective asks for it.

    Raises:
        ArgumentError: ``sampler`` isn't a sampler, or ``params`` isn't a mapping of names.
        ParamValueError: When used: a value is outside of its parameter's domain.

    Example:
        >>> from luthier.samplers.random import Random
        >>> PartialFixed(Random(), {"optimizer": "sgd"}).spec["params"]
        {'optimizer': 'sgd'}
    """

    sampler: Sampler
    params: Mapping[str, Any]

    def __post_init__(self) -> None:
        if not callable(getattr(self.sampler, "suggest", None)):
            raise ArgumentError(
                f"PartialFixed: sampler must be a sampler, got {self.sampler!r}. "
                "Example: PartialFixed(Random(), {'lr': 0.1}).",
                sampler=self.sampler,
            )
        if not _is_named(self.params):
            raise ArgumentError(
                f"PartialFixed: params must be a mapping of names to values, got {self.params!r}.",
                params=self.params,
            )
        object.__setattr__(self, "params", dict(self.params))

    def __hash__(self) -> int:
        return hash(dump(self.spec))

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values, the other sampler's among them."""
        return {
            "name": "fixed",
            "sampler": dict(self.sampler.spec),
            "params": {name: to_json_value(value) for name, value in self.params.items()},
        }

    @property
    def reads_rungs(self) -> bool:
        """Whether the other sampler reads the rungs of a history itself."""
        return bool(getattr(self.sampler, "reads_rungs", False))

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Return what the other sampler proposes in the narrower space."""
        known = {k: space[k].check(v, k) for k, v in self.params.items() if k in space}
        unknown = {k: v for k, v in self.params.items() if k not in space}
        text = dump({name: to_json_value(value) for name, value in known.items()})
        narrow = _narrowed(space, space.checks, text)
        proposals = self.sampler.suggest(narrow, history.seen_in(narrow), n, rng)
        pinned = f"pinned: {', '.join(self.params) or 'nothing'}"
        return [
            replace(p, params={**unknown, **p.params}, reason=f"{p.reason}; {pinned}")
            for p in proposals
        ]


def _is_named(params: object) -> bool:
    return isinstance(params, Mapping) and all(type(name) is str for name in params)


@lru_cache(maxsize=16)
def _narrowed(space: Space, checks: tuple[Check, ...], text: str) -> Space:
    """The space that is left; the values are JSON text so that they can be part of a key."""
    pins = {name: from_json_value(value) for name, value in json.loads(text).items()}
    if not pins:
        return space
    params: dict[str, Param] = {}
    for name in space.activity.order:
        param = space[name]
        if param.when is not None:
            decided = (_decided(clause, space, pins, params) for clause in param.when.clauses)
            clauses = [clause for clause in decided if clause is not None]
            if not clauses:
                continue
            param = param.with_when(Condition(tuple(clauses)))
        params[name] = Constant(pins[name], when=param.when) if name in pins else param
    ordered = {name: params[name] for name in space if name in params}
    return Space._with(ordered, tuple(_relations(space, pins, ordered)))


def _relations(
    space: Space, pins: Mapping[str, Any], params: Mapping[str, Param]
) -> Iterable[Relation]:
    """The relations that can still be broken."""
    for relation, check in zip(space.relations, space.checks, strict=True):
        if isinstance(relation, Forbid):
            if clause := _decided(relation.clause, space, pins, params):
                yield Forbid(clause)
        elif check.names is None or all(name in params for name in check.names):
            yield relation


def _decided(
    clause: Clause, space: Space, pins: Mapping[str, Any], params: Mapping[str, Param]
) -> Clause | None:
    """A clause with the pinned values put in; None if it can't be met any more."""
    decided = []
    tests = compile_clause(clause, space, "pinned")
    for (name, predicate), (_, test) in zip(clause, tests, strict=True):
        if name not in params or (name in pins and not test(pins[name])):
            return None
        decided.append((name, Is(pins[name]) if name in pins else predicate))
    return tuple(decided)
