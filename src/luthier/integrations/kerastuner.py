"""KerasTuner: its model functions, ``build(hp)``, on a trial of a study; itself it isn't needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

from luthier.core.suggest import Suggest
from luthier.integrations.kerastuner_params import choice, number
from luthier.integrations.kerastuner_scopes import Scopes
from luthier.space import Categorical, Constant, Float, Int, Param

__all__ = ["HyperParameters"]


@final
class HyperParameters(Scopes):
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
        super().__init__()
        self._trial = trial

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
        param = number(Int, name, min_value, max_value, step, sampling, default)
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
        param = number(Float, name, min_value, max_value, step, sampling, default)
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
        return self._ask(name, choice(values, ordered, default), **parent)

    def Boolean(  # noqa: N802
        self, name: str, default: bool | None = None, **parent: Any
    ) -> Any:
        """Return True or False."""
        return self._ask(name, Categorical([False, True], default=default), **parent)

    def Fixed(self, name: str, value: Any, **parent: Any) -> Any:  # noqa: N802
        """Return the value, and have it recorded."""
        return self._ask(name, Constant(value), **parent)

    def _suggested(self, full: str, param: Param) -> Any:
        return self._trial.suggest(full, param)
