"""A study's page: what it is, how it stands, what may be shown of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from luthier.core.history import History
from luthier.core.worker import is_gone
from luthier.dashboard.rows import row_of, shortened
from luthier.dashboard.view import View
from luthier.errors import LuthierError
from luthier.plots import FIGURES
from luthier.space.wording import relation_words
from luthier.strategies import make_sampler, make_scheduler
from luthier.study.explanation import explained
from luthier.study.notes import NOTE, TAGS, note_in, tags_in

__all__ = ["front_of", "study_page"]

_MOST_RUNNING: Final = 100
_MOST_POINTS: Final = 3_000


def study_page(view: View) -> dict[str, Any]:
    """Return a study at a glance and all that its page needs at first.

    Args:
        view: The study.
    """
    with view.lock:
        study, history = view.study, view.history
        record, attrs = study._driver.record, study.user_attrs
        return {
            "name": record.name,
            "created": record.created,
            "seed": record.seed,
            "objective": record.objective.to_json(),
            **view.glance(),
            "n_invalid": view.n_invalid,
            "cost": history.cost,
            "last_change": view.changed_at,
            "best": view.best_row(),
            "strategy": _strategy(view),
            "space": _space(view),
            "metrics": view.metrics,
            "note": note_in(attrs),
            "tags": tags_in(attrs),
            "attrs": {key: value for key, value in attrs.items() if key not in (NOTE, TAGS)},
            "running": [
                row_of(trial, record.objective, view.best)
                for trial in history.running[:_MOST_RUNNING]
            ],
            "workers": list(_workers(view, history)),
            "figures": [
                {"name": kind.name, "title": kind.title, "why_not": _why_not(kind, history)}
                for kind in FIGURES.values()
            ],
        }


def _why_not(kind: Any, history: History) -> str | None:
    why: str | None = kind.why_not(history, history.space)
    return why


def _strategy(view: View) -> dict[str, Any]:
    record = view.study._driver.record
    settings: Mapping[str, Any] = view.state.get("settings", record.settings)
    sampler, scheduler = settings.get("sampler", {}), settings.get("scheduler", {})
    try:
        words = explained(make_sampler(sampler), make_scheduler(scheduler), view.history)
    except (LuthierError, TypeError, ValueError):  # a sampler of the user's own
        words = ""
    return {
        "sampler": str(sampler.get("name", "?")),
        "scheduler": str(scheduler.get("name", "?")),
        "words": shortened(words, 2_000),
    }


def _space(view: View) -> dict[str, Any]:
    space = view.history.space
    return {
        "declared": view.study._driver.declared is not None,
        "params": [
            {"name": name, "kind": param.kind, "text": shortened(repr(param))}
            for name, param in space.items()
        ],
        "relations": [shortened(relation_words(relation, space)) for relation in space.relations],
    }


def _workers(view: View, history: History) -> Iterator[dict[str, Any]]:
    """Who runs trials, and when each was last heard of by its own clock."""
    running = Counter(trial.worker for trial in history.running if trial.worker)
    beats = view.study.storage.heartbeats(view.id) if running else {}
    for worker, n in running.most_common(_MOST_RUNNING):
        beat = beats.get(worker)
        yield {
            "worker": worker,
            "n_running": n,
            "heard": None if beat is None else beat.at,
            "gone": is_gone(worker),
        }


def front_of(view: View) -> dict[str, Any]:
    """Return the completed trials of a study in the space of its objectives.

    The front is whole; of the others some thousand at most, evenly.

    Args:
        view: The study.
    """
    with view.lock:
        history, objective = view.history, view.study.objective
        numbers = np.array([trial.number for trial in history.completed], dtype=np.int64)
        on_front = np.isin(numbers, list(view.best))
        others = np.flatnonzero(~on_front)
        if len(others) > _MOST_POINTS:
            others = others[np.linspace(0, len(others) - 1, _MOST_POINTS).astype(np.intp)]
        kept = np.sort(np.r_[np.flatnonzero(on_front), others])
        signs = np.array([1.0 if way == "minimize" else -1.0 for way in objective.directions])
        values = np.where(np.isfinite(history.Y), history.Y, np.nan)[kept] * signs
        return {
            "metrics": list(objective.names),
            "directions": list(objective.directions),
            "numbers": numbers[kept].tolist(),
            "values": [[None if v != v else v for v in row] for row in values.tolist()],
            "on_front": on_front[kept].tolist(),
            "feasible": (history.violations[kept] <= 0).tolist(),
            "knee": _knee(view),
            "total": len(numbers),
            "shown": len(kept),
        }


def _knee(view: View) -> int | None:
    if len(view.study.objective.names) < 2 or len(view.best) < 3:
        return None
    return view.study.knee().number
