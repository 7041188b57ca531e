"""Studies in this process's memory.

The records that callers hand in are frozen, so they are kept as they are. The log is kept as
four columns and becomes JSON only when somebody reads it.
"""

from __future__ import annotations

import math
import shutil
import tempfile
import threading
import time
import weakref
from array import array
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from pathlib import Path
from typing import Any, final

from luthier.core.checkpoint import Checkpoint, CheckpointStore
from luthier.core.events import LogEvent, evolve
from luthier.core.objective import Direction, Objective
from luthier.core.protocols import Beat, Changes, StudyRecord, StudySummary
from luthier.core.record import finish_json, reports_json, trial_json
from luthier.core.trial import FrozenTrial, Reports, TrialState, changed
from luthier.errors import TrialStateError
from luthier.storages import rules
from luthier.storages.checkpoints import FileCheckpoints

__all__ = ["MemoryStorage"]


@final
class MemoryStorage:
    """Keeps studies until the process ends. Thread-safe.

    Example:
        >>> storage = MemoryStorage()
        >>> study = storage.create_study("demo", Objective(), seed=0, settings={}).id
        >>> trial = storage.add_trials(study, [FrozenTrial(number=0)])[0]
        >>> trial.version, [event.kind for event in storage.events(study)]
        (1, ['added'])
    """

    shared = False

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._studies: dict[int, _Study] = {}
        self._last_id = 0
        self._folder: str | None = None

    def create_study(
        self, name: str, objective: Objective, seed: int, settings: Mapping[str, Any]
    ) -> StudyRecord:
        """Create a study; see ``core.protocols.Storage`` for this and the other methods."""
        settings = rules.json_copy(settings, "The settings of a study")
        rules.require_text(name, "The name of a study")
        with self._lock:
            if any(entry.record.name == name for entry in self._studies.values()):
                raise rules.study_exists(name)
            self._last_id += 1
            record = StudyRecord(self._last_id, name, objective, seed, time.time(), settings)
            self._studies[record.id] = _Study(record)
        return record

    def load_study(self, name: str) -> StudyRecord:
        """Return a study's record."""
        with self._lock:
            return self._named(name).record

    def delete_study(self, name: str) -> None:
        """Delete a study with all its trials and its log."""
        with self._lock:
            study = self._named(name).record.id
            del self._studies[study]
            if self._folder is not None:
                shutil.rmtree(Path(self._folder, str(study)), ignore_errors=True)

    def studies(self) -> list[StudySummary]:
        """All studies, oldest first."""
        with self._lock:
            return [entry.summary() for entry in self._studies.values()]

    def add_trials(self, study: int, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        """Add trials in any state."""
        at = time.time()
        own = [rules.own_attrs(trial) for trial in trials]
        with self._lock:
            entry = self._study(study)
            rules.require_numbers(trials, len(entry.trials))
            return [entry.add(trial, at) for trial in own]

    def add_next(
        self, study: int, since: int, propose: Callable[[Changes], FrozenTrial | None]
    ) -> FrozenTrial | None:
        """Look at what has changed and add what is proposed upon that, under the lock."""
        with self._lock:
            entry = self._study(study)
            trial = propose(entry.changes_since(since))
            if trial is None:
                return None
            rules.require_numbers([trial], len(entry.trials))
            return entry.add(rules.own_attrs(trial), time.time())

    def turn(self, study: int) -> AbstractContextManager[object]:
        """Nothing to wait for: drivers in one process are quick to look again."""
        return nullcontext()

    def claim(
        self,
        study: int,
        number: int,
        worker: str,
        *,
        attempt: int,
        at: float,
        budget: int | None = None,
        state: TrialState | None = None,
    ) -> FrozenTrial | None:
        """Make a trial RUNNING under a worker, or return None if another was faster."""
        with self._lock:
            entry = self._study(study)
            before = entry.trial(number)
            try:
                rules.require_claimable(before, attempt, state)
            except TrialStateError:
                return None
            return entry.change("claimed", number, rules.claim_data(before, worker, budget), at)

    def report(self, study: int, number: int, attempt: int, reports: Reports) -> FrozenTrial:
        """Record the reports of a running trial that are new."""
        with self._lock:
            entry = self._study(study)
            before = entry.trial(number)
            rules.require_running(before, attempt)
            fresh = rules.new_reports(before, reports).items_in_order()
            if not fresh:
                return before
            grown = before.reports.extended(*map(list, zip(*fresh, strict=True)))
            after = changed(before, reports=grown, version=entry.version + 1)
            # values in tuples: what the garbage collector has seen once, it leaves alone
            payload = tuple((step, tuple(metrics.items())) for step, metrics in fresh)
            return entry.put("reported", after, payload, time.time())

    def checkpoint(
        self, study: int, number: int, attempt: int, checkpoint: Checkpoint, reports: Reports
    ) -> FrozenTrial:
        """Record a running trial's saved state, and its reports that are new."""
        with self._lock:
            entry = self._study(study)
            before = entry.trial(number)
            rules.require_running(before, attempt)
            fresh = reports_json(rules.new_reports(before, reports))
            data = {"checkpoint": checkpoint.to_json(), "reports": fresh}
            return entry.change("checkpointed", number, data)

    def release(
        self,
        study: int,
        number: int,
        attempt: int,
        state: TrialState,
        reason: str,
        *,
        lapse: bool = False,
    ) -> FrozenTrial:
        """Put a running trial back to WAITING or PAUSED."""
        rules.require_open(state)
        with self._lock:
            entry = self._study(study)
            before = entry.trial(number)
            rules.require_running(before, attempt)
            data = rules.release_data(before, state, reason, lapse)
            return entry.change("released", number, data)

    def finish(self, study: int, trial: FrozenTrial) -> FrozenTrial:
        """Record the end of a trial's run."""
        rules.require_ended(trial.state)
        with self._lock:
            entry = self._study(study)
            before = entry.trial(trial.number)
            rules.require_endable(before, trial)
            version = entry.version + 1
            kind = rules.end_kind(trial.state)
            ended = version if trial.state.is_finished else None
            if trial.version == version and trial.finished_version == ended:
                return entry.put(kind, trial, trial, time.time())  # made from `before`
            after = changed(
                before,
                state=trial.state,
                param_names=trial.param_names,
                param_values=trial.param_values,
                metric_names=trial.metric_names,
                metric_values=trial.metric_values,
                reports=trial.reports,
                finished=trial.finished,
                cost=trial.cost,
                lapses=trial.lapses or before.lapses,
                error=trial.error,
                declares=trial.declares,
                version=version,
                finished_version=ended,
            )
            return entry.put(kind, after, after, time.time())

    def set_attrs(self, study: int, number: int, attrs: Mapping[str, Any]) -> FrozenTrial:
        """Add to a trial's user attributes."""
        own = rules.json_copy(dict(attrs), "A user attribute")
        with self._lock:
            return self._study(study).change("attrs", number, {"user_attrs": own})

    def invalidate(self, study: int, number: int, reason: str) -> FrozenTrial:
        """Take a finished trial out of every decision."""
        with self._lock:
            entry = self._study(study)
            rules.require_finished(entry.trial(number))
            return entry.change("invalidated", number, {"reason": reason})

    def put_space(self, study: int, space: str) -> int:
        """Record a newly declared space; return the study's version."""
        with self._lock:
            return self._study(study).log("space", None, {"space": space}, time.time())

    def put_state(self, study: int, key: str, value: object) -> int:
        """Set a study-wide value; return the study's version."""
        own = rules.json_copy(value, f"The state value {key!r}")
        rules.require_text(key, "A key of the study's state")
        with self._lock:
            return self._study(study).log("state", None, {"key": key, "value": own}, time.time())

    def get_state(self, study: int) -> dict[str, Any]:
        """All study-wide values."""
        return dict(self.changes_since(study, 0).state)

    def best_trial(self, study: int, direction: Direction) -> FrozenTrial | None:
        """The best valid COMPLETE trial by the first objective."""
        with self._lock:
            complete = [
                trial
                for trial in self._study(study).trials
                if trial.state is TrialState.COMPLETE and trial.invalid is None
            ]
        sign = -1.0 if direction == "maximize" else 1.0
        return min(
            (trial for trial in complete if not math.isnan(trial.metric_values[0])),
            key=lambda trial: (sign * trial.metric_values[0], trial.finished_version),
            default=None,
        )

    def changes_since(self, study: int, version: int) -> Changes:
        """Return what has changed since a version."""
        with self._lock:
            return self._study(study).changes_since(version)

    def events(self, study: int, since: int = 0, *, number: int | None = None) -> list[LogEvent]:
        """The log after a version, oldest first."""
        with self._lock:
            return self._study(study).events(since, number)

    def heartbeat(self, study: int, worker: str, at: float) -> None:
        """Raise a worker's counter."""
        with self._lock:
            beats = self._study(study).beats
            last = beats.get(worker)
            beats[worker] = Beat(1 if last is None else last.count + 1, at)

    def heartbeats(self, study: int) -> dict[str, Beat]:
        """The counters by worker."""
        with self._lock:
            return dict(self._study(study).beats)

    def forget_worker(self, study: int, worker: str) -> None:
        """Delete a worker's counter."""
        with self._lock:
            self._study(study).beats.pop(worker, None)

    def checkpoints(self, study: int) -> CheckpointStore:
        """Return a store in a temporary folder, removed with this object."""
        with self._lock:
            if self._folder is None:
                self._folder = tempfile.mkdtemp(prefix="luthier-")
                weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return FileCheckpoints(Path(self._folder, str(study)))

    def logs(self, study: int) -> None:
        """Return None: what trials print isn't kept."""

    def close(self) -> None:
        """Nothing to release: the studies stay as long as this object does."""

    def __repr__(self) -> str:
        return "MemoryStorage()"

    def _study(self, study: int) -> _Study:
        try:
            return self._studies[study]
        except KeyError:
            raise rules.study_gone(study) from None

    def _named(self, name: str) -> _Study:
        for entry in self._studies.values():
            if entry.record.name == name:
                return entry
        raise rules.study_missing(name, [s.record.name for s in self._studies.values()])


@final
class _Study:
    """One study: its trials as they are, and its log in columns; event i has version i + 1."""

    __slots__ = ("_ats", "_kinds", "_numbers", "_payloads", "beats", "record", "trials")

    def __init__(self, record: StudyRecord) -> None:
        self.record = record
        self.trials: list[FrozenTrial] = []
        self.beats: dict[str, Beat] = {}
        self._ats = array("d")
        self._kinds: list[str] = []
        self._numbers: list[int | None] = []
        self._payloads: list[Any] = []

    @property
    def version(self) -> int:
        return len(self._kinds)

    def trial(self, number: int) -> FrozenTrial:
        if not 0 <= number < len(self.trials):
            raise rules.trial_missing(number)
        return self.trials[number]

    def log(self, kind: str, number: int | None, payload: object, at: float) -> int:
        self._ats.append(at)
        self._numbers.append(number)
        self._payloads.append(payload)
        self._kinds.append(kind)
        return len(self._kinds)

    def add(self, trial: FrozenTrial, at: float) -> FrozenTrial:
        version = len(self._kinds) + 1
        ended = version if trial.state.is_finished else None
        if trial.version != version or trial.finished_version != ended:
            trial = changed(trial, version=version, finished_version=ended)
        self.trials.append(trial)
        self.log("added", trial.number, trial, at)
        return trial

    def put(self, kind: str, trial: FrozenTrial, payload: object, at: float) -> FrozenTrial:
        self.trials[trial.number] = trial
        self.log(kind, trial.number, payload, at)
        return trial

    def change(
        self, kind: str, number: int, data: Mapping[str, Any], at: float | None = None
    ) -> FrozenTrial:
        at = time.time() if at is None else at
        event = LogEvent(self.version + 1, at, kind, number, data)
        return self.put(kind, evolve(self.trial(number), event), data, at)

    def changes_since(self, version: int) -> Changes:
        present = len(self._kinds)
        if version >= present:
            return Changes(present, (), {}, ())
        last: dict[int, None] = {}  # trials by their last change, newest first
        state: dict[str, Any] = {}
        spaces: list[tuple[int, str]] = []
        for number in reversed(self._numbers[version:]):
            if number is not None:
                last[number] = None
        for at, kind in enumerate(self._kinds[version:], version):
            if kind == "state":
                key = self._payloads[at]["key"]
                state.pop(key, None)  # oldest change first
                state[key] = deepcopy(self._payloads[at]["value"])
            elif kind == "space":
                spaces.append((at + 1, self._payloads[at]["space"]))
        return Changes(self.version, [self.trials[n] for n in reversed(last)], state, spaces)

    def events(self, since: int, number: int | None) -> list[LogEvent]:
        return [
            LogEvent(
                i + 1,
                self._ats[i],
                self._kinds[i],
                self._numbers[i],
                _data(self._kinds[i], self._payloads[i]),
            )
            for i in range(since, self.version)
            if number is None or self._numbers[i] == number
        ]

    def summary(self) -> StudySummary:
        states: dict[TrialState, int] = {}
        for trial in self.trials:
            if trial.invalid is None:
                states[trial.state] = states.get(trial.state, 0) + 1
        return StudySummary(self.record, self.version, dict(sorted(states.items())))


def _data(kind: str, payload: Any) -> Mapping[str, Any]:
    if kind == "added":
        return trial_json(payload)
    if kind in ("paused", "finished"):
        return finish_json(payload)
    if kind == "reported":
        reports = Reports((step, dict(metrics)) for step, metrics in payload)
        return {"reports": reports_json(reports)}
    return dict(payload)
