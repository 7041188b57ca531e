"""A client of the service with the standard library's HTTP: objectives run unchanged.

The trial that an objective gets is the same class as in the study's own process. It answers
``suggest`` calls from the ticket that came with the ask, as a worker process does; only reports,
notes, saved states and the result cross the network.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import os
import random
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final
from urllib.parse import quote, urlsplit

from luthier import errors
from luthier.core.checkpoint import Checkpoint
from luthier.core.jobs import Decision, Outcome
from luthier.core.trial import FrozenTrial, Metrics, TrialState
from luthier.errors import (
    ArgumentError,
    CheckpointCorruptError,
    ServiceError,
    StudyError,
    TrialStateError,
)
from luthier.service.archive import FILE, FOLDER, digest_of, pack, unpack
from luthier.service.desk import NOTE
from luthier.service.remote import RemoteCheckpoints
from luthier.service.views import read_ticket, read_view
from luthier.space import Param, Space, to_json_value
from luthier.study.trial import Trial, run_trial

__all__ = ["Client"]

logger = logging.getLogger("luthier")
_AGAIN: Final = frozenset({408, 429, 502, 503, 504})
_MOST_PAUSE: Final = 5.0
_LOOK_SECONDS: Final = 0.5
_CHUNK: Final = 1 << 18
_Reply = tuple[int, dict[str, str], Any]


@final
class Client:
    """One study of a service. Thread-safe.

    Args:
        url: Where the service is, such as "http://127.0.0.1:8470".
        study: The study's name.
        token: The service's token; that in the environment's LUTHIER_TOKEN if None.
        lease: Seconds after which a trial is given to others if this client falls silent; while
            an objective runs in ``optimize`` it doesn't. The service's own if None.
        timeout: Seconds to wait for one answer.
        patience: Seconds for which a request is tried again while the service can't be reached
            or is too busy. Every try has the same idempotency key, so it counts once.

    Raises:
        ArgumentError: The URL isn't one.
    """

    def __init__(
        self,
        url: str,
        study: str,
        token: str | None = None,
        *,
        lease: float | None = None,
        timeout: float = 60.0,
        patience: float = 120.0,
    ) -> None:
        place = urlsplit(url)
        if place.scheme not in ("http", "https") or not place.hostname:
            raise ArgumentError(f"A service's URL must be http://HOST:PORT, got {url!r}.")
        self._place = place
        self._study = study
        self._token = os.environ.get("LUTHIER_TOKEN") if token is None else token
        self._lease = lease
        self._timeout = timeout
        self._patience = patience

    # The study

    def create(
        self, space: Space | Mapping[str, Param] | None = None, **options: Any
    ) -> dict[str, Any]:
        """Create the study, or go on with it if it is there.

        Args:
            space: What to search; None if the objective asks by ``trial.suggest_*``.
            **options: As of ``luthier.create_study``: direction, directions, metrics,
                constraints, strategy, sampler, scheduler (by name), seed.

        Returns:
            The study at a glance.
        """
        body = {"name": self._study, "load_if_exists": True, **options}
        if space is not None:
            body["space"] = json.loads(Space.of(space).to_json())
        found: dict[str, Any] = self._call("POST", "/v1/studies", body)
        return found

    @property
    def best_trial(self) -> FrozenTrial:
        """The best feasible trial.

        Raises:
            NoTrialError: There is none yet.
        """
        return self.best_trials[0]

    @property
    def best_trials(self) -> list[FrozenTrial]:
        """The best trial alone, or the Pareto front of several objectives."""
        found = self._call("GET", self._path("/best"))["trials"]
        return [read_view(trial) for trial in found]

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials by number."""
        found: list[FrozenTrial] = []
        while True:
            path = self._path(f"/trials?start={len(found)}")
            page = self._call("GET", path)["trials"]
            if not page:
                return found
            found += [read_view(trial) for trial in page]

    # One trial at a time

    def ask(self, total_trials: int | None = None) -> Trial:
        """Start a trial; run it yourself, then ``tell`` the result.

        Args:
            total_trials: Start nothing new where the study has so many.

        Raises:
            StudyError: Nothing is left to start, or nothing now.
        """
        body: dict[str, Any] = {"ticket": True}
        if total_trials is not None:
            body["total"] = total_trials
        if self._lease is not None:
            body["lease"] = self._lease
        answer = self._call("POST", self._path("/ask"), body)
        record = read_view(answer["trial"])
        path = self._path(f"/trials/{record.number}")
        saved = RemoteCheckpoints(lambda key, place: self._load(f"{path}/checkpoint", key, place))
        channel = _Channel(self._call, self._save, saved, path, record.attempt)
        return Trial(read_ticket(record, answer["ticket"], lambda: saved), channel)

    def tell(
        self,
        trial: Trial,
        values: float | Sequence[float] | Mapping[str, float] | None = None,
        state: TrialState | None = None,
    ) -> FrozenTrial:
        """Record the result of a trial.

        Args:
            trial: What ``ask`` returned.
            values: The objective's value, several, or metrics by name.
            state: COMPLETE, PRUNED or FAILED; without it COMPLETE.

        Raises:
            ObjectiveError: Values that can't be used.
            TrialStateError: The trial is this client's no more.
        """
        body: dict[str, Any] = {} if state is None else {"state": state.name}
        if values is not None:
            body["values"] = _plain(values)
        return self._told(trial, body)

    def optimize(
        self,
        objective: Callable[[Trial], object],
        n_trials: int | None = None,
        *,
        total_trials: int | None = None,
        timeout: float | None = None,
    ) -> None:
        """Run trials of an objective here, one after another. Several clients share the work.

        An exception of the objective fails its trial, and the next one follows.

        Args:
            objective: What ``study.optimize`` takes.
            n_trials: So many trials by this call.
            total_trials: So many trials in the study, over all clients.
            timeout: No new trial after so many seconds.
        """
        begun, done = time.monotonic(), 0
        while n_trials is None or done < n_trials:
            if timeout is not None and time.monotonic() - begun >= timeout:
                return
            try:
                trial = self.ask(total_trials)
            except TrialStateError as error:
                logger.warning("%s", error)
                continue
            except StudyError as error:
                if type(error) is not StudyError:
                    raise
                if not error.fields.get("running"):
                    logger.info("%s", error)
                    return
                time.sleep(_LOOK_SECONDS)
                continue
            self._run(objective, trial)
            done += 1

    def _run(self, objective: Callable[[Trial], object], trial: Trial) -> None:
        try:
            with self._beating(trial):
                outcome = run_trial(objective, trial)
        except BaseException as interruption:
            self._give_back(trial, f"interrupted by {type(interruption).__name__}")
            raise
        try:
            self._told(trial, _result(outcome))
        except TrialStateError as error:
            logger.warning("The result of trial %d was refused: %s", trial.number, error)

    def _told(self, trial: Trial, result: Mapping[str, Any]) -> FrozenTrial:
        asked = {name: param.to_json() for name, param in trial.distributions.items()}
        body = {"attempt": trial.attempt, **result, "params": asked}
        return read_view(self._call("POST", self._path(f"/trials/{trial.number}/tell"), body))

    def _give_back(self, trial: Trial, reason: str) -> None:
        path = self._path(f"/trials/{trial.number}/release")
        body = {"attempt": trial.attempt, "error": reason}
        try:
            self._call("POST", path, body, patience=0.0)
        except errors.LuthierError as error:
            logger.warning("Trial %d waits for its lease to lapse: %s", trial.number, error)

    # Saved states

    def _save(self, path: str, content: Path, attempt: int, step: int) -> dict[str, Any]:
        """Send a file or a folder as a trial's checkpoint; return what the service has of it."""
        with tempfile.TemporaryDirectory(prefix="luthier-pack-") as folder:
            kind, body = FILE, content
            if content.is_dir():
                kind, body = FOLDER, Path(folder, "packed")
                with open(body, "xb") as packed:
                    pack(content, packed)
            query = f"attempt={attempt}&step={step}&sha256={digest_of(body)}"
            headers = {"Content-Type": kind, "Content-Length": str(body.stat().st_size)}
            saved: dict[str, Any] = self._until_answered(
                lambda: self._send("PUT", f"{path}/checkpoint?{query}", headers, body)
            )
        return saved

    def _load(self, path: str, key: str, folder: Path) -> Path:
        """Fetch what a trial saved under a key; return the file or folder."""
        body = folder / "body"
        kind = self._until_answered(lambda: self._send("GET", f"{path}?key={key}", {}, into=body))
        if kind != FOLDER:
            return body
        unpack(body, folder / "folder")
        body.unlink()
        return folder / "folder"

    # HTTP

    def _path(self, rest: str) -> str:
        return f"/v1/studies/{quote(self._study, safe='')}{rest}"

    @contextmanager
    def _beating(self, trial: Trial) -> Iterator[None]:
        """Renew the lease from a thread, until the run has ended or the trial is lost."""
        over = threading.Event()
        path, body = self._path(f"/trials/{trial.number}/heartbeat"), {"attempt": trial.attempt}

        def beat() -> None:
            pause = trial.user_attrs[NOTE]["lease"] / 4
            while not over.wait(pause):
                try:
                    pause = max(self._call("POST", path, body, patience=0.0)["lease"] / 4, 0.05)
                except TrialStateError:
                    return
                except errors.LuthierError:
                    pause = 1.0

        thread = threading.Thread(target=beat, name=f"lease of trial {trial.number}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()

    def _call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        patience: float | None = None,
    ) -> Any:
        """Send a request until it is answered, and return the answer."""
        headers, content = {}, None
        if body is not None:
            headers = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
            content = json.dumps(body, allow_nan=False).encode()
        return self._until_answered(lambda: self._send(method, path, headers, content), patience)

    def _until_answered(self, send: Callable[[], _Reply], patience: float | None = None) -> Any:
        end = time.monotonic() + (self._patience if patience is None else patience)
        pause = 0.05
        while True:
            try:
                status, headers, answer = send()
            except (OSError, http.client.HTTPException, ValueError) as error:
                status, headers = 0, {}
                answer = {"detail": f"{type(error).__name__}: {error}"}
            if status == 200:
                return answer
            wait = max(pause * random.uniform(0.5, 1.0), _seconds(headers.get("retry-after")))
            if (status and status not in _AGAIN) or time.monotonic() + wait > end:
                raise self._error(status, answer)
            time.sleep(wait)
            pause = min(2 * pause, _MOST_PAUSE)

    def _send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        content: bytes | Path | None = None,
        into: Path | None = None,
    ) -> _Reply:
        """Send a request once.

        Args:
            method: In capitals.
            path: Below the service's URL, with the query.
            headers: Beside those of every request.
            content: The body, or the file that holds it.
            into: Where to write the answer, if it is a file; then its type is returned.
        """
        place = self._place
        secure = place.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(place.hostname or "", place.port, timeout=self._timeout, blocksize=_CHUNK)
        headers = {"Accept": "*/*" if into else "application/json", **headers}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        with contextlib.ExitStack() as stack:
            stack.callback(connection.close)
            body: Any = content
            if isinstance(content, Path):
                body = stack.enter_context(open(content, "rb"))
            try:
                connection.request(method, place.path.rstrip("/") + path, body, headers)
            except (BrokenPipeError, ConnectionResetError):
                if body is None:  # else it may have been refused before it was all there
                    raise
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            if into is None or answer.status != 200:
                return answer.status, found, json.loads(answer.read())
            with open(into, "wb") as file:
                shutil.copyfileobj(answer, file, _CHUNK)
            if into.stat().st_size != int(found["content-length"]):
                raise ConnectionError("the connection was lost in the middle of a file")
            return 200, found, found["content-type"]

    def _error(self, status: int, problem: Any) -> errors.LuthierError:
        """The service's error, as the class that it is there."""
        said = problem if isinstance(problem, dict) else {}
        detail = str(said.get("detail") or problem)
        name = str(said.get("error"))
        kind = getattr(errors, name, None) if name in errors.__all__ else None
        fields = {"running": said["running"]} if "running" in said else {}
        if isinstance(kind, type) and issubclass(kind, errors.LuthierError):
            return kind(detail, **fields)
        what = f"answered {status}" if status else "can't be reached"
        return ServiceError(
            f"The service at {self._place.scheme}://{self._place.netloc.rpartition('@')[2]} "
            f"{what}: {detail}",
            status=status,
        )


