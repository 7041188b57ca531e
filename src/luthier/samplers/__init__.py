"""Samplers propose configurations, as pure functions of the space, the history and a generator."""

from __future__ import annotations

from luthier.samplers.auto import Auto
from luthier.samplers.challenger import Challenger
from luthier.samplers.evolution import CMAES, DE, ES, GA, NSGA2, NSGA3, SPSA, RungDE
from luthier.samplers.fixed import PartialFixed
from luthier.samplers.forest import Forest
from luthier.samplers.gp import GP
from luthier.samplers.gradient import Gradient
from luthier.samplers.grid import Grid
from luthier.samplers.highest_rung import HighestRung
from luthier.samplers.quasirandom import QuasiRandom
from luthier.samplers.random import Random
from luthier.samplers.tpe import TPE

__all__ = [
    "CMAES",
    "DE",
    "ES",
    "GA",
    "GP",
    "NSGA2",
    "NSGA3",
    "SPSA",
    "TPE",
    "Auto",
    "Challenger",
    "Forest",
    "Gradient",
    "Grid",
    "HighestRung",
    "PartialFixed",
    "QuasiRandom",
    "Random",
    "RungDE",
]
