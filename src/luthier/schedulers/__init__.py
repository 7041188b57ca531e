"""Schedulers decide which trials may run on, as pure functions of the history."""

from __future__ import annotations

from luthier.schedulers.asha import Asha
from luthier.schedulers.freeze_thaw import FreezeThaw
from luthier.schedulers.hyperband import Hyperband
from luthier.schedulers.learning_curve import LearningCurve
from luthier.schedulers.median import Median
from luthier.schedulers.none import NoStopping
from luthier.schedulers.pasha import Pasha
from luthier.schedulers.patience import Patience
from luthier.schedulers.pbt import PBT
from luthier.schedulers.percentile import Percentile
from luthier.schedulers.successive_halving import SuccessiveHalving
from luthier.schedulers.threshold import Threshold

__all__ = [
    "PBT",
    "Asha",
    "FreezeThaw",
    "Hyperband",
    "LearningCurve",
    "Median",
    "NoStopping",
    "Pasha",
    "Patience",
    "Percentile",
    "SuccessiveHalving",
    "Threshold",
]
