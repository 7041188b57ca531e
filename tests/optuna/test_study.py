"""Making, loading and listing studies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import luthier
import luthier.optuna as optuna
from luthier.errors import (
    ArgumentError,
    StudyError,
    StudyExistsError,
    StudyMismatchError,
    StudyNotFoundError,
)
from luthier.optuna.study import StudyDirection
from luthier.schedulers import Percentile


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/studies.db"


def test_directions_by_name_or_enum() -> None:
    maximised = optuna.create_study(direction=StudyDirection.MAXIMIZE)
    assert maximised.direction is StudyDirection.MAXIMIZE
    both = optuna.create_study(directions=["minimize", StudyDirection.MAXIMIZE])
    assert both.directions == [StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE]
    assert [way.value for way in StudyDirection] == [0, 1, 2]


def test_an_existing_study_keeps_its_seed_sampler_and_pruner(url: str) -> None:
    optuna.create_study(
        study_name="s",
        storage=url,
        sampler=optuna.samplers.RandomSampler(seed=1),
        pruner=optuna.pruners.PercentilePruner(30.0),
        direction="maximize",
    )
    again = optuna.create_study(study_name="s", storage=url, load_if_exists=True)
    assert again.seed == 1
    assert again.scheduler == Percentile(30.0)
    assert again.pruner == Percentile(30.0)
    assert again.direction is StudyDirection.MAXIMIZE
    other = optuna.create_study(
        study_name="s",
        storage=url,
        load_if_exists=True,
        sampler=optuna.samplers.QMCSampler(seed=2),
        direction="maximize",
    )
    assert other.seed == 1
    assert type(other.sampler).__name__ == "QMCSampler"


def test_summaries(url: str) -> None:
    one = optuna.create_study(study_name="one", storage=url)
    one.set_user_attr("k", "v")
    one.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=3)
    optuna.create_study(study_name="two", storage=url, directions=["minimize", "maximize"])
    first, second = optuna.get_all_study_summaries(url)
    assert (first.study_name, first.n_trials, first.user_attrs) == ("one", 3, {"k": "v"})
    assert first.direction is StudyDirection.MINIMIZE
    assert first.best_trial == one.best_trial
    assert first.datetime_start == one.trials[0].datetime_start
    assert (second.best_trial, second.n_trials, second.datetime_start) == (None, 0, None)
    assert optuna.get_all_study_summaries(url, include_best_trial=False)[0].best_trial is None
    with pytest.raises(StudyError, match="direction needs a single objective"):
        second.direction


def test_summaries_of_studies_without_a_feasible_trial(url: str) -> None:
    ours = optuna.create_study(study_name="ours", storage=url)
    ours.add_trial(optuna.trial.create_trial(value=1.0, constraints={"size": 0.5}))
    native = luthier.create_study(study_name="native", storage=url, constraints=["value <= 0"])
    native.tell(native.ask(), 1.0)
    summaries = optuna.get_all_study_summaries(url)
    assert [(s.study_name, s.best_trial) for s in summaries] == [("ours", None), ("native", None)]


def test_bad_arguments_are_refused(url: str) -> None:
    optuna.create_study(study_name="s", storage=url)
    with pytest.raises(StudyExistsError, match="s"):
        optuna.create_study(study_name="s", storage=url)
    with pytest.raises(StudyMismatchError, match=r"exists with the directions \['minimize'\]"):
        optuna.create_study(study_name="s", storage=url, direction="maximize", load_if_exists=True)
    with pytest.raises(StudyNotFoundError, match="t"):
        optuna.load_study(study_name="t", storage=url)
    with pytest.raises(StudyNotFoundError, match="t"):
        optuna.delete_study(study_name="t", storage=url)
    with pytest.raises(StudyNotFoundError, match="t"):
        optuna.copy_study(from_study_name="t", from_storage=url, to_storage=url)
    with pytest.raises(StudyExistsError, match="s"):
        optuna.copy_study(from_study_name="s", from_storage=url, to_storage=url)
    with pytest.raises(ArgumentError, match="A storage must be a URL"):
        optuna.get_all_study_names(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"direction": "up"}, "'minimize' or 'maximize', got 'up'"),
        ({"direction": StudyDirection.NOT_SET}, "'minimize' or 'maximize', got 'NOT_SET'"),
        ({"direction": "minimize", "directions": ["minimize"]}, "Only one of direction"),
        ({"directions": []}, "non-empty list"),
        ({"study_name": 3}, "study_name must be non-empty text"),
    ],
)
def test_bad_study_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        optuna.create_study(**arguments)
