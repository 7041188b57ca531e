"""``luthier studies`` and ``luthier delete``: what a storage holds."""

from __future__ import annotations

import time

import click

from luthier.cli.options import open_existing, storage_option
from luthier.cli.printing import print_table

__all__ = ["delete", "studies"]


@click.command(
    epilog="""\b
Example:
  luthier studies --storage runs.db
"""
)
@storage_option
def studies(storage: str) -> None:
    """The studies in a storage, oldest first."""
    summaries = open_existing(storage).studies()
    if not summaries:
        click.echo(f"No studies in {storage}.")
        return
    rows = []
    for summary in summaries:
        record = summary.record
        goals = zip(record.objective.directions, record.objective.names, strict=True)
        rows.append(
            [
                record.name,
                ", ".join(f"{way} {name}" for way, name in goals),
                summary.n_trials,
                ", ".join(f"{n} {state.name.lower()}" for state, n in summary.states.items() if n),
                time.strftime("%Y-%m-%d %H:%M", time.localtime(record.created)),
            ]
        )
    print_table(["study", "objective", "trials", "states", "created"], rows)


@click.command(
    epilog="""\b
Example:
  luthier delete --study digits --storage runs.db
"""
)
@storage_option
@click.option("--study", metavar="NAME", required=True, help="Which study.")
@click.option("--yes", is_flag=True, help="Don't ask.")
def delete(storage: str, study: str, yes: bool) -> None:
    """Delete a study with all its trials and its log."""
    store = open_existing(storage)
    store.load_study(study)
    if not yes:
        n = next(s.n_trials for s in store.studies() if s.record.name == study)
        trials = f"{n} trial{'s' if n != 1 else ''}"
        click.confirm(f"Delete study {study!r} with its {trials}?", abort=True)
    store.delete_study(study)
    click.echo(f"Deleted study {study!r}.")
