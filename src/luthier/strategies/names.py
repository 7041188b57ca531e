"""Names for samplers and schedulers, and for the pair of them that makes a strategy.

What a study stores of its sampler and scheduler is their ``spec``: a name of this list and the
settings. ``make_sampler`` and ``make_scheduler`` turn names and specs back into objects.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial
from typing import Any, Final, TypeVar, cast

from luthier.core.protocols import Sampler, Scheduler
from luthier.errors import ArgumentError
from luthier.samplers import (
    CMAES,
    DE,
    ES,
    GA,
    GP,
    NSGA2,
    NSGA3,
    SPSA,
    TPE,
    Auto,
    Challenger,
    Forest,
    Gradient,
    Grid,
    HighestRung,
    PartialFixed,
    QuasiRandom,
    Random,
    RungDE,
)
from luthier.schedulers import (
    PBT,
    Asha,
    BayesRace,
    FreezeThaw,
    Hyperband,
    LearningCurve,
    Median,
    NoStopping,
    OpenHalving,
    OpenHyperband,
    Pasha,
    Patience,
    Percentile,
    Race,
    SuccessiveHalving,
    Threshold,
    Wilcoxon,
)
from luthier.space import from_json_value

__all__ = [
    "known_samplers",
    "known_schedulers",
    "known_strategies",
    "make_sampler",
    "make_scheduler",
    "strategy",
    "strategy_parts",
]

T = TypeVar("T")
_BETWEEN: Final = re.compile(r",(?=\s*\w+\s*=)")  # settings; commas within JSON values stay
SamplerLike = Sampler | str | Mapping[str, Any]
SchedulerLike = Scheduler | str | Mapping[str, Any]


def make_sampler(given: SamplerLike) -> Sampler:
    """Return the sampler that a name, a spec or an object stands for.

    Args:
        given: A name such as "sobol", alone or with settings as in "grid:points=5", a spec such
            as ``{"name": "grid", "points": 5}``, or a sampler, which is returned as it is.

    Raises:
        ArgumentError: An unknown name, or settings that don't fit.

    Example:
        >>> make_sampler("random")
        Random(allow_duplicates=False)
        >>> make_sampler(make_sampler("sobol").spec) == make_sampler("sobol")
        True
    """
    return _make("sampler", "suggest", _SAMPLERS, given)


def make_scheduler(given: SchedulerLike) -> Scheduler:
    """Return the scheduler that a name, a spec or an object stands for.

    Args:
        given: A name such as "median", alone or with settings as in "asha:max_resource=27", a
            spec such as ``{"name": "percentile", "q": 25}``, or a scheduler, which is returned as
            it is.

    Raises:
        ArgumentError: An unknown name, or settings that don't fit.

    Example:
        >>> make_scheduler({"name": "median", "n_warmup_steps": 5}).n_warmup_steps
        5
        >>> make_scheduler("asha:max_resource=27,mode=stopping").mode
        'stopping'
    """
    return _make("scheduler", "decide", _SCHEDULERS, given)


def strategy(name: str) -> tuple[Sampler, Scheduler]:
    """Return the sampler and scheduler that a strategy's name stands for.

    Args:
        name: A name of ``known_strategies()``.

    Raises:
        ArgumentError: An unknown name, or one that needs settings.

    Example:
        >>> strategy("random")
        (Random(allow_duplicates=False), NoStopping())
    """
    if name in _COMBINED:
        raise ArgumentError(
            f"Strategy {name!r} must be told at which step a trial has finished, got its name "
            f"alone. Give luthier.{name}(max_resource), as in strategy=luthier.{name}(27).",
            name=name,
        )
    pair = _STRATEGIES.get(str(name))
    if pair is None:
        raise _unknown("strategy", name, _STRATEGIES)
    sampler, scheduler = pair
    return make_sampler(sampler), make_scheduler(scheduler)


def strategy_parts(
    name: str | tuple[SamplerLike, SchedulerLike],
    sampler: SamplerLike | None = None,
    scheduler: SchedulerLike | None = None,
) -> tuple[Sampler, Scheduler]:
    """Return a strategy's parts, with those that are given in the place of its own.

    Args:
        name: A name of ``known_strategies()``, or a sampler and a scheduler.
        sampler: What ``make_sampler`` takes, or None for the strategy's.
        scheduler: What ``make_scheduler`` takes, or None for the strategy's.

    Raises:
        ArgumentError: An unknown name, settings that don't fit, or neither a name nor a pair.

    Example:
        >>> strategy_parts("auto", scheduler="median")[1].spec["name"]
        'median'
    """
    if isinstance(name, str):
        parts = strategy(name)
    elif isinstance(name, tuple) and len(name) == 2:
        parts = make_sampler(name[0]), make_scheduler(name[1])
    else:
        raise ArgumentError(
            f"A strategy must be a name, or a pair of a sampler and a scheduler, got {name!r}. "
            'Example: strategy=("tpe", "median").',
            strategy=name,
        )
    return (
        parts[0] if sampler is None else make_sampler(sampler),
        parts[1] if scheduler is None else make_scheduler(scheduler),
    )


def known_samplers() -> tuple[str, ...]:
    """Return the names that ``make_sampler`` knows.

    Example:
        >>> "halton" in known_samplers()
        True
    """
    return tuple(name for name in _SAMPLERS if name not in _NOT_ALONE)


def known_schedulers() -> tuple[str, ...]:
    """Return the names that ``make_scheduler`` knows.

    Example:
        >>> "asha" in known_schedulers()
        True
    """
    return tuple(_SCHEDULERS)


def known_strategies() -> tuple[str, ...]:
    """Return the names that ``strategy`` knows.

    Example:
        >>> known_strategies()[0]
        'auto'
    """
    return tuple(_STRATEGIES)


def _make(what: str, verb: str, builders: Mapping[str, Callable[..., T]], given: Any) -> T:
    if isinstance(given, str):
        given = _read(what, given)
    if not isinstance(given, Mapping):
        if not callable(getattr(given, verb, None)) or isinstance(given, type):
            raise ArgumentError(
                f"A {what} must be a name, a spec or an object with {verb}(), got {given!r}. "
                f"The names are {', '.join(builders)}.",
                given=given,
            )
        return cast("T", given)
    settings = dict(given)
    name = settings.pop("name", None)
    builder = builders.get(str(name))
    if builder is None:
        raise _unknown(what, name, builders)
    try:
        return builder(**settings)
    except TypeError as error:
        raise ArgumentError(
            f"The settings of {what} {name!r} must be those of its class, got {settings!r} "
            f"({error}). {_advice(str(name), settings)}",
            name=name,
            settings=settings,
        ) from error


def _read(what: str, text: str) -> dict[str, Any]:
    """The spec that a name and its settings stand for, as in ``asha:max_resource=27,eta=4``."""
    name, colon, rest = text.partition(":")
    spec: dict[str, Any] = {"name": name}
    for setting in _BETWEEN.split(rest) if colon else ():
        key, equals, value = map(str.strip, setting.partition("="))
        if not equals or key in spec:
            raise ArgumentError(
                f"The settings of {what} {name!r} must be written SETTING=VALUE, with commas "
                f"between them and each once, got {rest!r}. Example: asha:max_resource=27,eta=4.",
                given=text,
            )
        try:
            spec[key] = json.loads(value)
        except ValueError:
            spec[key] = value
    return spec


def _advice(name: str, settings: Mapping[str, Any]) -> str:
    """What to do about settings that don't fit."""
    needed, example = _NEEDED.get(name, (None, None))
    if needed is None or needed in settings:
        return "Correct the names, or leave out what should keep its default."
    return f"Give them with the name, as in '{name}:{needed}={example}'."


