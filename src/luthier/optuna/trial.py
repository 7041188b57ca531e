"""Trials as scripts for Optuna know them: Luthier's own, seen through a thin pane.

What Optuna calls a system attribute is an attribute under a reserved prefix here; constraint
values are system attributes, as they are there.
"""

from __future__ import annotations

import enum
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

from luthier.core import trial as core
from luthier.errors import ArgumentError, StudyError
from luthier.optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from luthier.space import Param
from luthier.study import fixed, handmade
from luthier.study import trial as running

if TYPE_CHECKING:
    from luthier.optuna.surface import Study

__all__ = [
    "BaseTrial",
    "FixedTrial",
    "FrozenTrial",
    "Trial",
    "TrialState",
    "constraints_in",
    "create_trial",
    "native_state",
    "system_attrs_in",
    "system_key",
    "user_attrs_in",
]

_SYSTEM = "system:"
_CONSTRAINT = "constraints:"


class TrialState(enum.IntEnum):
    """Where a trial stands, by Optuna's names and numbers."""

    RUNNING = 0
    COMPLETE = 1
    PRUNED = 2
    FAIL = 3
    WAITING = 4

    def __str__(self) -> str:
        return f"TrialState.{self.name}"

    def is_finished(self) -> bool:
        """Whether nothing more will happen to a trial in this state."""
        return self not in (TrialState.RUNNING, TrialState.WAITING)

    @classmethod
    def of(cls, state: core.TrialState) -> TrialState:
        """The name that Optuna has for a state; a paused trial waits."""
        return cls[{"FAILED": "FAIL", "PAUSED": "WAITING"}.get(state.name, state.name)]


def native_state(state: TrialState | core.TrialState) -> core.TrialState:
    """Return Luthier's name for a state.

    Args:
        state: A state by Optuna's name, or already by Luthier's.

    Raises:
        ArgumentError: Not a state.
    """
    if isinstance(state, TrialState | core.TrialState):
        return core.TrialState[state.name]
    raise ArgumentError(
        f"A state must be one of {', '.join(TrialState.__members__)}, got {state!r}."
    )


def system_key(key: str) -> str:
    """The name under which a system attribute is kept."""
    return _SYSTEM + key


def user_attrs_in(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """The user's among attributes."""
    return {k: v for k, v in attrs.items() if not k.startswith(_SYSTEM)}


def system_attrs_in(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """The system's among attributes."""
    return {k.removeprefix(_SYSTEM): v for k, v in attrs.items() if k.startswith(_SYSTEM)}


def constraints_in(attrs: Mapping[str, Any]) -> dict[str, float]:
    """The constraint values among attributes; above 0 is a violation."""
    prefix = _SYSTEM + _CONSTRAINT
    return {k.removeprefix(prefix): v for k, v in attrs.items() if k.startswith(prefix)}


class BaseTrial:
    """What all trials here share: Optuna's surface over a trial of Luthier's.

    Whatever isn't defined here is asked of Luthier's trial.
    """

    def __init__(self, native: Any) -> None:
        self._native = native

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._native, name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._native!r})"

    @property
    def user_attrs(self) -> dict[str, Any]:
        """The user's notes."""
        return user_attrs_in(self._native.user_attrs)

    @property
    def system_attrs(self) -> dict[str, Any]:
        """Notes that aren't the user's."""
        return system_attrs_in(self._native.user_attrs)

    @property
    def constraints(self) -> dict[str, float]:
        """Constraint values by name; above 0 is a violation."""
        return constraints_in(self._native.user_attrs)

    def set_system_attr(self, key: str, value: Any) -> None:
        """Set a system attribute, as older versions of Optuna allow."""
        self._native.set_user_attr(system_key(key), value)

    def set_constraint(self, key: str, value: float) -> None:
        """Say how much a constraint is violated; 0 or less is feasible.

        Args:
            key: The constraint's name. Its first value counts.
            value: A number.

        Raises:
            ArgumentError: Not a number, or NaN.
        """
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if math.isnan(number):
            raise ArgumentError(f"Constraint {key!r} must be a number, got {value!r}.", key=key)
        if key in self.constraints:
            warnings.warn(f"Constraint {key!r} is set already; its value stays.", stacklevel=2)
            return
        self.set_system_attr(_CONSTRAINT + key, number)

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Return a float from ``[low, high]``."""
        return self._ask(name, FloatDistribution(low, high, log, step))  # type: ignore[no-any-return]

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """Return an integer from ``low`` to ``high``, both included."""
        return self._ask(name, IntDistribution(low, high, log, step))  # type: ignore[no-any-return]

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return one of the choices."""
        return self._ask(name, CategoricalDistribution(choices))

    def suggest_uniform(self, name: str, low: float, high: float) -> float:
        """Return what ``suggest_float(name, low, high)`` returns."""
        return self.suggest_float(name, low, high)

    def suggest_loguniform(self, name: str, low: float, high: float) -> float:
        """Return what ``suggest_float(name, low, high, log=True)`` returns."""
        return self.suggest_float(name, low, high, log=True)

    def suggest_discrete_uniform(self, name: str, low: float, high: float, q: float) -> float:
        """Return what ``suggest_float(name, low, high, step=q)`` returns."""
        return self.suggest_float(name, low, high, step=q)

    def _ask(self, name: str, param: Param) -> Any:
        return self._native.suggest(name, param)


