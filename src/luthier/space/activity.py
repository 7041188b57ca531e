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
from luthier.space.conditions import Clause, Condition, Order, Predicate, Test
from luthier.space.params import Categorical, Constant, Float, Int, Ordinal, Param
from luthier.space.values import hint, refused

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
    """Turn the predicates of a clause into tests of values; ``place`` is for messages.

    Raises:
        SpaceError: An unknown parameter, or a predicate that can't hold for it.
    """
    return tuple((name, _compile(name, predicate, params, place)) for name, predicate in clause)


def _compile(name: str, predicate: Predicate, params: Mapping[str, Param], place: str) -> Test:
    if name not in params:
        rule = f"{place}: every name must be a parameter of the space"
        raise refused(rule, hint(name, params), got=repr(name), name=name)
    param = params[name]
    try:
        test = predicate.test(lambda value: param.check(value, name), _order_of(name, param))
        possible = any(map(test, _witnesses(param, predicate)))
    except LuthierError as error:
        raise SpaceError(f"{place}: {error}", name=name, predicate=predicate) from error
    if not possible:
        raise refused(
            f"{place}: {name!r} must be able to meet its condition",
            "Correct the condition",
            got=f"{predicate!r}, which none of its values does: {param.domain()}",
            name=name,
            predicate=predicate,
        )
    return test


def _order_of(name: str, param: Param) -> Order:
    """Return the function that gives a value's place in the parameter's order."""
    if isinstance(param, Ordinal):
        return _ordinal_order(name, param)
    numeric = isinstance(param, Float | Int)
    choices = param.grid(1) if isinstance(param, Categorical | Constant) else []
    if not numeric and not any(map(_is_number, choices)):
        rule = f"{name!r} must have an order to be compared"

        def unordered(value: Any) -> float:
            raise refused(rule, "List the values instead", got=repr(param))

        return unordered

    def order(value: Any) -> float:
        if _is_number(value):
            return value  # type: ignore[no-any-return]
        if numeric:
            rule = f"{name!r} must be compared with a number"
            raise refused(rule, "Write one", got=repr(value))
        return math.nan  # a choice that isn't a number

    return order


def _ordinal_order(name: str, param: Ordinal) -> Order:
    numeric = all(map(_is_number, param.values))

    def order(value: Any) -> float:
        k = param.index(value)
        if k is not None:
            return k
        if numeric and _is_number(value):  # between two of them
            return float(sum(other < value for other in param.values)) - 0.5
        return float(param.check(value, name))  # raises, and says why

    return order


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _witnesses(param: Param, predicate: Predicate) -> list[Any]:
    """Return values among which one must meet any predicate that can be met at all."""
    if param.size <= 4096:
        return [param.value_at(k) for k in range(int(param.size))]
    if param.size == math.inf:
        spread = param.grid(9)
    else:
        spread = [param.value_at((int(param.size) - 1) * i // 8) for i in range(9)]
    given = predicate.arguments()
    items = [item for value in given if isinstance(value, list | tuple) for item in value]
    return spread + [param.check(value) for value in (*given, *items) if param.contains(value)]


def _parents_first(params: Mapping[str, Param]) -> tuple[str, ...]:
    order: dict[str, None] = {}
    path: list[str] = []

    def visit(name: str) -> None:
        if name in order:
            return
        if name in path:
            cycle = " -> ".join([*path[path.index(name) :], name])
            rule = "when: conditions must not form a cycle"
            raise refused(rule, "Remove one of them", got=cycle, cycle=cycle)
        path.append(name)
        when = params[name].when
        for parent in when.names if when is not None else ():
            visit(parent)
        path.pop()
        order[name] = None

    for name in params:
        visit(name)
    return tuple(order)
