"""Exceptions are Luthier's own under Optuna's names."""

from __future__ import annotations

import pytest

import luthier
import luthier.optuna as optuna
from luthier import errors


def test_either_name_catches_the_other() -> None:
    assert optuna.TrialPruned is optuna.exceptions.TrialPruned is luthier.TrialPruned
    assert optuna.exceptions.OptunaError is errors.LuthierError
    with pytest.raises(errors.StorageError, match="gone"):
        raise optuna.exceptions.StorageInternalError("gone")


def test_experimental_warnings_can_be_silenced() -> None:
    assert issubclass(optuna.exceptions.ExperimentalWarning, Warning)
