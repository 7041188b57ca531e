"""Toys on which what population-based training is worth is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import luthier
from luthier.schedulers import PBT
from luthier.study.study import Study


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    luthier.set_verbosity("error")
    yield
    luthier.set_verbosity("info")


def toy(end: int, every: int) -> Callable[[Any], float]:
    """The toy of the PBT paper (section 4, figure 2): what is followed isn't what is measured."""

    def train(trial: Any) -> float:
        h = np.array([trial.suggest_float("h0", 0, 1), trial.suggest_float("h1", 0, 1)])
        saved = trial.load_checkpoint()
        start = 0 if saved is None else saved.step
        theta = np.full(2, 0.9) if saved is None else np.frombuffer(saved.read_bytes())
        value = math.nan
        for step in range(start + 1, end + 1):
            theta = theta - 0.02 * h * theta  # the gradient of the surrogate, times 0.01
            if step % every == 0:
                value = 1.2 - float(theta @ theta)
                trial.report(value, step)
                trial.save_checkpoint(theta.tobytes())
                if trial.should_prune():
                    raise luthier.TrialPruned
        return value

    return train


def toy_study(scheduler: PBT, seed: int, every: int) -> Study:
    """Two members that start with h = (1, 0) and (0, 1), trained for 200 steps."""
    study = luthier.create_study(
        direction="maximize", sampler="random", scheduler=scheduler, seed=seed
    )
    study.enqueue_trial({"h0": 1.0, "h1": 0.0})
    study.enqueue_trial({"h0": 0.0, "h1": 1.0})
    study.optimize(toy(200, every))
    return study


def trap(end: int, every: int) -> Callable[[Any], float]:
    """A greedy trap: a small lr lowers the loss at once, a large one lowers what it can become."""

    def train(trial: Any) -> float:
        lr = trial.suggest_float("lr", 0.01, 1.0, log=True)
        saved = trial.load_checkpoint()
        start, x = (0, 1.0) if saved is None else (saved.step, float(saved.read_bytes()))
        for step in range(start + 1, end + 1):
            x *= math.exp(-0.05 * lr)
            if step % every == 0:
                trial.report(x + 0.5 * lr, step)
                trial.save_checkpoint(repr(x).encode())
                if trial.should_prune():
                    raise luthier.TrialPruned
        return x + 0.5 * lr

    return train


def trapped(frequencies: tuple[int, ...], seed: int) -> float:
    scheduler = PBT(120, 12, 2, synchronous=True, frequencies=frequencies)
    study = luthier.create_study(sampler="random", scheduler=scheduler, seed=seed)
    study.optimize(trap(120, 2))
    return study.best_value


def test_toy_of_the_paper_without_population_based_training() -> None:
    assert toy_study(PBT(200, 2, 200), 0, 5).best_value == pytest.approx(0.39, abs=0.001)


def test_toy_of_the_paper() -> None:
    values = [toy_study(PBT(200, 2, 5, synchronous=True), seed, 5).best_value for seed in (0, 1)]
    assert np.mean(values) >= 1.19
    assert min(values) >= 1.15


@pytest.mark.slow
@pytest.mark.parametrize("synchronous", [True, False])
def test_toy_of_the_paper_on_a_hundred_seeds(synchronous: bool) -> None:
    scheduler = PBT(200, 2, 5, synchronous=synchronous)
    values = [toy_study(scheduler, seed, 5).best_value for seed in range(100)]
    assert np.mean(values) >= 1.19
    assert min(values) >= 1.15


def test_a_steadier_sub_population_escapes_a_greedy_trap() -> None:
    assert trapped((1, 10), 0) < 0.5 < trapped((1,), 0)


@pytest.mark.slow
def test_steadier_sub_populations_escape_on_ten_seeds() -> None:
    pairs = [(trapped((1, 10), seed), trapped((1,), seed)) for seed in range(10)]
    assert sum(several <= single for several, single in pairs) >= 9
