"""The desk of one study: what clients ask of it, done one after another.

Nothing that must survive a restart is kept here. A trial's attribute ``service`` holds what its
ask said: the lease, the idempotency key, the definitions that came with it. The run's attempt is
what a client shows to be the one that asked, and a result that was told twice is known by being
the same.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Final, final

from luthier.core.checkpoint import Checkpoint
from luthier.core.jobs import Decision, Outcome
from luthier.core.trial import EMPTY, FrozenTrial, Metrics, TrialState
from luthier.errors import (
    ArgumentError,
    CheckpointMissingError,
    ObjectiveError,
    StudyError,
    TrialStateError,
)
from luthier.service.archive import FILE, FOLDER, pack
from luthier.service.leases import Clock, Leases
from luthier.service.problems import RefusedError
from luthier.service.views import read_definitions, ticket_view, trial_view
from luthier.space import Param, to_json_value
from luthier.space.values import canonical_json
from luthier.study.channel import RunChannel
from luthier.study.study import Study
from luthier.study.trial import Trial, at_its_end, standing, stopped

__all__ = ["NOTE", "Desk"]

NOTE: Final = "service"
_MOST_REPLIES: Final = 10_000
_FLOATS: Final = {"inf": float("inf"), "-inf": float("-inf"), "nan": float("nan")}
logger = logging.getLogger("luthier")
Body = Mapping[str, Any]
Answer = dict[str, Any]
Loaded = tuple[BinaryIO, int, str, Checkpoint]
"""A saved state's content, its bytes on the way, its media type, and what it is."""


