"""Reads search spaces of Ray Tune: nested dicts of its domains.

Domains are known by the names of their classes and their attributes; Ray isn't imported. A nested
dict becomes parameters with dotted names, ``{"optim": {"lr": ...}}`` the parameter ``optim.lr``. So
does a list with domains in it: ``{"widths": [..., ...]}`` is ``widths.0`` and ``widths.1``.

    uniform, loguniform, quniform, qloguniform     Float
    randint, lograndint, qrandint, qlograndint     Int; the upper end is out, but of q > 1
    randn, qrandn                                  Float with a Normal prior, 4 deviations wide
    choice, grid_search                            Categorical; of dicts: a branch with conditions
    anything else                                  Constant
    sample_from                                    no parameter: it is code, not a range

``luthier.integrations.raytune`` computes what such code says, with the values of a trial.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from luthier.errors import SpaceError
from luthier.space.choices import Categorical, Constant
from luthier.space.numeric import Float, Int
from luthier.space.params import Param
from luthier.space.priors import Normal
from luthier.space.space import Space
from luthier.space.values import refused

__all__ = ["function_of", "is_nested", "items_of", "joined", "options_of", "read_raytune"]

_DEVIATIONS: Final = 4.0
_DUST: Final = 1e-9
_When = dict[str, Any]


def read_raytune(config: Any, *, derived: bool = False) -> Space:
    """Read a search space of Ray Tune; see ``Space.from_raytune``.

    Args:
        config: The space.
        derived: Leave out what ``sample_from`` computes, instead of refusing it.

    Example:
        >>> read_raytune({"batch": 32, "optim": {"name": "adam"}})
        Space({'batch': Constant(32), 'optim.name': Constant('adam')})
    """
    if not isinstance(config, Mapping):
        rule = "from_raytune: a dict of names to domains, values and dicts is needed"
        raise refused(rule, "Example: {'lr': tune.loguniform(1e-4, 1e-1)}", config=config)
    params: dict[str, Param] = {}
    for name, given, when in _leaves("", config, {}):
        if derived and function_of(given) is not None:
            continue
        if name in params:
            rule = f"from_raytune: {name!r} must stand in one place"
            raise refused(rule, "Give it different names in different choices", name=name)
        param = _param(name, given)
        params[name] = param.with_when(when) if when else param
    return Space(params)


def _leaves(name: str, given: Any, when: _When) -> Iterator[tuple[str, Any, _When]]:
    """What becomes a parameter each: its name, what it was given as, and its conditions."""
    options = options_of(given)
    if options is not None and is_nested(options):
        yield name, {"grid_search": range(len(options))}, when
        for k, option in enumerate(options):
            yield from _leaves(f"{name}.{k}", option, {**when, name: k})
    elif (items := items_of(given)) is not None:
        for key, inside in items:
            yield from _leaves(joined(name, key), inside, when)
    else:
        yield name, given, when


def joined(name: str, key: object) -> str:
    """Return the name of what stands under a key of a dict or list that has this name."""
    return f"{name}.{key}" if name else str(key)


def options_of(given: Any) -> Sequence[Any] | None:
    """Return what a choice or a grid chooses from; None: it is neither."""
    if isinstance(given, Mapping):
        grid = given.get("grid_search") if len(given) == 1 else None
        return grid if isinstance(grid, Sequence) else None
    options = getattr(given, "categories", None)
    return options if type(given).__name__ == "Categorical" else None


def is_nested(options: Sequence[Any]) -> bool:
    """Return whether there is a space in an option: its number is chosen, then what is in it."""
    return any(isinstance(option, Mapping) or _is_open(option) for option in options)


def items_of(given: Any) -> list[tuple[Any, Any]] | None:
    """Return keys and contents of a dict, or of a list with domains in it; None: it is neither."""
    if isinstance(given, Mapping):
        is_one = options_of(given) is not None or _is_text(given)
        return None if is_one else list(given.items())
    if isinstance(given, list | tuple) and any(map(_is_open, given)):
        return list(enumerate(given))
    return None


def function_of(given: Any) -> Callable[..., Any] | None:
    """Return the function of a ``sample_from``; None: it isn't one."""
    is_one = type(given).__name__ == "Function" and hasattr(given, "get_sampler")
    return given.func if is_one else None


def _is_text(given: Any) -> bool:
    return isinstance(given, Mapping) and given.keys() == {"eval"}


def _is_open(given: Any) -> bool:
    """Whether there is something to choose, or to compute, in a value."""
    if hasattr(given, "get_sampler") or options_of(given) is not None or _is_text(given):
        return True
    inside = given.values() if isinstance(given, Mapping) else given
    return isinstance(given, Mapping | list | tuple) and any(map(_is_open, inside))


def _param(name: str, given: Any) -> Param:
    try:
        if (options := options_of(given)) is not None:
            return Categorical(list(options)) if len(options) > 1 else Constant(options[0])
        if hasattr(given, "get_sampler"):
            return _from_domain(name, given)
        if _is_text(given):
            rule = f"from_raytune: {name!r} must be a function, not text to evaluate"
            raise refused(rule, "Write tune.sample_from(lambda spec: ...)", name=name, got=given)
        return Constant(given)
    except SpaceError as error:
        if str(error).startswith("from_raytune"):
            raise
        raise SpaceError(f"from_raytune: {name!r}: {error}", name=name, given=given) from error


def _from_domain(name: str, domain: Any) -> Param:
    kind = type(domain).__name__
    sampler = domain.get_sampler()
    quantum = getattr(sampler, "q", None)
    inner = sampler.sampler if quantum is not None else sampler
    how = type(inner).__name__.lstrip("_")
    if kind == "Float" and how == "Normal":
        return _normal(inner.mean, inner.sd, quantum)
    if kind in ("Float", "Integer") and how in ("Uniform", "LogUniform"):
        low, high, log = domain.lower, domain.upper, how == "LogUniform"
        if kind == "Float":
            return _float(low, high, log, quantum)
        return _int(low, high if quantum not in (None, 1) else high - 1, log, quantum or 1)
    if kind == "Function":
        rule = f"from_raytune: {name!r} must be a range or a choice, not sample_from"
        advice = "luthier.integrations.raytune.ParamSpace computes it from the other values"
        raise refused(rule, advice, name=name, got="a function")
    rule = f"from_raytune: {name!r} must be a domain of ray.tune that is known here"
    raise refused(rule, "Write it as luthier.Float, Int or Categorical", got=repr(domain))


def _float(low: float, high: float, log: bool, quantum: float | None) -> Param:
    if quantum is not None:
        low, high = _multiples(low, high, quantum)
    if low == high:
        return Constant(low)
    return Float(low, high, step=quantum, log=log)


def _int(low: int, high: int, log: bool, quantum: int) -> Param:
    low, high = (round(end) for end in _multiples(low, high, quantum))
    return Constant(low) if low == high else Int(low, high, log=log, step=quantum)


def _normal(mean: float, deviation: float, quantum: float | None) -> Param:
    low, high = mean - _DEVIATIONS * deviation, mean + _DEVIATIONS * deviation
    if quantum is not None:
        low, high = _multiples(low, high, quantum)
    return Float(low, high, step=quantum, prior=Normal(mean, deviation))


def _multiples(low: float, high: float, quantum: float) -> tuple[float, float]:
    """The first and the last multiple within a range, without the dust of floats."""
    first, last = math.ceil(low / quantum - _DUST), math.floor(high / quantum + _DUST)
    return float(f"{first * quantum:.12g}"), float(f"{last * quantum:.12g}")
