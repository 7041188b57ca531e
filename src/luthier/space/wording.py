"""Conditions and relations in words, for tables and forms: "only if optimizer is sgd".

What is a list may be one value of the parent or several; only the parent knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from luthier.space.conditions import (
    AtLeast,
    AtMost,
    Between,
    Clause,
    Is,
    Not,
    OneOf,
    Predicate,
)
from luthier.space.params import Param
from luthier.space.relations import Forbid, Relation
from luthier.space.visible import visible

__all__ = ["condition_words", "relation_words"]

_PLAIN: Final = re.compile(r"[^\W\d][\w.+/-]*")  # a word that can't be taken for a number
_NO_WORDS: Final = {"True", "False", "None", "and", "or", "nor", "to"}
_LONGEST: Final = 40
_MOST: Final = 8


def condition_words(param: Param, params: Mapping[str, Param]) -> str:
    """Say when a parameter is active; "" if it always is.

    Args:
        param: Any of the space.
        params: All of the space, or the space.

    Example:
        >>> from luthier.space import Categorical, Float, Space
        >>> space = Space(
        ...     optimizer=Categorical(["sgd", "adam"]),
        ...     momentum=Float(0, 1, when={"optimizer": "sgd"}),
        ... )
        >>> condition_words(space["momentum"], space)
        'only if optimizer is sgd'
    """
    if param.when is None:
        return ""
    return f"only if {', or if '.join(_all_of(clause, params) for clause in param.when.clauses)}"


def relation_words(relation: Relation, params: Mapping[str, Param]) -> str:
    """Say what a relation demands: an expression, a function's name, or what never goes together.

    Args:
        relation: Any of the space.
        params: All of the space, or the space.

    Example:
        >>> from luthier.space import Float, Space
        >>> space = Space(a=Float(0, 1)).require("a <= 0.5").forbid({"a": 0.25})
        >>> [relation_words(relation, space) for relation in space.relations]
        ['a <= 0.5', 'never a is 0.25']
    """
    if isinstance(relation, Forbid):
        return f"never {_all_of(relation.clause, params)}"
    return str(next(iter(relation.to_json().values())))


def _all_of(clause: Clause, params: Mapping[str, Param]) -> str:
    said = [f"{_value(name)} is {_said(test, params.get(name), '')}" for name, test in clause]
    return " and ".join(said)


def _said(test: Predicate, parent: Param | None, no: str) -> str:
    """What follows "is"; with "not " the opposite."""
    match test:
        case Not():
            return _said(test.predicate, parent, "" if no else "not ")
        case AtLeast():
            return f"below {_value(test.bound)}" if no else f"at least {_value(test.bound)}"
        case AtMost():
            return f"above {_value(test.bound)}" if no else f"at most {_value(test.bound)}"
        case Between():
            return f"{no}from {_value(test.low)} to {_value(test.high)}"
        case OneOf():
            return _any_of(test.values, no)
        case Is() if isinstance(test.value, list | tuple) and not _takes(parent, test.value):
            return _any_of(test.value, no)
    return f"{no}{_value(*test.arguments())}"


def _any_of(values: list[Any] | tuple[Any, ...], no: str) -> str:
    words = [_value(value) for value in values[:_MOST]]
    if len(values) > _MOST:
        words.append(f"{len(values) - _MOST} others")
    if len(words) == 1:
        return no + words[0]
    either = f"{', '.join(words[:-1])} {'nor' if no else 'or'} {words[-1]}"
    return f"neither {either}" if no else either


def _takes(parent: Param | None, value: Any) -> bool:
    """Whether a list is itself a value of the parent."""
    try:
        return parent is not None and parent.check(value, "") is not None
    except ValueError:
        return False


def _value(value: Any) -> str:
    """A value, in quotes if it's a text that could be taken for something else."""
    text = visible(str(value), _LONGEST)
    unclear = not _PLAIN.fullmatch(text) or text in _NO_WORDS
    return f'"{text}"' if isinstance(value, str) and unclear else text