@final
class Desk:
    """One study, open for clients. Its methods are to be called one at a time.

    Args:
        study: The study.
        worker: The service's name as a worker, the same after a restart.
        clock: Tells seconds for leases.
        lease: Seconds of a lease for which the client names none.
    """

    def __init__(self, study: Study, worker: str, clock: Clock, lease: float) -> None:
        self.leases = Leases(clock)
        self._worker = worker
        self._lease = lease
        self._replies: OrderedDict[str, tuple[str, Answer | None]] = OrderedDict()
        self._asked: dict[str, int] = {}
        self.use(study)

    def use(self, study: Study) -> None:
        """Go on with this view of the study."""
        self.study = study
        self._driver = study._driver
        self._driver.work_as(self._worker)
        self._driver.flush_seconds = 0.0  # what was answered must be in the storage
        self._driver.refresh()
        for trial in self._driver.ledger.trials:
            if key := _note(trial).get("key"):
                self._asked[key] = trial.number
        self._adopt()

    def once(self, what: str, number: int, body: Body, key: str | None) -> Answer:
        """Do what changes something, but once for each idempotency key.

        Args:
            what: The method's name: "ask", or what is done to a trial.
            number: The trial; -1 to ask for one.
            body: The request's.
            key: Its idempotency key, if it has one.

        Raises:
            RefusedError: The key belongs to another request.
        """
        if key is None:
            return self._do(what, number, body, key)
        request = canonical_json([what, number, body])
        before, reply = self._replies.get(key, (request, None))
        if before != request:
            raise RefusedError(
                422,
                "An Idempotency-Key must belong to one request: this one came with another before. "
                "Make a new key for each request, and keep it when that is sent again.",
            )
        if reply is None:
            reply = self._do(what, number, body, key)
            self._replies[key] = (request, None if what == "ask" else reply)
            if len(self._replies) > _MOST_REPLIES:
                self._replies.popitem(last=False)
        return reply

    def _do(self, what: str, number: int, body: Body, key: str | None) -> Answer:
        done: Answer = self.ask(body, key) if what == "ask" else getattr(self, what)(number, body)
        return done

    # Asking

    def ask(self, body: Body, key: str | None = None) -> Answer:
        """Start a trial, or return the one that was started with this key."""
        fixed = read_definitions(body.get("params", {}))
        history = self._driver.refresh()
        self._driver.mirror.check_definitions(fixed)
        if not fixed and not body.get("ticket") and not history.space:
            raise ArgumentError(
                f"Study {self.study.study_name!r} has no space yet: an ask must bring 'params', "
                'such as {"x": {"kind": "float", "low": 0, "high": 1}}.'
            )
        number = None if key is None else self._asked.get(key)
        trial = self._start(body, fixed, key) if number is None else self._again(number, key)
        return self._answer(trial, fixed, with_ticket=bool(body.get("ticket")))

    def _start(self, body: Body, fixed: Mapping[str, Param], key: str | None) -> FrozenTrial:
        note = {"lease": body.get("lease", self._lease)}
        if key is not None:
            note["key"] = key
        if fixed:
            note["params"] = body["params"]
        total = body.get("total")
        if total is not None:
            self._driver.mirror.plan(total)
        attrs = {NOTE: note}
        trial = self._driver.start(total=total, fixed=fixed, eager=True, attrs=attrs)
        if trial is None:
            raise self._nothing(total, len(self._driver.ledger.snapshot().running))
        self.leases.grant(trial.number, trial.attempt, note["lease"])
        if trial.user_attrs.get(NOTE) != note:  # it waited, or was paused
            self._driver.set_attrs(trial.number, attrs)
            trial = self._driver.trial(trial.number)
        if key is not None:
            self._asked[key] = trial.number
        return trial

    def _nothing(self, total: int | None, running: int) -> StudyError:
        full = total is not None and self._driver.ledger.snapshot().n_trials >= total
        why = f"it has its {total} trials" if full else "its space is exhausted, or its scheduler "
        why += "" if full else "waits for trials that run"
        return StudyError(
            f"Study {self.study.study_name!r} has nothing to start now: {why}; {running} are "
            "running. Ask again while some are, since they may yet fail or be paused.",
            running=running,
        )

    def _again(self, number: int, key: str | None) -> FrozenTrial:
        trial = self._driver.trial(number)
        if not self._ours(trial) or _note(trial).get("key") != key:
            raise TrialStateError(
                f"The ask with this Idempotency-Key was given trial {number}, which is "
                f"{trial.state.name} at attempt {trial.attempt} and not that client's any more. "
                "Ask with a new key.",
                number=number,
            )
        return trial

    def _answer(
        self, trial: FrozenTrial, fixed: Mapping[str, Param], *, with_ticket: bool
    ) -> Answer:
        handle = Trial(self._driver.ticket(trial), RunChannel(self._driver, trial))
        for name, param in fixed.items():
            if name in trial.param_names or param.when is None:
                handle.take(name, param)
        values = handle.recorded if fixed else trial.params
        answer = {
            "number": trial.number,
            "attempt": trial.attempt,
            "params": {name: to_json_value(value) for name, value in values.items()},
            "budget": trial.budget,
            "lease": _note(trial).get("lease", self._lease),
            "trial": trial_view(trial),
        }
        if with_ticket:
            answer["ticket"] = ticket_view(self._driver.ticket(trial), self._driver.record)
        return answer

    # A trial's run

    def tell(self, number: int, body: Body) -> Answer:
        """End a run with its result; the same result once more changes nothing."""
        metrics = self._metrics(body)
        self._driver.refresh()
        trial = self._driver.trial(number)
        if not self._is_at(trial, body) and _was_told(trial, body, metrics):
            return trial_view(trial)
        self._require(trial, body)
        handle = self._handle(trial, body)
        outcome = self._outcome(handle, trial, body, metrics)
        cost = body.get("cost", self.leases.age(number))
        told = self._driver.finish(number, replace(outcome, cost=float(cost)))
        self.leases.end(number)
        if told is None:
            self._require(self._driver.trial(number), body)
            raise TrialStateError(f"Trial {number} was ended elsewhere just now.", number=number)
        return trial_view(told)

    def _metrics(self, body: Body) -> Metrics:
        """What a result says, checked before anything is changed."""
        state, given = body.get("state", "COMPLETE"), "values" in body
        if given and state in ("FAILED", "PAUSED"):
            raise ArgumentError(f"tell: a trial that is {state} has no values. Leave them out.")
        if not given and state == "COMPLETE":
            raise ObjectiveError(
                'tell: a completed trial needs values, such as {"attempt": 1, "values": 0.5}. '
                'Tell "state": "FAILED" if there are none.'
            )
        if "error" in body and state == "COMPLETE":
            raise ArgumentError('tell: an error belongs to "state": "FAILED" or "PRUNED".')
        return self.study.objective.read(_numbers(body["values"])) if given else EMPTY

    def _handle(self, trial: FrozenTrial, body: Body) -> Trial:
        """The trial as its client sees it, with the parameters that were asked for."""
        ticket = replace(self._driver.ticket(trial), decision=self._standing(trial))
        handle = Trial(ticket, RunChannel(self._driver, trial))
        note = _note(trial)
        known = {**self._driver.ledger.definitions, **trial.declares}
        if "params" in body or "params" in note:
            asked = read_definitions(body.get("params", note.get("params")))
            for name, param in asked.items():
                if "params" in body or name in trial.param_names or param.when is None:
                    handle.take(name, param)
        else:
            for name in trial.param_names:
                if name in known:
                    handle.take(name, known[name])
        return handle

    def _outcome(self, handle: Trial, trial: FrozenTrial, body: Body, metrics: Metrics) -> Outcome:
        error = body.get("error") or None
        match body.get("state"):
            case None:
                return at_its_end(handle, metrics)
            case "COMPLETE":
                return handle.outcome(TrialState.COMPLETE, metrics)
            case "FAILED":
                return handle.outcome(TrialState.FAILED, error=error or _FAILED)
            case "PRUNED":
                if "values" in body:
                    return handle.outcome(TrialState.PRUNED, metrics, error)
                return stopped(handle, error or "pruned by its client")
            case _:
                if trial.budget is None and self._standing(trial) is not Decision.PAUSE:
                    raise ArgumentError(
                        f"tell: trial {trial.number} has no budget and no reason to pause, so "
                        'nothing would resume it. Tell "PRUNED" or "COMPLETE".'
                    )
                return handle.outcome(TrialState.PAUSED, error=error or "paused by its client")

    def report(self, number: int, body: Body) -> Answer:
        """Take a report; return what the scheduler says to it."""
        metrics = self.study.objective.read_report(_numbers(body["metrics"]))
        trial = self._run(number, body)
        if body["step"] in trial.reports:
            return _decided(self._standing(trial))
        return _decided(self._driver.report(number, body["step"], metrics, trial.attempt))

    def should_stop(self, number: int, body: Body) -> Answer:
        """What the scheduler says to what was reported so far."""
        return _decided(self._standing(self._run(number, body)))

    def set_attrs(self, number: int, body: Body) -> Answer:
        """Note something about a trial."""
        if NOTE in body["attrs"]:
            raise ArgumentError(f"The attribute {NOTE!r} is the service's own. Use another name.")
        trial = self._run(number, body)
        self._driver.set_attrs(number, body["attrs"], trial.attempt)
        return trial_view(self._driver.trial(number))

    def keep(self, content: Path) -> tuple[str, int]:
        """Copy what a trial has sent to where states are kept; needs no turn, and takes a while."""
        return self._driver.open_checkpoints().save(content)

    def save(self, number: int, body: Body, content: Path, kept: tuple[str, int]) -> Answer:
        """Record what was kept as a trial's saved state; the same once more changes nothing.

        Args:
            number: The trial.
            body: The step, and the attempt of the run that sent it.
            content: What it sent.
            kept: Its key and size, as ``keep`` gave them.
        """
        trial = self._run(number, body)
        checkpoint = Checkpoint(body["step"], *kept)
        self._keep_still(content, checkpoint)
        if trial.checkpoint != checkpoint:
            self._driver.checkpoint(number, checkpoint, trial.attempt)
            self._keep_still(content, checkpoint)  # from now on nobody deletes it
        return {"step": checkpoint.step, "key": checkpoint.key, "size": checkpoint.size}

    def _keep_still(self, content: Path, checkpoint: Checkpoint) -> None:
        """Keep a content again, if it was deleted to make room before it was recorded."""
        try:
            self._driver.open_checkpoints().path(checkpoint.key)
        except CheckpointMissingError:
            self.keep(content)

    def checkpoint(self, number: int, body: Body) -> Callable[[], Loaded]:
        """Find what a trial last saved, or an earlier state by its key.

        Returns:
            A function that opens it, and packs it if it is a folder: that may take a while.

        Raises:
            RefusedError: 404: it has saved nothing, or never what the key names.
            CheckpointMissingError: It has been deleted since.
        """
        self._driver.refresh()
        checkpoint = self._saved(number, body.get("key"))
        place = self._driver.open_checkpoints().path(checkpoint.key)
        file = None if place.is_dir() else open(place, "rb")  # noqa: SIM115  closed when sent
        return lambda: _loaded(place, file, checkpoint)

    def _saved(self, number: int, key: str | None) -> Checkpoint:
        last = self._driver.trial(number).checkpoint
        if last is None:
            raise RefusedError(404, f"Trial {number} has saved no checkpoint.")
        if key is None or last.key == key:
            return last
        for event in reversed(self._driver.mirror.log(0)):
            said = event.data.get("checkpoint") if event.number == number else None
            if said is not None and (saved := Checkpoint.from_json(said)).key == key:
                return saved
        raise RefusedError(404, f"Trial {number} has never saved a checkpoint {key}.")

    def release(self, number: int, body: Body) -> Answer:
        """Give a trial back, to be run again."""
        self._run(number, body)
        self._driver.release(number, body.get("error") or "given back by its client")
        self.leases.end(number)
        return trial_view(self._driver.trial(number))

    def lapse(self) -> None:
        """Put back the trials whose clients have been silent for too long."""
        self._driver.refresh()
        self._adopt()
        for number, attempt, seconds in self.leases.lapsed():
            trial = self._driver.trial(number)
            if self._ours(trial) and trial.attempt == attempt:
                why = f"its client was silent for its lease of {seconds:g} seconds"
                logger.warning(
                    "Study %r lets go of trial %d: %s.", self.study.study_name, number, why
                )
                self._driver.lapse(number, why)
            self.leases.end(number)

    # Looking

    def summary(self) -> Answer:
        """The study at a glance, with its space."""
        history = self._driver.refresh()
        counts: dict[str, int] = {}
        for trial in self._driver.ledger.trials:
            if trial.invalid is None:
                counts[trial.state.name] = counts.get(trial.state.name, 0) + 1
        record = self._driver.record
        return {
            "name": record.name,
            "created": record.created,
            "version": history.version,
            "n_trials": sum(counts.values()),
            "states": counts,
            "objective": record.objective.to_json(),
            "space": json.loads(history.space.to_json()),
        }

    def trials(self, query: Body) -> Answer:
        """Trials by number."""
        history = self._driver.refresh()
        found = [
            trial
            for trial in self._driver.ledger.trials[query.get("start", 0) :]
            if trial.version > query.get("since", -1)
            and query.get("state", trial.state.name) == trial.state.name
        ]
        shown = found[: query.get("limit", 1_000)]
        return {"trials": [trial_view(trial) for trial in shown], "version": history.version}

    def trial(self, number: int) -> Answer:
        """One trial."""
        self._driver.refresh()
        return trial_view(self._driver.trial(number))

    def best(self) -> Answer:
        """The best trial, or the Pareto front."""
        version = self._driver.refresh().version
        several = len(self.study.objective.names) > 1
        found = self.study.best_trials if several else [self.study.best_trial]
        return {"trials": [trial_view(trial) for trial in found], "version": version}

    # Inside

    def _run(self, number: int, body: Body) -> FrozenTrial:
        self._driver.refresh()
        trial = self._driver.trial(number)
        self._require(trial, body)
        return trial

    def _require(self, trial: FrozenTrial, body: Body) -> None:
        if not self._is_at(trial, body):
            raise TrialStateError(
                f"Trial {trial.number} must be running for the client that asked for attempt "
                f"{body['attempt']}; it is {trial.state.name} at attempt {trial.attempt}. Its "
                "lease has lapsed, or it was ended: drop this result and ask for another trial.",
                number=trial.number,
            )

    def _is_at(self, trial: FrozenTrial, body: Body) -> bool:
        return self._ours(trial) and trial.attempt == body["attempt"]

    def _standing(self, trial: FrozenTrial) -> Decision:
        return standing(self.study.scheduler, self._driver.refresh(), trial)

    def _ours(self, trial: FrozenTrial) -> bool:
        return trial.state is TrialState.RUNNING and trial.worker == self._worker

    def _adopt(self) -> None:
        """Lease what runs under this service's name without a lease: it was restarted."""
        for trial in self._driver.ledger.snapshot().running:
            if self._ours(trial) and trial.number not in self.leases:
                seconds = _note(trial).get("lease", self._lease)
                self.leases.grant(trial.number, trial.attempt, seconds)


