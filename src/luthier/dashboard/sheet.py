"""The table of trials: what is asked of it is answered from columns that are kept up.

A column holds what all trials have under one key. It is brought up to date from the trials that
have changed since it was last asked for, so that sorting and filtering 100,000 trials costs arrays
and not records.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray

from luthier.core.record import dump
from luthier.core.trial import FrozenTrial
from luthier.dashboard.rows import metrics_now
from luthier.errors import ArgumentError
from luthier.space import to_json_value
from luthier.study.notes import note_in, tags_in

__all__ = ["KEYS", "Sheet"]

Mask = NDArray[np.bool_]
_NUMBER, _TEXT, _MISSING = 0, 1, 2
_MOST_COLUMNS: Final = 64
_MOST_SOUGHT: Final = 2_000
_PLAIN: Final[Mapping[str, Callable[[FrozenTrial], Any]]] = {
    "number": lambda trial: trial.number,
    "state": lambda trial: trial.state.name,
    "started": lambda trial: _or_missing(trial.started),
    "finished": lambda trial: _or_missing(trial.finished),
    "cost": lambda trial: _or_missing(trial.cost),
    "step": lambda trial: _or_missing(trial.last_step),
    "attempt": lambda trial: trial.attempt,
    "worker": lambda trial: _or_missing(trial.worker),
}
KEYS: Final = tuple(_PLAIN)
"""Keys of a table beside ``metric:NAME`` and ``param:NAME``."""


@final
class Sheet:
    """The columns of one study. Not thread-safe.

    Example:
        >>> trials = [FrozenTrial(number=n, param_names=("x",), param_values=(-n,)) for n in (0, 1)]
        >>> Sheet().find(trials, {"sort": "param:x"})
        [1, 0]
    """

    def __init__(self) -> None:
        self._columns: dict[str, _Column] = {}
        self._texts = _Column(_sought)

    def find(self, trials: Sequence[FrozenTrial], query: Mapping[str, Any]) -> list[int]:
        """Return the numbers of the trials that are asked for, in order.

        Args:
            trials: All trials by number.
            query: ``sort``, ``descending``, ``states``, ``numbers``, ``text``, ``tags``,
                ``invalid`` and ``where``, as in a request.

        Raises:
            ArgumentError: A key that trials can't have, or a comparison that makes no sense.
        """
        keep = np.ones(len(trials), dtype=bool)
        for mask in self._masks(trials, query):
            keep &= mask
        order = self._column(query.get("sort", "number"), trials).order(
            descending=query.get("descending", False)
        )
        found: list[int] = order[keep[order]].tolist()
        return found

    def _masks(self, trials: Sequence[FrozenTrial], query: Mapping[str, Any]) -> Iterable[Mask]:
        if "states" in query:
            yield self._column("state", trials).among(query["states"])
        if "numbers" in query:
            yield np.isin(np.arange(len(trials)), np.array(query["numbers"], dtype=np.int64))
        if "invalid" in query:
            invalid = self._column("invalid", trials).kinds != _MISSING
            yield invalid == query["invalid"]
        for tag in query.get("tags", ()):
            yield np.array([tag in tags_in(trial.user_attrs) for trial in trials], dtype=bool)
        for part in query.get("where", ()):
            yield self._column(part["key"], trials).compare(part["op"], part["value"])
        if text := query.get("text", "").casefold():
            self._texts.bring_up(trials)
            yield self._texts.holding(text)

    def _column(self, key: str, trials: Sequence[FrozenTrial]) -> _Column:
        column = self._columns.get(key)
        if column is None:
            if len(self._columns) >= _MOST_COLUMNS:
                self._columns.clear()
            column = self._columns[key] = _Column(_reader(key))
        column.bring_up(trials)
        return column


@final
class _Column:
    """What trials have under one key: numbers, texts by code, or nothing."""

    def __init__(self, read: Callable[[FrozenTrial], Any]) -> None:
        self._read = read
        self._version = 0
        self._codes: dict[str, int] = {}
        self.kinds = np.zeros(0, dtype=np.int8)
        self.values = np.zeros(0)

    def bring_up(self, trials: Sequence[FrozenTrial]) -> None:
        known, n = len(self.kinds), len(trials)
        stale = [t for t in trials[:known] if t.version > self._version]
        if n > known:
            self.kinds = np.concatenate([self.kinds, np.full(n - known, _MISSING, dtype=np.int8)])
            self.values = np.concatenate([self.values, np.zeros(n - known)])
            stale += trials[known:]
        for trial in stale:
            self.kinds[trial.number], self.values[trial.number] = self._cell(self._read(trial))
        self._version = max([self._version, *(t.version for t in stale)])

    def _cell(self, value: Any) -> tuple[int, float]:
        if value is _NOTHING or (isinstance(value, float) and math.isnan(value)):
            return _MISSING, 0.0
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _NUMBER, _float(value)
        return _TEXT, self._codes.setdefault(_text(value), len(self._codes))

    def order(self, *, descending: bool) -> NDArray[np.intp]:
        """Places in order; numbers before texts, what is missing at the end either way."""
        ranks = self.values.copy()
        is_text = self.kinds == _TEXT
        if is_text.any():
            by_text = sorted(self._codes, key=lambda text: (text.casefold(), text))
            rank_of = np.empty(len(by_text))
            rank_of[[self._codes[text] for text in by_text]] = np.arange(len(by_text))
            ranks[is_text] = rank_of[self.values[is_text].astype(np.intp)]
        places, kinds = np.arange(len(ranks)), self.kinds.astype(np.int8)
        if not descending:
            return np.lexsort((places, ranks, kinds))
        flipped = np.where(kinds == _MISSING, kinds, -kinds)
        return np.lexsort((-places, -ranks, flipped))

    def among(self, texts: Iterable[str]) -> Mask:
        """Where one of these texts stands."""
        codes = [self._codes[text] for text in texts if text in self._codes]
        return np.asarray((self.kinds == _TEXT) & np.isin(self.values, codes))

    def holding(self, part: str) -> Mask:
        """Where a text stands that holds this part."""
        return self.among([text for text in self._codes if part in text])

    def compare(self, op: str, value: Any) -> Mask:
        """Where what stands there compares so with a JSON value."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        same = self.among([_text(value)])
        if is_number:
            with np.errstate(invalid="ignore"):
                return np.asarray((self.kinds == _NUMBER) & _OPS[op](self.values, _float(value)))
        if op not in ("=", "!="):
            raise ArgumentError(
                f"Only numbers can be compared by {op!r}, got {value!r:.60}. Use '=' or '!='."
            )
        return same if op == "=" else (self.kinds != _MISSING) & ~same


