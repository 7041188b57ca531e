"""Commands that steer a study: ``stop``, ``goal``, ``enqueue``, ``retry`` and others.

They write into the study's log, from anywhere; whoever runs its trials heeds what stands there.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from luthier.cli.options import open_study, storage_option
from luthier.cli.printing import cell, pairs
from luthier.errors import ArgumentError

if TYPE_CHECKING:
    from luthier.core.trial import FrozenTrial
    from luthier.space import Space

__all__ = ["annotate", "enqueue", "goal", "invalidate", "retry", "stop"]

_NUMBER = click.IntRange(min=0)
_study = click.argument("study")
_trials = click.argument("trials", metavar="TRIAL...", nargs=-1, required=True, type=_NUMBER)
_reason = click.option("--reason", metavar="TEXT", default="", help="Why, for the log.")


@click.command(
    epilog="""\b
Examples:
  luthier stop digits --storage runs.db
  luthier stop digits --trial 12 --reason "diverges" --storage runs.db
"""
)
@_study
@storage_option
@click.option(
    "--trial", "trials", type=_NUMBER, multiple=True, help="End this trial; may be repeated."
)
@_reason
def stop(study: str, storage: str, trials: Sequence[int], reason: str) -> None:
    """Have a study start no more trials, or end single trials of it.

    Without --trial, every process that runs the study ends when its running trials have; 'luthier
    run' goes on with it. With it, the trial is pruned, and the study goes on.
    """
    if reason and not trials:
        raise ArgumentError("--reason goes with --trial, which is missing. Name a trial.")
    opened = open_study(storage, study)
    for number in trials:
        click.echo(f"Trial {number} is {_end(opened.stop_trial(number, reason))}.")
    if not trials:
        opened.stop()
        n = len(opened.history.running)
        still = f"; {n} running one{'s go' if n > 1 else ' goes'} on to the end" if n else ""
        click.echo(f"Study {study!r} starts no more trials{still}.")


@click.command(
    epilog="""\b
Examples:
  luthier goal digits 200 --storage runs.db
  luthier goal digits none --storage runs.db
  luthier goal digits --storage runs.db
"""
)
@_study
@click.argument("trials", metavar="[TRIALS|none]", required=False)
@storage_option
def goal(study: str, trials: str | None, storage: str) -> None:
    """Change how many trials a study is to have in all, also while it runs; or tell.

    It holds for every process that runs the study now, whatever its --trials, and for workers that
    come later. A 'luthier run' that starts later goes by its own --trials.
    """
    opened = open_study(storage, study)
    if trials is not None:
        opened.set_goal(_total(trials))
    known = opened.goal
    wanted = "has no goal" if known is None else f"is to have {known} trials"
    click.echo(f"Study {study!r} {wanted}; it has {opened.history.n_trials}.")


def _total(text: str) -> int | None:
    if text.lower() == "none":
        return None
    if not text.isdecimal():
        raise ArgumentError(f"TRIALS must be a number of trials or 'none', got {text!r}.")
    return int(text)


@click.command(
    epilog="""\b
Examples:
  luthier enqueue digits lr=0.001 units=64 --storage runs.db
  luthier enqueue digits optimizer=adam --note "as in the paper" --storage runs.db
"""
)
@_study
@click.argument("values", metavar="NAME=VALUE...", nargs=-1)
@storage_option
@click.option("--note", metavar="TEXT", help="A note on the trial.")
@click.option("--skip-if-exists", is_flag=True, help="Do nothing if a trial has these values.")
def enqueue(
    study: str, values: Sequence[str], storage: str, note: str | None, skip_if_exists: bool
) -> None:
    """Have a configuration tried next. What it leaves open is drawn at random.

    A value is read as JSON where its parameter allows that, else as text.
    """
    from luthier.study.notes import NOTE

    opened = open_study(storage, study)
    params = _params(values, opened.space)
    attrs = {} if note is None else {NOTE: note}
    trial = opened.enqueue_trial(params, attrs, skip_if_exists=skip_if_exists)
    if trial is None:
        click.echo("Nothing to do: a trial has these values.")
    else:
        click.echo(f"Trial {trial.number} waits to be run: {pairs(trial.params)}")


def _params(values: Sequence[str], space: Space) -> dict[str, Any]:
    params: dict[str, Any] = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not name or not equals or name in params:
            raise ArgumentError(f"Values must be NAME=VALUE, each name once, got {text!r}.")
        params[name] = _value(name, value, space)
    return params


def _value(name: str, text: str, space: Mapping[str, Any]) -> object:
    """What a value in words stands for: the first reading that fits its parameter."""
    readings: list[object] = [text]
    with contextlib.suppress(ValueError):
        readings.insert(0, _tuples(json.loads(text)))
    fits = [r for r in readings if name not in space or space[name].contains(r)]
    return (fits or readings)[0]


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


@click.command(
    epilog="""\b
Example:
  luthier retry digits 3 7 --storage runs.db
"""
)
@_study
@_trials
@storage_option
def retry(study: str, trials: Sequence[int], storage: str) -> None:
    """Have the parameters of trials that have ended tried again, under new numbers."""
    opened = open_study(storage, study)
    for number in trials:
        again = opened.retry(number)
        click.echo(f"Trial {again.number} waits to run what trial {number} ran: ", nl=False)
        click.echo(pairs(again.params))


@click.command(
    epilog="""\b
Example:
  luthier invalidate digits 3 --reason "wrong labels" --storage runs.db
"""
)
@_study
@_trials
@storage_option
@_reason
def invalidate(study: str, trials: Sequence[int], storage: str, reason: str) -> None:
    """Take trials that have ended out of every decision; they stay in the log."""
    opened = open_study(storage, study)
    for number in trials:
        opened.invalidate(number, reason or "invalidated by the user")
        click.echo(f"Trial {number} counts no more.")


@click.command(
    epilog="""\b
Examples:
  luthier annotate digits --note "new labels since May" --storage runs.db
  luthier annotate digits --trial 12 --tag paper --tag baseline --storage runs.db
"""
)
@_study
@storage_option
@click.option("--trial", type=_NUMBER, help="Of this trial; of the study if not given.")
@click.option("--note", metavar="TEXT", help="Instead of the note there was; '' for none.")
@click.option(
    "--tag", "tags", metavar="TEXT", multiple=True, help="Instead of the tags; may be repeated."
)
@click.option("--no-tags", is_flag=True, help="Take all tags away.")
def annotate(
    study: str,
    storage: str,
    trial: int | None,
    note: str | None,
    tags: Sequence[str],
    no_tags: bool,
) -> None:
    """Set the note or the tags of a study or of a trial, or tell what they are."""
    from luthier.study.notes import note_in, tags_in

    if tags and no_tags:
        raise ArgumentError("annotate takes --tag or --no-tags, got both. Leave out one of them.")
    opened = open_study(storage, study)
    given = list(tags) if tags or no_tags else None
    if trial is not None:
        attrs: Mapping[str, Any] = opened.annotate(trial, note, given).user_attrs
    else:
        if note is not None:
            opened.set_note(note)
        if given is not None:
            opened.set_tags(given)
        attrs = opened.user_attrs
    click.echo(f"Note  {cell(note_in(attrs))}".rstrip())
    click.echo(f"Tags  {cell(', '.join(tags_in(attrs)))}".rstrip())


def _end(trial: FrozenTrial) -> str:
    return f"{trial.state.name}: {cell(trial.error)}"
