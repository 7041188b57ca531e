"""Schedulers decide which trials may run on, as pure functions of the history."""

from __future__ import annotations

from luthier.schedulers.asha import Asha
from luthier.schedulers.bayes_race import BayesRace
from luthier.schedulers.freeze_thaw import FreezeThaw
from luthier.schedulers.hyperband import Hyperband
from luthier.schedulers.learning_curve import LearningCurve
from luthier.schedulers.median import Median
from luthier.schedulers.none import NoStopping
from luthier.schedulers.open_halving import OpenHalving
from luthier.schedulers.open_hyperband import OpenHyperband
from luthier.schedulers.pasha import Pasha
from luthier.schedulers.patience import Patience
from luthier.schedulers.pbt import PBT
from luthier.schedulers.percentile import Percentile
from luthier.schedulers.racing import Race
from luthier.schedulers.successive_halving import SuccessiveHalving
from luthier.schedulers.threshold import Threshold
from luthier.schedulers.wilcoxon import Wilcoxon

__all__ = [
    "PBT",
    "Asha",
    "BayesRace",
    "FreezeThaw",
    "Hyperband",
    "LearningCurve",
    "Median",
    "NoStopping",
    "OpenHalving",
    "OpenHyperband",
    "Pasha",
    "Patience",
    "Percentile",
    "Race",
    "SuccessiveHalving",
    "Threshold",
    "Wilcoxon",
]
