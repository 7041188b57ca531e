"""The two kinds of targets that models of one name differ by."""

from __future__ import annotations

from typing import Literal, get_args

from luthier.errors import ArgumentError

__all__ = ["Task", "check_task"]

Task = Literal["classification", "regression"]


def check_task(task: str) -> None:
    """Check that a task is one of the two.

    Raises:
        ArgumentError: It isn't.
    """
    if task not in get_args(Task):
        raise ArgumentError(f"catalog: task must be one of {get_args(Task)}, got {task!r}.")
