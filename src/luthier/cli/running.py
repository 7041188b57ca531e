"""What is run, where, and for how long: the options that ``run`` and ``worker`` share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from typing import Any, Final, TypeVar, final

import click

from luthier.errors import ArgumentError

__all__ = ["Running", "executor_options", "objective_options"]

F = TypeVar("F", bound=Callable[..., Any])


@final
@dataclass(frozen=True, slots=True)
class Running:
    """How trials run, and when to stop, as the command line says it.

    Attributes:
        jobs: How many at once.
        executor: Where, by name; None leaves it to ``jobs``.
        time_limit: Of each trial, in words.
        memory_limit: Likewise.
        timeout: Of the whole, in words.
        fail_fast: Give up after so many trials if all have failed; 0 for never.
    """

    jobs: int
    executor: str | None
    time_limit: str | None
    memory_limit: str | None
    timeout: str | None
    fail_fast: int

    def options(self) -> dict[str, Any]:
        """The same as arguments of ``Study.optimize``."""
        return {
            "n_jobs": self.jobs,
            "executor": self.executor,
            "time_limit": self.time_limit,
            "memory_limit": self.memory_limit,
            "timeout": None if self.timeout is None else _seconds(self.timeout),
            "fail_fast": self.fail_fast or None,
        }


_EXECUTOR: Final = (
    click.option("--jobs", default=1, show_default=True, help="Trials at once; -1: one per core."),
    click.option(
        "--executor",
        metavar="NAME",
        help="Where: 'process:4', 'thread:4', 'inline', 'dask://HOST:PORT', 'ray://HOST:PORT'.",
    ),
    click.option("--time-limit", metavar="TIME", help="End a trial after this time, as '10 min'."),
    click.option("--memory-limit", metavar="SIZE", help="End a trial that takes more, as '4GB'."),
    click.option("--timeout", metavar="TIME", help="Start no trial after this time, as '1 h'."),
    click.option(
        "--fail-fast",
        type=click.IntRange(min=0),
        default=10,
        show_default=True,
        help="Give up after so many trials if all have failed; 0: never.",
    ),
)
_OBJECTIVE: Final = (
    click.argument("objective", metavar="[FILE.py:OBJECTIVE]", required=False),
    click.option(
        "--command",
        metavar="TEXT",
        help="Instead of it: './train --lr {lr} --out {result}', run once for each trial.",
    ),
    click.option(
        "--space",
        metavar="NAME",
        help="The Space in the file, 'space' if there is one; or FILE.py:NAME, FILE.json.",
    ),
)


def objective_options(function: F) -> F:
    """Add what names the objective and its space: ``objective``, ``command`` and ``space``."""
    for option in reversed(_OBJECTIVE):
        function = option(function)
    return function


def executor_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add how trials run; the command gets all of it as ``running``."""
    names = [field.name for field in fields(Running)]

    @wraps(function)
    def gathered(**options: Any) -> Any:
        running = Running(**{name: options.pop(name) for name in names})
        running.options()  # refuses what makes no sense before anything is opened
        return function(running=running, **options)

    for option in reversed(_EXECUTOR):
        gathered = option(gathered)
    return gathered


def _seconds(text: str) -> float:
    from luthier.study.budget import read_budget

    seconds = read_budget(text)[1]
    if seconds is None:
        raise ArgumentError(
            f"--timeout must be a time such as '10 min', got {text!r}. Use --trials."
        )
    return seconds
