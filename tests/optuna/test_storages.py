"""Storages: memory and SQLite."""

from __future__ import annotations

from pathlib import Path

import pytest

import luthier.optuna as optuna
from luthier.errors import ArgumentError
from luthier.optuna import storages


def test_an_rdb_storage_is_a_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/runs.db"
    storage = storages.RDBStorage(url, heartbeat_interval=60, engine_kwargs={"echo": False})
    optuna.create_study(storage=storage, study_name="a")
    assert optuna.get_all_study_names(url) == ["a"]
    assert storages.get_storage(storage) is storage


def test_an_rdb_storage_may_be_a_server(postgres_url: str) -> None:
    url = postgres_url.replace("postgresql:", "postgresql+psycopg2:", 1)
    study = optuna.create_study(storage=storages.RDBStorage(url), study_name="a")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    assert [s.n_trials for s in optuna.get_all_study_summaries(url)] == [2]


def test_memory_is_shared_by_those_who_hold_it() -> None:
    storage = storages.InMemoryStorage()
    optuna.create_study(storage=storage, study_name="a")
    assert optuna.load_study(study_name="a", storage=storage).study_name == "a"


def test_bad_storage_is_refused() -> None:
    with pytest.raises(TypeError, match="RDBStorage has no argument 'hearbeat'"):
        storages.RDBStorage("sqlite://", hearbeat=1)
    with pytest.raises(ArgumentError, match="must be one of"):
        storages.RDBStorage("mysql+pymysql://localhost/runs")
    with pytest.raises(ArgumentError, match="A storage must be a URL"):
        storages.get_storage(3)  # type: ignore[arg-type]
