"""Narrowing: a smaller space around the best configurations of a wide search.

Notation, for one parameter in its own scale (``scales.py``; ordinal values are evenly spaced):

    u_1 .. u_m   where the good configurations lie in [0, 1]
    c            where the one to search around lies; if it is inactive there, the best that isn't
    r            sqrt(mean((u_i - c)^2)), how far they are from it
    h            max(2 r, 1/10), half of what is left: [c - h, c + h], cut at 0 and 1

The good ones of a parameter that matters lie together, and its range becomes theirs. Those of one
that doesn't are spread evenly: r is 0.29 or more, and the whole range stays. A range never becomes
less than a tenth of itself at once, nor one with steps less than two values; choices stay if a good
configuration has them. A parameter that is active in fewer than three of them stays as it is. A
default that is cut off becomes the value to search around.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from luthier.errors import SpaceError
from luthier.space.activity import compile_clause
from luthier.space.choices import Categorical, Constant, Ordinal, Permutation
from luthier.space.conditions import Clause, Condition, OneOf, Predicate
from luthier.space.numeric import Float, Int, codec_of
from luthier.space.params import Param
from luthier.space.relations import Forbid, Relation, Requirement
from luthier.space.scales import Codec, indexed

__all__ = ["narrowed", "ranked_configs"]

_FEWEST: Final = 3
_LEAST: Final = 0.1
_COUNTABLE: Final = 4096
_UNLIKELY: Final = 1e-9  # what a prior must still say of a range to be kept

Config = Mapping[str, Any]


def ranked_configs(given: Any) -> list[Config]:
    """Read configurations, best first.

    Args:
        given: They themselves, trials that hold them as ``params``, or a study, whose
            ``ranked()`` returns such trials.
    """
    ranked = getattr(given, "ranked", None)
    items: Iterable[Any] = ranked() if callable(ranked) else given
    return [getattr(item, "params", item) for item in items]


def narrowed(
    params: Mapping[str, Param],
    relations: Iterable[Relation],
    good: Sequence[Config],
    centre: Config,
) -> tuple[dict[str, Param], tuple[Relation, ...]]:
    """Return the parameters and relations of the smaller space.

    Args:
        params: All parameters, parents before their children.
        relations: The relations among them.
        good: The best configurations, best first.
        centre: The one to search around; all its values stay.

    Returns:
        What is left. A parameter goes if its condition can't hold any more, and so does a
        relation that can't apply.
    """
    left: dict[str, Param] = {}
    for name, param in params.items():
        seen = [config[name] for config in good if name in config]
        smaller = param
        if len(seen) >= _FEWEST:
            smaller = _narrow(param, centre.get(name, seen[0]), seen)
        if param.when is None:
            left[name] = smaller
            continue
        clauses = [_surviving(clause, params, left) for clause in param.when.clauses]
        if alive := tuple(clause for clause in clauses if clause is not None):
            left[name] = smaller.with_when(Condition(alive))
    return left, tuple(_relations(relations, params, left))


def _narrow(param: Param, centre: Any, good: Sequence[Any]) -> Param:
    """Narrow a parameter to what lies around one of its values."""
    if isinstance(param, Constant | Permutation):
        return param
    smaller = _domain(param, centre, good)
    if param.default is None:
        return smaller
    return smaller.with_default(param.default if smaller.contains(param.default) else centre)


def _domain(param: Float | Int | Categorical | Ordinal, centre: Any, good: Sequence[Any]) -> Param:
    if isinstance(param, Categorical):
        places = {param.index(value) for value in (centre, *good)}
        return _listed(param, [k for k in range(len(param.choices)) if k in places])
    if isinstance(param, Ordinal):
        every = range(len(param.values))
        first, last = _ends(indexed(len(every), param.index, every.__getitem__), centre, good)
        return _listed(param, _at_least_two(first, last, len(every)))
    return _ranged(param, *_ends(codec_of(param), centre, good))


def _ends(codec: Codec, centre: Any, good: Sequence[Any]) -> tuple[Any, Any]:
    """The values at the ends of what is left of a scale."""
    c = codec.to_unit(centre)
    r = math.sqrt(sum((codec.to_unit(value) - c) ** 2 for value in good) / len(good))
    h = max(2 * r, _LEAST)
    return codec.to_value(c - h), codec.to_value(c + h)


def _at_least_two(first: int, last: int, size: int) -> range:
    """Places from first to last; if that is one, its neighbours too."""
    if first == last:
        first, last = max(first - 1, 0), min(last + 1, size - 1)
    return range(first, last + 1)


def _ranged(param: Float | Int, low: Any, high: Any) -> Param:
    if low == high:
        place = param.index(low) or 0
        places = _at_least_two(place, place, int(param.size))
        low, high = param.value_at(places[0]), param.value_at(places[-1])
    settings: dict[str, Any] = {"step": param.step, "scale": param.scale}
    make = type(param)
    bare = make(low, high, **settings)
    possible = param.prior is not None and param.prior.mass(*bare.edges) > _UNLIKELY
    return make(low, high, prior=param.prior if possible else None, **settings)


def _listed(param: Categorical | Ordinal, places: Sequence[int]) -> Categorical | Ordinal:
    """The same kind of parameter with the values at these places."""
    values: Any = [param.value_at(k) for k in places]
    prior = None if param.prior is None else [param.prior[k] for k in places]
    if isinstance(param, Categorical) and param.objects is not None:
        values = {name: param.objects[name] for name in values}
    return type(param)(values, prior=prior if any(prior or ()) else None)


def _surviving(
    clause: Clause, before: Mapping[str, Param], left: Mapping[str, Param]
) -> Clause | None:
    """A clause in terms of what is left, or None if it can't hold any more."""
    pairs = [(name, _restated(name, predicate, before, left)) for name, predicate in clause]
    alive = tuple((name, predicate) for name, predicate in pairs if predicate is not None)
    return alive if len(alive) == len(pairs) else None


def _restated(
    name: str, predicate: Predicate, before: Mapping[str, Param], left: Mapping[str, Param]
) -> Predicate | None:
    """A predicate as it is where it still can hold; else by the values left for which it does."""
    if name not in left:
        return None
    try:
        compile_clause(((name, predicate),), left, "narrow")
    except SpaceError:
        if left[name].size > _COUNTABLE:
            return None
        [(_, test)] = compile_clause(((name, predicate),), before, "narrow")
        values = [value for value in left[name].grid(1) if test(value)]
        return OneOf(*values) if values else None
    return predicate


def _relations(
    relations: Iterable[Relation], before: Mapping[str, Param], left: Mapping[str, Param]
) -> Iterable[Relation]:
    for relation in relations:
        if isinstance(relation, Forbid):
            clause = _surviving(relation.clause, before, left)
            if clause is not None:
                yield Forbid(clause)
        elif isinstance(relation, Requirement) or _names(relation, before) <= left.keys():
            yield relation


def _names(relation: Relation, before: Mapping[str, Param]) -> set[str]:
    """The parameters that must be active for a relation to apply."""
    return set(relation.compile(before).names or ())
