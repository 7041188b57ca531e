"""Importance beside Optuna's, on the same 1,000 trials: agreement, and seconds of CPU.

    python -m benchmarks.importance

Both libraries run by turns, each in a fresh process on one thread. The result goes to
``benchmarks/results/importance.json`` and to ``docs/benchmarks/importance.md``.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import luthier
from benchmarks.importance.studies import N_TRIALS, TASKS, Task
from benchmarks.peers import ROOT, run
from benchmarks.spaces.in_luthier import space_of

RESULTS = ROOT / "benchmarks" / "results" / "importance.json"
PAGE = ROOT / "docs" / "benchmarks" / "importance.md"
HERE = Path(__file__).parent
AGREEMENT = 0.95
SHARE_OF_TIME = {"fanova": 0.1, "ped_anova": 1.0, "ped_anova_face": 1.0}
LABELS = {"fanova": "fANOVA", "ped_anova": "PED-ANOVA"}
LABELS["ped_anova_face"] = "PED-ANOVA, `luthier.optuna`"
REPEATS = {"luthier": 3, "optuna": 1}


def main() -> int:
    """Run everything; return 0 if every target is met."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for task in TASKS.values():
            file = Path(folder) / "trials.json"
            file.write_text(json.dumps(trials_of(task)))
            for method in SHARE_OF_TIME:
                rows.append(compare(task, method, file))
                print(json.dumps(rows[-1]), flush=True)
    machine = {"python": platform.python_version(), "cores": os.cpu_count()}
    RESULTS.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")
    PAGE.write_text(page(rows))
    return 0 if all(row["met"] is not False for row in rows) else 1


def trials_of(task: Task) -> dict[str, Any]:
    """Configurations and values, chosen by one of our samplers."""
    luthier.set_verbosity("error")
    space = space_of(task.parameters)
    study = luthier.create_study(space=space, sampler=task.sampler, seed=0)
    study.optimize(lambda trial: task.objective(trial.params), n_trials=N_TRIALS)
    trials = [(trial.params, trial.value) for trial in study.trials]
    return {"parameters": task.parameters, "trials": trials}


def compare(task: Task, method: str, file: Path) -> dict[str, Any]:
    """One line: how far both agree on the parameters that both name, and what it took."""
    repeats = REPEATS if method == "fanova" else {"luthier": 5, "optuna": 5}
    sides = {
        library: run(library, HERE / f"{library}_side.py", file, method, repeats[library])[0]
        for library in repeats
    }
    ours, theirs = (float(np.median(sides[name]["seconds"])) for name in ("luthier", "optuna"))
    rho = agreement(sides["luthier"]["shares"], sides["optuna"]["shares"])
    truth = task.true_effects() if method == "fanova" else None
    met = rho >= AGREEMENT and ours <= SHARE_OF_TIME[method] * theirs
    return {
        "task": task.name,
        "method": method,
        "rank_correlation": round(rho, 4),
        "parameters": len(sides["optuna"]["shares"]),
        "luthier_seconds": round(ours, 4),
        "optuna_seconds": round(theirs, 4),
        "shares": {library: side["shares"] for library, side in sides.items()},
        "truth": truth and {name: agreement(side["shares"], truth) for name, side in sides.items()},
        "met": met if task.is_even else None,
    }


def agreement(ours: Mapping[str, float], theirs: Mapping[str, float]) -> float:
    """Spearman's rank correlation over the parameters that both name."""
    common = sorted(ours.keys() & theirs.keys())
    ranks = [np.argsort(np.argsort([shares[n] for n in common])) for shares in (ours, theirs)]
    return float(np.corrcoef(ranks)[0, 1])


def page(rows: list[dict[str, Any]]) -> str:
    """The table of the documents."""
    lines = [
        "| 1,000 trials | method | parameters | agreement | with the truth: ours, Optuna's "
        "| ours, s | Optuna's, s | ratio | target |  |",
        "| --- | --- | --: | --: | --: | --: | --: | --: | --: | --- |",
    ]
    for row in rows:
        ratio = row["luthier_seconds"] / row["optuna_seconds"]
        truth = row["truth"]
        both = f"{truth['luthier']:.2f}, {truth['optuna']:.2f}" if truth else ""
        goal = f">= {AGREEMENT:g}, <= {SHARE_OF_TIME[row['method']]:g}"
        verdict = {True: "met", False: "missed", None: ""}[row["met"]]
        lines.append(
            f"| {row['task']} | {LABELS[row['method']]} | {row['parameters']} "
            f"| {row['rank_correlation']:.3f} | {both} | {row['luthier_seconds']:.3g} "
            f"| {row['optuna_seconds']:.3g} | {ratio:.2g} "
            f"| {goal if row['met'] is not None else ''} | {verdict} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
