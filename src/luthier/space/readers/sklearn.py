"""Reads parameter grids as scikit-learn's searches take them.

A dict of names to lists and ``scipy.stats`` distributions is a space. A list of dicts becomes
one space as well: parameters that aren't in all of the dicts get a condition on the one that
tells the dicts apart (a ``kernel``, an estimator), or on an added parameter ``__branch__``.
Where a name has different values in different dicts, it gets all of them, and the foreign ones
are forbidden. Entries that aren't JSON values, such as estimators, become named choices.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from luthier.errors import SpaceError
from luthier.space.choices import Categorical, Constant
from luthier.space.conditions import Between, Clause, Not, OneOf
from luthier.space.numeric import Float, Int
from luthier.space.params import Param, same_domain
from luthier.space.relations import Forbid, Relation
from luthier.space.space import Space
from luthier.space.values import plain, refused, value_key

__all__ = ["BRANCH", "read_sklearn"]

BRANCH = "__branch__"
"""The parameter that tells dicts apart where no other does; it isn't meant for the estimator."""

_TAIL = 1e-6  # where distributions without an end are cut off

Branch = dict[str, Param]


def read_sklearn(grid: Any) -> Space:
    """Read a dict of names to lists, distributions or parameters; or a list of such dicts.

    Example:
        >>> grid = [{"kernel": ["linear"]}, {"kernel": ["rbf"], "gamma": [0.1, 1.0]}]
        >>> read_sklearn(grid).cardinality
        3
    """
    grids = [grid] if isinstance(grid, Mapping) else grid
    listed = isinstance(grids, Sequence) and len(grids) > 0
    if not listed or not all(isinstance(one, Mapping) for one in grids):
        rule = "a dict of names to lists or distributions, or a list of dicts, is needed"
        raise refused(f"from_sklearn: {rule}", "Example: {'C': loguniform(1e-3, 1e3)}", grid=grid)
    named = _names_needed(grids)
    branches = [{n: _param(n, given, n in named) for n, given in one.items()} for one in grids]
    return Space(branches[0]) if len(branches) == 1 else _join(branches)


