"""A small, safe language for relations: ``x + y <= 1``, ``kernel != "poly" or degree > 2``.

Text is parsed by Python's ``ast`` and turned into functions of our own, node by node, from a
whitelist; nothing is ever evaluated or executed by Python itself. Expressions come from JSON
too, so their size, their powers and their strings are bounded.

    values       names of parameters, numbers, strings, True, False, None, tuples of values
    arithmetic   + - * / // % **        on numbers
    comparison   == != < <= > >= in not in, chained
    logic        and, or, not, a if c else b
    functions    min, max, abs, round, len
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, final

from luthier.errors import SpaceError
from luthier.space.values import refused

__all__ = ["Expression", "parse"]

Values = Mapping[str, Any]
Evaluate = Callable[[Values], Any]

_MAX_TEXT = 2_000
_MAX_NODES = 300
_MAX_BITS = 4_096


@final
@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression.

    Attributes:
        text: As the user wrote it.
        names: The parameters it uses, in order of appearance.
        evaluate: Returns whether it holds for a mapping with values for all the names.
    """

    text: str
    names: tuple[str, ...]
    evaluate: Callable[[Values], bool]


def parse(text: str) -> Expression:
    """Parse an expression; evaluating it raises SpaceError where it has no value, as in 1 / 0.

    Example:
        >>> parse("x + y <= 1").evaluate({"x": 0.5, "y": 0.25})
        True
    """
    tree = _tree(text)
    nodes = [node for node in ast.walk(tree) if not isinstance(node, ast.expr_context)]
    if len(nodes) > _MAX_NODES:
        raise _error(text, f"at most {_MAX_NODES} parts", len(nodes), "Use a function instead")
    is_not = isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not)
    if not isinstance(tree, ast.Compare | ast.BoolOp | ast.Name) and not is_not:
        raise _error(text, "something that holds or not", "a value", "Add a comparison")
    functions = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    used = [n for n in nodes if isinstance(n, ast.Name) and id(n) not in functions]
    used.sort(key=lambda n: (n.lineno, n.col_offset))
    names = tuple(dict.fromkeys(n.id for n in used))
    if not names:
        raise _error(text, "at least one parameter", "none", "Name one")
    value = _compile(tree, text)

    def evaluate(values: Values) -> bool:
        try:
            return bool(value(values))
        except (ArithmeticError, TypeError, ValueError) as error:
            shown = {name: values[name] for name in names}
            raise refused(
                f"require {text!r} must have a value for every configuration",
                "Guard it, as in 'y == 0 or x / y < 1'",
                got=f"{type(error).__name__} ({error}) for {shown!r}",
                text=text,
                values=shown,
            ) from error

    return Expression(text, names, evaluate)


def _tree(text: Any) -> ast.expr:
    if not isinstance(text, str) or len(text) > _MAX_TEXT:
        rule = f"a string of at most {_MAX_TEXT} characters"
        raise _error(str(text)[:60], rule, "more", "Shorten it")
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _error(text, "an expression", error, "Example: 'x + y <= 1'") from error


def _error(text: str, rule: str, got: object, advice: str) -> SpaceError:
    return refused(f"require {text!r}: must be {rule}", advice, got=str(got), text=text)


def _foreign(text: str, node: ast.expr, rule: str) -> SpaceError:
    part = ast.get_source_segment(text.strip(), node) or type(node).__name__
    return _error(text, rule, repr(part), "For anything else use require(function, name=...)")


def _compile(node: ast.expr, text: str) -> Evaluate:
    """Return a node as a function of the values, by its handler."""
    handler = _HANDLERS.get(type(node))
    if handler is None:
        raise _foreign(
            text,
            node,
            "made of names, numbers, strings, + - * / // % **, comparisons, and, or, not, in, "
            "if-else, min, max, abs, round and len",
        )
    return handler(node, text)


def _constant(node: Any, text: str) -> Evaluate:
    value = node.value
    if not isinstance(value, int | float | str | type(None)):
        raise _error(text, "made of numbers and strings", repr(value), "Remove it")
    return lambda values: value


