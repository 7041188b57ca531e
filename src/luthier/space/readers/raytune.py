"""Reads search spaces of Ray Tune: nested dicts of its domains.

Domains are known by the names of their classes and their attributes; Ray isn't imported. A nested
dict becomes parameters with dotted names, ``{"optim": {"lr": ...}}`` the parameter ``optim.lr``.

    uniform, loguniform, quniform, qloguniform     Float
    randint, lograndint, qrandint, qlograndint     Int; the upper end is out, but of q > 1
    randn, qrandn                                  Float with a Normal prior, 4 deviations wide
    choice, grid_search                            Categorical; of dicts: a branch with conditions
    anything else                                  Constant
    sample_from                                    refused: it is code, not a range
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from luthier.errors import SpaceError
from luthier.space.choices import Categorical, Constant
from luthier.space.numeric import Float, Int
from luthier.space.params import Param
from luthier.space.priors import Normal
from luthier.space.space import Space
from luthier.space.values import refused

__all__ = ["read_raytune"]

_DEVIATIONS: Final = 4.0
_DUST: Final = 1e-9
_When = dict[str, Any]


def read_raytune(config: Any) -> Space:
    """Read a search space of Ray Tune; see ``Space.from_raytune``.

    Example:
        >>> read_raytune({"batch": 32, "optim": {"name": "adam"}})
        Space({'batch': Constant(32), 'optim.name': Constant('adam')})
    """
    if not isinstance(config, Mapping):
        rule = "from_raytune: a dict of names to domains, values and dicts is needed"
        raise refused(rule, "Example: {'lr': tune.loguniform(1e-4, 1e-1)}", config=config)
    params: dict[str, Param] = {}
    for name, param in _params(config, "", {}):
        if name in params:
            rule = f"from_raytune: {name!r} must stand in one place"
            raise refused(rule, "Give it different names in different choices", name=name)
        params[name] = param
    return Space(params)


def _params(config: Mapping[str, Any], prefix: str, when: _When) -> Iterator[tuple[str, Param]]:
    for key, given in config.items():
        name = f"{prefix}{key}"
        options = _options(given)
        if isinstance(given, Mapping) and options is None:
            yield from _params(given, f"{name}.", when)
        elif options is not None and any(map(_is_nested, options)):
            yield from _branches(name, options, when)
        else:
            param = _param(name, given, options)
            yield name, param.with_when(when) if when else param


def _options(given: Any) -> Sequence[Any] | None:
    """What a choice or a grid chooses from; None: it is neither."""
    if isinstance(given, Mapping):
        grid = given.get("grid_search") if len(given) == 1 else None
        return grid if isinstance(grid, Sequence) else None
    options = getattr(given, "categories", None)
    return options if type(given).__name__ == "Categorical" else None


def _is_nested(option: Any) -> bool:
    return isinstance(option, Mapping) or hasattr(option, "get_sampler")


def _branches(name: str, options: Sequence[Any], when: _When) -> Iterator[tuple[str, Param]]:
    """A choice of dicts and domains: the number chosen, and what is in each under its number."""
    choice = Categorical(list(range(len(options))))
    yield name, choice.with_when(when) if when else choice
    for k, option in enumerate(options):
        if isinstance(option, Mapping):
            yield from _params(option, f"{name}.{k}.", {**when, name: k})
        else:
            inside: _When = {**when, name: k}
            yield f"{name}.{k}", _param(f"{name}.{k}", option, None).with_when(inside)


def _param(name: str, given: Any, options: Sequence[Any] | None) -> Param:
    try:
        if options is not None:
            return Categorical(list(options)) if len(options) > 1 else Constant(options[0])
        if hasattr(given, "get_sampler"):
            return _from_domain(name, given)
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
        advice = "Take it out of the space and compute it in the objective from the other values"
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
