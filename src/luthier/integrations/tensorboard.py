"""TensorBoard: each trial as a run, with its place in the HParams table.

A run is one file that follows from the trial's record. What the file lacks is appended; where it
holds something else, such as reports of a run that was killed, it is written anew beside its place
and then renamed. So a trial that is told twice, by two drivers or after a crash, is there once.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, final
from urllib.parse import quote

from luthier.core.trial import FrozenTrial
from luthier.errors import require_extra
from luthier.integrations.tensorboard_events import Event, content, events_of
from luthier.integrations.tracking import Tracker

_writer: Any = require_extra(
    "tensorboard.summary.writer.record_writer", "tensorboard", "luthier.integrations.tensorboard"
)

__all__ = ["TensorBoard"]


@final
class TensorBoard(Tracker):
    """Write trials where TensorBoard shows them: reports as they come, the rest at the end.

    Scalars are the metrics by reported step and, after the last, the result. The HParams tab
    compares trials by their parameters; a failed one has the status of a failure, and parameters
    that weren't active are missing.

    Args:
        logdir: The folder that ``tensorboard --logdir`` is given; each study gets a folder in it.
        every: The least seconds between two writes of a trial that runs; infinity for none.

    Raises:
        ArgumentError: ``every`` is below 0.

    Example:
        >>> import luthier, tempfile
        >>> study = luthier.create_study(study_name="demo", seed=0)
        >>> with tempfile.TemporaryDirectory() as logdir:
        ...     study.optimize(
        ...         lambda trial: trial.suggest_float("x", 0, 1),
        ...         n_trials=2,
        ...         callbacks=[TensorBoard(logdir)],
        ...     )
        ...     sorted(os.listdir(f"{logdir}/demo"))
        ['trial-00000', 'trial-00001']
    """

    def __init__(self, logdir: str | os.PathLike[str], *, every: float = 1.0) -> None:
        super().__init__(every)
        self._logdir = Path(logdir)

    def _write(self, study: str, trial: FrozenTrial) -> None:
        folder = self._logdir / quote(study, safe=" ") / f"trial-{trial.number:05d}"
        folder.mkdir(parents=True, exist_ok=True)
        place = folder / f"events.out.tfevents.{int(trial.started or 0)}.luthier"
        events, held = events_of(study, trial), _held(place)
        told = [content(event) for event in events]
        if told[: len(held)] == held:
            _append(place, events[len(held) :])
        elif trial.state.is_finished or told != held[: len(told)]:
            part = folder / f"part-{os.getpid()}"
            part.unlink(missing_ok=True)
            _append(part, events)
            part.replace(place)


def _append(path: Path, events: Sequence[Any]) -> None:
    with path.open("ab") as file:
        writer = _writer.RecordWriter(file)
        for event in events:
            writer.write(event.SerializeToString())


def _held(path: Path) -> list[Any]:
    """What the events of a file say; None after them where the last was cut.

    Each stands behind its length (8 bytes) and a checksum (4), and before another one (4).
    """
    data, place, found = path.read_bytes() if path.exists() else b"", 0, []
    while place < len(data):
        start = place + 12
        end = start + (struct.unpack_from("<Q", data, place)[0] if start <= len(data) else 0)
        place = end + 4
        found.append(content(Event.FromString(data[start:end])) if place <= len(data) else None)
    return found
