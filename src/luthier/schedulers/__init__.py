"""Schedulers decide which trials may run on, as pure functions of the history."""

from __future__ import annotations

from luthier.schedulers.learning_curve import LearningCurve
from luthier.schedulers.median import Median
from luthier.schedulers.none import NoStopping
from luthier.schedulers.patience import Patience
from luthier.schedulers.percentile import Percentile
from luthier.schedulers.threshold import Threshold

__all__ = ["LearningCurve", "Median", "NoStopping", "Patience", "Percentile", "Threshold"]
