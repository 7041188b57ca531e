"""What may be done to a study from anywhere, while others run it.

Everything here is an event in the study's log, and so are its consequences: whoever runs trials
reads them there. No message is sent to anybody, and nobody has to be there to hear it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from luthier.core.history import History
from luthier.core.rng import generator
from luthier.core.trial import EMPTY, FrozenTrial, Origin
from luthier.errors import ArgumentError, TrialStateError
from luthier.study.driver import Driver
from luthier.study.goal import GOAL, goal_state
from luthier.study.handmade import enqueued, has_params
from luthier.study.notes import NOTE, TAGS, checked_note, checked_tags, note_in, tags_in
from luthier.study.trial import Trial, check_attr

__all__ = ["Steering"]


class Steering:
    """The part of a study that steers it. Abstract: ``Study`` is what users hold."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    # The study

    def stop(self) -> None:
        """Ask every ``optimize`` now running on this study, in any process, to start no more.

        Trials that run go on to their ends; ``stop_trial`` ends one. To go on, call ``optimize``
        again.
        """
        self._put("stopped", time.time())

    @property
    def goal(self) -> int | None:
        """How many trials the study is to have in all, by who said so last; None: nobody did.

        That is ``set_goal``, or the call of ``optimize`` that was last to start.
        """
        self._driver.refresh()
        planned: int | None = self._driver.ledger.state.get("planned")
        return planned

    def set_goal(self, trials: int | None) -> None:
        """Change how many trials the study is to have in all, while it runs.

        Every ``optimize`` now running on this study, in any process, goes on until it has so
        many, whatever ``n_trials`` or ``total_trials`` it was called with; its timeout and other
        stop rules stay. If there are as many already, no more are started. A call that starts
        later goes by its own arguments, ``luthier worker`` by this goal.

        Args:
            trials: So many, failed and running ones among them; None for no limit.

        Raises:
            ArgumentError: Not an integer of at least 0.
        """
        state = goal_state(trials)
        self._put(GOAL, state)
        self._driver.refresh()
        self._driver.mirror.plan(state["trials"])

    @property
    def user_attrs(self) -> dict[str, Any]:
        """The user's notes on the study."""
        self._driver.refresh()
        state = self._driver.ledger.state
        return {k[5:]: v for k, v in state.items() if k.startswith("attr:")}

    def set_user_attr(self, key: str, value: object) -> None:
        """Note something about the study.

        Args:
            key: Its name.
            value: A JSON value.

        Raises:
            ArgumentError: The key isn't text, or the value isn't JSON.
        """
        check_attr(key, value)
        self._put(f"attr:{key}", value)

    @property
    def note(self) -> str:
        """What was noted of the study, "" if nothing: its user attribute ``note``."""
        return note_in(self.user_attrs)

    def set_note(self, note: str) -> None:
        """Note something about the study, instead of what was noted before.

        Raises:
            ArgumentError: Not text.
        """
        self.set_user_attr(NOTE, checked_note(note))

    @property
    def tags(self) -> list[str]:
        """The study's tags: its user attribute ``tags``."""
        return tags_in(self.user_attrs)

    def set_tags(self, tags: Iterable[str]) -> None:
        """Give the study these tags, instead of those it had.

        Raises:
            ArgumentError: Not a list of texts.
        """
        self.set_user_attr(TAGS, checked_tags(tags))

    # Trials

    def stop_trial(self, trial: FrozenTrial | Trial | int, reason: str = "") -> FrozenTrial:
        """End one trial, whether it waits, is paused or runs in any process; the others go on.

        It is PRUNED at once, with all that was recorded of it, and its ``error`` says "stopped by
        the user". A run of it hears of that at its next report: ``should_prune()`` is True. In
        ``optimize`` with processes or a cluster it is ended after a second or two in any case,
        as by a time limit. What it returns is refused.

        Args:
            trial: The trial or its number.
            reason: Why, for the log.

        Returns:
            Its record. If it was stopped before, nothing changes.

        Raises:
            TrialNotFoundError: No such trial.
            TrialStateError: It has ended by itself.

        Example:
            >>> import luthier
            >>> study = luthier.create_study(seed=0)
            >>> trial = study.ask()
            >>> study.stop_trial(trial.number, "not worth it").error
            'stopped by the user: not worth it'
            >>> trial.report(0.5, step=1)
            >>> trial.should_prune()
            True
        """
        return self._driver.stop(self._record(trial).number, _checked_reason("stop_trial", reason))

    def retry(self, trial: FrozenTrial | Trial | int) -> FrozenTrial:
        """Have the parameters of a trial that has ended tried again, before any new ones.

        That is a new trial under a number of its own, whose ``origin`` names the other as its
        parent. The other one stays as it is; ``invalidate`` it if its result is wrong.

        Args:
            trial: The trial or its number.

        Returns:
            The new trial, which waits.

        Raises:
            TrialNotFoundError: No such trial.
            TrialStateError: It hasn't ended, or none of its parameters were recorded.
            SpaceError: They aren't in the declared space any more.
        """
        record = self._record(trial)
        number, space = record.number, self._driver.ledger.space
        if not record.state.is_finished:
            raise TrialStateError(
                f"Only a trial that has ended can be tried again, trial {number} is "
                f"{record.state.name}. End it with stop_trial({number}).",
                number=number,
            )
        if space and not record.param_names:
            raise TrialStateError(
                f"Trial {number} can't be tried again: it ended before its parameters were "
                "recorded. Enqueue those you want with enqueue_trial({...}).",
                number=number,
            )
        return self._enqueue(record.params, f"trial {number} once more", parent=number)

    def enqueue_trial(
        self,
        params: Mapping[str, Any],
        user_attrs: Mapping[str, Any] | None = None,
        skip_if_exists: bool = False,
    ) -> FrozenTrial | None:
        """Have a configuration tried next. What it leaves open is drawn at random.

        Args:
            params: Values by parameter name. Without a declared space they are checked when the
                objective asks for them.
            user_attrs: Notes on the trial.
            skip_if_exists: Do nothing if a valid trial has these values already.

        Returns:
            The new trial, which waits; None if there was nothing to do.

        Raises:
            ArgumentError: Names that aren't text, or notes that aren't JSON.
            ParamValueError: A value outside its declared parameter's domain.
            UnknownParamError: A name that the declared space doesn't have.
        """
        for name, given in (("params", params), ("user_attrs", user_attrs or {})):
            if not isinstance(given, Mapping):
                raise ArgumentError(f"enqueue_trial: {name} must be a mapping, got {given!r}.")
        for key, value in (user_attrs or {}).items():
            check_attr(key, value)
        if skip_if_exists:
            self._driver.refresh()
            known, trials = self._driver.ledger.definitions, self._driver.ledger.trials
            if any(has_params(trial, params, known) for trial in trials):
                return None
        return self._enqueue(params, "enqueued by the user", user_attrs=user_attrs)

    def invalidate(
        self, trial: FrozenTrial | Trial | int, reason: str = "invalidated by the user"
    ) -> None:
        """Take a finished trial out of every decision and every best-of; it stays in the log.

        Args:
            trial: The trial or its number.
            reason: Why, for the log.

        Raises:
            TrialNotFoundError: No such trial.
            TrialStateError: It hasn't finished.
        """
        reason = _checked_reason("invalidate", reason)
        number = self._record(trial).number
        self._driver.mirror.write(
            self._driver.storage.invalidate(self._driver.record.id, number, reason)
        )

    def annotate(
        self,
        trial: FrozenTrial | Trial | int,
        note: str | None = None,
        tags: Iterable[str] | None = None,
    ) -> FrozenTrial:
        """Note something about a trial, also after its end; no decision depends on it.

        Both become user attributes of the trial, ``note`` and ``tags``; the log keeps what they
        were before.

        Args:
            trial: The trial or its number.
            note: Text that takes the place of an earlier note; None leaves that as it is.
            tags: Texts that take the place of earlier tags; None leaves those as they are.

        Returns:
            The trial's record.

        Raises:
            TrialNotFoundError: No such trial.
            ArgumentError: Not text, or not a list of texts.
        """
        attrs: dict[str, Any] = {}
        if note is not None:
            attrs[NOTE] = checked_note(note)
        if tags is not None:
            attrs[TAGS] = checked_tags(tags)
        number = self._record(trial).number
        if attrs:
            self._driver.set_attrs(number, attrs)
        return self._driver.trial(number)

    # Inside

    def _put(self, key: str, value: object) -> None:
        self._driver.storage.put_state(self._driver.record.id, key, value)

    def _record(self, trial: FrozenTrial | Trial | int) -> FrozenTrial:
        """The present record of a trial that was named."""
        self._driver.refresh()
        return self._driver.trial(self._number(trial))

    def _enqueue(
        self,
        params: Mapping[str, Any],
        reason: str,
        *,
        parent: int | None = None,
        user_attrs: Mapping[str, Any] | None = None,
    ) -> FrozenTrial:
        record = self._driver.record

        def build(number: int, history: History) -> FrozenTrial:
            seen = 0 if self._driver.in_step else history.version  # a version depends on time
            values = enqueued(
                params, history, self._driver.declared, generator(record.seed, number, "enqueued")
            )
            return FrozenTrial(
                number=number,
                param_names=tuple(values),
                param_values=tuple(values.values()),
                objectives=len(record.objective.names),
                origin=Origin("enqueued", reason, seen, parent=parent),
                user_attrs=dict(user_attrs or {}) or EMPTY,
            )

        return self._driver.add(build)

    def _number(self, trial: FrozenTrial | Trial | int) -> int:
        if isinstance(trial, int):
            return trial
        if isinstance(trial, Trial) and trial.study is not None:
            theirs, ours = trial.study._driver.record, self._driver.record
            if theirs != ours:
                raise ArgumentError(
                    f"Trial {trial.number} belongs to study {theirs.name!r}, not to "
                    f"{ours.name!r}. Use the study that it was asked of."
                )
        return trial.number if isinstance(trial, (FrozenTrial, Trial)) else trial


def _checked_reason(what: str, reason: object) -> str:
    if not isinstance(reason, str):
        raise ArgumentError(f"{what}: the reason must be text, got {reason!r}.")
    return reason
