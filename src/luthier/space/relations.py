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
from luthier.space.values import hint, refused

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
        """Make the relation ready for a space; SpaceError if it names what isn't there."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return the relation as JSON data."""


@final
@dataclass(frozen=True, slots=True)
class Forbid(Relation):
    """No configuration may meet all of the clause."""

    clause: Clause

    def compile(self, params: Mapping[str, Param]) -> Check:
        """Return the check that one of the predicates doesn't hold."""
        tests = compile_clause(self.clause, params, "forbid")

        def allows(values: Mapping[str, Any]) -> bool:
            return not all(test(values[name]) for name, test in tests)

        return Check(tuple(name for name, _ in tests), allows, f"forbid {dict(self.clause)!r}")

    def to_json(self) -> dict[str, Any]:
        """Return the clause as JSON data."""
        return {"forbid": clause_to_json(self.clause)}


@final
@dataclass(frozen=True, slots=True)
class Require(Relation):
    """Every configuration must meet an expression, see ``expressions``."""

    text: str

    def compile(self, params: Mapping[str, Param]) -> Check:
        """Return the check that the expression holds."""
        expression = parse(self.text)
        for name in expression.names:
            if name not in params:
                rule = f"require {self.text!r}: every name must be a parameter of the space"
                raise refused(rule, hint(name, params), got=repr(name), name=name)
        return Check(expression.names, expression.evaluate, f"require {self.text!r}")

    def to_json(self) -> dict[str, Any]:
        """Return the text."""
        return {"require": self.text}


@final
@dataclass(frozen=True, slots=True)
class Requirement(Relation):
    """Every configuration must meet a function of a dict of the active values.

    In JSON it is but a name; the function is None when it was read from there and not given.
    """

    name: str
    function: Function | None = field(compare=False)

    def compile(self, params: Mapping[str, Param]) -> Check:
        """Return the check by the function; a missing one is an error only when it's needed."""

        def allows(values: Mapping[str, Any]) -> bool:
            if self.function is None:
                raise SpaceError(
                    f"require: the function {self.name!r} isn't known, since JSON keeps only its "
                    "name. Give it: "
                    f"Space.from_json(text, requirements={{{self.name!r}: function}}); for a "
                    "study, load_study(..., space=...) with the space as it was declared.",
                    name=self.name,
                )
            return bool(self.function(dict(values)))

        return Check(None, allows, f"require function {self.name!r}")

    def to_json(self) -> dict[str, Any]:
        """Return the name."""
        return {"requirement": self.name}


def relation_from_json(data: Mapping[str, Any], functions: Mapping[str, Function]) -> Relation:
    """Read what a relation's ``to_json`` returned; ``functions`` are those of requirements.

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
    raise refused(
        "A relation must be one of forbid, require, requirement",
        "The JSON was damaged or written by a newer Luthier",
        got=repr(dict(data)),
        data=dict(data),
    )
