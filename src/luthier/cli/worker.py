"""``luthier worker``: join a study that exists, as one more process that runs its trials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from luthier.cli.options import open_existing, storage_option
from luthier.cli.run import carry_out
from luthier.cli.running import Running, executor_options, objective_options
from luthier.cli.target import Target
from luthier.errors import StudyMismatchError

if TYPE_CHECKING:
    from luthier.space import Space
    from luthier.study.study import Study

__all__ = ["worker"]


@click.command(
    epilog="""\b
Examples:
  luthier worker digits train.py:objective --storage postgresql://tuner@db/runs
  luthier worker digits train.py:objective --storage runs.db --jobs 4 --time-limit "10 min"
  luthier worker digits --command "./train --lr {lr} --out {result}" --storage runs.db
"""
)
@click.argument("study")
@objective_options
@storage_option
@executor_options
def worker(
    study: str,
    objective: str | None,
    command: str | None,
    space: str | None,
    storage: str,
    running: Running,
) -> None:
    """Join a study on this or any other machine, with all that it has recorded.

    That is its strategy, space and total of trials. It ends when the study has that many, or
    nothing is left to try; as many workers as you like share the work.
    """
    target = Target.of(objective, command)
    opened = _joined(storage, study, target, space)
    total = opened.history.planned
    if total is None:
        click.echo(
            f"Study {study!r} has no planned total ('luthier run --trials' plans one): this "
            "worker goes on until the space is exhausted, or Ctrl-C.",
            err=True,
        )
    carry_out(opened, storage, target, running, total=total)


def _joined(storage: str, name: str, target: Target, space: str | None) -> Study:
    """The study with its own space; functions of that are taken from beside the objective."""
    from luthier.study.create import load_study

    store = open_existing(storage)
    study = load_study(study_name=name, storage=store)
    study.history  # noqa: B018  read, so that the space is known
    declared = study._driver.declared
    given = _space_of(target, space, declared)
    if given is None:
        return study
    if declared is None or given.to_json() != declared.to_json():
        raise StudyMismatchError(
            f"The space given must be that of study {name!r}, which every worker shares, and they "
            "differ. Bring the file to its state, or give the study the new space with "
            "'luthier run'.",
            study=name,
        )
    return load_study(study_name=name, storage=store, space=given)


def _space_of(target: Target, name: str | None, declared: Space | None) -> Space | None:
    """The space beside the objective, or the one named; a command fills in the study's."""
    from luthier.integrations.command import Command

    if name is None and isinstance(target.function, Command) and declared is not None:
        target.function.check(declared)
        return None
    return target.space(name)