_FAILED: Final = "its client told that it failed, and not why"


def _loaded(place: Path, file: BinaryIO | None, checkpoint: Checkpoint) -> Loaded:
    if file is not None:
        return file, checkpoint.size, FILE, checkpoint
    packed = tempfile.TemporaryFile(prefix="luthier-download-")  # noqa: SIM115
    try:
        pack(place, packed)
    except OSError as error:
        packed.close()
        raise CheckpointMissingError(
            f"The trial's checkpoint was deleted while it was read: {error}. Ask again.",
            key=checkpoint.key,
        ) from None
    size = packed.tell()
    packed.seek(0)
    return packed, size, FOLDER, checkpoint


def _note(trial: FrozenTrial) -> Mapping[str, Any]:
    note = trial.user_attrs.get(NOTE)
    return note if isinstance(note, dict) else EMPTY


def _decided(decision: Decision) -> Answer:
    return {"decision": decision.value, "should_stop": decision is not Decision.CONTINUE}


def _was_told(trial: FrozenTrial, body: Body, metrics: Metrics) -> bool:
    """Whether this is the result that ended the run, come once more."""
    over = trial.state.is_finished or trial.state is TrialState.PAUSED
    if not over or trial.attempt != body["attempt"]:
        return False
    if metrics:
        at_budget = None if trial.budget is None else trial.reports.get(trial.budget)
        return trial.metrics == metrics or (trial.state.name != "COMPLETE" and at_budget == metrics)
    if body["state"] == "FAILED":
        return trial.state is TrialState.FAILED and trial.error == (body.get("error") or _FAILED)
    return trial.state in (TrialState.PRUNED, TrialState.PAUSED)


def _numbers(value: Any) -> Any:
    """Metrics with their tagged floats read."""
    if isinstance(value, dict):
        if value.keys() == {"$float"} and isinstance(tag := value["$float"], str):
            return _FLOATS.get(tag, value)
        return {name: _numbers(item) for name, item in value.items()}
    return [_numbers(item) for item in value] if isinstance(value, list) else value
