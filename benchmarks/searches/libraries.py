"""The searches that are compared, each run as its users run it: one call of ``fit``.

All get the same estimator, space, data and folds, and a budget of fits: a fit is the estimator
fitted to the training part of one fold, whatever its size. Fits are counted where they happen, in
the estimator's own ``fit``; time is the CPU time of the whole search. The last fit of the winner
to all data is in the time of each, and isn't counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from sklearn.model_selection import RandomizedSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from benchmarks.searches import spaces
from benchmarks.searches.data import FOLDS, REGRESSION, Split, table

FITS = 150
"""What every search may spend: thirty candidates on five folds."""


@final
@dataclass(frozen=True)
class Task:
    """A table, a space and a seed.

    Attributes:
        table: Name of the table.
        space: Name of the space.
        seed: Of the split, of the estimator and of the search.
    """

    table: str
    space: str
    seed: int


@final
class Budget:
    """What a search has spent since it began, and whether it may go on.

    Args:
        fits: How many fits it may spend.
        seconds: How much CPU time.
    """

    def __init__(self, fits: int = FITS, seconds: float = np.inf) -> None:
        self.fits, self._most, self._seconds = 0, fits, seconds
        self._began = time.process_time()

    @property
    def seconds(self) -> float:
        """CPU time spent so far."""
        return time.process_time() - self._began

    def allows(self, fits: int) -> bool:
        """Whether so many more fits may begin."""
        return self.fits + fits <= self._most and self.seconds < self._seconds


Search = Callable[[Any, spaces.Space, Any, Any, int, Budget], Any]


def run(search: Search, task: Task, paces: float = np.inf) -> dict[str, Any]:
    """Run one search.

    Args:
        search: A value of ``PEERS``, or one of ours.
        task: What to search in.
        paces: CPU time it may take, where it heeds that, in units of ``pace``.

    Returns:
        ``test`` score of the fitted winner, its ``cv`` score, ``fits`` and ``seconds`` spent, and
        the ``pace`` of the machine just then.
    """
    measured = pace()
    split = Split(task.table, task.seed)
    model, space = spaces.model_and_space(task.space, task.table in REGRESSION, task.seed)
    budget = Budget(seconds=paces * measured)
    with counted(model, budget):
        done = search(model, space, split, split.cv, task.seed, budget)
    spent = budget.seconds
    return {
        "test": round(float(done.score(*split.test)), 5),
        "cv": round(float(done.best_score_), 5),
        "fits": budget.fits - 1,
        "seconds": round(spent, 3),
        "pace": round(measured, 4),
    }


def pace() -> float:
    """CPU seconds that a fixed piece of work takes: times are compared in units of it.

    The peers were recorded on a machine that was now busy, now quiet, and ours run on any.
    """
    X, y = table("wine")
    model = make_pipeline(StandardScaler(), SVC())
    start = time.process_time()
    for _ in range(5):
        cross_val_score(model, X, y)
    return time.process_time() - start


@contextmanager
def counted(model: Any, budget: Budget) -> Iterator[None]:
    """Count every fit of a model's last step, in all of its clones."""
    kind = type(model[-1] if hasattr(model, "steps") else model)
    fit = kind.fit

    def count(self: Any, *args: Any, **kwargs: Any) -> Any:
        budget.fits += 1
        return fit(self, *args, **kwargs)

    kind.fit = count
    try:
        yield
    finally:
        kind.fit = fit


def randomized(
    model: Any, space: spaces.Space, split: Split, cv: Any, seed: int, budget: Budget
) -> Any:
    """scikit-learn's random search."""
    search = RandomizedSearchCV(
        model, spaces.for_sklearn(space), n_iter=FITS // FOLDS, cv=cv, random_state=seed
    )
    return search.fit(*split.train)


def halving(
    model: Any, space: spaces.Space, split: Split, cv: Any, seed: int, budget: Budget
) -> Any:
    """scikit-learn's successive halving, on so many candidates that it takes all fits."""
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingRandomSearchCV

    X, y = split.train
    factor, candidates = brackets(len(X), 1 if y.dtype.kind == "f" else len(np.unique(y)))
    search = HalvingRandomSearchCV(
        model,
        spaces.for_sklearn(space),
        n_candidates=candidates,
        factor=factor,
        min_resources="exhaust",
        cv=cv,
        random_state=seed,
    )
    return search.fit(X, y)


def brackets(samples: int, classes: int) -> tuple[int, int]:
    """Return the factor and the number of candidates with which halving spends its fits best.

    That is the factor that gives the most rungs, 3 as by default among equals, and the most
    candidates that ``FITS`` allow. A rung has at least 2 samples per fold and class, so with few
    samples and many classes scikit-learn's 3 can mean that nothing is halved at all.
    """
    choices = []
    for factor in (3, 2):
        sizes = {n: rungs(n, factor, samples, 2 * FOLDS * classes) for n in range(2, FITS)}
        most = max(n for n, rung in sizes.items() if sum(rung) * FOLDS <= FITS)
        choices.append((len(sizes[most]), factor, most))
    _, factor, most = max(choices)
    return factor, most


def rungs(candidates: int, factor: int, samples: int, least: int) -> list[int]:
    """How many candidates scikit-learn's halving has on each rung, with all samples used."""
    needed = 1 + int(np.floor(np.log(candidates) / np.log(factor)))
    least = max(least, samples // factor ** (needed - 1))
    possible = 1 + int(np.floor(np.log(samples // least) / np.log(factor)))
    counts = [candidates]
    while len(counts) < min(needed, possible):
        counts.append(int(np.ceil(counts[-1] / factor)))
    return counts


def optuna_search(
    model: Any, space: spaces.Space, split: Split, cv: Any, seed: int, budget: Budget
) -> Any:
    """Optuna's search, with its default sampler."""
    import optuna
    from optuna_integration import OptunaSearchCV

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    search = OptunaSearchCV(
        model, spaces.for_optuna(space), n_trials=FITS // FOLDS, cv=cv, random_state=seed
    )
    return search.fit(*split.train)


def skopt_search(
    model: Any, space: spaces.Space, split: Split, cv: Any, seed: int, budget: Budget
) -> Any:
    """scikit-optimize's search."""
    from skopt import BayesSearchCV

    search = BayesSearchCV(
        model, spaces.for_skopt(space), n_iter=FITS // FOLDS, cv=cv, random_state=seed
    )
    return search.fit(*split.train)


PEERS: Mapping[str, Search] = {
    "RandomizedSearchCV": randomized,
    "HalvingRandomSearchCV": halving,
    "OptunaSearchCV": optuna_search,
    "BayesSearchCV": skopt_search,
}


def luthier_search(**settings: Any) -> Search:
    """Return a search of ours.

    Args:
        **settings: Of ``SearchCV``, where they aren't to be its defaults.
    """
    import luthier
    from luthier.integrations.sklearn import SearchCV

    luthier.set_verbosity("error")

    def search(
        model: Any, space: spaces.Space, split: Split, cv: Any, seed: int, budget: Budget
    ) -> Any:
        def stop(study: Any, trial: Any) -> None:
            if not budget.allows(FOLDS):
                study.stop()

        usual = {"n_trials": 20 * FITS, "cv": cv, "random_state": seed, "callbacks": [stop]}
        ours = SearchCV(model, spaces.for_luthier(space), **usual | settings)
        return ours.fit(*split.train)

    return search
