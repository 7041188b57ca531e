"""Readers: spaces from the formats of scikit-learn, ConfigSpace and Optuna.

None of those libraries is imported; objects are known by their attributes. What a format says
and Luthier can't honour is an error, never left out in silence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from luthier.errors import SpaceError
from luthier.space.params import Param
from luthier.space.readers.configspace import read_configspace
from luthier.space.readers.optuna import is_distribution, read_optuna
from luthier.space.readers.sklearn import BRANCH, read_sklearn
from luthier.space.space import Space
from luthier.space.values import refused

__all__ = ["BRANCH", "read", "read_configspace", "read_optuna", "read_sklearn"]


def read(given: Any) -> Space:
    """Read a space from whatever describes one; see ``Space.of``."""
    if isinstance(given, Space):
        return given
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError as error:
            raise _unreadable(given) from error
    if isinstance(given, Mapping):
        return _read_mapping(given)
    if isinstance(given, list | tuple) and given:
        return read_sklearn(given)
    raise _unreadable(given)


def _read_mapping(given: Mapping[str, Any]) -> Space:
    values = list(given.values())
    if all(isinstance(value, Param) for value in values):
        return Space(given)
    if "hyperparameters" in given:
        return read_configspace(given)
    if isinstance(given.get("params"), Mapping):
        return Space.from_json(given)
    if any(is_distribution(value) for value in values):
        return read_optuna(given)
    return read_sklearn(given)


def _unreadable(given: Any) -> SpaceError:
    return refused(
        "A space must be a Space, a dict of names to parameters, a scikit-learn style grid, "
        "Optuna distributions, or JSON of a Space or ConfigSpace",
        "Example: Space(x=Float(0, 1))",
        got=f"{str(given)[:80]!r} of type {type(given).__name__}",
        given=given,
    )
