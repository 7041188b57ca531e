"""Figures of a study's history, as plain data that one script draws, in one theme."""

from luthier.plots.curves import draw_curves
from luthier.plots.dependence import draw_contour, draw_dependence
from luthier.plots.edf import draw_edf
from luthier.plots.face import Plots
from luthier.plots.feasibility import draw_feasibility
from luthier.plots.figure import Figure
from luthier.plots.history import draw_history
from luthier.plots.importance import draw_importance, draw_interactions
from luthier.plots.lineage import draw_lineage, draw_schedules
from luthier.plots.parallel import draw_parallel
from luthier.plots.pareto import draw_hypervolume, draw_pareto
from luthier.plots.rank import draw_rank
from luthier.plots.registry import FIGURES, Kind
from luthier.plots.rungs import draw_rungs
from luthier.plots.slice import draw_slice
from luthier.plots.theme import THEMES
from luthier.plots.timeline import draw_timeline

__all__ = [
    "FIGURES",
    "THEMES",
    "Figure",
    "Kind",
    "Plots",
    "draw_contour",
    "draw_curves",
    "draw_dependence",
    "draw_edf",
    "draw_feasibility",
    "draw_history",
    "draw_hypervolume",
    "draw_importance",
    "draw_interactions",
    "draw_lineage",
    "draw_parallel",
    "draw_pareto",
    "draw_rank",
    "draw_rungs",
    "draw_schedules",
    "draw_slice",
    "draw_timeline",
]
