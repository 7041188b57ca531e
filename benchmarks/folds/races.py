"""Races over the tables: what each rule runs, and what it loses against running every fold.

Every search is a real study whose objective looks scores up. The sixty configurations of a table
are tried in orders drawn at random.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import luthier
from benchmarks.folds.tables import CONFIGURATIONS, FOLDS, Table, table
from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.space import Int, Space
from luthier.study.folds import Folds

RULES: Mapping[str, Any] = {
    "none": "none",
    "forgiving": {"name": "race", "rule": "forgiving", "bound": 1.0},
    "paired": {"name": "race", "rule": "paired", "bound": 1.0},
    "aggressive": {"name": "race", "rule": "aggressive", "bound": 1.0},
    "bayes": {"name": "bayes_race", "folds": FOLDS, "bound": 1.0},
}
SPACE = Space(row=Int(0, CONFIGURATIONS - 1))


@dataclass(frozen=True)
class InOrder:
    """Proposes the rows of a table in an order."""

    rows: tuple[int, ...]

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings."""
        return {"name": "in_order", "rows": list(self.rows)}

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Return the next n rows."""
        return [Proposal({"row": row}, "next") for row in self.rows[history.next_number :][:n]]


@dataclass(frozen=True)
class Ran:
    """What came of a search.

    Attributes:
        fits: The share of all fits that were made.
        seconds: The share of all seconds that they took.
        cv: By how much the winner's mean over all folds is below the best one's.
        test: By how much its test score is below that one's.
    """

    fits: float
    seconds: float
    cv: float
    test: float


def race(scores: Table, rule: str, order: int) -> Ran:
    """Search a table under a rule."""
    rows = np.random.default_rng(order).permutation(CONFIGURATIONS)
    study = luthier.create_study(
        space=SPACE,
        sampler=InOrder(tuple(map(int, rows))),
        scheduler=RULES[rule],
        direction="maximize",
        seed=order,
    )

    def objective(trial: luthier.Trial) -> float:
        folds, row = Folds(trial, FOLDS), trial.suggest_int("row", 0, CONFIGURATIONS - 1)
        for fold in folds:
            folds.report(scores.scores[row, fold])
        return folds.mean

    study.optimize(objective, n_trials=CONFIGURATIONS)
    run = np.zeros(scores.scores.shape, dtype=bool)
    for trial in study.trials:
        for report in trial.reports.values():
            run[trial.params["row"], int(report["fold"])] = True
    means = scores.scores.mean(axis=1)
    best = rows[np.argmax(means[rows] > means.max() - 1e-12)]  # of equals the first
    won = study.best_params["row"]
    return Ran(
        float(run.mean()),
        float(scores.seconds[run].sum() / scores.seconds.sum()),
        float(means[best] - means[won]),
        float(scores.test[best] - scores.test[won]),
    )


def races(case: str, rule: str, seeds: int, orders: int) -> list[Ran]:
    """Search all tables of a case under a rule, in several orders."""
    return [
        race(table(case, seed), rule, 1000 * seed + order)
        for seed in range(seeds)
        for order in range(orders)
    ]
