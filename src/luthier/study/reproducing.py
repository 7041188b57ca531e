"""Reproducible parallel runs: what a study must be for them, and the record that it is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luthier.core.lockstep import KEY, is_sampled
from luthier.core.protocols import Scheduler
from luthier.errors import ArgumentError, StudyMismatchError
from luthier.schedulers import NoStopping, Patience, Race, Threshold
from luthier.study.stopping import is_whole

if TYPE_CHECKING:
    from luthier.study.driver import Driver

__all__ = ["make_reproducible", "require_alone"]


def make_reproducible(driver: Driver, reproducible: bool | int, slots: int) -> None:
    """Record that each trial of a study is proposed from the results of those W before it and on.

    Args:
        driver: The study's.
        reproducible: W, at least 1; True for what the study has recorded, else as many as there
            are slots; False leaves the study as it is.
        slots: How many trials run at once.

    Raises:
        ArgumentError: Not a W, or a scheduler whose decisions depend on when others report.
        StudyMismatchError: The study has another W, or trials that were proposed without one.
    """
    if not isinstance(reproducible, bool) and (not is_whole(reproducible) or reproducible < 1):
        raise ArgumentError(
            "optimize: reproducible must be True, or after how many trials the next must know a "
            f"result, at least 1, got {reproducible!r}."
        )
    driver.refresh()
    if reproducible is not False and driver.in_step is None:
        _check_new(driver)
        wanted = slots if reproducible is True else int(reproducible)
        require_alone(driver.scheduler)
        driver.storage.put_state(driver.record.id, KEY, wanted)
        driver.refresh()
    if driver.in_step is None:
        return
    require_alone(driver.scheduler)
    known = driver.in_step.slots
    if not isinstance(reproducible, bool) and known != reproducible:
        raise StudyMismatchError(
            f"Study {driver.record.name!r} is reproducible with {known} trials at once, got "
            f"reproducible={reproducible}. Leave it out, or say True: any number of slots will do, "
            f"and the trials come out the same. At most {known} of them are used.",
            recorded=known,
            given=reproducible,
        )


def require_alone(scheduler: Scheduler) -> None:
    """Refuse a scheduler whose decisions depend on when other trials report.

    Raises:
        ArgumentError: It isn't one that looks at the trial itself alone.
    """
    inner: Scheduler | None = scheduler
    while isinstance(inner, Patience):
        inner = inner.wrapped
    if inner is not None and not isinstance(inner, NoStopping | Race | Threshold):
        raise ArgumentError(
            "A reproducible study needs a scheduler that looks at each trial alone: 'none', "
            f"'patience', 'race' or 'threshold', got {dict(scheduler.spec)}. Others decide by what "
            "has been reported so far, and that depends on how fast trials are; or run one trial "
            "at a time, without reproducible."
        )


def _check_new(driver: Driver) -> None:
    proposed = [trial.number for trial in driver.ledger.trials if is_sampled(trial)]
    if proposed:
        raise StudyMismatchError(
            f"Study {driver.record.name!r} must be reproducible from its first trial on; its trial "
            f"{proposed[0]} was proposed without. Begin a new study.",
            number=proposed[0],
        )
