"""Ranges: what to narrow, to widen, and to fix.

The good trials are the best tenth, ten at least and a hundred at most; of several objectives the
front. In its own scale
a parameter lies in [0, 1].

- Widen: the best trial and more of the good ones than chance allows lie in the outer tenth of a
  range, next to the same end.
- Narrow: what ``Space.narrow`` leaves of a range around the good ones is less than half of it; or
  none of them has a choice that often enough was tried.
- Fix: even the upper end of its importance is below two per cent.

A parameter's range is only narrowed if it matters, for a search that believes in its model tries
one value over and over of what doesn't.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from luthier.analysis import Importance
from luthier.analysis.wording import counted, listed, percent
from luthier.errors import LuthierError
from luthier.report.facts import Facts, value_words
from luthier.report.finding import Finding, plain
from luthier.space import Categorical, Float, Int

__all__ = ["ranges"]

_GOOD: Final = 10
_MOST_GOOD: Final = 100
_SHARE: Final = 0.1
_FEWEST: Final = 30
_EDGE: Final = 0.1
_HALF: Final = 0.5
_LITTLE: Final = 0.02
_CHANCE: Final = 0.01
_MOST: Final = 6


def ranges(facts: Facts) -> list[Finding]:
    """Say which ranges to widen and to narrow, and which parameters to fix."""
    good = _good(facts)
    if good is None:
        return []
    widened = dict(_at_an_edge(facts, good))
    found = [_widen(facts, widened)] if widened else []
    smaller = {k: v for k, v in _smaller(facts, good).items() if k not in widened}
    if smaller:
        found.append(_narrow(smaller, can_go_on=len(facts.names) == 1))
    idle = _idle(facts)
    if idle and facts.best is not None:
        found.append(_fix(facts, idle))
    return found


def _good(facts: Facts) -> NDArray[np.intp] | None:
    """Places of the good trials, best first; None if they are too few to learn from."""
    if len(facts.names) > 1:
        return facts.ranked if len(facts.ranked) >= _GOOD else None
    n = len(facts.ranked)
    k = min(max(_GOOD, math.ceil(_SHARE * n)), _MOST_GOOD)
    return facts.ranked[:k] if n >= _FEWEST else None


def _at_an_edge(
    facts: Facts, good: NDArray[np.intp]
) -> Iterator[tuple[str, tuple[Any, int, int, str]]]:
    """Numbers whose good trials crowd at an end: the end, how many of how many, which side."""
    for k, column in enumerate(facts.space.encoding.columns):
        param = facts.space[column.name]
        if not isinstance(param, Float | Int) or param.size < 1 / _EDGE:
            continue
        u = facts.outcomes.X[good, k]
        best, known = u[0], u[~np.isnan(u)]
        if len(known) < _GOOD / 2 or np.isnan(best):
            continue
        for end, distance, name in ((param.low, known, "low"), (param.high, 1 - known, "high")):
            near = int((distance < _EDGE).sum())
            is_there = (best if name == "low" else 1 - best) < _EDGE
            if is_there and _tail(near, len(known), _EDGE) < _CHANCE and _may_matter(facts, k):
                yield column.name, (end, near, len(known), name)


def _may_matter(facts: Facts, k: int) -> bool:
    """Whether a parameter matters, as far as anybody knows."""
    name = facts.space.encoding.columns[k].name
    return not any(_is_idle(found, name) for found in facts.importances.values())


def _tail(k: int, n: int, p: float) -> float:
    """The probability of at least k of n, each with probability p."""
    from scipy.special import bdtrc

    return float(bdtrc(k - 1, n, p)) if k else 1.0


def _widen(facts: Facts, edges: Mapping[str, tuple[Any, int, int, str]]) -> Finding:
    said = [
        f"{plain(name, 60)} near {value_words(end)} ({near} of the {n} best)"
        for name, (end, near, n, _) in list(edges.items())[:_MOST]
    ]
    numbers = {
        name: {"end": end, "side": side, "near": near, "good": n}
        for name, (end, near, n, side) in edges.items()
    }
    ways = [
        f"{plain(name, 60)} {'below' if side == 'low' else 'above'} {value_words(end)}"
        for name, (end, _, _, side) in list(edges.items())[:_MOST]
    ]
    return Finding(
        "widen",
        "What to widen",
        f"The best trials crowd at an end of a range: {listed(said)}. Better ones may lie beyond.",
        "likely",
        numbers,
        f"Allow {listed(ways)}, if that makes sense.",
    )


def _smaller(facts: Facts, good: NDArray[np.intp]) -> dict[str, tuple[str, float]]:
    """What is left of ranges around the good trials: in words, and as a share of all."""
    try:
        space = facts.space.narrow([trial.params for trial in facts.trials(good)], keep=1.0)
    except LuthierError:  # none of them is of the space as it now is
        return {}
    found = {}
    for k, column in enumerate(facts.space.encoding.columns):
        name, param = column.name, facts.space[column.name]
        left = space.get(name)
        if left is None or not _matters(facts, name):
            continue
        if isinstance(param, Float | Int) and isinstance(left, Float | Int):
            share = _width(facts.outcomes.X[good, k])
            if share <= _HALF and left.size > 1:
                found[name] = (f"{value_words(left.low)} to {value_words(left.high)}", share)
        elif isinstance(param, Categorical) and isinstance(left, Categorical):
            gone = _absent(facts.outcomes.X[:, k], facts.outcomes.X[good, k], column.categories)
            if gone:
                kept = [c for j, c in enumerate(param.choices) if j not in gone]
                words = listed([plain(choice, 40) for choice in kept[:_MOST]])
                found[name] = (f"only {words}", len(kept) / column.categories)
    return found


def _width(u: NDArray[np.float64]) -> float:
    """The share of a range that ``Space.narrow`` leaves around the first of some places."""
    if np.isnan(u[0]) or np.isnan(u).mean() > _HALF:
        return 1.0
    half = max(2 * math.sqrt(float(np.nanmean((u - u[0]) ** 2))), 0.1)
    return float(min(u[0] + half, 1) - max(u[0] - half, 0))


def _absent(every: NDArray[np.float64], good: NDArray[np.float64], choices: int) -> list[int]:
    """Choices that no good trial has, though by chance one would."""
    tried = np.bincount(every[~np.isnan(every)].astype(np.intp), minlength=choices)
    some = good[~np.isnan(good)]
    seen = np.bincount(some.astype(np.intp), minlength=choices)
    none = (1 - tried / max(tried.sum(), 1)) ** len(some)
    gone: list[int] = np.flatnonzero((seen == 0) & (none < _CHANCE)).tolist()
    return gone if len(gone) < choices else []


def _narrow(smaller: Mapping[str, tuple[str, float]], *, can_go_on: bool) -> Finding:
    """What to narrow; ``Study.narrow`` does so for a single objective."""
    most = sorted(smaller.items(), key=lambda item: item[1][1])
    said = [f"{plain(name, 60)}: {words}" for name, (words, _) in most[:_MOST]]
    more = f" (and {len(most) - _MOST} more)" if len(most) > _MOST else ""
    return Finding(
        "narrow",
        "What to narrow",
        f"The best trials lie in a part of the space: {'; '.join(said)}{more}.",
        "likely",
        {name: {"range": words, "share": share} for name, (words, share) in most},
        "Go on in that part, by study.narrow() where the space was declared."
        if can_go_on
        else "The whole front lies there: declare a smaller space for the next study.",
    )


def _matters(facts: Facts, name: str) -> bool:
    """Whether a parameter matters for some objective, beyond doubt."""
    return any(
        not found.is_meaningless
        and name in found.parameters
        and found.intervals[found.parameters.index(name), 0] > _LITTLE
        for found in facts.importances.values()
    )


def _is_idle(found: Importance, name: str) -> bool:
    if found.is_meaningless or name not in found.parameters:
        return False
    alone = found.intervals[found.parameters.index(name), 1] < _LITTLE
    paired = any(name in pair.parameters and pair.low > 0.01 for pair in found.interactions)
    return bool(alone) and not paired


def _idle(facts: Facts) -> list[str]:
    """Parameters that vary and matter for no objective."""
    every = list(facts.importances.values())
    if len(every) < len(facts.names) or len(facts.outcomes) < _FEWEST:
        return []
    names = [name for name, param in facts.space.items() if param.size > 1]
    return [name for name in names if all(_is_idle(found, name) for found in every)]


def _fix(facts: Facts, idle: Sequence[str]) -> Finding:
    best = facts.best
    assert best is not None
    total = max(
        sum(found.share(name) for name in idle) for found in facts.importances.values()
    )  # fmt: skip
    values = {name: best.params[name] for name in idle if name in best.params}
    shown = [
        f"{plain(n, 40)} = {value_words(v) if isinstance(v, float) else plain(v, 40)}"
        for n, v in list(values.items())[:_MOST]
    ]
    advice = f"Fix {listed(shown)}, and search fewer parameters." if shown else ""
    names = listed([plain(name, 40) for name in idle[:_MOST]])
    rest = f" and {counted(len(idle) - _MOST, 'other')}" if len(idle) > _MOST else ""
    verb = "makes" if len(idle) == 1 else "make"
    return Finding(
        "fix",
        "What to fix",
        f"{names}{rest} {verb} hardly a difference ({percent(total)} of it all together).",
        "likely",
        {"parameters": list(idle), "share": total},
        advice,
    )
