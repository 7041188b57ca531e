"""What a page may do to a study: each a method of ``Study``, and the trial that it was about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from luthier.dashboard.form import values_in
from luthier.dashboard.view import View

__all__ = ["changed"]

Said = Mapping[str, Any]


def changed(view: View, what: str, number: int, said: Said) -> dict[str, Any]:
    """Change something; return the study's version, and the row of the trial it was about.

    Args:
        view: The study.
        what: A route of ``routes.CHANGES``.
        number: The trial; -1 where it is about the study.
        said: The request's body.

    Raises:
        LuthierError: What the study's method raises.
    """
    about = _CONTROLS[what](view, number, said)
    view.look()
    answer: dict[str, Any] = {"version": view.version}
    return answer if about is None else {**answer, "row": view.row(about)}


def _stop(view: View, number: int, said: Said) -> None:
    view.study.stop()


def _goal(view: View, number: int, said: Said) -> None:
    view.study.set_goal(said["total"])


def _annotate(view: View, number: int, said: Said) -> None:
    if "note" in said:
        view.study.set_note(said["note"])
    if "tags" in said:
        view.study.set_tags(said["tags"])


def _enqueue(view: View, number: int, said: Said) -> int | None:
    values = values_in(view, said["params"])
    attrs = {"note": said["note"]} if said.get("note") else None
    trial = view.study.enqueue_trial(values, user_attrs=attrs)
    return None if trial is None else trial.number


def _stop_trial(view: View, number: int, said: Said) -> int:
    return view.study.stop_trial(number, said.get("reason", "")).number


def _retry(view: View, number: int, said: Said) -> int:
    return view.study.retry(number).number


def _invalidate(view: View, number: int, said: Said) -> int:
    view.study.invalidate(number, said.get("reason") or "invalidated in the dashboard")
    return number


def _annotate_trial(view: View, number: int, said: Said) -> int:
    return view.study.annotate(number, said.get("note"), said.get("tags")).number


_CONTROLS: Final[Mapping[str, Callable[[View, int, Said], int | None]]] = {
    "stop": _stop,
    "goal": _goal,
    "annotate": _annotate,
    "enqueue": _enqueue,
    "stop_trial": _stop_trial,
    "retry": _retry,
    "invalidate": _invalidate,
    "annotate_trial": _annotate_trial,
}
