"""What a budget is best spent on: searches of learning curves, small budgets to large.

    python -m benchmarks.spending --seeds 10

A budget counts trainings from start to end: 10, 50, 200 or 1,000 of them, or as many steps in
trainings that are stopped early. Regret is that of the trial a search would recommend: 0 is the
best of 1,000 random configurations, 1 their median. Writes the table of docs/guide.md and draws
its chart; runs are kept in benchmarks/results/spending.jsonl, and run again only if they end
before the budget does.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

import luthier
from benchmarks.fidelity.curves import STEPS, OutOfBudgetError, Search, Table
from benchmarks.peers import ROOT
from benchmarks.spaces.in_luthier import space_of

RESULTS = ROOT / "benchmarks" / "results" / "spending.jsonl"
PAGE = ROOT / "docs" / "benchmarks" / "spending.md"
BUDGETS = (10, 50, 200, 1000)
SISTERS = {
    "lcbench_126026": "lcbench_189906",
    "xgb_1468": "xgb_40499",
    "taskset_lstm128_avg": "taskset_irnn64_avg",
}
"""The tables, each with another task over the same space that was searched before."""
KNOWN = 5
"""How many of the sister's best configurations are tried first."""

METHODS: Mapping[str, tuple[Mapping[str, Any], int]] = {
    "random": ({"strategy": "random"}, 1000),
    "random, stopped early": ({"strategy": luthier.bohb(STEPS, sampler="random")}, 200),
    "Bayesian (`auto`)": ({"strategy": "auto"}, 200),
    "Bayesian, stopped early": ({"strategy": luthier.bohb(STEPS, sampler="auto")}, 50),
    "Bayesian, knowing a sister": ({"strategy": "auto"}, 200),
    "Bayesian (`tpe`)": ({"strategy": "tpe"}, 1000),
    "evolution (`de`)": ({"strategy": "de"}, 1000),
}
"""What ``create_study`` is given, and the largest budget that is run."""

Key = tuple[str, str, int]
Estimate = tuple[float, float]
_table = cache(Table)


@cache
def sisters_best(table: str, seed: int) -> list[dict[str, Any]]:
    """The best of 200 random configurations on a table's sister."""
    sister, rng = _table(SISTERS[table]), np.random.default_rng(seed)
    drawn = [sister.draw(rng) for _ in range(200)]
    return sorted(drawn, key=lambda config: sister(config, STEPS))[:KNOWN]


def search(method: str, table: str, seed: int) -> dict[str, Any]:
    """Run one search, and return its regrets at the budgets."""
    creating, budget = METHODS[method]
    found = Search(_table(table), budget * STEPS)
    study = luthier.create_study(space=space_of(found.table.space), seed=seed, **creating)
    if method.endswith("sister"):
        for config in sisters_best(table, seed):
            study.enqueue_trial(config)

    def objective(trial: luthier.Trial) -> float:
        return found.train(trial.number, trial.params, trial.budget or STEPS)

    began = time.process_time()
    with suppress(OutOfBudgetError):
        study.optimize(objective, n_trials=100_000, catch=())
    seconds = round(time.process_time() - began, 2)
    regrets = found.regrets(mark for mark in BUDGETS if mark <= budget)
    line = {"method": method, "table": table, "seed": seed, "regrets": regrets}
    return {**line, "trials": len(found.tried), "seconds": seconds}


def recorded() -> dict[Key, dict[str, Any]]:
    """All runs so far, by method, table and seed; of two the later."""
    lines = RESULTS.read_text().splitlines() if RESULTS.exists() else []
    runs = map(json.loads, lines)
    return {(run["method"], run["table"], run["seed"]): run for run in runs}


def run(seeds: int) -> None:
    """Run what is missing, a seed of everything after the other."""
    known = recorded()
    for key in ((m, t, s) for s, t, m in product(range(seeds), SISTERS, METHODS)):
        marks = sum(mark <= METHODS[key[0]][1] for mark in BUDGETS)
        if key not in known or len(known[key]["regrets"]) < marks:
            with RESULTS.open("a") as file:
                file.write(json.dumps(search(*key)) + "\n")


