"""What is pickled of a search: all but its study, which stays where it is stored."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator

__all__ = ["state_without_study"]


def state_without_study(search: Any) -> dict[str, Any]:
    """Return a search's state for a pickle; stands in classes as ``__getstate__``."""
    return {k: v for k, v in BaseEstimator.__getstate__(search).items() if k != "study_"}
