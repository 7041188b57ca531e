"""The program ``luthier``: its commands, and what its mistakes look like.

Exit codes: 0 done, 1 the answer is no (all trials failed, a proposal not reproduced, nothing
completed), 2 a mistake of the user, 130 interrupted. Errors that Luthier raises on purpose
become one message on stderr; a traceback from here is a bug of ours.
"""

from __future__ import annotations

import io
import sys
from typing import Any, final

import click

from luthier import __version__
from luthier.cli.dashboard import dashboard
from luthier.cli.log import log, replay
from luthier.cli.logs import logs
from luthier.cli.report import report
from luthier.cli.run import INTERRUPTED, run
from luthier.cli.serve import serve
from luthier.cli.status import best, status
from luthier.cli.steer import annotate, enqueue, goal, invalidate, retry, stop
from luthier.cli.studies import delete, studies
from luthier.cli.trials import export, trials
from luthier.cli.watch import watch
from luthier.cli.worker import worker
from luthier.errors import AllTrialsFailedError, LuthierError, NoTrialError

__all__ = ["main"]


@final
class _No(click.ClickException):
    """Nothing is wrong with the question, but the answer is no."""

    exit_code = 1


@final
class _Mistake(click.ClickException):
    """Something the user can put right."""

    exit_code = 2


@final
class _Program(click.Group):
    """A group of commands that tells Luthier's errors without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        if isinstance(
            sys.stdout, io.TextIOWrapper
        ):  # a terminal that lacks a letter shows its code
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except LuthierError as error:
            kind = _No if isinstance(error, AllTrialsFailedError | NoTrialError) else _Mistake
            raise kind(str(error)) from error
        except click.FileError as error:
            raise _Mistake(error.format_message()) from error
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            raise SystemExit(INTERRUPTED) from None


@click.group(
    cls=_Program,
    epilog="""\b
Examples:
  luthier run train.py:objective --study digits --trials 50 --storage runs.db
  luthier status --study digits --storage runs.db
  luthier best --study digits --storage runs.db
""",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="luthier")
def main() -> None:
    """Find the best settings of a model with the least compute.

    Every command takes --storage, a file or URL: luthier.db in the current directory, or what
    LUTHIER_STORAGE says.
    """


for _command in (
    run,
    worker,
    status,
    watch,
    trials,
    best,
    studies,
    export,
    report,
    delete,
    log,
    logs,
    replay,
    serve,
    dashboard,
    stop,
    goal,
    enqueue,
    retry,
    invalidate,
    annotate,
):
    main.add_command(_command)
