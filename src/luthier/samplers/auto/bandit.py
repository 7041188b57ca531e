"""The bandit: which method deserves the next trial, judged by what its trials improved.

Each method's chance to improve on the best so far is a Beta distribution; the method with the
highest draw gets the trial (Thompson sampling). Only the latest trials count, crashed ones as well,
since what helps early may not help late. There is no bandit of several objectives.

    name      meaning
    w         how many completed trials are looked back at
    s         median of all values less the best one
    h_a       improvements by method a, each min(1, gain / 0.02 s), summed over the w trials
    n_a       how many of the w trials are a's

References:
    Chapelle and Li, An empirical evaluation of Thompson sampling, NeurIPS 2011.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain, repeat
from typing import Final

import numpy as np

from luthier.core.history import History

__all__ = ["METHOD", "Record", "drawn", "records"]

METHOD: Final = "method"
"""Where the origin of a trial says which method proposed it."""
Record = tuple[float, int]
"""How much a method improved, and in how many trials."""
_WINDOW: Final = 64
_SOME: Final = 0.02
_SCALE_OF: Final = 1000


def records(history: History, methods: Mapping[str, object]) -> dict[str, Record]:
    """Return what each method has achieved lately.

    Args:
        history: The history.
        methods: Their names.
    """
    trials = history.completed
    y = np.where(history.violations > 0, np.inf, history.Y[:, 0])
    first = max(1, len(y) - _WINDOW)
    found = dict.fromkeys(methods, (0.0, 0))
    if len(y) <= first:
        return found
    before = np.minimum.accumulate(np.append(y[:first].min(), y[first:-1]))
    better = y[first:] < before
    gains = np.where(better, before, 0.0) - np.where(better, y[first:], 0.0)
    unit = _SOME * (float(np.median(y[-_SCALE_OF:])) - float(y.min()))
    hits = np.minimum(1.0, gains / unit) if 0 < unit < np.inf else better.astype(np.float64)
    since = trials[first].finished_version or 0
    crashed = (t for t in history.failed[-_WINDOW:] if (t.finished_version or 0) > since)
    ended = chain(zip(trials[first:], hits.tolist(), strict=True), zip(crashed, repeat(0.0)))
    for trial, hit in ended:
        method = trial.origin.data.get(METHOD)
        if method in found:
            total, n = found[method]
            found[method] = (total + hit, n + 1)
    return found


def drawn(
    record: Mapping[str, Record], priors: Mapping[str, Record], rng: np.random.Generator
) -> str:
    """Draw a method.

    Args:
        record: What ``records`` returns.
        priors: Improvements and other trials that each method is credited with beforehand.
        rng: Draws.
    """

    def chance(method: str) -> float:
        (hits, n), (a, b) = record[method], priors[method]
        return float(rng.beta(a + hits, b + n - hits))

    chances = {method: chance(method) for method in priors}
    return max(chances, key=chances.__getitem__)
