"""``luthier trials`` and ``luthier export``: a study's trials for eyes and for other tools."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any

import click

from luthier import __version__
from luthier.cli.options import open_study, storage_option, study_option
from luthier.cli.printing import print_table, to_json, trial_record
from luthier.errors import ArgumentError

if TYPE_CHECKING:
    from luthier.core.objective import Objective
    from luthier.core.trial import FrozenTrial
    from luthier.study.study import Study

__all__ = ["export", "trials"]

_SHOWN = ("number", "state", "metrics", "params", "cost")
_WRITTEN = (*_SHOWN, "datetime_start", "datetime_complete", "user_attrs", "error", "invalid")
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
def trials(
    storage: str,
    study: str | None,
    style: str,
    states: Sequence[str],
    sort: str,
    limit: int | None,
) -> None:
    """The trials of a study as a table, CSV or JSON."""
    opened = open_study(storage, study)
    wanted = {state.upper() for state in states}
    chosen = [t for t in opened.trials if not wanted or t.state.name in wanted]
    chosen = _sorted(chosen, sort, opened.objective)[:limit]
    if style == "json":
        click.echo(to_json([trial_record(trial) for trial in chosen]))
    elif style == "csv":
        click.echo(_csv(chosen, opened.objective), nl=False)
    else:
        keys, rows = _columns(chosen, opened.objective, _SHOWN)
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
def export(storage: str, study: str | None, style: str, output: IO[str]) -> None:
    """A whole study: its settings, space and trials as JSON, or its trials as CSV."""
    opened = open_study(storage, study)
    if style == "csv":
        text = _csv(opened.trials, opened.objective)
    else:
        text = to_json(_whole(opened)) + "\n"
    output.write(text)


def _whole(study: Study) -> dict[str, Any]:
    import json

    record = study._driver.record
    return {
        "format": "luthier study",
        "luthier": __version__,
        "study": record.name,
        "created": record.created,
        "seed": record.seed,
        "objective": record.objective.to_json(),
        "settings": study.storage.get_state(record.id).get("settings", dict(record.settings)),
        "space": json.loads(study.space.to_json()),
        "user_attrs": study.user_attrs,
        "trials": [trial_record(trial) for trial in study.trials],
    }


def _csv(trials: Sequence[FrozenTrial], objective: Objective) -> str:
    keys, rows = _columns(trials, objective, _WRITTEN)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow("_".join(filter(None, key)) for key in keys)
    writer.writerows([["None" if v is None else v for v in row] for row in rows])
    return text.getvalue()


def _columns(
    trials: Sequence[FrozenTrial], objective: Objective, attrs: Sequence[str]
) -> tuple[list[tuple[str, str]], list[list[Any]]]:
    """Keys (attribute, name within it) in the order of the attributes, and a row for each trial.

    A cell is "" where a trial has no such thing; None is a parameter's or attribute's own value.
    """
    from luthier.study.frame import table

    rows = table(trials, objective, attrs)
    found = dict.fromkeys(key for row in rows for key in row)
    keys = sorted(found, key=lambda key: attrs.index(key[0])) or [("number", "")]
    return keys, [[_present(key, row.get(key, "")) for key in keys] for row in rows]


def _present(key: tuple[str, str], value: Any) -> Any:
    return "" if value is None and not key[1] else value


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
