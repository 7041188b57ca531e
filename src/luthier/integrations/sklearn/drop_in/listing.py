"""Candidates that are known beforehand, as trials of a study that wait to be run.

Candidate *i* of the list is trial *i*. What a study can hold of its parameters is recorded with
it; so whoever looks at the study sees what was tried, and a search that goes on can check that
the list is still the same. The candidates themselves, which may be any objects, stay in memory.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, final

from luthier.core.history import History
from luthier.core.trial import EMPTY, FrozenTrial, Origin, TrialState
from luthier.errors import SpaceError, StudyMismatchError
from luthier.space import Categorical, Float, Int, Param
from luthier.space.values import plain, value_key
from luthier.study.study import Study

__all__ = ["enlist", "recordable"]

_LONGEST = 80


def enlist(study: Study, candidates: Sequence[Mapping[str, Any]]) -> None:
    """Add a trial that waits for each candidate that a study doesn't have yet.

    Args:
        study: The study; its trials are the first candidates of the same list, if it has any.
        candidates: Parameters by name, in order.

    Raises:
        StudyMismatchError: Its trials are others.
    """
    listed = [{n: recordable(v) for n, v in params.items()} for params in candidates]
    known = study.get_trials()
    for trial, params in zip(known, listed, strict=False):
        _check_same(study, trial, params)
    domains = {n: _domain(v) for n, v in _values(listed).items()}

    def build(number: int, history: History) -> FrozenTrial:
        if number >= len(listed):  # another process has just added the last
            raise _AllListedError
        declares = {n: domains[n] for n in listed[number] if history.space.get(n) != domains[n]}
        return FrozenTrial(
            number=number,
            state=TrialState.WAITING,
            param_names=tuple(listed[number]),
            param_values=tuple(listed[number].values()),
            objectives=1,
            origin=Origin("listed", f"candidate {number} of the list"),
            declares=declares or EMPTY,
        )

    with suppress(_AllListedError):
        for _ in listed[len(known) :]:
            study._driver.add(build)


def recordable(value: Any) -> Any:
    """What a trial's record can hold of a value: the value itself, or words for it.

    Example:
        >>> recordable((50, 50)), recordable(len), recordable(object())
        ((50, 50), 'len', '<object object>')
    """
    value = plain(value)
    try:
        value_key(value)
    except SpaceError:
        words = getattr(value, "__qualname__", None) or repr(value)
        words = re.sub(r" at 0x[0-9a-f]+", "", re.sub(r"\s+", " ", words))
        return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 3]}..."
    return value


def _check_same(study: Study, trial: FrozenTrial, params: Mapping[str, Any]) -> None:
    ours, theirs = ({n: value_key(v) for n, v in p.items()} for p in (params, trial.params))
    if ours != theirs:
        raise StudyMismatchError(
            f"Study {study.study_name!r} was made with other candidates: trial {trial.number} has "
            f"{trial.params}, this search {dict(params)}. Use another study_name; for the same "
            "draws every time, give the search an integer as random_state.",
            differing=["candidates"],
        )


def _values(listed: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    values: dict[str, list[Any]] = {}
    for params in listed:
        for name, value in params.items():
            values.setdefault(name, []).append(value)
    return values


def _domain(values: Sequence[Any]) -> Param:
    """A range of numbers, else the choices that occur."""
    kinds = {type(value) for value in values}
    if kinds <= {int, float} and all(abs(v) < float("inf") for v in values):
        low, high = min(values), max(values)
        with suppress(SpaceError):  # both ends are one, or beyond what a range may reach
            return Int(low, high) if kinds == {int} else Float(low, high)
    return Categorical(list({value_key(value): value for value in values}.values()))


@final
class _AllListedError(Exception):
    """Every candidate is a trial already."""