def _name(node: Any, text: str) -> Evaluate:
    return operator.itemgetter(node.id)


def _tuple(node: Any, text: str) -> Evaluate:
    items = [_compile(item, text) for item in node.elts]
    return lambda values: tuple(item(values) for item in items)


def _binary(node: Any, text: str) -> Evaluate:
    apply = _OPERATORS.get(type(node.op))
    if apply is None:
        got, advice = type(node.op).__name__, "Use another operator"
        raise _error(text, "made of + - * / // % **", got, advice)
    left, right = _compile(node.left, text), _compile(node.right, text)
    return lambda values: apply(_number(left(values)), _number(right(values)))


def _unary(node: Any, text: str) -> Evaluate:
    operand = _compile(node.operand, text)
    if isinstance(node.op, ast.Not):
        return lambda values: not operand(values)
    if isinstance(node.op, ast.USub):
        return lambda values: -_number(operand(values))
    if isinstance(node.op, ast.UAdd):
        return lambda values: _number(operand(values))
    raise _error(text, "made of + - and not", "~", "Use another operator")


def _logic(node: Any, text: str) -> Evaluate:
    parts = [_compile(part, text) for part in node.values]
    decide = all if isinstance(node.op, ast.And) else any
    return lambda values: decide(part(values) for part in parts)


def _choice(node: Any, text: str) -> Evaluate:
    test, yes, no = (_compile(part, text) for part in (node.test, node.body, node.orelse))
    return lambda values: yes(values) if test(values) else no(values)


def _compare(node: Any, text: str) -> Evaluate:
    first = _compile(node.left, text)
    rest = []
    for op, part in zip(node.ops, node.comparators, strict=True):
        if type(op) not in _COMPARISONS:
            raise _error(text, "made of == != < <= > >= in", "is", "Write == instead of is")
        rest.append((_COMPARISONS[type(op)], _compile(part, text)))

    def compare(values: Values) -> bool:
        left = first(values)
        for holds, part in rest:
            right = part(values)
            if not holds(left, right):
                return False
            left = right
        return True

    return compare


def _call(node: Any, text: str) -> Evaluate:
    name = node.func.id if isinstance(node.func, ast.Name) else None
    if name not in _FUNCTIONS or node.keywords:
        raise _foreign(text, node, "made of the functions min, max, abs, round and len")
    function, arguments = _FUNCTIONS[name], [_compile(part, text) for part in node.args]
    return lambda values: function(*(argument(values) for argument in arguments))


def _number(value: Any) -> Any:
    if isinstance(value, int | float):
        return value
    raise TypeError(f"{value!r} is not a number")


def _power(base: Any, exponent: Any) -> Any:
    whole = isinstance(base, int) and isinstance(exponent, int)
    if whole and base.bit_length() * exponent > _MAX_BITS:
        raise OverflowError(f"{base} ** {exponent} is too large")
    result = base**exponent
    if isinstance(result, complex):
        raise ValueError(f"{base} ** {exponent} is not a real number")
    return result


def _product(left: Any, right: Any) -> Any:
    whole = isinstance(left, int) and isinstance(right, int)
    if whole and left.bit_length() + right.bit_length() > _MAX_BITS:
        raise OverflowError("a product is too large")
    return left * right


_OPERATORS: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: _product,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
_COMPARISONS: Final[dict[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda item, group: item in group,
    ast.NotIn: lambda item, group: item not in group,
}
_FUNCTIONS: Final[dict[str | None, Callable[..., Any]]] = {
    function.__name__: function for function in (min, max, abs, round, len)
}
_HANDLERS: Final[dict[type[ast.expr], Callable[[Any, str], Evaluate]]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Tuple: _tuple,
    ast.List: _tuple,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.BoolOp: _logic,
    ast.IfExp: _choice,
    ast.Compare: _compare,
    ast.Call: _call,
}
