"""Fixed trials: run an objective with given values, outside any study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

from luthier.core.objective import Objective
from luthier.core.suggest import Suggest
from luthier.core.trial import Metrics
from luthier.errors import ArgumentError, UnknownParamError
from luthier.space import Param, merge_definition
from luthier.study.trial import check_attr, checked_step

__all__ = ["FixedTrial"]


@final
class FixedTrial(Suggest):
    """Answers ``suggest_*`` with the values given, for tests and final training runs.

    Args:
        params: Values by parameter name.
        number: What ``trial.number`` says.

    Example:
        >>> FixedTrial({"x": 0.25}).suggest_float("x", 0, 1)
        0.25
    """

    def __init__(self, params: Mapping[str, Any], number: int = 0) -> None:
        if not isinstance(params, Mapping):
            raise ArgumentError(f"FixedTrial: params must be a mapping, got {params!r}.")
        self.number = number
        self._given = dict(params)
        self._asked: dict[str, Any] = {}
        self._params: dict[str, Param] = {}
        self._user_attrs: dict[str, Any] = {}

    @property
    def params(self) -> dict[str, Any]:
        """All values given, and those asked for as the objective got them."""
        asked = {name: param.resolve(self._asked[name]) for name, param in self._params.items()}
        return self._given | asked

    @property
    def distributions(self) -> dict[str, Param]:
        """The definitions of the parameters asked for so far."""
        return dict(self._params)

    @property
    def user_attrs(self) -> dict[str, Any]:
        """The notes set so far."""
        return dict(self._user_attrs)

    def report(self, metrics: float | Metrics, step: int) -> None:
        """Checked and ignored: there is no study to report to.

        Raises:
            ObjectiveError: Not a number or a mapping of numbers.
            ArgumentError: The step isn't an integer of at least 0.
        """
        Objective().read_report(metrics)
        checked_step(step)

    def should_prune(self) -> bool:
        """Always False."""
        return False

    def set_user_attr(self, key: str, value: object) -> None:
        """Keep a note.

        Raises:
            ArgumentError: The key isn't text, or the value isn't JSON.
        """
        check_attr(key, value)
        self._user_attrs[key] = value

    def _suggest(self, name: str, param: Param) -> Any:
        if name not in self._given:
            raise UnknownParamError(
                f"FixedTrial was given no value for {name!r}; it has: "
                f"{', '.join(self._given) or 'none'}. Add it to the params.",
                name=name,
            )
        if name in self._params:
            param = merge_definition(name, self._params[name], param)
        value = param.check(self._given[name], name)
        self._asked[name] = value
        self._params[name] = param
        return param.resolve(value)
