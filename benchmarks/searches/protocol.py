"""What is compared, and when a search counts as best or tied: said before anything was run.

A pair is a table and a space. On each, every search runs with seeds 0 to 19: the seed splits the
table into rows to search on and rows to be judged on, and makes the folds, which all share. The
score is the fitted winner's on the rows to be judged on (accuracy, or R2).

Against one peer on one pair, d is our score minus the peer's, seed by seed. The search

- loses, if Wilcoxon's signed-rank test of d says p < 0.05 in the peer's favour, or if the median
  of d is below minus half a standard error;
- wins, if one of the two holds the other way round, and it doesn't lose;
- ties otherwise.

The standard error is that of a score on the rows to be judged on: of an accuracy p on n rows
sqrt(p (1 - p) / n), with p the peer's median; of an R2 the standard deviation of the peer's scores
over the seeds.

On a pair the search is "best or tied" if it loses to none of the peers. The aim is 80% of pairs:

- at equal numbers of fits: each search may spend ``FITS``;
- at equal time: so many fits, and no more CPU time than the peer took.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.searches.data import REGRESSION, ROWS, TRAIN
from benchmarks.searches.spaces import SPACES

SEEDS = 20
LEVEL, MARGIN, AIM = 0.05, 0.5, 0.8
PAIRS = [(table, space) for table in TRAIN for space in SPACES]
RECORDED = Path(__file__).parent / "recorded"


def name_of(pair: tuple[str, str]) -> str:
    """Return a pair's name in recordings."""
    return "-".join(pair)


@final
@dataclass(frozen=True)
class Verdict:
    """How a search does against one peer on one pair.

    Attributes:
        median: The median of d.
        p: Wilcoxon's two-sided p.
        error: The standard error.
        outcome: -1 loses, 0 ties, 1 wins.
    """

    median: float
    p: float
    error: float
    outcome: int


def verdict(ours: NDArray[np.float64], theirs: NDArray[np.float64], error: float) -> Verdict:
    """Compare two searches on a pair.

    Args:
        ours: Our scores, by seed.
        theirs: The peer's, of the same seeds.
        error: The standard error.
    """
    d = ours - theirs
    median = float(np.median(d))
    p = float(stats.wilcoxon(d, zero_method="zsplit").pvalue) if d.any() else 1.0
    ranks = stats.rankdata(np.abs(d))
    sure = int(np.sign(ranks @ np.sign(d))) if p < LEVEL else 0
    clear = int(np.sign(median)) if abs(median) > MARGIN * error else 0
    outcome = -1 if -1 in (sure, clear) else max(sure, clear)
    return Verdict(median, p, error, outcome)


def standard_error(table: str, scores: NDArray[np.float64]) -> float:
    """Return the standard error of a peer's score on a table.

    Args:
        table: The table.
        scores: The peer's scores, by seed.
    """
    if table in REGRESSION:
        return float(np.std(scores, ddof=1))
    share = float(np.median(scores))
    return float(np.sqrt(share * (1 - share) / (ROWS[table] - TRAIN[table])))
