"""Names that aren't here."""

from __future__ import annotations

import importlib

import pytest

import luthier.optuna as optuna
from luthier.errors import UnsupportedError


@pytest.mark.parametrize(
    ("module", "name", "advice"),
    [
        ("luthier.optuna.visualization", "matplotlib", "study.plot"),
        ("luthier.optuna", "integration", "trial.report"),
        ("luthier.optuna", "terminator", "Saturation"),
        ("luthier.optuna", "artifacts", "user attributes"),
        ("luthier.optuna.samplers", "nsgaii", "genetic samplers"),
        ("luthier.optuna.storages", "JournalStorage", "sqlite:///runs.db"),
        ("luthier.optuna.storages", "RetryFailedTrialCallback", "taken up again"),
        ("luthier.optuna.storages", "GrpcStorageProxy", "postgresql://"),
        ("luthier.optuna.distributions", "json_to_distribution", "Space.from_optuna"),
    ],
)
def test_what_optuna_has_and_we_have_not_says_so(module: str, name: str, advice: str) -> None:
    with pytest.raises(UnsupportedError, match=f"{module} has no '{name}' yet") as caught:
        getattr(importlib.import_module(module), name)
    assert advice in str(caught.value)
    assert caught.value.fields == {"name": name}


@pytest.mark.parametrize(
    "module", ["luthier.optuna", "luthier.optuna.samplers", "luthier.optuna.pruners"]
)
def test_what_neither_knows_is_an_attribute_error(module: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{module}' has no attribute 'TPESampel'"):
        importlib.import_module(module).TPESampel


def test_importing_such_a_name_fails_as_clearly() -> None:
    with pytest.raises(UnsupportedError, match="no 'GrpcStorageProxy' yet"):
        from luthier.optuna.storages import GrpcStorageProxy  # noqa: F401


def test_submodules_are_importable() -> None:
    from luthier.optuna.samplers import TPESampler
    from luthier.optuna.trial import TrialState

    assert TPESampler is optuna.samplers.TPESampler
    assert TrialState is optuna.trial.TrialState
