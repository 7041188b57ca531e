"""Reads the JSON of ConfigSpace (written by its version 1; ConfigSpace isn't imported).

ConfigSpace                          here
uniform_float, uniform_int           Float, Int
normal_*, beta_* (not logarithmic)   Float, Int with prior=Normal, Beta
categorical, ordinal, constant       Categorical (weights as prior), Ordinal, Constant
conditions EQ NEQ LT GT IN AND OR    when=
forbiddens EQUALS IN CLAUSE_* AND OR forbid
forbiddens RELATION_*                require
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import reduce
from itertools import chain, product
from typing import Any

from luthier.errors import SpaceError
from luthier.space.conditions import AtLeast, AtMost, Clause, Condition, Is, Not, OneOf, Predicate
from luthier.space.params import Categorical, Constant, Float, Int, Ordinal, Param
from luthier.space.priors import Beta, Normal, Prior
from luthier.space.relations import Forbid, Relation, Require
from luthier.space.space import Space
from luthier.space.values import refused

__all__ = ["read_configspace"]

Item = Mapping[str, Any]

_PREDICATES: dict[str, Callable[[Item], Predicate]] = {
    "EQ": lambda item: Is(item["value"]),
    "EQUALS": lambda item: Is(item["value"]),
    "NEQ": lambda item: Not(Is(item["value"])),
    "IN": lambda item: OneOf(*item["values"]),
    "LT": lambda item: Not(AtLeast(item["value"])),
    "GT": lambda item: Not(AtMost(item["value"])),
    "CLAUSE_LT": lambda item: Not(AtLeast(item["value"])),
    "CLAUSE_LE": lambda item: AtMost(item["value"]),
    "CLAUSE_GT": lambda item: Not(AtMost(item["value"])),
    "CLAUSE_GE": lambda item: AtLeast(item["value"]),
}
_OPERATORS = {"LT": "<", "LE": "<=", "EQ": "==", "GT": ">", "GE": ">="}


def read_configspace(given: Any) -> Space:
    """Read the JSON of ConfigSpace, as text or as data; see ``Space.from_configspace``."""
    try:
        data = json.loads(given) if isinstance(given, str) else given
        params = {item["name"]: _param(item) for item in data["hyperparameters"]}
        for child, condition in _conditions(data.get("conditions", ())).items():
            params[child] = params[child].with_when(condition)
        relations = [r for item in data.get("forbiddens", ()) for r in _relations(item, params)]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, SpaceError):
            raise
        rule = "from_configspace: the JSON must be what ConfigSpace's to_json wrote"
        got = f"{str(given)[:80]!r} ({type(error).__name__}: {error})"
        raise refused(rule, "Write it with ConfigSpace 1", got=got, given=given) from error
    return Space._with(params, tuple(relations))


def _param(item: Item) -> Param:
    kind, default = item["type"], item.get("default_value")
    if kind == "constant":
        return Constant(item["value"])
    if kind == "categorical":
        return Categorical(item["choices"], prior=item.get("weights"), default=default)
    if kind == "ordinal":
        return Ordinal(item["sequence"], default=default)
    family, _, number = kind.partition("_")
    if number not in ("float", "int") or family not in ("uniform", "normal", "beta"):
        raise _unsupported(f"the type {kind!r} of {item['name']!r}")
    low, high, step, log = item["lower"], item["upper"], item.get("q"), bool(item.get("log"))
    prior = _prior(family, item)
    if number == "float":
        return Float(low, high, log=log, step=step, prior=prior, default=default)
    return Int(low, high, log=log, step=step or 1, prior=prior, default=default)


def _prior(family: str, item: Item) -> Prior | None:
    if family == "uniform":
        return None
    if item.get("log"):
        raise _unsupported(f"the {family} distribution of {item['name']!r} on a log scale")
    if family == "normal":
        return Normal(item["mu"], item["sigma"])
    return Beta(item["alpha"], item["beta"])


def _conditions(items: Any) -> dict[str, Condition]:
    """Return the condition of each child; several conditions of one child must all hold."""
    clauses: dict[str, list[Clause]] = {}
    for item in items:
        child = item["child"]
        clauses[child] = _both(clauses.get(child, [()]), _clauses(item, "parent", "conditions"))
    return {child: Condition(tuple(alternatives)) for child, alternatives in clauses.items()}


def _relations(item: Item, params: Mapping[str, Param]) -> list[Relation]:
    kind = item["type"]
    if not kind.startswith("RELATION_"):
        return [Forbid(clause) for clause in _clauses(item, "name", "clauses")]
    names = item["left"], item["right"]
    for name in names:
        if not isinstance(params[name], Float | Int) or not name.isidentifier():
            raise _unsupported(f"the forbidden relation {kind} of {names!r}")
    operator = _OPERATORS[kind.removeprefix("RELATION_")]
    return [Require(f"not {names[0]} {operator} {names[1]}")]


def _clauses(item: Item, name: str, parts: str) -> list[Clause]:
    """Return alternatives (or) of clauses (and) for a condition or forbidden clause."""
    kind = item["type"]
    if kind in _PREDICATES:
        return [((item[name], _PREDICATES[kind](item)),)]
    if kind not in ("AND", "OR"):
        raise _unsupported(f"the clause {kind!r}")
    alternatives = [_clauses(part, name, parts) for part in item[parts]]
    return list(chain(*alternatives)) if kind == "OR" else reduce(_both, alternatives)


def _both(first: list[Clause], second: list[Clause]) -> list[Clause]:
    return [a + b for a, b in product(first, second)]


def _unsupported(what: str) -> SpaceError:
    rule = "from_configspace: only what Luthier can honour may be read"
    return refused(rule, "Write that part of the space in Luthier's own terms", got=what)