@final
@dataclass(frozen=True, slots=True)
class _Channel:
    """How one run of a trial talks to its study: by requests that name its attempt."""

    call: Callable[..., Any]
    save: Callable[[str, Path, int, int], Mapping[str, Any]]
    saved: RemoteCheckpoints
    path: str
    attempt: int

    def report(self, number: int, step: int, metrics: Metrics) -> Decision:
        """Send a report; return the scheduler's decision, STOP if the trial isn't ours any more."""
        body = {"attempt": self.attempt, "step": step, "metrics": _plain(metrics)}
        try:
            answer = self.call("POST", f"{self.path}/report", body)
        except TrialStateError as error:
            logger.warning("%s", error)
            return Decision.STOP
        return Decision(answer["decision"])

    def set_attrs(self, number: int, attrs: Mapping[str, Any]) -> None:
        """Send notes on the trial."""
        self.call("POST", f"{self.path}/attrs", {"attempt": self.attempt, "attrs": dict(attrs)})

    def checkpoint(self, number: int, checkpoint: Checkpoint) -> None:
        """Send a saved state, and have it recorded.

        Raises:
            TrialStateError: The trial isn't ours any more.
            CheckpointCorruptError: The service has kept something else.
        """
        content = self.saved.path(checkpoint.key)
        kept = self.save(self.path, content, self.attempt, checkpoint.step)
        if kept["key"] != checkpoint.key:
            raise CheckpointCorruptError(
                f"A checkpoint must be kept as it was sent: it was {checkpoint.key}, the service "
                f"has {kept['key']}. Names that two systems write differently may be why.",
                key=checkpoint.key,
            )
        self.saved.forget(checkpoint.key)


def _seconds(text: str | None) -> float:
    """What a service asks to wait; it may also be a date, which counts as nothing."""
    return float(text) if text is not None and text.isascii() and text.isdigit() else 0.0


def _result(outcome: Outcome) -> dict[str, Any]:
    """What is told of a run that has ended."""
    result: dict[str, Any] = {"state": outcome.state.name, "cost": outcome.cost}
    if outcome.metrics:
        result["values"] = _plain(outcome.metrics)
    if outcome.error is not None and outcome.state is not TrialState.COMPLETE:
        result["error"] = outcome.error.encode("utf-8", "backslashreplace").decode()
    return result


def _plain(values: Any) -> Any:
    """Metrics as JSON, whatever numbers they are made of."""
    if isinstance(values, Mapping):
        return {str(name): _plain(value) for name, value in values.items()}
    if isinstance(values, Sequence) and not isinstance(values, str):
        return [_plain(value) for value in values]
    return to_json_value(values)
