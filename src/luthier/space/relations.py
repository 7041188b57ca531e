"""Relations: which combinations of values a space allows.

``Forbid`` rules out one combination, ``Require`` demands that an expression holds,
``Requirement`` that a function returns true. The first two live in JSON entirely, a function
by its name only. A relation applies where every parameter that it names is active.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, final

from luthier.errors import SpaceError
from luthier.space.activity import compile_clause
from luthier.space.conditions import Clause, clause_from_json, clause_to_json
from luthier.space.expressions import parse
from luthier.space.params import Param
from luthier.space.values import hint

__all__ = ["Check", "Forbid", "Relation", "Require", "Requirement", "relation_from_json"]

Function = Callable[[dict[str, Any]], Any]


@final
@dataclass(frozen=True, slots=True)
class Check:
    """A relation, ready to be asked.

    Attributes:
        names: The parameters that must be active for it to apply; None: it always applies.
        allows: Returns whether active values, with all the names among them, are allowed.
        label: The relation in words, for messages.
    """

    names: tuple[str, ...] | None
    allows: Callable[[Mapping[str, Any]], bool]
    label: str

    def passes(self, values: Mapping[str, Any]) -> bool:
        """Whether active values are allowed, or the relation doesn't apply to them."""
        if self.names is not None and any(name not in values for name in self.names):
            return True
        return self.allows(values)


class Relation(ABC):
    """Something that holds, or doesn't, for the values of several parameters."""

    __slots__ = ()

    @abstractmethod
    def compile(self, params: Mapping[str, Param]) -> Check:
        """Make the relation ready for a space.

        Raises:
            SpaceError: It names parameters or values that the space doesn't have.
        """

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return the relation as JSON data."""


@final
@dataclass(frozen=True, slots=True)
class Forbid(Relation):
    """No configuration may meet all of the clause.

    Args:
        clause: Names with predicates.
    """

    clause: Clause

    def compile(self, params: Mapping[str, Param]) -> Check:
        """See Relation."""
        tests = compile_clause(self.clause, params, "forbid")

        def allows(values: Mapping[str, Any]) -> bool:
            return not all(test(values[name]) for name, test in tests)

        return Check(tuple(name for name, _ in tests), allows, f"forbid {dict(self.clause)!r}")

    def to_json(self) -> dict[str, Any]:
        """See Relation."""
        return {"forbid": clause_to_json(self.clause)}


@final
@dataclass(frozen=True, slots=True)
class Require(Relation):
    """Every configuration must meet an expression.

    Args:
        text: An expression, see ``expressions``.

    Raises:
        SpaceError: The text isn't such an expression.

    Example:
        >>> Require("x + y <= 1").to_json()
        {'require': 'x + y <= 1'}
    """

    text: str

    def __post_init__(self) -> None:
        parse(self.text)

    def compile(self, params: Mapping[str, Param]) -> Check:
        """See Relation."""
        expression = parse(self.text)
        for name in expression.names:
            if name not in params:
                raise SpaceError(
                    f"require {self.text!r}: every name must be a parameter of the space, got "
                    f"{name!r}. {hint(name, params)}",
                    name=name,
                )
        return Check(expression.names, expression.evaluate, f"require {self.text!r}")

    def to_json(self) -> dict[str, Any]:
        """See Relation."""
        return {"require": self.text}


@final
@dataclass(frozen=True, slots=True)
class Requirement(Relation):
    """Every configuration must meet a function.

    Args:
        name: What it's called in JSON and in messages.
        function: Gets a dict of the active values; None if it was read from JSON.
    """

    name: str
    function: Function | None = field(compare=False)

    def compile(self, params: Mapping[str, Param]) -> Check:
        """See Relation; a missing function is an error only when it's needed."""
        name, function = self.name, self.function

        def allows(values: Mapping[str, Any]) -> bool:
            if function is None:
                raise SpaceError(
                    f"require: the function {name!r} isn't known, since JSON keeps only its "
                    f"name. Give it: Space.from_json(text, requirements={{{name!r}: function}}).",
                    name=name,
                )
            return bool(function(dict(values)))

        return Check(None, allows, f"require function {name!r}")

    def to_json(self) -> dict[str, Any]:
        """See Relation."""
        return {"requirement": self.name}


def relation_from_json(data: Mapping[str, Any], functions: Mapping[str, Function]) -> Relation:
    """Read what a relation's ``to_json`` returned.

    Args:
        data: JSON data.
        functions: The functions of requirements, by name; missing ones stay unknown.

    Raises:
        SpaceError: It is of an unknown kind.

    Example:
        >>> relation_from_json({"require": "x < y"}, {})
        Require(text='x < y')
    """
    if "forbid" in data:
        return Forbid(clause_from_json(data["forbid"]))
    if "require" in data:
        return Require(data["require"])
    if "requirement" in data:
        return Requirement(data["requirement"], functions.get(data["requirement"]))
    raise SpaceError(
        f"A relation must be one of forbid, require, requirement, got {dict(data)!r}. "
        "The JSON was damaged or written by a newer Luthier.",
        data=dict(data),
    )
