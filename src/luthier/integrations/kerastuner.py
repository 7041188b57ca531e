"""KerasTuner: its model functions, ``build(hp)``, on a trial of a study.

    linear         Int(low, high, step=), Float(low, high, step=)
    log            the same with scale="log"; with a step, which multiplies, an Ordinal
    reverse_log    log seen from the other end: a density of 1 / (low + high - v)

KerasTuner itself isn't needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, final

from luthier.core.suggest import Suggest
from luthier.errors import ArgumentError, UnknownParamError
from luthier.space import Beta, Categorical, Constant, Float, Int, Ordinal, Param

__all__ = ["HyperParameters"]

_NEARLY_0: Final = 1e-3  # Beta(1, b) on [low, low + high] has the density (low + high - v)^(b - 1)
_SAMPLINGS: Final = ("linear", "log", "reverse_log")


@final
class HyperParameters:
    """What KerasTuner calls ``hp``: its methods, answered by a trial.

    In a conditional scope whose parent has another value they return None, and nothing is
    recorded. Each takes ``parent_name`` and ``parent_values``, too, as such a scope does.

    Args:
        trial: A running, recorded or fixed trial.

    Attributes:
        values: The values given so far, by name.

    Example:
        >>> import luthier
        >>> def build(hp):
        ...     width = hp.Int("width", 32, 512, step=2, sampling="log")
        ...     with hp.conditional_scope("width", [32, 64]):
        ...         dropout = hp.Float("dropout", 0.0, 0.5, step=0.1)
        ...     return width, dropout
        >>> build(HyperParameters(luthier.FixedTrial({"width": 512})))
        (512, None)
    """

    def __init__(self, trial: Suggest) -> None:
        self.values: dict[str, Any] = {}
        self._trial = trial
        self._scopes: list[str] = []
        self._inactive = 0

    def Int(  # noqa: N802  the name scripts use
        self,
        name: str,
        min_value: int,
        max_value: int,
        step: int | None = None,
        sampling: str = "linear",
        default: int | None = None,
        **parent: Any,
    ) -> Any:
        """Return an integer; a step multiplies where sampling is "log" or "reverse_log"."""
        param = _number(Int, name, min_value, max_value, step, sampling, default)
        return self._ask(name, param, **parent)

    def Float(  # noqa: N802
        self,
        name: str,
        min_value: float,
        max_value: float,
        step: float | None = None,
        sampling: str = "linear",
        default: float | None = None,
        **parent: Any,
    ) -> Any:
        """Return a float; a step multiplies where sampling is "log" or "reverse_log"."""
        param = _number(Float, name, min_value, max_value, step, sampling, default)
        return self._ask(name, param, **parent)

    def Choice(  # noqa: N802
        self,
        name: str,
        values: Sequence[Any],
        ordered: bool | None = None,
        default: Any = None,
        **parent: Any,
    ) -> Any:
        """Return one of the values; numbers have an order unless ``ordered`` says no."""
        numbers = all(type(value) in (int, float) for value in values)
        kind = Ordinal if len(values) > 1 and (numbers if ordered is None else ordered) else None
        param = (kind or Categorical)(list(values), default=default)
        return self._ask(name, param, **parent)

    def Boolean(  # noqa: N802
        self, name: str, default: bool | None = None, **parent: Any
    ) -> Any:
        """Return True or False."""
        param = Categorical([False, True], default=default)
        return self._ask(name, param, **parent)

    def Fixed(self, name: str, value: Any, **parent: Any) -> Any:  # noqa: N802
        """Return the value, and have it recorded."""
        return self._ask(name, Constant(value), **parent)

    @contextmanager
    def conditional_scope(self, parent_name: str, parent_values: Sequence[Any]) -> Iterator[None]:
        """Make what is asked for inside active only where the parent has one of these values."""
        wanted = parent_values if isinstance(parent_values, list | tuple) else [parent_values]
        parent = self._full(parent_name)
        off = parent not in self.values or self.values[parent] not in wanted
        self._inactive += off
        try:
            yield
        finally:
            self._inactive -= off

    @contextmanager
    def name_scope(self, name: str) -> Iterator[None]:
        """Put ``name/`` before the names of what is asked for inside."""
        self._scopes.append(name)
        try:
            yield
        finally:
            self._scopes.pop()

    def get(self, name: str) -> Any:
        """Return the value of a parameter that was asked for before.

        Raises:
            UnknownParamError: It wasn't, or isn't active.
        """
        full = self._full(name)
        if full not in self.values:
            raise UnknownParamError(
                f"{full!r} was not asked for, or is inactive; there is: "
                f"{', '.join(self.values) or 'nothing'}.",
                name=full,
            )
        return self.values[full]

    __getitem__ = get

    def __contains__(self, name: str) -> bool:
        return self._full(name) in self.values

    def _ask(
        self,
        name: str,
        param: Param,
        parent_name: str | None = None,
        parent_values: Sequence[Any] = (),
    ) -> Any:
        if parent_name is not None:
            with self.conditional_scope(parent_name, parent_values):
                return self._ask(name, param)
        if self._inactive:
            return None
        full = self._full(name)
        self.values[full] = self._trial.suggest(full, param)
        return self.values[full]

    def _full(self, name: str) -> str:
        return "/".join([*self._scopes, name])


def _number(
    kind: type[Int] | type[Float],
    name: str,
    low: Any,
    high: Any,
    step: Any,
    sampling: str | None,
    default: Any,
) -> Param:
    if (sampling or "linear") not in _SAMPLINGS:
        raise ArgumentError(
            f"{name!r}: sampling must be one of {', '.join(_SAMPLINGS)}, got {sampling!r}."
        )
    if low == high:
        return Constant(low)
    given: dict[str, Any] = {"default": default}
    if sampling in ("log", "reverse_log") and step is not None:
        return _multiples(low, high, step, sampling == "reverse_log", default)
    if sampling == "reverse_log":
        given["prior"] = Beta(1, _NEARLY_0, low, low + high)
    if step is not None:
        given["step"] = step
    return kind(low, high, log=sampling == "log", **given)


def _multiples(low: Any, high: Any, factor: Any, mirrored: bool, default: Any) -> Param:
    """The values low, low * factor, low * factor^2, ...; or seen from the other end."""
    if not (factor > 1 and low > 0):
        raise ArgumentError(
            f"A step that multiplies must be above 1, from a min_value above 0, got {factor!r} "
            f"from {low!r}."
        )
    values = [low]
    while values[-1] * factor <= high * (1 + 1e-9):
        values.append(values[-1] * factor)
    ordered = [high + low - value for value in reversed(values)] if mirrored else values
    return Ordinal(ordered, default=default) if len(ordered) > 1 else Constant(ordered[0])