_OPS: Final[Mapping[str, Callable[[Any, float], Any]]] = {
    "=": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


class _Missing:
    """Stands for what a trial doesn't have."""


_NOTHING: Final = _Missing()


def _or_missing(value: Any) -> Any:
    return _NOTHING if value is None else value


def _reader(key: str) -> Callable[[FrozenTrial], Any]:
    """What reads a key's value off a trial."""
    kind, _, name = key.partition(":")
    if key in _PLAIN:
        return _PLAIN[key]
    if key == "invalid":
        return lambda trial: _or_missing(trial.invalid)
    if kind == "metric" and name:
        return lambda trial: metrics_now(trial).get(name, _NOTHING)
    if kind == "param" and name:
        return lambda trial: _param(trial, name)
    raise ArgumentError(
        f"A key must be one of {', '.join(KEYS)}, metric:NAME or param:NAME, got {key!r:.60}."
    )


def _param(trial: FrozenTrial, name: str) -> Any:
    names = trial.param_names
    return trial.param_values[names.index(name)] if name in names else _NOTHING


def _sought(trial: FrozenTrial) -> str:
    """The text in which words are looked for."""
    parts = chain(
        (f"{name}={_text(value)}" for name, value in trial.params.items()),
        (trial.error or "", trial.origin.reason, trial.worker or "", trial.invalid or ""),
        (note_in(trial.user_attrs), *tags_in(trial.user_attrs)),
    )
    return "\n".join(part for part in parts if part)[:_MOST_SOUGHT].casefold()


def _text(value: Any) -> str:
    if type(value) in (str, int, float):
        return str(value)
    return dump(to_json_value(value))


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
