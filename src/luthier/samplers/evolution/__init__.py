"""Evolution: populations of trials that select, recombine and mutate."""

from __future__ import annotations

from luthier.samplers.evolution.cmaes import CMAES
from luthier.samplers.evolution.differential_evolution import DE
from luthier.samplers.evolution.genetic import GA
from luthier.samplers.evolution.nsga import NSGA2, NSGA3

__all__ = ["CMAES", "DE", "GA", "NSGA2", "NSGA3"]
