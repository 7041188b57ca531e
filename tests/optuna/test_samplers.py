"""Samplers hold samplers of Luthier's and the study's seed."""

from __future__ import annotations

from typing import Any

import pytest

import luthier.optuna as optuna
from luthier.errors import ArgumentError, SpaceError, UnsupportedError
from luthier.optuna import samplers as s
from luthier.optuna.samplers import sampler_of
from luthier.samplers import (
    CMAES,
    GP,
    NSGA2,
    NSGA3,
    TPE,
    Grid,
    PartialFixed,
    QuasiRandom,
    Random,
)

LEARNING = [
    (s.TPESampler, {"multivariate": True, "n_startup_trials": 5, "group": True}),
    (s.GPSampler, {"deterministic_objective": True}),
    (s.CmaEsSampler, {"sigma0": 0.3, "restart_strategy": "ipop"}),
    (s.NSGAIISampler, {"population_size": 20}),
    (s.NSGAIIISampler, {"dividing_parameter": 4}),
]


@pytest.mark.parametrize(
    ("sampler", "native"),
    [
        (s.RandomSampler(seed=3), Random(allow_duplicates=True)),
        (s.GridSampler({"x": [1, 2]}, seed=3), Grid(shuffle=True)),
        (s.BruteForceSampler(seed=3), Grid(shuffle=True)),
        (s.QMCSampler(seed=3), QuasiRandom("sobol", False, allow_duplicates=True)),
        (
            s.QMCSampler(qmc_type="halton", scramble=True, seed=3),
            QuasiRandom("halton", allow_duplicates=True),
        ),
        (
            s.PartialFixedSampler({"x": 1}, s.RandomSampler(seed=3)),
            PartialFixed(Random(allow_duplicates=True), {"x": 1}),
        ),
        (
            s.TPESampler(n_startup_trials=5, n_ei_candidates=12, seed=3),
            TPE(n_startup=5, n_candidates=12, allow_duplicates=True),
        ),
        (s.GPSampler(n_startup_trials=7, seed=3), GP(n_startup=7, allow_duplicates=True)),
        (
            s.CmaEsSampler(popsize=9, lr_adapt=True, restart_strategy="ipop", seed=3),
            CMAES(population=9, adapt_rates=True, allow_duplicates=True),
        ),
        (s.CmaEsSampler(sigma0=0.3, seed=3), CMAES(allow_duplicates=True)),
        (
            s.NSGAIISampler(population_size=20, crossover_prob=0.5, seed=3),
            NSGA2(population=20, crossover_rate=0.5, allow_duplicates=True),
        ),
        (
            s.NSGAIIISampler(population_size=20, dividing_parameter=4, seed=3),
            NSGA3(population=20, allow_duplicates=True),
        ),
    ],
)
def test_sampler_stands_for_a_sampler_and_seeds_the_study(sampler: Any, native: Any) -> None:
    study = optuna.create_study(sampler=sampler)
    assert study._native.sampler == native
    assert study.sampler is sampler
    assert study.seed == 3
    assert type(sampler).__name__ in repr(sampler)


def test_a_sampler_of_luthiers_may_be_given() -> None:
    assert optuna.create_study(sampler=Random())._native.sampler == Random()
    assert sampler_of(Random()).seed is None
    assert s.PartialFixedSampler({"x": 1}, Random()).native == PartialFixed(Random(), {"x": 1})


@pytest.mark.parametrize(("kind", "settings"), LEARNING)
def test_unknown_argument_is_a_type_error(kind: Any, settings: Any) -> None:
    with pytest.raises(TypeError, match=f"{kind.__name__} has no argument 'sed'; it has .*seed"):
        kind(sed=1)


def test_exchanging_the_sampler_keeps_the_trials(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/s.db"
    study = optuna.create_study(storage=url, study_name="s", sampler=s.RandomSampler(seed=0))
    study.optimize(lambda trial: trial.suggest_float("x", 0, 10), n_trials=3)
    study.sampler = s.GridSampler({"x": [1, 2]})
    study.optimize(lambda trial: trial.suggest_float("x", 0, 10))
    assert sorted(t.params["x"] for t in study.trials[3:]) == [1, 2]
    loaded = optuna.load_study(study_name="s", storage=url)
    assert loaded._native.sampler == Grid(shuffle=True)


def test_constraints_func_judges_trials_however_they_end() -> None:
    def judge(trial: Any) -> tuple[float, float]:
        return trial.user_attrs["c"], -1.0

    def objective(trial: Any) -> float:
        trial.set_user_attr("c", 0.5 - trial.number)
        if trial.number == 2:
            raise optuna.TrialPruned
        if trial.number == 3:
            raise ValueError("crashed")
        return float(trial.number)

    study = optuna.create_study(sampler=s.NSGAIISampler(constraints_func=judge))
    heard: list[dict[str, float]] = []
    study.optimize(
        objective,
        n_trials=4,
        catch=ValueError,
        callbacks=[lambda study, trial: heard.append(trial.constraints)],
    )
    told = study.ask()
    told.set_user_attr("c", -9.0)
    study.tell(told, 0.5)
    expected = [{"0": 0.5, "1": -1.0}, {"0": -0.5, "1": -1.0}, {"0": -1.5, "1": -1.0}, {}]
    assert heard == expected
    assert study.trials[4].constraints == {"0": -9.0, "1": -1.0}
    assert study.best_trial.number == 4
    assert study.trials[0].user_attrs == {"c": 0.5}
    assert study.trials[0].system_attrs == {"constraints:0": 0.5, "constraints:1": -1.0}


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: s.GridSampler([1, 2]), ArgumentError, "search_space must map names to values"),
        (lambda: s.GridSampler({}), ArgumentError, "search_space must map names to values"),
        (lambda: s.GridSampler({"x": []}), SpaceError, "choice"),
        (lambda: s.QMCSampler(qmc_type="lattice"), ArgumentError, "'sobol', 'halton'"),
        (lambda: s.PartialFixedSampler([1], s.RandomSampler()), ArgumentError, "mapping"),
        (lambda: s.PartialFixedSampler({"x": 1}, "random"), ArgumentError, "A sampler must be"),
        (lambda: sampler_of(s.RandomSampler), ArgumentError, r"such as RandomSampler\(\)"),
        (lambda: optuna.create_study(sampler="tpe"), ArgumentError, "A sampler must be one of"),
        (lambda: optuna.create_study(sampler=s.RandomSampler(-1)), ArgumentError, "seed must be"),
    ],
)
def test_bad_sampler_is_refused(build: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        build()


def test_a_sampler_of_ones_own_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="MySampler: a sampler of your own"):
        type("MySampler", (s.BaseSampler,), {"__module__": "mine"})
