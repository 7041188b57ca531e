"""Evolution: populations of trials that select, recombine and mutate."""

from __future__ import annotations

from luthier.samplers.evolution.cmaes import CMAES
from luthier.samplers.evolution.differential_evolution import DE
from luthier.samplers.evolution.genetic import GA
from luthier.samplers.evolution.nsga import NSGA2, NSGA3
from luthier.samplers.evolution.rung_de import RungDE
from luthier.samplers.evolution.spsa import ES, SPSA

__all__ = ["CMAES", "DE", "ES", "GA", "NSGA2", "NSGA3", "SPSA", "RungDE"]
