"""Learning curves to search in, and what a search has spent on them and would recommend.

The curves are those of ``../shared/bench`` (its README and MANIFEST say where they come from):
TaskSet's are tabulated trainings, those of LCBench and of gradient boosting come from surrogates
of real runs. A trial's 27 steps stand for all epochs, or for the whole training set. This file
runs in every library's environment.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

import numpy as np

from benchmarks.efficiency.problems import public

STEPS = 27
MARKS = (2, 5, 10, 20)
"""When a search is looked at: after so many times what one trial costs to the end."""
TABLES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "taskset_lstm128_bs128": ("TaskSet", {"table": "taskset_lstm128_bs128"}),
    "taskset_lstm128_avg": ("TaskSet", {"table": "taskset_lstm128_avg_p128"}),
    "taskset_irnn64_avg": ("TaskSet", {"table": "taskset_irnn64_relu_avg"}),
    "lcbench_189906": ("Yahpo", {"scenario": "lcbench", "instance": "189906"}),
    "lcbench_167168": ("Yahpo", {"scenario": "lcbench", "instance": "167168"}),
    "lcbench_126026": ("Yahpo", {"scenario": "lcbench", "instance": "126026"}),
    "xgb_1468": ("Yahpo", {"scenario": "rbv2_xgboost", "instance": "1468"}),
    "xgb_40499": ("Yahpo", {"scenario": "rbv2_xgboost", "instance": "40499"}),
}
_OUTPUT = {"lcbench": ("val_accuracy", "epoch"), "rbv2_xgboost": ("acc", "trainsize")}
_SAMPLES = 1000


class OutOfBudgetError(Exception):
    """All steps are spent."""


class Table:
    """Learning curves over a space of configurations.

    Args:
        name: A name of ``TABLES``.

    Attributes:
        space: Its parameters, as in ``tasks.py``.
    """

    def __init__(self, name: str) -> None:
        family, settings = TABLES[name]
        if family == "Yahpo":
            target, fidelity = _OUTPUT[settings["scenario"]]
            settings = {**settings, "targets": [target], "fidelity": fidelity}
        self._task = getattr(public.tasks(), family)(name, **settings)
        self.space = self._task.space
        rng = np.random.default_rng(0)
        drawn = [self.draw(rng) for _ in range(_SAMPLES)]
        first = np.array([self._value(config, 1) for config in drawn[:100]])
        self._cap = 2 * float(np.nanmedian(first)) if family == "TaskSet" else np.inf
        ends = np.array([self(config, STEPS) for config in drawn])
        self._best, self._typical = float(ends.min()), float(np.median(ends))

    def __call__(self, config: Mapping[str, Any], step: int) -> float:
        """What a configuration has reached at a step; trainings that diverge end at a cap."""
        value = self._value(config, step)
        return float(min(value, self._cap)) if np.isfinite(value) else self._cap

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        """A random configuration."""
        return self._task.sample(rng)  # type: ignore[no-any-return]

    def regret(self, config: Mapping[str, Any]) -> float:
        """How far its end is from the best of 1,000 random ones: 0, or below 0 if it is better.

        1 is the median of these.
        """
        gap = self(config, STEPS) - self._best
        return gap / (self._typical - self._best)

    def _value(self, config: Mapping[str, Any], step: int) -> float:
        fidelity = self._task.fidelity
        z: float = step / STEPS * fidelity["high"]
        if fidelity["type"] == "int":
            z = max(round(z), fidelity["low"])
        return float(self._task.evaluate(config, max(z, fidelity["low"]))["value"])


class Search:
    """One search: counts steps, and remembers what it tried and what it would recommend.

    That is the best trial at the highest step that any has reached.

    Args:
        table: The curves.
        budget: How many steps it may spend.
    """

    def __init__(self, table: Table, budget: int = MARKS[-1] * STEPS) -> None:
        self.table, self.budget, self.spent = table, budget, 0
        self._reached: dict[Hashable, int] = {}
        self._leader: tuple[int, float] = (0, 0.0)
        self.tried: list[Mapping[str, Any]] = []
        self._seen: list[tuple[int, float]] = []

    def train(self, trial: Hashable, config: Mapping[str, Any], step: int) -> float:
        """Train a trial up to a step, from where it was.

        Raises:
            OutOfBudgetError: The steps left don't suffice.
        """
        if trial not in self._reached:
            self.tried.append(dict(config))
        self.spent += max(0, step - self._reached.get(trial, 0))
        if self.spent > self.budget:
            raise OutOfBudgetError
        self._reached[trial] = max(step, self._reached.get(trial, 0))
        value = self.table(config, step)
        if (-step, value) < self._leader:
            self._leader = (-step, value)
            self._seen.append((self.spent, self.table.regret(config)))
        return value

    def summary(self) -> dict[str, Any]:
        """The regret of what is recommended at each of ``MARKS``, and ``typical``."""
        return {"regrets": self.regrets(MARKS), "typical": round(self.typical(), 5)}

    def regrets(self, marks: Iterable[int]) -> list[float]:
        """The regret of what is recommended after so many times what one trial costs to the end."""
        seen = [[r for spent, r in self._seen if spent <= mark * STEPS][-1] for mark in marks]
        return [round(regret, 5) for regret in seen]

    def typical(self) -> float:
        """The median regret that the later half of the trials would end with, each trained out.

        Says how well a sampler proposes, with less luck than the regret of a single trial.
        """
        later = self.tried[len(self.tried) // 2 :]
        return float(np.median([self.table.regret(config) for config in later]))


def main(search: Callable[[str, Search, int], None]) -> None:
    """Run a worker: print a line for each search of a method on a table, one for each seed.

    Args:
        search: Runs one search by a method's name, with a seed, until the budget is spent.
    """
    method, name, *seeds = sys.argv[1:]
    table = Table(name)
    for seed in map(int, seeds):
        found, start = Search(table), time.process_time()
        search(method, found, seed)
        seconds = round(time.process_time() - start, 3)
        line = {"table": name, "seed": seed, **found.summary(), "seconds": seconds}
        print(json.dumps(line), flush=True)