def means(
    runs: Iterable[Mapping[str, Any]], seeds: int, tables: Collection[str] = SISTERS.keys()
) -> dict[str, list[Estimate]]:
    """Mean regret over tables and seeds at each budget, with its standard error over seeds."""
    runs = list(runs)

    def of(method: str) -> Iterator[Estimate]:
        for k in range(len(BUDGETS)):
            found = {
                (run["seed"], run["table"]): run["regrets"][k]
                for run in runs
                if run["method"] == method and len(run["regrets"]) > k
            }
            if not {*product(range(seeds), tables)} <= found.keys():
                return
            each = [np.mean([found[seed, table] for table in tables]) for seed in range(seeds)]
            yield float(np.mean(each)), float(np.std(each, ddof=1) / np.sqrt(seeds))

    return {method: list(of(method)) for method in METHODS}


def markdown(table: Mapping[str, list[Estimate]]) -> str:
    """The table of the guide; the best of a column is bold."""
    best = [min(row[k][0] for row in table.values() if k < len(row)) for k in range(len(BUDGETS))]
    rows = ["| | " + " | ".join(f"{b:,} trainings" for b in BUDGETS) + " |", "|---" * 5 + "|"]
    for method, row in table.items():
        cells = [f"{mean:.3f} ± {error:.3f}" for mean, error in row]
        bold = [f"**{c}**" if row[k][0] == best[k] else c for k, c in enumerate(cells)]
        rows.append(f"| {method} | " + " | ".join([*bold, *["–"] * (4 - len(row))]) + " |")
    return "\n".join(rows)


def by_task(runs: Iterable[Mapping[str, Any]], seeds: int) -> str:
    """The table of the guide that tells the tasks apart, at the larger budgets."""
    runs, large = list(runs), BUDGETS[2:]
    columns = {task: means(runs, seeds, [task]) for task in SISTERS}
    names = [f"`{task}`, {budget:,}" for task in SISTERS for budget in large]
    rows = ["| | " + " | ".join(names) + " |", "|---" * (1 + len(names)) + "|"]
    for method in METHODS:
        found = [columns[task][method][2:] for task in SISTERS]
        cells = [f"{mean:.3f}" for row in found for mean, _ in [*row, *[(np.nan, 0.0)] * 2][:2]]
        rows.append(f"| {method} | " + " | ".join(cells).replace("nan", "–") + " |")
    return "\n".join(rows)


def draw(table: Mapping[str, list[Estimate]], path: Path) -> None:
    """Draw mean regret by budget."""
    from matplotlib.figure import Figure

    axes = (figure := Figure(figsize=(7, 4), layout="constrained")).subplots()
    for method, row in table.items():
        low, high = zip(*((m - 2 * e, m + 2 * e) for m, e in row), strict=True)
        [line] = axes.plot(
            BUDGETS[: len(row)], [m for m, _ in row], "o-", label=method.replace("`", "")
        )
        axes.fill_between(BUDGETS[: len(row)], low, high, color=line.get_color(), alpha=0.12, lw=0)
    axes.set(xscale="log", xlabel="budget, in whole trainings", ylabel="mean regret")
    axes.set_xticks(BUDGETS, [f"{budget:,}" for budget in BUDGETS])
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    luthier.set_verbosity("critical")
    seeds = parser.parse_args().seeds
    run(seeds)
    table = means(recorded().values(), seeds)
    tasks = by_task(recorded().values(), seeds)
    PAGE.with_stem("spending-tasks").write_text(tasks + "\n", encoding="utf-8")
    PAGE.write_text(markdown(table) + "\n", encoding="utf-8")
    draw(table, PAGE.with_suffix(".svg"))


if __name__ == "__main__":
    main()
