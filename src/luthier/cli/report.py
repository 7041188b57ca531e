"""``luthier report``: what a study found, in one file."""

from __future__ import annotations

from pathlib import Path

import click

from luthier.cli.options import open_study, storage_option
from luthier.errors import ArgumentError

__all__ = ["report"]


@click.command(
    epilog="""\b
Examples:
  luthier report digits -o report.html --storage runs.db
  luthier report digits --format md --storage runs.db
"""
)
@click.argument("study", required=False)
@storage_option
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it there; what was there is replaced. '-' or nothing: to standard output.",
)
@click.option(
    "--format",
    "style",
    type=click.Choice(["html", "md", "json"]),
    help="By default what the file's ending says, else md.",
)
def report(study: str | None, storage: str, output: Path | None, style: str | None) -> None:
    """Tell what a study found: findings, figures, the best trials, how it was run.

    An HTML report is one file that needs no network. STUDY may be left out where there is only one.
    """
    from luthier.report import report as made

    found = made(open_study(storage, study))
    if output is None or str(output) == "-":
        click.echo(found.to(style or "md"), nl=False)  # type: ignore[arg-type]
        return
    try:
        path = found.save(output, style)  # type: ignore[arg-type]
    except OSError as error:
        raise ArgumentError(
            f"The report can't be written to {str(output)!r}: {error.strerror}. Choose another "
            "file with --output."
        ) from error
    click.echo(f"Wrote {path}")
