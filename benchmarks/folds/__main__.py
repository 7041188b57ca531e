"""What racing saves and loses on six cases: prints the table, writes ``results/folds.json``."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

import numpy as np

from benchmarks.folds.races import RULES, Ran, races
from benchmarks.folds.tables import CASES, SEEDS

RESULTS = Path(__file__).parents[1] / "results" / "folds.json"
ORDERS = 5
MOST_FITS = {"bayes": 0.25}
USUAL_MOST_FITS, CV_LOSS, TEST_LOSS = 0.40, 0.001, 0.002


def summary(ran: list[Ran]) -> dict[str, float]:
    """Means over searches, and the standard error of the loss in cross-validation."""
    columns = {name: np.array([getattr(r, name) for r in ran]) for name in Ran.__annotations__}
    means = {name: round(float(values.mean()), 5) for name, values in columns.items()}
    error = columns["cv"].std(ddof=1) / np.sqrt(len(ran))
    return {**means, "cv_error": round(float(error), 5), "searches": len(ran)}


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--orders", type=int, default=ORDERS)
    parser.add_argument("--rules", nargs="+", default=list(RULES), choices=list(RULES))
    given = parser.parse_args()
    logging.getLogger("luthier").setLevel(logging.ERROR)
    results: dict[str, dict[str, dict[str, float]]] = {}
    if RESULTS.exists():
        results = json.loads(RESULTS.read_text("utf-8"))
    print(f"{'':12}{'':24}fits  seconds  CV loss  test loss")
    for rule in given.rules:
        ran = {case: races(case, rule, given.seeds, given.orders) for case in CASES}
        every = [one for searches in ran.values() for one in searches]
        results[rule] = {
            case: summary(searches) for case, searches in [*ran.items(), ("all", every)]
        }
        for case, found in results[rule].items():
            print(
                f"{rule:12}{case:22}{found['fits']:6.3f}{found['seconds']:9.3f}"
                f"{found['cv']:9.5f}{found['test']:+11.5f}"
            )
        _judge(rule, results[rule]["all"])
    if (given.seeds, given.orders) == (SEEDS, ORDERS):
        RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def _judge(rule: str, found: dict[str, float]) -> None:
    fits = MOST_FITS.get(rule, USUAL_MOST_FITS)
    met = found["fits"] <= fits and found["cv"] <= CV_LOSS and found["test"] <= TEST_LOSS
    if rule in ("paired", "bayes"):
        target = f"at most {fits:.0%} of the fits, losses of {CV_LOSS} and {TEST_LOSS}"
        print(f"{rule}: {'met' if met else 'MISSED'}: {target}\n")


if __name__ == "__main__":
    main()