def _names_needed(grids: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the parameters with an entry that isn't a JSON value."""
    lists = [
        (name, given)
        for one in grids
        for name, given in one.items()
        if isinstance(given, Iterable) and not isinstance(given, Param) and not _is_random(given)
    ]
    return {name for name, given in lists if not all(map(_is_json, given))}


def _is_random(given: Any) -> bool:
    return hasattr(given, "rvs")


def _is_json(value: Any) -> bool:
    try:
        value_key(plain(value))
    except SpaceError:
        return False
    return True


def _param(name: str, given: Any, named: bool) -> Param:
    if isinstance(given, Param):
        return given
    if _is_random(given):
        return _from_distribution(name, given)
    if isinstance(given, str) or not isinstance(given, Iterable):
        rule = "must be a list of values, a scipy.stats distribution or a parameter"
        raise _refused(name, rule, f"For a single value write [{given!r}]", given)
    values = list(given)
    if len(values) == 1 and not named:
        return Constant(values[0])
    try:
        return Categorical(_with_names(values) if named else values)
    except SpaceError as error:
        raise SpaceError(f"from_sklearn: {name!r}: {error}", name=name, given=given) from error


def _with_names(values: list[Any]) -> dict[str, Any]:
    """Name values by what they look like, without memory addresses."""
    choices: dict[str, Any] = {}
    for value in values:
        label = getattr(value, "__qualname__", None) or " ".join(repr(value).split())
        if " at 0x" in label:
            label = type(value).__name__
        label, k = label[:80], 2
        unique = label
        while unique in choices:
            unique, k = f"{label} ({k})", k + 1
        choices[unique] = value
    return choices


def _from_distribution(name: str, given: Any) -> Param:
    """Read a frozen distribution of ``scipy.stats``."""
    kind = getattr(getattr(given, "dist", None), "name", None)
    if kind is None:
        rule = "must be a frozen scipy.stats distribution"
        raise _refused(name, rule, "Use a list, a distribution or a parameter", given)
    low, high = (float(end) for end in given.support())
    shifted = given.kwds.get("loc", 0) != 0 or len(given.args) > 2
    if kind in ("loguniform", "reciprocal") and not shifted:
        return Float(low, high, log=True)
    if kind == "uniform":
        return Float(low, high)
    low = low if math.isfinite(low) else float(given.ppf(_TAIL))
    high = high if math.isfinite(high) else float(given.ppf(1 - _TAIL))
    if not hasattr(given.dist, "pmf"):
        return Float(low, high, prior=given)
    if low == high:
        return Constant(int(low))
    return Int(int(low), int(high), prior=None if kind == "randint" else given)


def _join(branches: list[Branch]) -> Space:
    """Make one space of several dicts."""
    selector = _selector(branches)
    if selector is None:
        selector = BRANCH
        branches = [{BRANCH: Constant(k), **branch} for k, branch in enumerate(branches)]
    names = dict.fromkeys(name for branch in branches for name in branch)
    params: Branch = {selector: _union(selector, [branch[selector] for branch in branches])}
    relations: list[Relation] = []
    del names[selector]
    for name in names:
        own = [branch for branch in branches if name in branch]
        union = _union(name, [branch[name] for branch in own])
        if len(own) < len(branches):
            union = union.with_when({selector: OneOf(*_values(own, selector))})
        params[name] = union
        narrower = [branch for branch in own if not same_domain(branch[name], union)]
        relations += [_foreign(name, union, branch, selector) for branch in narrower]
    return Space._with(params, tuple(relations))


def _selector(branches: list[Branch]) -> str | None:
    """Return a parameter that has values of its own in each dict, if there is one."""
    for name in branches[0]:
        if all(isinstance(branch.get(name), Categorical | Constant) for branch in branches):
            keys = [value_key(value) for value in _values(branches, name)]
            if len(set(keys)) == len(keys):
                return name
    return None


def _values(branches: list[Branch], name: str) -> list[Any]:
    return [value for branch in branches for value in branch[name].grid(1)]


def _union(name: str, params: list[Param]) -> Param:
    """Return a parameter with the values of all of these."""
    first = params[0]
    if all(same_domain(first, other) for other in params):
        return first
    if all(isinstance(param, Categorical | Constant) for param in params):
        if any(isinstance(param, Categorical) and param.named for param in params):
            objects: dict[str, Any] = {}
            for param in params:
                objects |= getattr(param, "objects", None) or {}
            return Categorical(objects)
        values = [value for param in params for value in param.grid(1)]
        return Categorical(list({value_key(value): value for value in values}.values()))
    if isinstance(first, Float | Int) and all(_alike(first, other) for other in params):
        lows, highs = ([getattr(p, end) for p in params] for end in ("low", "high"))
        return type(first)(min(lows), max(highs), scale=first.scale)
    rule = "must be of one kind in all dicts, with the same scale"
    raise _refused(name, rule, "Use different names, or lists of values in all of them", params)


def _alike(a: Float | Int, b: Param) -> bool:
    """Whether two ranges differ in nothing but their ends."""
    if not isinstance(b, Float | Int) or type(a) is not type(b):
        return False
    return a.scale == b.scale and a.step == b.step in (None, 1) and a.prior is b.prior is None


def _foreign(name: str, union: Param, branch: Branch, selector: str) -> Relation:
    """Forbid the values of a union that one of its dicts doesn't have."""
    own = branch[name]
    where = (selector, OneOf(*_values([branch], selector)))
    if isinstance(own, Float | Int):
        clause: Clause = (where, (name, Not(Between(own.low, own.high))))
    else:
        others = [value for value in union.grid(1) if not own.contains(value)]
        clause = (where, (name, OneOf(*others)))
    return Forbid(clause)


def _refused(name: str, rule: str, advice: str, given: Any) -> SpaceError:
    return refused(
        f"from_sklearn: {name!r} {rule}", advice, got=repr(given), name=name, given=given
    )
