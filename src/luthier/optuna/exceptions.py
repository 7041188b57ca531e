"""Optuna's exceptions: other names of Luthier's own, so that either is caught by the other."""

from __future__ import annotations

from luthier.errors import (
    LuthierError,
    StorageError,
    StudyExistsError,
    TrialPruned,
    TrialStateError,
)

__all__ = [
    "DuplicatedStudyError",
    "ExperimentalWarning",
    "OptunaError",
    "StorageInternalError",
    "TrialPruned",
    "UpdateFinishedTrialError",
]

OptunaError = LuthierError
DuplicatedStudyError = StudyExistsError
StorageInternalError = StorageError
UpdateFinishedTrialError = TrialStateError


class ExperimentalWarning(Warning):
    """Never given; scripts silence it."""
