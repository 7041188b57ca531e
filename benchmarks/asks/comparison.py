"""What is compared: a case of ours, a case of a peer's, and how much ours may cost.

    cost      median over repeats of the mean CPU milliseconds of an ask and its tell, or of a study
    limit     max(share x the peer's cost, least): what ours may cost at most

The first ask after a study was opened fills caches and is told apart: a study that goes on doesn't
pay it again. The mean, not the median, of the others counts, so that a model that is fitted anew
only now and then pays for that.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    """What one worker runs.

    Attributes:
        library: "luthier" or a peer.
        sampler: The worker's name for it.
        n: Trials in the history, or of the whole study.
        asks: How many asks are timed after the first one; 0 for a whole study from nothing.
    """

    library: str
    sampler: str
    n: int
    asks: int = 0

    @property
    def arguments(self) -> tuple[object, ...]:
        """The worker's arguments but the seed."""
        if self.asks:
            return "asks", self.sampler, self.n, self.asks + 1
        return "study", self.sampler, self.n, 0


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        label: What is compared.
        ours: Luthier's case.
        theirs: The peer's; or Luthier's own at another size.
        share: The share of the peer's cost that ours may be; None if there is no target.
        least: Milliseconds that are good enough whatever the peer needs.
        repeats: How often both are run.
    """

    label: str
    ours: Case
    theirs: Case
    share: float | None = None
    least: float = 0.0
    repeats: int = 3

    @property
    def target(self) -> str:
        """What is to be reached, in words."""
        if self.share is None:
            return ""
        share = f"1/{1 / self.share:g} of it" if self.share < 1 else f"{self.share:g} x of it"
        return f"<= {share}" + (f" or {self.least:g} ms" if self.least else "")


_TPE = Case("luthier", "tpe", 1000, 100)
_FOREST = Case("luthier", "forest", 1000, 16)

ROWS = (
    Row("gp, n = 100", Case("luthier", "gp", 100, 16), Case("optuna", "gp", 100, 5), 1 / 20),
    Row("gp, n = 1,000", Case("luthier", "gp", 1000, 32), Case("optuna", "gp", 1000, 2), 1 / 40),
    Row("gp, study of 100 trials", Case("luthier", "gp", 100), Case("optuna", "gp", 100)),
    Row("tpe, n = 1,000", _TPE, Case("optuna", "tpe", 1000, 10), 1 / 20, 1.0, 5),
    Row("tpe, n = 10,000", Case("luthier", "tpe", 10_000, 100), _TPE, 1.5, 1.0, 5),
    Row("tpe, n = 100,000", Case("luthier", "tpe", 100_000, 100), _TPE, 1.5, 1.0, 5),
    Row("tpe, n = 10,000 ", Case("luthier", "tpe", 10_000, 100), Case("optuna", "tpe", 10_000, 3)),
    Row("tpe, 1,000 trials", Case("luthier", "tpe", 1000), Case("rustuna", "tpe", 1000), 1.0),
    Row("tpe, 1,000 trials ", Case("luthier", "tpe", 1000), Case("optuna", "tpe", 1000)),
    Row("forest, n = 1,000", _FOREST, Case("smac", "forest", 1000, 16), 1 / 50),
    Row("forest, n = 1,000 ", _FOREST, Case("smac", "forest-always", 1000, 2)),
)
STRATEGIES = ("auto", "gp", "tpe", "forest")
SIZES = (10, 100, 1000, 10_000, 100_000)


def cost(runs: Sequence[Sequence[float]]) -> float:
    """Return the median over repeats of the mean of all asks but the first; of a study, its cost.

    Args:
        runs: For each repeat the milliseconds of its asks, at least one.

    Example:
        >>> cost([[9.0, 1.0, 3.0], [5.0, 1.0, 1.0], [7.0, 4.0, 4.0]])
        2.0
    """
    return statistics.median(statistics.fmean(run[1:] or run) for run in runs)


def compare(row: Row, seen: Mapping[Case, Sequence[Sequence[float]]]) -> dict[str, Any]:
    """Return one line of the table.

    Args:
        row: What is compared.
        seen: The milliseconds of each repeat by case.
    """
    ours, theirs = cost(seen[row.ours]), cost(seen[row.theirs])
    limit = None if row.share is None else max(row.share * theirs, row.least)
    return {
        "what": row.label.strip(),
        "luthier": ours,
        "peer": f"{row.theirs.library} {row.theirs.sampler}, {row.theirs.n:,}",
        "theirs": theirs,
        "ratio": theirs / ours,
        "target": row.target,
        "limit": limit,
        "met": None if limit is None else ours <= limit,
        "first": statistics.median(run[0] for run in seen[row.ours]),
        "repeats": [cost([run]) for run in seen[row.ours]],
        "repeats_theirs": [cost([run]) for run in seen[row.theirs]],
    }


def show(table: Sequence[Mapping[str, Any]]) -> None:
    """Print the table."""
    print(f"{'CPU milliseconds':26}{'Luthier':>10}{'first':>10}  {'peer':24}{'':>10}{'ratio':>8}")
    for line in table:
        verdict = {True: "", False: "MISSED", None: ""}[line["met"]]
        print(
            f"{line['what']:26}{line['luthier']:10.4g}{line['first']:10.4g}  {line['peer']:24}"
            f"{line['theirs']:10.5g}{line['ratio']:8.3g}  {line['target']:22}{verdict}"
        )


def show_curve(curve: Mapping[str, Mapping[int, float]]) -> None:
    """Print what our asks cost by the number of trials."""
    sizes = next(iter(curve.values()), {})
    print("\nCPU milliseconds an ask, by trials so far" + "".join(f"{n:>10,}" for n in sizes))
    for strategy, costs in curve.items():
        print(f"{strategy:41}" + "".join(f"{cost:10.4g}" for cost in costs.values()))
