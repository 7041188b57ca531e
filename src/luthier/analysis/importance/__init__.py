"""Importance: what mattered in a search, by several methods behind one function."""

from luthier.analysis.importance.findings import Interaction
from luthier.analysis.importance.importance import (
    Importance,
    Method,
    importance,
    importances,
)
from luthier.analysis.importance.trials import Metric, Scale

__all__ = ["Importance", "Interaction", "Method", "Metric", "Scale", "importance", "importances"]
