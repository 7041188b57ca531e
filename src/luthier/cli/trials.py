"""``luthier trials`` and ``luthier export``: a study's trials for eyes and for other tools."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any

import click

from luthier import __version__
from luthier.cli.options import open_study, storage_option, study_option
from luthier.cli.printing import print_table, to_json
from luthier.errors import ArgumentError

if TYPE_CHECKING:
    from luthier.core.objective import Objective
    from luthier.core.trial import FrozenTrial

__all__ = ["export", "trials"]

_spreadsheet = click.option(
    "--spreadsheet",
    is_flag=True,
    help="CSV for a spreadsheet: a text that it would run as a formula gets a ' before it.",
)
_STATES = ("waiting", "running", "paused", "complete", "pruned", "failed")


@click.command(
    epilog="""\b
Examples:
  luthier trials --study digits --storage runs.db --sort value --limit 10
  luthier trials --study digits --storage runs.db --state failed --format json
"""
)
@storage_option
@study_option
@click.option(
    "--format",
    "style",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
)
@click.option(
    "--state",
    "states",
    type=click.Choice(_STATES, case_sensitive=False),
    multiple=True,
    help="Only trials in this state; may be repeated.",
)
@click.option(
    "--sort",
    metavar="BY",
    default="number",
    show_default=True,
    help="number, cost, a metric (the best first) or a parameter.",
)
@click.option("--limit", type=click.IntRange(min=0), help="Only the first so many.")
@_spreadsheet
def trials(
    storage: str,
    study: str | None,
    style: str,
    states: Sequence[str],
    sort: str,
    limit: int | None,
    spreadsheet: bool,
) -> None:
    """The trials of a study as a table, CSV or JSON."""
    from luthier.study.export import SHOWN, csv_lines, table_of, trial_record

    opened = open_study(storage, study)
    wanted = {state.upper() for state in states}
    chosen = [t for t in opened.trials if not wanted or t.state.name in wanted]
    chosen = _sorted(chosen, sort, opened.objective)[:limit]
    if style == "json":
        click.echo(to_json([trial_record(trial) for trial in chosen]))
    elif style == "csv":
        lines = csv_lines(chosen, opened.objective, defused=spreadsheet)
        click.echo("".join(lines), nl=False)
    else:
        keys, rows = table_of(chosen, opened.objective, SHOWN)
        print_table([name or group for group, name in keys], rows)


@click.command(
    epilog="""\b
Examples:
  luthier export --study digits --storage runs.db -o digits.json
  luthier export --study digits --storage runs.db --format csv
"""
)
@storage_option
@study_option
@click.option(
    "--format", "style", type=click.Choice(["json", "csv"]), default="json", show_default=True
)
@click.option(
    "-o",
    "--output",
    type=click.File("w", encoding="utf-8", lazy=True, atomic=True),
    default="-",
    help="A file instead of stdout.",
)
@_spreadsheet
def export(storage: str, study: str | None, style: str, output: IO[str], spreadsheet: bool) -> None:
    """A whole study: its settings, space and trials as JSON, or its trials as CSV."""
    from luthier.study.export import csv_lines, json_lines

    opened = open_study(storage, study)
    if style == "csv":
        output.writelines(csv_lines(opened.trials, opened.objective, defused=spreadsheet))
    else:
        output.writelines(json_lines(opened, __version__))


def _sorted(trials: list[FrozenTrial], by: str, objective: Objective) -> list[FrozenTrial]:
    """Trials in order of a key; those that lack it, or whose metric doesn't count, come last."""
    metrics = {*objective.names, *(name for t in trials for name in t.metric_names)}
    params = {name for t in trials for name in t.param_names}
    keys: dict[int, Any]
    if by == "number":
        return trials
    if by == "cost":
        keys = {t.number: t.cost for t in trials}
    elif by in metrics:
        sign = -1 if objective.direction_of(by) == "maximize" else 1
        keys = {t.number: sign * t.metrics[by] for t in trials if by in t.metrics}
        trials = sorted(trials, key=lambda t: keys.get(t.number, math.inf))
        return sorted(trials, key=lambda t: t.state.name != "COMPLETE" or t.invalid is not None)
    elif by in params:
        keys = {t.number: t.params[by] for t in trials if by in t.params}
    else:
        from luthier.space.values import hint

        known = ["number", "cost", *sorted(metrics), *sorted(params)]
        raise ArgumentError(f"--sort: trials have no {by!r}. {hint(by, known)}")
    return sorted(trials, key=lambda t: _rank(keys.get(t.number)))


def _rank(value: object) -> tuple[int, float, str]:
    """Numbers first, in their order, then everything else as text, and nothing at the end."""
    if isinstance(value, int | float):
        return (0, value, "") if value == value else (2, 0.0, "")
    return (3, 0.0, "") if value is None else (1, 0.0, str(value))
