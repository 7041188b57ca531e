"""The verbs of define-by-run: ``suggest_float``, ``suggest_int``, ``suggest_categorical``.

Running trials, recorded trials and fixed trials answer the same verbs; they differ only in
where the value comes from. Definitions are cached, so that asking for the same parameter in
every trial builds it once.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from luthier.errors import ArgumentError, SpaceError
from luthier.space import Categorical, Constant, Float, Int, Param

__all__ = ["GRADIENT", "Suggest"]

GRADIENT: Final = "gradient"
"""The user attribute that holds the derivatives of a trial's result."""


_SCALARS = frozenset({str, int, float, bool, type(None)})


class Suggest(ABC):
    """What every kind of trial offers to an objective.

    A subclass says where values come from by ``_suggest(name, param)``.
    """

    __slots__ = ()

    @abstractmethod
    def _suggest(self, name: str, param: Param) -> Any:
        """Return the value of a parameter, resolved for the objective's use."""

    @abstractmethod
    def set_user_attr(self, key: str, value: object) -> None:
        """Note something about this trial."""

    def set_gradient(self, gradient: Mapping[str, float]) -> None:
        """Give the derivatives of what the objective returns, for ``strategy="gradient"``.

        They are recorded with the trial, as its user attribute "gradient".

        Args:
            gradient: The derivative of the (first) objective, in its own sign, by parameters as
                they are asked for, not their logarithms. Any numbers, of torch and NumPy too; what
                is missing or not finite stays unknown.

        Raises:
            ArgumentError: Not a mapping of names to numbers.
        """
        try:
            numbers = {str(name): float(slope) for name, slope in gradient.items()}
        except (AttributeError, TypeError, ValueError) as error:
            raise ArgumentError(
                f"set_gradient: give derivatives by parameter, got {gradient!r} ({error}). "
                "Example: trial.set_gradient({'lr': 0.3}).",
                gradient=gradient,
            ) from None
        finite = {name: slope for name, slope in numbers.items() if math.isfinite(slope)}
        self.set_user_attr(GRADIENT, finite)

    def refine(self, problem: Any, **settings: Any) -> Any:
        """Learn continuous hyperparameters by gradient inside this trial, and record how it went.

        Args:
            problem: ``luthier.gradient.Bilevel``, or anything with ``refine(trial, **settings)``.
            **settings: What that takes, such as ``steps``.

        Returns:
            What the problem's ``refine`` returns.
        """
        return problem.refine(self, **settings)

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Return a float from ``[low, high]``.

        Args:
            name: The parameter's name, unique in the study.
            low: The lowest value.
            high: The highest value, included.
            step: Only ``low + k * step`` are possible, if given.
            log: Search on the logarithmic scale; ``low`` must be above 0.

        Raises:
            SpaceError: The range makes no sense.
            IncompatibleParamError: The name was asked for differently before in this trial.
        """
        try:
            param = _float(low, high, step, log)
        except (SpaceError, TypeError) as error:
            raise _named(error, name) from None
        return self._suggest(name, param)  # type: ignore[no-any-return]

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """Return an integer from ``low`` to ``high``, both included.

        Args:
            name: The parameter's name, unique in the study.
            low: The lowest value.
            high: The highest value, included.
            step: Only ``low + k * step`` are possible.
            log: Search on the logarithmic scale; ``low`` must be above 0.

        Raises:
            SpaceError: The range makes no sense.
            IncompatibleParamError: The name was asked for differently before in this trial.
        """
        try:
            param = _int(low, high, step, log)
        except (SpaceError, TypeError) as error:
            raise _named(error, name) from None
        return self._suggest(name, param)  # type: ignore[no-any-return]

    def suggest_categorical(self, name: str, choices: Sequence[Any] | Mapping[str, Any]) -> Any:
        """Return one of the choices.

        Args:
            name: The parameter's name, unique in the study.
            choices: JSON values, tuples or None; or objects under names, as a mapping.

        Raises:
            SpaceError: No choices, or one that needs a name.
            IncompatibleParamError: The name was asked for differently before in this trial.
        """
        try:
            param = _categorical_of(choices)
        except SpaceError as error:
            raise _named(error, name) from None
        return self._suggest(name, param)

    def suggest(self, name: str, param: Param) -> Any:
        """Return a value of any parameter, such as ``Ordinal`` or ``Permutation``.

        Args:
            name: The parameter's name, unique in the study.
            param: Its definition.

        Raises:
            ArgumentError: Not a parameter.
            IncompatibleParamError: The name was asked for differently before in this trial.
        """
        if not isinstance(param, Param):
            raise ArgumentError(
                f"suggest {name!r}: the definition must be a parameter such as Float(0, 1), "
                f"got {param!r}.",
                name=name,
            )
        return self._suggest(name, param)


@lru_cache(maxsize=4096)  # 0 and 0.0 make the same Float
def _float(low: float, high: float, step: float | None, log: bool) -> Float | Constant:
    if low == high and isinstance(low, int | float):  # computed bounds may meet
        return Constant(float(low))
    return Float(low, high, step=step, log=log)


@lru_cache(maxsize=4096)
def _int(low: int, high: int, step: int, log: bool) -> Int | Constant:
    if low == high and isinstance(low, int):
        return Constant(int(low))
    return Int(low, high, step=step, log=log)


def _categorical_of(choices: Sequence[Any] | Mapping[str, Any]) -> Categorical:
    if isinstance(choices, (list, tuple)):
        kinds = tuple(map(type, choices))
        if _SCALARS.issuperset(kinds):
            return _categorical(
                tuple(choices), kinds
            )  # 1, 1.0 and True are equal, their types aren't
    return Categorical(choices)


@lru_cache(maxsize=4096)
def _categorical(choices: tuple[Any, ...], kinds: tuple[type, ...]) -> Categorical:
    return Categorical(choices)


def _named(error: SpaceError | TypeError, name: object) -> SpaceError:
    """The error of a definition that has just been given a name: "Float 'lr': low must ..."."""
    if isinstance(error, TypeError):  # unhashable
        return SpaceError(f"{name!r}: low, high and step must be numbers ({error}).", name=name)
    return SpaceError(error.message.replace(":", f" {name!r}:", 1), name=name, **error.fields)