@final
class Trial(BaseTrial):
    """A running trial.

    Args:
        native: Luthier's trial.
        study: The study that scripts see.
    """

    def __init__(self, native: running.Trial, study: Study) -> None:
        super().__init__(native)
        self.study = study
        self._planned = study.planned

    def _ask(self, name: str, param: Param) -> Any:
        planned = self._planned.get(name)
        if planned is None:
            return self._native.suggest(name, param)
        return param.check(self._native.suggest(name, planned), name)


@final
class FrozenTrial(BaseTrial):
    """A trial's record.

    Args:
        native: Luthier's record.
        definitions: Definitions of its parameters, as far as they are known.
    """

    def __init__(
        self, native: core.FrozenTrial, definitions: Mapping[str, Param] = core.EMPTY
    ) -> None:
        super().__init__(native)
        self._definitions = definitions

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FrozenTrial) and bool(self._native == other._native)

    def __hash__(self) -> int:
        return hash((FrozenTrial, self._native.number))

    @property
    def state(self) -> TrialState:
        """Where the trial stands."""
        return TrialState.of(self._native.state)

    @property
    def value(self) -> float | None:
        """The single objective's value, if there is one.

        Raises:
            StudyError: There are several objectives: use ``values``.
        """
        if self._native.objectives > 1:
            raise StudyError("value needs a single objective, the trial has several: use values.")
        return self._native.value  # type: ignore[no-any-return]

    @property
    def distributions(self) -> dict[str, Param]:
        """Definitions of its parameters."""
        known = self._definitions
        return {name: known[name] for name in self._native.param_names if name in known}

    def set_constraint(self, key: str, value: float) -> None:
        """Accepted and ignored: a record doesn't change."""


@final
class FixedTrial(BaseTrial):
    """Answers ``suggest_*`` with the values given, outside any study.

    Args:
        params: Values by parameter name.
        number: What ``trial.number`` says.

    Raises:
        ArgumentError: ``params`` isn't a mapping.

    Example:
        >>> FixedTrial({"x": 0.25}).suggest_float("x", 0, 1)
        0.25
    """

    def __init__(self, params: Mapping[str, Any], number: int = 0) -> None:
        super().__init__(fixed.FixedTrial(params, number))


def create_trial(
    *,
    state: TrialState = TrialState.COMPLETE,
    system_attrs: Mapping[str, Any] | None = None,
    user_attrs: Mapping[str, Any] | None = None,
    constraints: Mapping[str, float] | None = None,
    **parts: Any,
) -> FrozenTrial:
    """Make a record by hand, for ``study.add_trial``.

    Args:
        state: Where it stands.
        system_attrs: Notes that aren't the user's.
        user_attrs: The user's notes.
        constraints: Constraint values by name.
        **parts: ``value`` or ``values``, ``params``, ``distributions``, ``intermediate_values``.

    Raises:
        ArgumentError: Arguments that contradict each other.

    Example:
        >>> create_trial(value=1.0, constraints={"size": -0.5}).constraints
        {'size': -0.5}
    """
    system = dict(system_attrs or {})
    system |= {_CONSTRAINT + key: float(value) for key, value in (constraints or {}).items()}
    attrs = dict(user_attrs or {}) | {system_key(key): value for key, value in system.items()}
    native = handmade.create_trial(state=native_state(state), user_attrs=attrs, **parts)
    return FrozenTrial(native, native.declares)
