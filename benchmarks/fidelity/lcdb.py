"""Which of 20 learners is best on a data set, at a share of the full cost? And F4: forecasts.

    tools/peers.sh lcdb && python -m benchmarks.fidelity.lcdb selection
    python -m benchmarks.fidelity.lcdb extrapolation

The tables are those of the Learning Curve Database (PyPI package lcdb 0.1.0, MIT licence): accuracy
by training size, sizes a factor of sqrt(2) apart, on a validation and on a test part, over several
splits of each data set. Nothing of them is kept in the repository but results.

A task is one split of a data set with at least 7 sizes and 16 learners with complete curves: 184
data sets for split (0, 0). A rule sees validation errors and picks a learner. Its regret is the
test error of that learner at the full size beyond the least one on the same split. Every training
costs its size, from scratch; the cost of a task is a share of training all learners at full size.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.fidelity import extrapolation
from benchmarks.peers import ROOT
from luthier.numerics.freeze_thaw import choose
from luthier.numerics.learning_curve import Forecast, forecast

PACKAGE = ROOT / ".peers" / "lcdb" / "lib" / "python3.11" / "site-packages" / "lcdb"
CACHE = ROOT / ".peers" / "cache" / "lcdb.npz"
RESULTS = ROOT / "benchmarks" / "results" / "lcdb.json"
SPLITS = [(outer, 0) for outer in range(5)]
LEAST_SIZES, LEAST_LEARNERS = 7, 16


@dataclass(frozen=True)
class Task:
    """A split of a data set: sizes (t,), validation errors (n, t), final test errors (n,)."""

    data_set: int
    sizes: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def rows() -> np.ndarray:
    """The table of accuracies as (data set, outer, inner, learner, size, validation, test)."""
    if not CACHE.exists():
        learners: dict[str, int] = {}
        found = []
        with (PACKAGE / "database-accuracy.csv").open() as file:
            for row in csv.DictReader(file):
                split = int(row["outer_seed"]), int(row["inner_seed"])
                if split in SPLITS:
                    learner = learners.setdefault(row["learner"], len(learners))
                    scores = float(row["score_valid"]), float(row["score_test"])
                    found.append(
                        (int(row["openmlid"]), *split, learner, int(row["size_train"]), *scores)
                    )
        CACHE.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(CACHE, rows=np.array(found))
    return np.load(CACHE)["rows"]


def tasks(splits: Sequence[tuple[int, int]]) -> Iterator[Task]:
    """The tasks of some splits, by number of the data set."""
    table = rows()
    for outer, inner in splits:
        split = table[(table[:, 1] == outer) & (table[:, 2] == inner)]
        for number in np.unique(split[:, 0]):
            mine = split[split[:, 0] == number]
            sizes, place = np.unique(mine[:, 4], return_inverse=True)
            errors = np.full((2, 20, len(sizes)), np.nan)
            errors[:, mine[:, 3].astype(int), place] = 1.0 - mine[:, 5:].T
            complete = ~np.isnan(errors[0]).any(axis=1)
            if len(sizes) >= LEAST_SIZES and complete.sum() >= LEAST_LEARNERS:
                validation, test = errors[:, complete]
                yield Task(int(number), sizes, validation, test[:, -1])


def curves(steps: int) -> np.ndarray:
    """Validation errors at equal steps of the training size, between sizes by lines, (n, steps)."""
    found = [
        np.interp(np.arange(1, steps + 1) / steps, task.sizes / task.sizes[-1], errors)
        for task in tasks(SPLITS)
        for errors in task.validation
    ]
    return np.array(found)


def fitted_on(numbers: Sequence[int]) -> set[int]:
    """The half of the data sets that the constants of ``forecast`` were fitted to."""
    order = np.random.default_rng(0).permutation(len(numbers))
    return {numbers[k] for k in order[: len(numbers) // 2]}


@dataclass
class Trainings:
    """What a rule has seen of a task, and paid."""

    task: Task
    errors: np.ndarray = field(init=False)
    paid: float = 0.0

    def __post_init__(self) -> None:
        self.errors = np.full_like(self.task.validation, np.nan)

    def train(self, learners: Sequence[int] | np.ndarray, size: int) -> None:
        """Train learners at a size, by its place."""
        new = np.asarray(learners)[np.isnan(self.errors[learners, size])]
        self.errors[new, size] = self.task.validation[new, size]
        self.paid += len(new) * self.task.sizes[size]

    def size_of(self, share: float) -> int:
        """The place of the largest size that is at most a share of the full one."""
        sizes = self.task.sizes
        return max(0, int(np.searchsorted(sizes, sizes[-1] * share * 1.001, "right")) - 1)

    def best_first(self, size: int) -> np.ndarray:
        """Learners by their error at a size."""
        return np.argsort(self.errors[:, size], kind="stable")

    @property
    def n(self) -> int:
        """How many learners there are."""
        return len(self.errors)

    @property
    def cost(self) -> float:
        """Of training all learners at full size."""
        return float(self.paid / self.n / self.task.sizes[-1])

    def regret(self) -> float:
        """Of the learner with the least error at the largest size at which any was trained."""
        last = int(np.flatnonzero(~np.isnan(self.errors).all(axis=0))[-1])
        chosen = int(np.nanargmin(self.errors[:, last]))
        return float(self.task.test[chosen] - self.task.test.min())


Rule = Callable[[Trainings], None]


def at_size(share: float) -> Rule:
    """Train all at a share of the full size, and take the best."""
    return lambda seen: seen.train(range(seen.n), seen.size_of(share))


def halving(eta: int, rungs: int) -> Rule:
    """Successive halving: the best 1/eta of a rung go on to eta times the size."""

    def rule(seen: Trainings) -> None:
        alive = np.arange(seen.n)
        for k in range(rungs, -1, -1):
            size = seen.size_of(eta**-k)
            seen.train(alive, size)
            order = np.argsort(seen.errors[alive, size], kind="stable")
            alive = alive[order[: max(1, -(-len(alive) // eta))]]

    return rule


def screening(share: float, budget: float) -> Rule:
    """Train all at a share of the full size, then the best at full size, as the budget allows."""

    def rule(seen: Trainings) -> None:
        size = seen.size_of(share)
        seen.train(range(seen.n), size)
        left = round((budget - seen.cost) * seen.n)
        seen.train(seen.best_first(size)[: max(1, left)], len(seen.task.sizes) - 1)

    return rule


def elimination(shares: Sequence[float], least: float) -> Rule:
    """After each rung, drop learners whose forecast is the best in too few of 400 samples."""

    def rule(seen: Trainings) -> None:
        alive = np.arange(seen.n)
        for k, share in enumerate(shares):
            if k:
                drawn = expected(seen).sample(400, np.random.default_rng(0))[:, :, 0]
                wins = np.bincount(drawn.argmin(axis=1), minlength=seen.n) / 400
                alive = alive[(wins[alive] >= least) | (wins[alive] == wins[alive].max())]
            seen.train(alive, seen.size_of(share))

    return rule


def forecasting(shares: Sequence[float], kept: Sequence[float]) -> Rule:
    """Successive halving by the forecast of the error at full size instead of the last error."""

    def rule(seen: Trainings) -> None:
        alive = np.arange(seen.n)
        for k, share in enumerate(shares):
            if k:
                order = np.argsort(expected(seen).mean[alive, 0], kind="stable")
                alive = alive[order[: max(1, round(kept[k - 1] * seen.n))]]
            seen.train(alive, seen.size_of(share))

    return rule


def freeze_thaw(shares: Sequence[float], budget: float) -> Rule:
    """All at the first share, then one training at a time as ``choose`` says, within a budget."""

    def rule(seen: Trainings) -> None:
        sizes = sorted({seen.size_of(share) for share in shares})
        grid = seen.task.sizes[sizes]
        seen.train(range(seen.n), sizes[0])
        rng = np.random.default_rng(seen.task.data_set)
        while (row := choose(seen.errors[:, sizes], grid, rng)) is not None:
            nxt = sizes[int((~np.isnan(seen.errors[row, sizes])).sum())]
            if seen.cost + seen.task.sizes[nxt] / seen.n / grid[-1] > budget:
                break
            seen.train([row], nxt)

    return rule


def expected(seen: Trainings) -> Forecast:
    """The forecast at full size from all that was seen."""
    used = ~np.isnan(seen.errors).all(axis=0)
    sizes = seen.task.sizes
    return forecast(seen.errors[:, used], sizes[used], at=sizes[-1:])


RULES: dict[str, Rule] = {
    "all at full size": at_size(1.0),
    "all at 1/8": at_size(1 / 8),
    "successive halving, eta 3, from 1/9": halving(3, 2),
    "successive halving, eta 3, from 1/27": halving(3, 3),
    "successive halving, eta 2, from 1/8": halving(2, 3),
    "successive halving, eta 2, from 1/16": halving(2, 4),
    "screening at 1/4, budget 0.35": screening(1 / 4, 0.35),
    "screening at 1/4, budget 0.40": screening(1 / 4, 0.40),
    "screening at 1/5.6, budget 0.35": screening(1 / 5.6, 0.35),
    "forecasts at 1/32 and 1/5.6": forecasting((1 / 32, 1 / 5.6, 1), (0.7, 0.2)),
    "elimination where P(best) < 5%": elimination((1 / 16, 1 / 4, 1), 0.05),
    "freeze-thaw, 1/16, 1/4, 1, budget 0.35": freeze_thaw((1 / 16, 1 / 4, 1), 0.35),
    "freeze-thaw, 1/4, 1, budget 0.35": freeze_thaw((1 / 4, 1), 0.35),
}


def select(rule: Rule, some: Sequence[Task]) -> tuple[float, float, float]:
    """Mean cost, mean regret and its standard error over data sets."""
    costs, regrets = [], []
    for task in some:
        seen = Trainings(task)
        rule(seen)
        costs.append(seen.cost)
        regrets.append(seen.regret())
    numbers = [task.data_set for task in some]
    means = [np.mean(np.array(regrets)[np.array(numbers) == k]) for k in set(numbers)]
    error = float(np.std(means) / np.sqrt(len(means)))
    return float(np.mean(costs)), float(np.mean(regrets)), error


def selection() -> list[dict[str, float | str]]:
    """Cost and regret of all rules, on split (0, 0) and on all five."""
    one, every = list(tasks([(0, 0)])), list(tasks(SPLITS))
    print(f"{'':40} {len(one)} tasks of split (0, 0)   {len(every)} tasks of five splits")
    table: list[dict[str, float | str]] = []
    for name, rule in RULES.items():
        start = time.process_time()
        (c1, r1, _), (c2, r2, error) = select(rule, one), select(rule, every)
        spent = (time.process_time() - start) / (len(one) + len(every)) * 1e3
        print(
            f"{name:40} cost {c1:.3f} regret {r1:.4f}    cost {c2:.3f} regret {r2:.4f} "
            f"+- {error:.4f}   {spent:.0f} ms",
            flush=True,
        )
        table.append({"rule": name, "cost_00": c1, "regret_00": r1, "cost": c2, "regret": r2})
    return table


def prefixes() -> tuple[list[extrapolation.Case], list[extrapolation.Case]]:
    """Curves of split (0, 0), cut at every other size, with and without five finished ones.

    Returns:
        Cases of the data sets that constants were fitted to, and of the others.
    """
    every = list(tasks([(0, 0)]))
    fitted = fitted_on([task.data_set for task in every])
    halves: tuple[list[extrapolation.Case], list[extrapolation.Case]] = [], []
    for task in every:
        for cut in range(2, len(task.sizes) - 1, 2):
            for n_finished in (0, 5):
                ends = np.full(len(task.validation), cut)
                ends[:n_finished] = len(task.sizes)
                case = extrapolation.Case(task.sizes, task.validation, ends)
                halves[task.data_set not in fitted].append(case)
    return halves


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("selection", "extrapolation"))
    what = parser.parse_args().what
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if what == "selection":
        kept[what] = selection()
    else:
        kept[what] = extrapolation.compare({"LCDB": prefixes(), **extrapolation.taskset()})
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
