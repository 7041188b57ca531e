"""``luthier status`` and ``luthier best``: how a study stands, and what it has found."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from luthier.cli.options import open_study, storage_option, study_option
from luthier.cli.printing import cell, pairs, print_table, to_json
from luthier.errors import ArgumentError

if TYPE_CHECKING:
    from luthier.core.history import History
    from luthier.core.protocols import Beat
    from luthier.core.trial import FrozenTrial
    from luthier.study.study import Study

__all__ = ["best", "known_of", "status", "where"]


@click.command(
    epilog="""\b
Example:
  luthier status --study digits --storage runs.db
"""
)
@storage_option
@study_option
def status(storage: str, study: str | None) -> None:
    """How a study stands: trials by state, the best so far, who works on it."""
    opened = open_study(storage, study)
    for name, value in _facts(opened, storage):
        click.echo(f"{name:<12}{value}")


def _facts(study: Study, storage: str) -> Iterator[tuple[str, str]]:
    from luthier.storages.url import without_password
    from luthier.study.narration import incumbent
    from luthier.study.progress import summary

    history = study.history
    objective = study.objective
    goals = [
        f"{way} {name}" for name, way in zip(objective.names, objective.directions, strict=True)
    ]
    yield "Study", f"{cell(study.study_name)} in {without_password(storage)}"
    yield "Objective", ", ".join([*goals, *map(str, objective.constraints)])
    yield "Trials", f"{history.n_finished} finished: {summary(history)}"
    if (winner := incumbent(history)) is not None:
        yield "Parameters", pairs(winner.params)
    for part in ("sampler", "scheduler"):
        yield part.capitalize(), _settings(study, part)
    yield "Seed", str(study.seed)
    yield "Work", f"{history.cost:.3g} seconds in trials that have ended or were paused"
    yield from (("Running", line) for line in _running(study, history))
    if len(history.failed):
        first = min(history.failed, key=lambda trial: trial.number)
        line = cell((first.error or "").split("\n", 1)[0])
        yield "Failed", f"{len(history.failed)}, first trial {first.number}: {line}"


def _settings(study: Study, part: str) -> str:
    record = study._driver.record
    settings = study.storage.get_state(record.id).get("settings", record.settings)[part]
    others = {n: v for n, v in settings.items() if n != "name" and v is not None}
    return f"{cell(settings.get('name'))} {pairs(others)}".rstrip()


def _running(study: Study, history: History) -> Iterator[str]:
    if not history.running:
        return
    beats, now = study.storage.heartbeats(study._driver.record.id), time.time()
    for trial in history.running:
        worker = trial.worker or ""
        since = now - (trial.started or now)
        known = known_of(worker, beats.get(worker), study._driver.lease.terms.seconds, now)
        yield f"trial {trial.number} for {since:.0f} s in {cell(where(worker))}{known}"


def where(worker: str) -> str:
    """A worker's place in words.

    Example:
        >>> where("host/4026:boot:17:99")
        'process 17 on host'
    """
    machine, _, process, _ = [*worker.rsplit(":", 3), "", "", ""][:4]
    return f"process {process} on {machine.partition('/')[0]}"


def known_of(worker: str, beat: Beat | None, lease: float, now: float) -> str:
    """What is to be said of a worker's life, "" if nothing is wrong.

    Args:
        worker: Its name.
        beat: Its last sign of life.
        lease: Seconds for which it may be silent.
        now: Seconds since the epoch.
    """
    from luthier.core.worker import is_gone

    if is_gone(worker):
        return "; that process has died, the next run takes it up"
    if beat is None or now - beat.at <= lease / 2:
        return ""
    heard = f"; last heard of {now - beat.at:.0f} s ago by its own clock"
    return heard + (", others may take it up" if now - beat.at > lease else "")


@click.command(
    epilog="""\b
Examples:
  luthier best --study digits --storage runs.db
  luthier best --study digits --storage runs.db --format json
"""
)
@storage_option
@study_option
@click.option(
    "--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@click.option("--knee", is_flag=True, help="The one trial at the knee of the Pareto front.")
@click.option(
    "--under",
    metavar="NAME=BOUND",
    multiple=True,
    help="The one best trial within this bound, as 'latency_ms=5' or 'recall >= 0.9'; may be "
    "repeated.",
)
@click.option("--objective", metavar="NAME", help="With --under: the objective that decides.")
def best(
    storage: str,
    study: str | None,
    style: str,
    knee: bool,
    under: Sequence[str],
    objective: str | None,
) -> None:
    """The best trial; with several objectives the Pareto front, or one trial of it.

    Only completed trials that keep all constraints count. Exit code 1 if there is none.
    """
    if knee and under:
        raise ArgumentError("best takes --knee or --under, got both. Leave out one of them.")
    if objective is not None and not under:
        raise ArgumentError("--objective goes with --under, which is missing. Add a bound.")
    opened = open_study(storage, study)
    single = knee or bool(under) or len(opened.directions) == 1
    if knee:
        front: Sequence[FrozenTrial] = [opened.knee()]
    elif under:
        front = [opened.best_under(under, objective=objective)]
    else:
        front = [opened.best_trial] if single else _front(opened)
    if style == "json":
        found = [_result(trial) for trial in front]
        click.echo(to_json(found[0] if single else found))
    elif single:
        _print_one(front[0])
    else:
        _print_front(front)


def _front(study: Study) -> Sequence[FrozenTrial]:
    from luthier.errors import NoTrialError

    front = study.best_trials
    if not front:
        raise NoTrialError(f"Study {study.study_name!r} has no completed trial yet.")
    return front


def _result(trial: FrozenTrial) -> dict[str, object]:
    from luthier.core.record import metrics_json, params_json

    return {
        "number": trial.number,
        "metrics": metrics_json(trial.metrics),
        "params": params_json(trial),
    }


def _print_one(trial: FrozenTrial) -> None:
    click.echo(f"Trial {trial.number}: {pairs(trial.metrics)}")
    for name, value in trial.params.items():
        click.echo(f"  {cell(name)} = {cell(value)}")


def _print_front(front: Sequence[FrozenTrial]) -> None:
    metrics = list(dict.fromkeys(name for trial in front for name in trial.metric_names))
    params = list(dict.fromkeys(name for trial in front for name in trial.param_names))
    rows = (
        [t.number, *(t.metrics.get(n, "") for n in metrics), *(t.params.get(n, "") for n in params)]
        for t in front
    )
    print_table(["trial", *metrics, *params], rows)
