"""``luthier logs``: what a trial printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from luthier.cli.options import open_study, storage_option
from luthier.errors import ArgumentError

if TYPE_CHECKING:
    from luthier.study.study import Study

__all__ = ["logs"]


@click.command(
    epilog="""\b
Examples:
  luthier logs digits 12 --storage runs.db
  luthier logs digits 12 --attempt 1 --storage runs.db
"""
)
@click.argument("study")
@click.argument("trial", type=click.IntRange(min=0))
@storage_option
@click.option(
    "--attempt", type=click.IntRange(min=1), help="Which run of the trial; the last if not given."
)
def logs(study: str, trial: int, storage: str, attempt: int | None) -> None:
    """What a trial printed, where it ran in a process of its own: stdout, stderr, log records."""
    click.echo(_printed(open_study(storage, study), trial, attempt), nl=False)


def _printed(study: Study, number: int, attempt: int | None) -> bytes:
    from luthier.core.output import output_files

    study.history  # noqa: B018  read, so that an unknown trial is told from a silent one
    record = study._driver.trial(number)
    folder = study.storage.logs(study._driver.record.id)
    kept = {} if folder is None else output_files(folder, record.number)
    if attempt is not None and not 1 <= attempt <= record.attempt:
        raise ArgumentError(
            f"--attempt: trial {number} has been run {record.attempt} times, got {attempt}."
        )
    if attempt is None:
        attempt = max(kept, default=0)
    if attempt in kept:
        return kept[attempt].read_bytes()
    click.echo(
        f"Nothing that trial {number} printed is kept. That of trials which run in processes is "
        "(--jobs 2, or executor='process').",
        err=True,
    )
    return b""
