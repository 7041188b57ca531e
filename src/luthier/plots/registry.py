"""The figures by name: what the report, the dashboard and ``study.plot`` offer.

for figure in FIGURES.values():
    if figure.applies(history, space):
        figure.draw(history, space)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Final, final

from luthier.core.history import History
from luthier.plots.curves import draw_curves
from luthier.plots.dependence import draw_contour, draw_dependence
from luthier.plots.edf import draw_edf
from luthier.plots.feasibility import draw_feasibility
from luthier.plots.figure import Figure
from luthier.plots.history import draw_history
from luthier.plots.importance import draw_importance, draw_interactions
from luthier.plots.lineage import draw_lineage, draw_schedules
from luthier.plots.parallel import draw_parallel
from luthier.plots.pareto import draw_hypervolume, draw_pareto
from luthier.plots.rank import draw_rank
from luthier.plots.rungs import draw_rungs
from luthier.plots.slice import draw_slice
from luthier.plots.timeline import draw_timeline
from luthier.space import Space

__all__ = ["FIGURES", "Kind"]

WhyNot = Callable[[History, Space], "str | None"]


@final
@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of figure.

    Attributes:
        name: Its name: ``study.plot.NAME()``.
        title: What it shows, in a few words.
        draw: The function that makes it of a history and a space; further arguments have defaults.
        why_not: Says why it would show nothing of a history, or returns None.
    """

    name: str
    title: str
    draw: Callable[..., Figure]
    why_not: WhyNot

    def applies(self, history: History, space: Space) -> bool:
        """Whether the figure has something to show."""
        return self.why_not(history, space) is None


def _no_results(history: History, space: Space) -> str | None:
    return None if len(history.completed) else "No trial has completed yet."


def _nothing_finished(history: History, space: Space) -> str | None:
    return None if history.n_finished else "No trial has finished yet."


def _no_parameters(history: History, space: Space) -> str | None:
    if not any(param.size > 1 for param in space.values()):
        return "The study has no parameters that vary."
    return _no_results(history, space)


def _too_few(history: History, space: Space) -> str | None:
    few = None if len(history.completed) >= 8 else "At least 8 trials must have completed."
    return _no_parameters(history, space) or few


def _no_pairs(history: History, space: Space) -> str | None:
    pairs = sum(param.size > 1 for param in space.values()) > 1
    return _no_parameters(history, space) or (None if pairs else "Pairs need two parameters.")


def _no_importance(history: History, space: Space) -> str | None:
    few = None if len(history.completed) >= 10 else "At least 10 trials must have completed."
    return _no_parameters(history, space) or few


def _no_interactions(history: History, space: Space) -> str | None:
    return _no_pairs(history, space) or _no_importance(history, space)


def _too_few_pairs(history: History, space: Space) -> str | None:
    return _no_pairs(history, space) or _too_few(history, space)


def _no_reports(history: History, space: Space) -> str | None:
    groups = chain(history.completed, history.pruned, history.failed, history.live)
    return None if any(trial.reports for trial in groups) else "No trial has reported a step."


def _no_stops(history: History, space: Space) -> str | None:
    stopped = any(trial.reports for trial in chain(history.pruned, history.paused))
    return None if stopped else "No trial was pruned or paused at a step."


def _no_clones(history: History, space: Space) -> str | None:
    groups = chain(history.completed, history.pruned, history.live)
    cloned = any("step_from" in trial.origin.data for trial in groups)
    return None if cloned else "No trial went on from another's checkpoint."


def _single(history: History, space: Space) -> str | None:
    return None if len(history.objective.names) > 1 else "The study has a single objective."


def _all_good(history: History, space: Space) -> str | None:
    bad = len(history.failed) or bool((history.violations > 0).any())
    if not bad:
        return "No trial has failed or broken a constraint."
    pairs = sum(param.size > 1 for param in space.values()) > 1
    return None if pairs else "A map needs two parameters that vary."


def _nothing_ran(history: History, space: Space) -> str | None:
    groups = chain(history.completed, history.pruned, history.failed, history.running)
    ran = any(trial.started is not None for trial in groups)
    return None if ran else "No trial has been run yet."


_KINDS: Final = (
    Kind("history", "Values over trials, and the best so far", draw_history, _nothing_finished),
    Kind("importance", "What mattered", draw_importance, _no_importance),
    Kind("interactions", "Which parameters matter together", draw_interactions, _no_interactions),
    Kind("slice", "The metric beside each parameter", draw_slice, _no_parameters),
    Kind("parallel", "Trials as lines through all parameters", draw_parallel, _no_parameters),
    Kind("dependence", "How the metric depends on each parameter", draw_dependence, _too_few),
    Kind("contour", "How the metric depends on two parameters", draw_contour, _too_few_pairs),
    Kind("rank", "Where the best trials are", draw_rank, _no_pairs),
    Kind("curves", "What trials reported, step by step", draw_curves, _no_reports),
    Kind("rungs", "Who went on from which step", draw_rungs, _no_stops),
    Kind("lineage", "Who went on from whom", draw_lineage, _no_clones),
    Kind("schedules", "Hyperparameters by step", draw_schedules, _no_clones),
    Kind("pareto", "The Pareto front", draw_pareto, _single),
    Kind("hypervolume", "The volume that the front dominates", draw_hypervolume, _single),
    Kind("feasibility", "Where trials fail or break constraints", draw_feasibility, _all_good),
    Kind("timeline", "Trials by worker and time", draw_timeline, _nothing_ran),
    Kind("edf", "Share of trials at least as good as a value", draw_edf, _no_results),
)

FIGURES: Final = {kind.name: kind for kind in _KINDS}
"""All kinds of figures by name, in the order in which a reader wants to see them."""
