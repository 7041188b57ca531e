"""How often is the winner of a search worse than the defaults, and how true is its score?

Searches of 120 support vector machines on small samples are replayed from tables (``record.py``),
40 seeds for each data set, and judged by the code that ``SearchCV`` runs: as they are, and with the
confirm stage. ``python -m benchmarks.selection`` prints the tables of docs/honest-selection.md and
with --keep writes results/selection.json; it takes seconds.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.selection.record import SETS, TABLES
from luthier.analysis import expected_score
from luthier.integrations.sklearn.confirm import Confirmed
from luthier.integrations.sklearn.verdict import Field, Verdict, finalists_of, judge

RESULTS = Path(__file__).parents[1] / "results" / "selection.json"
SEARCHES = {"holdout": "one holdout set", "own": "a holdout set each", "folds": "five folds"}
METRIC, TOP = "test_score", 5
METHODS = ("none", "tibshirani", "bootstrap", "shrinkage")


def main() -> None:
    found = {"worse": replayed(), "expected": estimates()}
    print("\n\n".join(tables(found)))
    if "--keep" in sys.argv:
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


def tables(found: dict[str, Any]) -> list[str]:
    """The two tables of the page."""
    worse = [
        "| data | scored by | winner | worse than default | better | gain | reported - true |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in found["worse"]:
        worse.append(
            f"| {row['data']} | {SEARCHES[row['search']]} | {row['winner']} | {row['worse']:.1%} "
            f"| {row['better']:.1%} | {row['gain']:+.4f} | {row['bias']:+.4f} |"
        )
    expected = ["| data | method | bias | error | covered |", "|---|---|---|---|---|"]
    for row in found["expected"]:
        expected.append(
            f"| {row['data']} | {row['method']} | {row['bias']:+.4f} | {row['error']:.4f} "
            f"| {row['covered']:.1%} |"
        )
    return ["\n".join(worse), "\n".join(expected)]


def replayed() -> list[dict[str, Any]]:
    """Searches of each kind, with and without the confirm stage."""
    return [
        {"data": data, "search": search, "winner": winner} | summary(data, search, winner)
        for data in SETS
        for search in SEARCHES
        for winner in ("best mean", "confirmed", "confirmed or default")
    ]


def summary(data: str, search: str, winner: str) -> dict[str, float]:
    tables = np.load(TABLES / f"{data}.npz")
    gains, biases = [], []
    for seed in range(len(tables["true"])):
        true = tables["true"][seed].astype(float)
        scores = tables[search][seed].astype(float)
        if winner == "best mean":
            chosen = 1 + int(np.argmax(scores[1:].mean(axis=1)))
            reported = scores[chosen].mean()
        else:
            verdict = confirm(scores, tables["fresh10"][seed].astype(float), "or" in winner)
            chosen, reported = verdict.winner, verdict.expected
        gains.append(true[chosen] - true[0])
        biases.append(reported - true[chosen])
    found = np.array(gains).round(6)
    return {
        "worse": float(np.mean(found < 0)),
        "better": float(np.mean(found > 0)),
        "gain": float(found.mean()),
        "bias": float(np.mean(biases)),
    }


def confirm(scores: Any, fresh: Any, prefer_default: bool) -> Verdict:
    """What SearchCV(confirm=5) would make of these scores."""
    table = table_of(scores)
    known = [i for i in range(len(scores)) if np.isfinite(fresh[i, 0])]
    places = sorted(finalists_of(table, METRIC, 0, TOP, Field(known, known)))
    return judge(
        table,
        METRIC,
        rule="best",
        cost=np.zeros(len(scores)),
        ratio=0.25,
        default=0,
        field=Field(list(range(len(scores))), list(range(len(scores)))),
        prefer_default=prefer_default,
        confirmed=Confirmed(places, fresh[places, :20], ratio=1 / 9),
    )


def table_of(scores: Any) -> dict[str, Any]:
    means = scores.mean(axis=1).round(6)
    table = {f"split{j}_{METRIC}": column for j, column in enumerate(scores.T)}
    ranks = 1 + np.argsort(np.argsort(-means, kind="stable"), kind="stable")
    return table | {
        "params": [{"candidate": i} for i in range(len(scores))],
        f"mean_{METRIC}": means,
        f"rank_{METRIC}": ranks,
    }


def estimates() -> list[dict[str, Any]]:
    """How near the expected score of the winner by five folds is to its true score."""
    rows = []
    for data in SETS:
        tables = np.load(TABLES / f"{data}.npz")
        for method in METHODS:
            errors, covered = [], []
            for scores, true in zip(tables["folds"], tables["true"], strict=True):
                y = scores[1:].astype(float)
                winner = int(np.argmax(y.mean(axis=1)))
                found = expected_score(y, 0.25, winner=winner, method=method)
                errors.append(found.mean - true[1 + winner])
                covered.append(found.low <= true[1 + winner] <= found.high)
            rows.append(
                {
                    "data": data,
                    "method": method,
                    "bias": float(np.mean(errors)),
                    "error": float(np.mean(np.abs(errors))),
                    "covered": float(np.mean(covered)),
                }
            )
    return rows


if __name__ == "__main__":
    main()
