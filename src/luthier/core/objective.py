"""What a study optimises: named metrics with directions, and constraints on metrics.

Inside Luthier everything is minimised. The sign flips here and nowhere else:
``minimised`` turns a result into what samplers see. Users only ever meet their own values.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, Final, Literal, Self, final

from luthier.errors import ArgumentError, ObjectiveError

__all__ = ["STEP", "Constraint", "Direction", "Objective"]

Direction = Literal["minimize", "maximize"]
STEP: Final = "step"
"""What steps count where nobody says."""
_FIDELITY = re.compile(r"\w[\w .,()/%-]{0,39}")
_NAME = re.compile(r"^[^\s<>=]+$")
_CONSTRAINT = re.compile(r"^\s*([^\s<>=]+)\s*(<=|>=)\s*(\S+)\s*$")


@final
@dataclass(frozen=True, slots=True)
class Constraint:
    """A bound on a metric: ``metric <= bound`` or ``metric >= bound``.

    Example:
        >>> Constraint.parse("size_mb <= 10").violation({"size_mb": 12.0})
        2.0
    """

    metric: str
    relation: Literal["<=", ">="]
    bound: float

    @classmethod
    def parse(cls, text: str) -> Constraint:
        """Read a constraint such as ``"size_mb <= 10"``.

        Raises:
            ArgumentError: The text isn't of the form ``metric <= number`` or ``>=``.
        """
        match = _CONSTRAINT.match(text) if isinstance(text, str) else None
        try:
            bound = float(match[3]) if match else math.nan
        except ValueError:
            bound = math.nan
        if match is None or not math.isfinite(bound):
            raise ArgumentError(
                "A constraint must read 'metric <= number' or 'metric >= number', "
                f"got {text!r}. Write for example 'size_mb <= 10'.",
                constraint=text,
            )
        return cls(match[1], "<=" if match[2] == "<=" else ">=", bound)

    def violation(self, metrics: Mapping[str, float]) -> float:
        """By how much the metrics break the constraint: above 0 is broken; NaN counts as inf."""
        value = metrics.get(self.metric, math.nan)
        excess = value - self.bound if self.relation == "<=" else self.bound - value
        return math.inf if math.isnan(excess) else excess

    def __str__(self) -> str:
        return f"{self.metric} {self.relation} {self.bound:g}"


@final
@dataclass(frozen=True, slots=True)
class Objective:
    """The objectives of a study, in order, and its constraints.

    Attributes:
        names: The objectives' metric names; ("value",) if the user named none.
        directions: One per objective.
        constraints: Bounds on metrics, objectives or others.
        named: Whether the user named the metrics, so that results may come as dicts.
        fidelity: What steps and budgets count, in the singular, for people to read: "epoch". Two
            objectives that differ only in it are equal.

    Example:
        >>> objective = Objective.of(metrics={"accuracy": "maximize"}, constraints=["mb <= 10"])
        >>> objective.read({"accuracy": 0.9, "mb": 4})
        {'accuracy': 0.9, 'mb': 4.0}
        >>> objective.minimised((0.9,))
        (-0.9,)
    """

    names: tuple[str, ...] = ("value",)
    directions: tuple[Direction, ...] = ("minimize",)
    constraints: tuple[Constraint, ...] = ()
    named: bool = False
    fidelity: str = field(default=STEP, compare=False)

    @classmethod
    def of(
        cls,
        *,
        direction: str | None = None,
        directions: Sequence[str] | None = None,
        metrics: Mapping[str, str] | None = None,
        constraints: Sequence[str] = (),
        fidelity: str = STEP,
    ) -> Self:
        """Build an objective from the arguments of ``create_study``.

        Args:
            direction: "minimize" or "maximize", for one objective without a name.
            directions: The same for several.
            metrics: Directions by metric name.
            constraints: Texts such as "size_mb <= 10".
            fidelity: What steps count.

        Raises:
            ArgumentError: More than one of the three is given, or one is malformed.
        """
        given = [x is not None for x in (direction, directions, metrics)]
        if sum(given) > 1:
            raise ArgumentError(
                "Only one of direction, directions and metrics may be given. "
                "Use metrics={'name': 'maximize', ...} for named objectives."
            )
        if metrics is not None:
            names, ways = _metric_names(metrics), list(metrics.values())
        elif directions is not None:
            if (
                isinstance(directions, str)
                or not isinstance(directions, Sequence)
                or not directions
            ):
                raise ArgumentError(
                    f"directions must be a non-empty list, got {directions!r}. "
                    "For one objective use direction='minimize'."
                )
            ways = list(directions)
            names = tuple(f"value_{i}" for i in range(len(ways))) if len(ways) > 1 else ("value",)
        else:
            names, ways = ("value",), [direction if direction is not None else "minimize"]
        parsed = tuple(Constraint.parse(text) for text in _constraint_list(constraints))
        if not isinstance(fidelity, str) or not _FIDELITY.fullmatch(fidelity):
            raise ArgumentError(
                "fidelity must be what a step counts, in at most 40 letters, digits and marks of "
                f"' _.,()/%-', got {fidelity!r}. Write for example fidelity='epoch'.",
                fidelity=fidelity,
            )
        found = tuple(map(_direction, ways))
        return cls(names, found, parsed, named=metrics is not None, fidelity=fidelity)

    def read(self, result: object) -> dict[str, float]:
        """Check what an objective function returned and name it.

        Args:
            result: A number, a sequence of numbers, or a mapping of named metrics.

        Returns:
            Metrics by name, the objectives first and in order.

        Raises:
            ObjectiveError: The result can't be used; the message says why.
        """
        if type(result) is float and self._plain and result == result:
            return {self.names[0]: result}
        if isinstance(result, Mapping):
            return self._read_named(result)
        values: Sequence[object]
        if _is_sequence(result):
            values = list(result)  # type: ignore[call-overload]
        else:
            values = [result]
        if len(values) != len(self.names):
            raise ObjectiveError(
                f"The objective must return {self._expected()}, got {len(values)} "
                f"value{'s' if len(values) != 1 else ''}: {_short(result)}.",
                result=result,
            )
        metrics = {n: _number(n, v) for n, v in zip(self.names, values, strict=True)}
        self._check_constraint_metrics(metrics)
        return metrics

    def read_report(self, result: object) -> dict[str, float]:
        """Check what an objective function reported: a number or a mapping of metrics.

        NaN is accepted here (a diverging run may go on) and infinity too.

        Raises:
            ObjectiveError: Not a number or a mapping of numbers.
        """
        if type(result) is float:
            return {self.names[0]: result}
        if isinstance(result, Mapping):
            if not result:
                raise ObjectiveError("A report must hold at least one metric, got {}.")
            return {str(n): _number(str(n), v, nan=True) for n, v in result.items()}
        return {self.names[0]: _number(self.names[0], result, nan=True)}

    @property
    def _plain(self) -> bool:
        return len(self.names) == 1 and not self.constraints

    def minimised(self, values: Sequence[float]) -> tuple[float, ...]:
        """Objective values with signs such that lower is better."""
        return tuple(
            -v if way == "maximize" else v for v, way in zip(values, self.directions, strict=True)
        )

    def direction_of(self, metric: str) -> Direction:
        """The direction of a metric; one that isn't an objective counts as minimised."""
        if metric in self.names:
            return self.directions[self.names.index(metric)]
        return "minimize"

    def violation(self, metrics: Mapping[str, float]) -> float:
        """The sum of all constraint violations; 0 is feasible."""
        return sum(max(0.0, c.violation(metrics)) for c in self.constraints)

    def to_json(self) -> dict[str, Any]:
        """The objective as a JSON value."""
        return {
            "names": list(self.names),
            "directions": list(self.directions),
            "constraints": [str(c) if _exact(c) else _verbose(c) for c in self.constraints],
            "named": self.named,
            **({} if self.fidelity == STEP else {"fidelity": self.fidelity}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` wrote."""
        return cls(
            tuple(data["names"]),
            tuple(map(_direction, data["directions"])),
            tuple(Constraint.parse(text) for text in data["constraints"]),
            bool(data["named"]),
            data.get("fidelity", STEP),
        )

    def _read_named(self, result: Mapping[Any, object]) -> dict[str, float]:
        missing = [name for name in self.names if name not in result]
        if missing:
            raise ObjectiveError(
                f"The objective must return {self._expected()}; its result lacks "
                f"{', '.join(map(repr, missing))}, it has "
                f"{', '.join(map(repr, result)) or 'none'}.",
                missing=missing,
            )
        others = [name for name in result if name not in self.names]
        metrics = {n: _number(n, result[n]) for n in self.names}
        required = {c.metric for c in self.constraints}
        metrics |= {str(n): _number(str(n), result[n], nan=n not in required) for n in others}
        self._check_constraint_metrics(metrics)
        return metrics

    def _check_constraint_metrics(self, metrics: Mapping[str, float]) -> None:
        missing = [c.metric for c in self.constraints if c.metric not in metrics]
        if missing:
            raise ObjectiveError(
                f"The constraint on {missing[0]!r} needs that metric, the result has "
                f"{', '.join(map(repr, metrics))}. Return a dict that names all of them.",
                missing=missing,
            )

    def _expected(self) -> str:
        if self.named:
            return f"a dict with {', '.join(map(repr, self.names))}"
        return "one number" if len(self.names) == 1 else f"{len(self.names)} numbers"


def _direction(way: object) -> Direction:
    text = getattr(way, "name", way)
    lowered = text.lower() if isinstance(text, str) else text
    if lowered == "minimize":
        return "minimize"
    if lowered == "maximize":
        return "maximize"
    raise ArgumentError(
        f"A direction must be 'minimize' or 'maximize', got {way!r}.", direction=way
    )


def _metric_names(metrics: Mapping[str, str]) -> tuple[str, ...]:
    if not isinstance(metrics, Mapping) or not metrics:
        raise ArgumentError(
            f"metrics must be a non-empty mapping of name to direction, got {metrics!r}. "
            "Write for example metrics={'accuracy': 'maximize'}."
        )
    for name in metrics:
        if not isinstance(name, str) or not _NAME.match(name):
            raise ArgumentError(
                f"A metric's name must be text without spaces or any of <>=, got {name!r}."
            )
    return tuple(metrics)


def _constraint_list(constraints: Sequence[str]) -> Sequence[str]:
    if isinstance(constraints, str) or not isinstance(constraints, Sequence):
        raise ArgumentError(
            f"constraints must be a list of texts, got {constraints!r}. Write ['size_mb <= 10']."
        )
    return constraints


def _is_sequence(result: object) -> bool:
    if isinstance(result, (str, bytes)):
        return False
    return isinstance(result, Sequence) or getattr(result, "ndim", 0) == 1


def _number(name: str, value: object, *, nan: bool = False) -> float:
    if hasattr(value, "item") and getattr(value, "size", 1) == 1:
        value = value.item()  # a NumPy or torch scalar
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ObjectiveError(
            f"Metric {name!r} must be a number, got {_short(value)} "
            f"({type(value).__name__}). Return a float.",
            metric=name,
            value=value,
        )
    try:
        number = float(value)
    except OverflowError:
        raise ObjectiveError(
            f"Metric {name!r} must fit into a float, got {_short(value)}. "
            "Return float('inf'), or scale it down.",
            metric=name,
        ) from None
    if math.isnan(number) and not nan:
        raise ObjectiveError(
            f"Metric {name!r} must be a number, got NaN. Return float('inf') for a result "
            "that is infinitely bad, or raise an exception if the trial failed.",
            metric=name,
        )
    return number


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _exact(constraint: Constraint) -> bool:
    return float(f"{constraint.bound:g}") == constraint.bound


def _verbose(constraint: Constraint) -> str:
    return f"{constraint.metric} {constraint.relation} {constraint.bound!r}"
