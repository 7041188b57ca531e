"""What trials say to their study from afar: calls as JSON text there, pickled answers back.

A driver unpickles no call, whatever may have reached it over a network. A worker runs what its
driver sends it; that is what it is for.

    call      [task, method, arguments ...]
    answer    ("answer", value) or ("refusal", exception)

A task is one run of a trial; its number is the driver's own, so that a run that was given up and
one that took its place aren't confused.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Mapping
from typing import Any, final

import cloudpickle

from luthier.core.checkpoint import Checkpoint
from luthier.core.jobs import Decision
from luthier.core.protocols import Channel
from luthier.core.trial import Metrics
from luthier.errors import ExecutorError
from luthier.executors.process.exceptions import portable

__all__ = ["Relay", "Send", "answer", "ask", "refuse", "serve"]

Send = Callable[[bytes], bytes]


def ask(send: Send, task: int, method: str, *arguments: Any) -> Any:
    """Make a call.

    Args:
        send: Takes the call away and brings its answer.
        task: Which run of a trial makes it.
        method: What is to be done.
        arguments: With what, as JSON values.

    Raises:
        Exception: What the driver raised.
    """
    kind, value = pickle.loads(send(json.dumps([task, method, *arguments]).encode()))  # noqa: S301
    if kind == "refusal":
        raise value
    return value


def answer(value: Any) -> bytes:
    """Return what ``ask`` makes a value of."""
    return bytes(cloudpickle.dumps(("answer", value)))


def refuse(error: Exception) -> bytes:
    """Return what makes ``ask`` raise."""
    return bytes(cloudpickle.dumps(("refusal", portable(error))))


def serve(channel: Channel | None, method: str, arguments: list[Any]) -> bytes:
    """Do what a call wants.

    Args:
        channel: The trial's; None if it has ended.
        method: The call's method.
        arguments: And its arguments.

    Returns:
        The answer, or the refusal with what was raised.
    """
    try:
        if channel is None:
            raise ExecutorError(f"{method} was called when the trial had ended.")
        return answer(_done(channel, method, arguments))
    except Exception as error:  # noqa: BLE001  raised in the trial
        return refuse(error)


def _done(channel: Channel, method: str, arguments: list[Any]) -> Decision | None:
    match method, arguments:
        case "report", [int(number), int(step), dict(metrics)]:
            return channel.report(number, step, metrics)
        case "set_attrs", [int(number), dict(attrs)]:
            channel.set_attrs(number, attrs)
        case "checkpoint", [int(number), [step, key, size]]:
            channel.checkpoint(number, Checkpoint.from_json([step, key, size]))
        case _:
            raise ExecutorError(f"A trial's channel has no {method} with {arguments!r}.")
    return None


@final
class Relay:
    """A trial's channel where the trial is: what it is told goes to the driver as calls.

    Args:
        send: Takes a call away and brings its answer.
        task: Which run of a trial this is.
    """

    def __init__(self, send: Send, task: int) -> None:
        self._send = send
        self._task = task

    def report(self, number: int, step: int, metrics: Metrics) -> Decision:
        """Have a report recorded; return the scheduler's decision."""
        decision: Decision = ask(self._send, self._task, "report", number, step, dict(metrics))
        return decision

    def set_attrs(self, number: int, attrs: Mapping[str, Any]) -> None:
        """Have notes recorded."""
        ask(self._send, self._task, "set_attrs", number, dict(attrs))

    def checkpoint(self, number: int, checkpoint: Checkpoint) -> None:
        """Have a saved state recorded."""
        ask(self._send, self._task, "checkpoint", number, checkpoint.to_json())
