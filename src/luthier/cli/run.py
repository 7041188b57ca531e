"""``luthier run``: create a study or go on with it, until it has its trials."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from luthier.cli.options import storage_option
from luthier.cli.printing import pairs
from luthier.cli.running import Running, executor_options, objective_options
from luthier.cli.target import Target
from luthier.errors import AllTrialsFailedError, ArgumentError

if TYPE_CHECKING:
    from luthier.space import Space
    from luthier.study.study import Study

__all__ = ["INTERRUPTED", "carry_out", "run"]

_DIRECTION = click.Choice(["minimize", "maximize"])
INTERRUPTED = 130  # 128 + SIGINT, as shells report it


@click.command(
    epilog="""\b
Examples:
  luthier run train.py:objective --trials 50
  luthier run train.py:objective --study digits --storage runs.db --strategy grid --seed 0
  luthier run package.train:objective --metric accuracy=maximize --timeout "10 min" --jobs 4
  luthier run --command "./train --lr {lr} --out {result}" --space space.py:space --trials 50
"""
)
@storage_option
@click.option("--study", metavar="NAME", help="The study's name; that of the file if not given.")
@click.option(
    "--trials", type=click.IntRange(min=0), help="How many trials the study has at the end."
)
@click.option("--strategy", metavar="NAME", help="Sampler and scheduler by one name.")
@click.option("--sampler", metavar="NAME[:SETTING=VALUE,...]", help="Instead of the strategy's.")
@click.option(
    "--scheduler",
    metavar="NAME[:SETTING=VALUE,...]",
    help="Instead of the strategy's, as 'asha:max_resource=27'.",
)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Root of all randomness.")
@click.option("--direction", type=_DIRECTION, help="For one objective; minimize if not given.")
@click.option("--directions", metavar="WAY,WAY", help="For several objectives, with commas.")
@click.option("--metric", "metrics", multiple=True, metavar="NAME=WAY", help="A named objective.")
@click.option(
    "--constraint", "constraints", multiple=True, metavar="TEXT", help="As 'size_mb <= 10'."
)
@click.option("--fidelity", default="step", metavar="NAME", help="What a step is, as 'epoch'.")
@click.option(
    "--lease",
    metavar="TIME",
    help="How long a worker may be silent, as '5 min'; a minute at first.",
)
@click.option(
    "--max-attempts",
    type=click.IntRange(min=1),
    help="A trial fails after so many runs whose worker died; 3 at first.",
)
@objective_options
@executor_options
@click.option(
    "--reproducible",
    is_flag=True,
    help="All trials come out the same whatever their timing; for a new study.",
)
def run(
    objective: str | None,
    command: str | None,
    storage: str,
    study: str | None,
    trials: int | None,
    space: str | None,
    running: Running,
    **options: Any,
) -> None:
    """Run trials of an objective, in a new study or one that exists.

    --trials is the study's total: the same line again resumes, and in several terminals at once
    they share the work. Without --trials and --timeout it goes on until the space is exhausted.
    """
    reproducible = options.pop("reproducible")
    target = Target.of(objective, command)
    name = target.name if study is None else study
    opened = _open_study(target.space(space), name, storage, options)
    carry_out(opened, storage, target, running, total=trials, reproducible=reproducible)


def carry_out(study: Study, storage: str, target: Target, running: Running, **options: Any) -> None:
    """Run trials until a limit is reached, and tell what came of them.

    Args:
        study: The study.
        storage: What it was opened from.
        target: The objective.
        running: How trials run, and when to stop.
        **options: ``total`` trials of the study, and more of ``Study.optimize``.
    """
    reasons: list[str] = []
    _listen(study, reasons)
    try:
        study.optimize(
            target.function,
            total_trials=options.pop("total"),
            show_progress_bar=True,
            **running.options(),
            **options,
        )
    except KeyboardInterrupt:
        click.echo(
            f"Interrupted. {_stand(study)}, and is consistent: the same command goes on with it.",
            err=True,
        )
        raise SystemExit(INTERRUPTED) from None
    except SystemExit as stop:
        raise ArgumentError(
            f"The objective called sys.exit({stop.code!r}), which ended the run. Raise an "
            "exception instead: it fails one trial, and the run goes on."
        ) from stop
    except AllTrialsFailedError:
        pass  # told below, in the words of the command line
    _tell_result(study, storage, reasons)


def _open_study(space: Space | None, name: str, storage: str, options: dict[str, Any]) -> Study:
    from luthier.study.create import create_study

    ways = options.pop("directions")
    metrics = _metrics(options.pop("metrics"))
    strategy = options.pop("strategy")
    return create_study(
        study_name=name,
        storage=storage,
        space=space,
        directions=None if ways is None else [way.strip() for way in ways.split(",")],
        metrics=metrics,
        strategy="auto" if strategy is None else strategy,
        load_if_exists=True,
        **options,
    )


def _metrics(given: tuple[str, ...]) -> dict[str, str] | None:
    metrics: dict[str, str] = {}
    for text in given:
        name, equals, way = text.partition("=")
        if not equals or name in metrics:
            raise ArgumentError(
                f"--metric must be NAME=minimize or NAME=maximize, each name once, got {text!r}."
            )
        metrics[name.strip()] = way.strip()
    return metrics or None


def _listen(study: Study, reasons: list[str]) -> None:
    from luthier.core.events import StudyStopped

    def listen(event: object) -> None:
        if isinstance(event, StudyStopped):
            reasons.append(event.reason)

    study.subscribe(listen)


def _tell_result(study: Study, storage: str, reasons: list[str]) -> None:
    from luthier.storages.url import without_password
    from luthier.study.narration import incumbent
    from luthier.study.tradeoffs import least_infeasible

    history = study.history
    failed = history.failed
    if len(failed) and len(failed) == history.n_finished and not history.paused:
        first = min(failed, key=lambda trial: trial.number)
        raise AllTrialsFailedError(
            f"All {len(failed)} trials of study {study.study_name!r} have failed. The first error, "
            f"of trial {first.number}: {first.error} -- Correct the objective and run it again; "
            "--fail-fast 0 goes on regardless."
        )
    why = f" ({', '.join(reasons)})" if reasons else ""
    click.echo(f"{_stand(study)}{why}.")
    if (best := incumbent(history)) is not None:
        click.echo(f"Best: trial {best.number} with {pairs(best.metrics)}")
        click.echo(f"  {pairs(best.params)}")
    elif (least := least_infeasible(history)) is not None:
        click.echo(f"None is feasible. The least infeasible is trial {least.number} with")
        click.echo(f"  {pairs(least.metrics)}")
    elif len(study.directions) > 1 and len(history.completed):
        shown = without_password(storage)
        click.echo(
            "See the Pareto front with: "
            + shlex.join(["luthier", "best", "--study", study.study_name, "--storage", shown])
        )


def _stand(study: Study) -> str:
    history = study.history
    n, paused = history.n_finished, len(history.paused)
    also = f" and {paused} paused" if paused else ""
    return (
        f"Study {study.study_name!r} has {n} finished{also} trial{'s' if n + paused != 1 else ''}"
    )
