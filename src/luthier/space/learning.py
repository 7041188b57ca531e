"""Learning conditions: when is a parameter asked for, judging by runs with and without it.

For each parameter that some runs lack, explanations are tried in this order:

1. it is asked for exactly when an earlier parameter is: it takes over that one's condition;
2. one earlier parameter tells runs with it from runs without it, by the values seen
   (categorical) or by a threshold (integer, ordinal); few distinct values and nearness win;
3. two earlier parameters together do;
4. none: it counts as always active.

Sets of runs are integers, one bit for each run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, final

from luthier.space.conditions import AtLeast, AtMost, Condition, OneOf, Predicate
from luthier.space.params import Categorical, Int, Ordinal, Param

__all__ = ["Lessons", "Run", "is_parent", "learn"]

_MAX_LISTED = 8  # an integer condition that needs a longer list of values is likely chance
_MAX_PARENTS = 16  # parents looked at for pairs


@final
@dataclass(frozen=True, slots=True)
class Run:
    """What a finished run asked for.

    Attributes:
        names: The names of all its parameters.
        values: The values of those that may be parents.
        complete: Whether it came to its end, so that it would have asked for the others.
    """

    names: frozenset[str]
    values: Mapping[str, Any]
    complete: bool = True


@final
@dataclass(frozen=True, slots=True)
class Lessons:
    """What was learnt from runs.

    Attributes:
        conditions: The condition of each parameter for which one was found.
        unexplained: Parameters that some runs lack for no reason that was found.
    """

    conditions: Mapping[str, Condition]
    unexplained: frozenset[str]


@final
@dataclass(frozen=True, slots=True)
class _Clue:
    """A predicate on a parent that holds in all runs with the parameter.

    ``fooled`` are the runs without the parameter in which it holds as well.
    """

    parent: str
    predicate: Predicate
    fooled: int
    cost: tuple[int, int]


_PARENTS = frozenset({Categorical, Ordinal, Int})


def is_parent(param: Param) -> bool:
    """Whether conditions on a parameter can be learnt."""
    return type(param) in _PARENTS


def learn(params: Mapping[str, Param], fixed: Collection[str], runs: Sequence[Run]) -> Lessons:
    """Find conditions that agree with all runs.

    Args:
        params: All parameters; conditions are sought on those that come before.
        fixed: Names whose conditions are given.
        runs: Distinct runs.

    Example:
        >>> params = {"n": Int(1, 3), "b": Int(0, 9)}
        >>> runs = [Run(frozenset("n"), {"n": 1}), Run(frozenset("nb"), {"n": 2, "b": 5})]
        >>> learn(params, (), runs).conditions["b"]
        {'n': AtLeast(2)}
    """
    complete = _mask(i for i, run in enumerate(runs) if run.complete)
    with_it = {n: _mask(i for i, run in enumerate(runs) if n in run.names) for n in params}
    places = {n: _places(n, param, runs) for n, param in params.items() if is_parent(param)}
    given = {name: param.when for name, param in params.items() if param.when is not None}
    learnt: dict[str, Condition] = {}
    unexplained = set()
    earlier: list[str] = []
    for name in params:
        present = with_it[name]
        absent = complete & ~present
        if name not in fixed and name not in given and present and absent:
            known = given | learnt
            twins = [p for p in earlier if p in known and _same(with_it[p], present, complete)]
            clues = [
                clue
                for distance, parent in enumerate(reversed(earlier))
                if parent in places and not twins and not present & ~with_it[parent]
                for clue in _clues(
                    parent, params[parent], places[parent], present, absent, distance
                )
            ]
            condition = known[twins[-1]] if twins else _explain(clues)
            if condition is None:
                unexplained.add(name)
            else:
                learnt[name] = condition
        earlier.append(name)
    return Lessons(learnt, frozenset(unexplained))


def _explain(clues: list[_Clue]) -> Condition | None:
    """Return the simplest condition that no run without the parameter meets."""
    ranked = sorted(clues, key=lambda clue: clue.cost)
    for clue in ranked:
        if not clue.fooled:
            return Condition((((clue.parent, clue.predicate),),))
    for first, second in combinations(ranked[: 2 * _MAX_PARENTS], 2):
        if not first.fooled & second.fooled:
            pair = ((second.parent, second.predicate), (first.parent, first.predicate))
            return Condition((pair,))
    return None


def _clues(
    name: str,
    param: Param,
    places: Sequence[int | None],
    present: int,
    absent: int,
    distance: int,
) -> Iterator[_Clue]:
    """Yield predicates on one parent that rule out some of the runs without the parameter."""
    seen = {place for i, place in enumerate(places) if present >> i & 1 and place is not None}
    others = [(i, p) for i, p in enumerate(places) if absent >> i & 1 and p is not None]
    if not seen:
        return
    lowest, highest = min(seen), max(seen)
    options: list[tuple[Predicate, int]] = []
    if isinstance(param, Int | Ordinal):
        at_least = _mask(i for i, place in others if place >= lowest)
        at_most = _mask(i for i, place in others if place <= highest)
        options.append((AtLeast(param.value_at(lowest)), at_least))
        options.append((AtMost(param.value_at(highest)), at_most))
    if isinstance(param, Categorical) or len(seen) <= _MAX_LISTED:
        listed = OneOf(*(param.value_at(k) for k in sorted(seen)))
        options.append((listed, _mask(i for i, place in others if place in seen)))
    told_apart = len(seen | {place for _, place in others})
    possible = _mask(i for i, _ in others)
    for rank, (predicate, fooled) in enumerate(options):
        if fooled != possible:
            yield _Clue(name, predicate, fooled, (told_apart, 3 * distance + rank))


def _same(with_one: int, with_other: int, complete: int) -> bool:
    """Whether the complete runs have both or neither; a run that ended may lack the later."""
    return with_one & complete == with_other & complete and not with_other & ~with_one


def _places(name: str, param: Param, runs: Sequence[Run]) -> list[int | None]:
    """Return each run's value of a parent as its index; None where there's none that fits."""
    return [param.index(run.values[name]) if name in run.values else None for run in runs]


def _mask(positions: Iterator[int]) -> int:
    return sum(1 << position for position in positions)