def _unknown(what: str, name: object, known: Mapping[str, object]) -> ArgumentError:
    close = get_close_matches(name, known, n=1) if isinstance(name, str) else []
    hint = f"Did you mean {close[0]!r}? " if close else ""
    return ArgumentError(
        f"There is no {what} named {name!r}. {hint}Known are: {', '.join(known)}.", name=name
    )


def _fixed(sampler: SamplerLike, params: Mapping[str, Any]) -> PartialFixed:
    values = {name: from_json_value(value) for name, value in params.items()}
    return PartialFixed(make_sampler(sampler), values)


def _highest_rung(sampler: SamplerLike, **settings: Any) -> HighestRung:
    return HighestRung(make_sampler(sampler), **settings)


def _challenger(sampler: SamplerLike) -> Challenger:
    return Challenger(make_sampler(sampler))


def _patience(wrapped: SchedulerLike | None = None, **settings: Any) -> Patience:
    return Patience(wrapped=None if wrapped is None else make_scheduler(wrapped), **settings)


_SAMPLERS: Final[Mapping[str, Callable[..., Sampler]]] = {
    "auto": Auto,
    "random": Random,
    "grid": Grid,
    "random_grid": partial(Grid, shuffle=True),
    "quasirandom": QuasiRandom,
    "sobol": partial(QuasiRandom, "sobol"),
    "halton": partial(QuasiRandom, "halton"),
    "lhs": partial(QuasiRandom, "lhs"),
    "tpe": TPE,
    "forest": Forest,
    "gp": GP,
    "ga": GA,
    "de": DE,
    "cmaes": CMAES,
    "nsga2": NSGA2,
    "nsga3": NSGA3,
    "spsa": SPSA,
    "es": ES,
    "gradient": Gradient,
    "fixed": _fixed,
    "highest_rung": _highest_rung,
    "challenger": _challenger,
    "rung_de": RungDE,
}
_NOT_ALONE: Final = ("fixed", "highest_rung", "challenger", "rung_de")  # they need settings
_SCHEDULERS: Final[Mapping[str, Callable[..., Scheduler]]] = {
    "none": NoStopping,
    "median": Median,
    "percentile": Percentile,
    "threshold": Threshold,
    "patience": _patience,
    "learning_curve": LearningCurve,
    "successive_halving": SuccessiveHalving,
    "hyperband": Hyperband,
    "asha": Asha,
    "pasha": Pasha,
    "freeze_thaw": FreezeThaw,
    "open_halving": OpenHalving,
    "open_hyperband": OpenHyperband,
    "wilcoxon": Wilcoxon,
    "pbt": PBT,
    "race": Race,
    "bayes_race": BayesRace,
}
_NEEDED: Final[Mapping[str, tuple[str, int]]] = {
    "percentile": ("q", 25),
    "patience": ("patience", 5),
    "successive_halving": ("max_resource", 27),
    "hyperband": ("max_resource", 27),
    "asha": ("max_resource", 27),
    "pasha": ("max_resource", 27),
    "freeze_thaw": ("max_resource", 27),
    "pbt": ("steps", 100),
    "bayes_race": ("folds", 10),
}
_COMBINED: Final = (
    "bohb",
    "dehb",
    "mfes",
)  # of luthier.strategies.combinations; they have settings
_STRATEGIES: Final[Mapping[str, tuple[str, str]]] = {
    name: (name, "none") for name in _SAMPLERS if name not in _NOT_ALONE
}
