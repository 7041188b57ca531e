"""``luthier log`` and ``luthier replay``: what happened in a study, and whether it would again."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import click

from luthier.cli.options import open_study, storage_option, study_option
from luthier.cli.printing import cell, pairs

if TYPE_CHECKING:
    from luthier.core.events import LogEvent

__all__ = ["log", "replay"]


@click.command(
    epilog="""\b
Examples:
  luthier log --study digits --storage runs.db
  luthier log --study digits --storage runs.db --json
"""
)
@storage_option
@study_option
@click.option("--json", "as_json", is_flag=True, help="A JSON object on each line.")
def log(storage: str, study: str | None, as_json: bool) -> None:
    """The event log: everything that has happened, oldest first."""
    opened = open_study(storage, study)
    for event in opened.storage.events(opened._driver.record.id):
        click.echo(_as_json(event) if as_json else _line(event))


def _as_json(event: LogEvent) -> str:
    return json.dumps(
        {
            "version": event.version,
            "at": event.at,
            "kind": event.kind,
            "number": event.number,
            "data": dict(event.data),
        }
    )


def _line(event: LogEvent) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.at))
    what = "study" if event.number is None else f"trial {event.number}"
    return f"{event.version:>6}  {when}  {what:<10} {event.kind:<11} {_detail(event)}".rstrip()


def _detail(event: LogEvent) -> str:
    from luthier.space.values import from_json_value

    data = from_json_value(dict(event.data))
    match event.kind:
        case "added":
            reason = data["origin"][1] if "origin" in data else ""
            text = f"{data['state']} {pairs(data['params'])} ({cell(reason)})"
        case "claimed":
            text = f"attempt {data['attempt']} by {cell(data['worker'])}"
        case "reported":
            text = "; ".join(_reports(data))
        case "checkpointed":
            step, _, size = data["checkpoint"]
            text = "; ".join([f"step {step} in {size} bytes", *_reports(data)])
        case "paused" | "finished":
            result = pairs(data["metrics"]) or cell((data.get("error") or "").split("\n", 1)[0])
            text = f"{data['state']} {result}"
        case "released":
            text = f"{data['state']} ({cell(data['reason'])})"
        case "attrs":
            text = pairs(data["user_attrs"])
        case "invalidated":
            text = cell(data["reason"])
        case "space":
            text = "a new version of the declared space"
        case _:
            text = pairs({data["key"]: data["value"]})
    return text


def _reports(data: dict[str, Any]) -> list[str]:
    return [f"step {step}: {pairs(metrics)}" for step, metrics in data["reports"]]


@click.command(
    epilog="""\b
Example:
  luthier replay --study digits --storage runs.db
"""
)
@storage_option
@study_option
def replay(storage: str, study: str | None) -> None:
    """Recompute every recorded proposal and compare; exit code 1 if one differs."""
    found = open_study(storage, study).replay()
    for mismatch in found.mismatches:
        now = "no proposal" if mismatch.recomputed is None else pairs(mismatch.recomputed)
        click.echo(f"trial {mismatch.number}: recorded {pairs(mismatch.recorded)}; now {now}")
    click.echo(str(found))
    if not found.exact:
        raise SystemExit(1)
