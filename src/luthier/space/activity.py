"""Activity: which parameters exist in a configuration, decided from the top down.

Conditions are compiled once against their parents. Parameters are visited parents first; a
condition sees only active parents, so what hangs below an inactive one is inactive as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, final

from luthier.errors import LuthierError, SpaceError
from luthier.space.conditions import (
    AtLeast,
    AtMost,
    Between,
    Clause,
    Condition,
    Predicate,
    Test,
)
from luthier.space.params import Categorical, Constant, Float, Int, Ordinal, Param
from luthier.space.values import hint

__all__ = ["Activity", "compile_clause"]

Rule = Callable[[Mapping[str, Any]], bool]
"""Tells from the values of active parameters whether a condition holds."""


@final
@dataclass(frozen=True, slots=True)
class Activity:
    """The conditions of a space, ready to be asked.

    Attributes:
        names: All parameters in the order of the space.
        order: The same, parents first.
        rules: The compiled condition of each conditional parameter.
    """

    names: tuple[str, ...]
    order: tuple[str, ...]
    rules: Mapping[str, Rule]

    @staticmethod
    def of(params: Mapping[str, Param]) -> Activity:
        """Compile the conditions of parameters.

        Raises:
            SpaceError: An unknown parent, a cycle, or a value that the parent never takes.
        """
        rules = {
            name: _rule(name, param.when, params)
            for name, param in params.items()
            if param.when is not None
        }
        return Activity(tuple(params), _parents_first(params), rules)

    def holds(self, name: str, values: Mapping[str, Any]) -> bool:
        """Whether a parameter is active, given the values of the active ones before it."""
        rule = self.rules.get(name)
        return rule is None or rule(values)

    def active(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the active parameters, given values of at least their parents."""
        if not self.rules:
            return self.names
        known: dict[str, Any] = {}
        active = set()
        for name in self.order:
            rule = self.rules.get(name)
            if rule is None or rule(known):
                active.add(name)
                if name in values:
                    known[name] = values[name]
        return tuple(name for name in self.names if name in active)


def _rule(name: str, when: Condition, params: Mapping[str, Param]) -> Rule:
    clauses = [compile_clause(clause, params, f"when of {name!r}") for clause in when.clauses]
    if len(clauses) == 1 and len(clauses[0]) == 1:  # nearly always, and much faster
        parent, test = clauses[0][0]
        return lambda values: parent in values and test(values[parent])

    def rule(values: Mapping[str, Any]) -> bool:
        return any(
            all(parent in values and test(values[parent]) for parent, test in clause)
            for clause in clauses
        )

    return rule


def compile_clause(
    clause: Clause, params: Mapping[str, Param], place: str
) -> tuple[tuple[str, Test], ...]:
    """Turn the predicates of a clause into tests of values.

    Args:
        clause: Names with predicates.
        params: All parameters of the space.
        place: Where the clause stands, for messages.

    Raises:
        SpaceError: An unknown parameter, or a predicate that can't hold for it.
    """
    return tuple((name, _compile(name, predicate, params, place)) for name, predicate in clause)


def _compile(name: str, predicate: Predicate, params: Mapping[str, Param], place: str) -> Test:
    if name not in params:
        raise SpaceError(
            f"{place}: every name must be a parameter of the space, got {name!r}. "
            f"{hint(name, params)}",
            name=name,
        )
    param = params[name]
    try:
        test = predicate.test(lambda value: param.check(value, name), _order_of(name, param))
        possible = any(map(test, _witnesses(param, predicate)))
    except LuthierError as error:
        raise SpaceError(f"{place}: {error}", name=name, predicate=predicate) from error
    if not possible:
        raise SpaceError(
            f"{place}: {name!r} must be able to meet its condition, got {predicate!r}, which "
            f"none of its values does: {param.domain()}. Correct the condition.",
            name=name,
            predicate=predicate,
        )
    return test


def _order_of(name: str, param: Param) -> Callable[[Any], float]:
    """Return the function that gives a value's place in the parameter's order."""
    if isinstance(param, Ordinal):
        return _ordinal_order(name, param)
    if isinstance(param, Float | Int):
        return lambda value: _number(name, value)
    if isinstance(param, Categorical | Constant):
        values = param.choices if isinstance(param, Categorical) else (param.value,)
        if any(type(value) in (int, float) for value in values):
            return lambda value: value if type(value) in (int, float) else math.nan

    def unordered(value: Any) -> float:
        raise SpaceError(
            f"{name!r} must have an order to be compared with {value!r}, got {param!r}. "
            "List the values instead."
        )

    return unordered


def _ordinal_order(name: str, param: Ordinal) -> Callable[[Any], float]:
    numeric = all(type(value) in (int, float) for value in param.values)

    def order(value: Any) -> float:
        k = param.index(value)
        if k is not None:
            return k
        if numeric and type(value) in (int, float):  # between two of them
            return float(sum(other < value for other in param.values)) - 0.5
        return float(param.check(value, name))  # raises, and says why

    return order


def _number(name: str, value: Any) -> float:
    if type(value) in (int, float):
        return value  # type: ignore[no-any-return]
    raise SpaceError(f"{name!r} must be compared with a number, got {value!r}.")


def _witnesses(param: Param, predicate: Predicate) -> list[Any]:
    """Return values among which one must meet any predicate that can be met at all."""
    if param.size <= 4096:
        return [param.value_at(k) for k in range(int(param.size))]
    bounds: list[Any] = []
    if isinstance(predicate, AtLeast | AtMost):
        bounds = [predicate.bound]
    elif isinstance(predicate, Between):
        bounds = [predicate.low, predicate.high]
    middle = param.grid(9) if param.size == math.inf else _spread(param)
    return [*middle, *filter(param.contains, bounds), *getattr(predicate, "values", ())]


def _spread(param: Param) -> list[Any]:
    last = int(param.size) - 1
    return [param.value_at(last * i // 8) for i in range(9)]


def _parents_first(params: Mapping[str, Param]) -> tuple[str, ...]:
    order: dict[str, None] = {}
    path: list[str] = []

    def visit(name: str) -> None:
        if name in order:
            return
        if name in path:
            cycle = " -> ".join([*path[path.index(name) :], name])
            raise SpaceError(
                f"when: conditions must not form a cycle, got {cycle}. Remove one of them.",
                cycle=cycle,
            )
        path.append(name)
        when = params[name].when
        for parent in when.names if when is not None else ():
            visit(parent)
        path.pop()
        order[name] = None

    for name in params:
        visit(name)
    return tuple(order)
