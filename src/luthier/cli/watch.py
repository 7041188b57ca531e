"""``luthier watch``: a study on a terminal, as it goes."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, final

import click

from luthier.cli.options import open_study, storage_option
from luthier.errors import StorageError

if TYPE_CHECKING:
    from rich.console import Console

    from luthier.cli.glance import Glance
    from luthier.study.study import Study

__all__ = ["watch"]


@click.command(
    epilog="""\b
Examples:
  luthier watch digits --storage runs.db
  luthier watch digits --once --storage runs.db
"""
)
@click.argument("study")
@storage_option
@click.option("--once", is_flag=True, help="Show it once and end; so it is in a pipe as well.")
@click.option(
    "--every",
    type=click.FloatRange(min=0.1),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="How often to look.",
)
def watch(study: str, storage: str, once: bool, every: float) -> None:
    """Watch a study: counts, rate, the best, values, running trials, workers, the latest ends.

    It only looks, from anywhere that reaches the storage. q or Ctrl-C ends it.
    """
    from rich.console import Console

    from luthier.cli.glance import glance
    from luthier.cli.panel import panel

    opened = open_study(storage, study)
    seen = glance(opened)
    console = Console(file=sys.stdout, highlight=False)
    if once or not console.is_terminal:
        console.print(panel(seen, console))
    else:
        _follow(opened, seen, console, every)


def _follow(study: Study, seen: Glance, console: Console, every: float) -> None:
    """Show a study until somebody has had enough."""
    from rich.live import Live

    from luthier.cli.panel import panel

    screen = Live(console=console, screen=True, auto_refresh=False)
    with contextlib.suppress(KeyboardInterrupt), _Keys() as keys, screen as live:
        while True:
            live.update(panel(seen, console, height=console.height), refresh=True)
            if keys.has_quit(every):
                return
            seen = _next(study, seen)


def _next(study: Study, seen: Glance) -> Glance:
    """Look again; where the storage can't be read, what was seen stays, with the reason."""
    from luthier.cli.glance import glance

    try:
        return glance(study)
    except StorageError as error:
        return replace(seen, now=time.time(), trouble=f"Trying again: {error}")


@final
class _Keys:
    """Keys as they are pressed, where standard input is a terminal that allows it."""

    def __init__(self) -> None:
        self._input: int | None = None
        self._before: Any = None

    def __enter__(self) -> _Keys:
        try:
            import termios
            import tty

            self._input = sys.stdin.fileno()
            self._before = termios.tcgetattr(self._input)
            tty.setcbreak(self._input)
        except (ImportError, OSError, ValueError, termios.error):
            self._input = None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._input is not None:
            import termios

            termios.tcsetattr(self._input, termios.TCSADRAIN, self._before)

    def has_quit(self, seconds: float) -> bool:
        """Wait so long; return at once, and True, when q is pressed."""
        if self._input is None:
            time.sleep(seconds)
            return False
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if not select.select([self._input], [], [], left)[0]:
                break
            pressed = os.read(self._input, 1024)
            if not pressed or b"q" in pressed.lower():  # the terminal was closed, or q
                return True
        return False
