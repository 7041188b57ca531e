"""Ray Tune: its ``param_space`` on a trial of a study.

The domains are the space, and ``config`` makes of a trial the nested dict that Ray would have made,
with what the functions of ``sample_from`` return.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, final

from luthier.core.suggest import Suggest
from luthier.integrations.raytune_config import Config
from luthier.integrations.sample_from import Function
from luthier.space import Param, Space, from_json_value
from luthier.space.readers.raytune import (
    function_of,
    is_nested,
    items_of,
    joined,
    options_of,
    read_raytune,
)
from luthier.study.fixed import FixedTrial

__all__ = ["ParamSpace"]

_NOTE: Final = "sample_from"


@final
class ParamSpace:
    """A ``param_space`` of Ray Tune: a space to search, and the configuration of each trial.

    A function gets what Ray gives it, ``lambda spec: spec.config.lr * 2``; as a function of the
    configuration, ``lambda config: config["lr"] * 2``, it works as well. What functions return is
    recorded, as the trial's user attribute "sample_from", and read from there when the trial is
    run again or looked at later; what isn't JSON is computed again.

    While a function runs, ``random`` and the global numbers of NumPy are seeded for the trial and
    the parameter; they go on afterwards as if nothing had been drawn. What a function draws from
    elsewhere (torch, a generator of its own without a seed) can't be repeated, and code in other
    threads that draws from the global numbers meanwhile disturbs it: there the record alone tells.

    Args:
        param_space: A dict of Ray's domains, of values, and of dicts and lists with these.
        seed: Of what functions draw; None is the study's seed, or 0 where a trial knows of none.

    Attributes:
        space: The domains and values, by dotted names; see ``Space.from_raytune``.

    Raises:
        SpaceError: Something in it has no counterpart here.

    Example:
        >>> import luthier
        >>> given = ParamSpace({"optim": {"batch": {"grid_search": [16, 32]}}, "epochs": 3})
        >>> def objective(trial):
        ...     config = given.config(trial)
        ...     return config["optim"]["batch"] * config["epochs"]
        >>> study = luthier.create_study(space=given.space, seed=0)
        >>> study.optimize(objective, n_trials=2)
        >>> given.config(study.best_trial)
        {'optim': {'batch': 16}, 'epochs': 3}
    """

    def __init__(self, param_space: Mapping[str, Any], *, seed: int | None = None) -> None:
        self.space: Space = read_raytune(param_space, derived=True)
        self._given = param_space
        self._seed = seed

    def config(self, trial: Suggest | Mapping[str, Any]) -> dict[str, Any]:
        """Return the configuration of a trial, or of parameters by name, as a plain dict.

        Args:
            trial: A running, recorded or fixed trial; or a mapping like ``study.best_params``,
                which may lack the values that aren't searched.

        Raises:
            ParamValueError: A value is missing, or not one of its parameter's.
            UnknownParamError: The space has no such parameter.
            ArgumentError: Functions need each other's values in a circle, or one returns a domain.
        """
        if not isinstance(trial, Suggest):
            trial = FixedTrial(self.space.check(trial))
        held = getattr(trial, "user_attrs", {}).get(_NOTE, {})
        seed = getattr(trial, "seed", 0) if self._seed is None else self._seed
        config = Config(
            self._asked("", self._given, trial.suggest),
            found={name: from_json_value(value) for name, value in held.items()},
            key=(seed, _NOTE, getattr(trial, "number", 0)),
        )
        values = config.resolved()
        if (notes := config.notes()) != held:
            trial.set_user_attr(_NOTE, notes)
        return values

    def _asked(self, name: str, given: Any, ask: Callable[[str, Param], Any]) -> Any:
        """What was given, with the trial's values in the place of domains."""
        options = options_of(given)
        if options is not None and is_nested(options):
            k = ask(name, self.space[name])
            return self._asked(f"{name}.{k}", options[k], ask)
        if (items := items_of(given)) is not None:
            inside = {key: self._asked(joined(name, key), part, ask) for key, part in items}
            if isinstance(given, Mapping):
                return inside
            return (tuple if isinstance(given, tuple) else list)(inside.values())
        return Function(name, given) if function_of(given) else ask(name, self.space[name])
