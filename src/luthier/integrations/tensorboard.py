"""TensorBoard: each trial as a run, with its place in the HParams table.

A run is one file that follows from the trial's record. What the file lacks is appended; where it
holds something else, such as reports of a run that was killed, it is written anew beside its place
and then renamed. So a trial that is told twice, by two drivers or after a crash, is there once.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, final
from urllib.parse import quote

from luthier.core.trial import FrozenTrial, TrialState
from luthier.errors import require_extra
from luthier.integrations.tracking import Tracker, flat_params, points, tags


def _needed(module: str) -> Any:
    return require_extra(f"tensorboard.{module}", "tensorboard", "luthier.integrations.tensorboard")


_hparams = _needed("plugins.hparams.metadata")
_plugin = _needed("plugins.hparams.plugin_data_pb2")
_status = _needed("plugins.hparams.api_pb2").Status
_writer = _needed("summary.writer.record_writer")
_Event = _needed("compat.proto.event_pb2").Event
_Summary = _needed("compat.proto.summary_pb2").Summary
_Metadata = _needed("compat.proto.summary_pb2").SummaryMetadata
_Tensor = _needed("compat.proto.tensor_pb2").TensorProto
_STRING: Final = _needed("compat.proto.types_pb2").DT_STRING

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
        events, held = list(_events(study, trial)), _held(place)
        told = [_content(event) for event in events]
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
        found.append(_content(_Event.FromString(data[start:end])) if place <= len(data) else None)
    return found


def _content(event: Any) -> tuple[int, bytes]:
    """What an event says, whenever it was written."""
    return event.step, event.summary.SerializeToString(deterministic=True)


def _events(study: str, trial: FrozenTrial) -> Iterator[Any]:
    began, now = trial.started or 0.0, trial.finished or time.time()
    yield _Event(wall_time=began, file_version="brain.Event:2")
    yield _Event(wall_time=began, summary=_session_start(f"{study}/{trial.number}", trial))
    for step, metrics in points(trial):
        values = [_Summary.Value(tag=name, simple_value=v) for name, v in metrics.items()]
        yield _Event(wall_time=now, step=step, summary=_Summary(value=values))
    if not trial.state.is_finished:
        return
    yield _Event(wall_time=now, summary=_texts(tags(study, trial)))
    how = "STATUS_FAILURE" if trial.state is TrialState.FAILED else "STATUS_SUCCESS"
    ended_so = _plugin.SessionEndInfo(status=_status.Value(how), end_time_secs=now)
    kind = _hparams.SESSION_END_INFO_TAG
    yield _Event(wall_time=now, summary=_session(kind, session_end_info=ended_so))


def _session_start(group: str, trial: FrozenTrial) -> Any:
    start = _plugin.SessionStartInfo(group_name=group, start_time_secs=trial.started or 0.0)
    for name, value in flat_params(trial).items():
        if isinstance(value, bool):
            start.hparams[name].bool_value = value
        elif isinstance(value, str):
            start.hparams[name].string_value = value
        else:
            start.hparams[name].number_value = value
    return _session(_hparams.SESSION_START_INFO_TAG, session_start_info=start)


def _session(tag: str, **info: Any) -> Any:
    data = _plugin.HParamsPluginData(version=_hparams.PLUGIN_DATA_VERSION, **info)
    content = data.SerializeToString(deterministic=True)
    plugin = _Metadata.PluginData(plugin_name=_hparams.PLUGIN_NAME, content=content)
    metadata, tensor = _Metadata(plugin_data=plugin), _hparams.NULL_TENSOR
    return _Summary(value=[_Summary.Value(tag=tag, metadata=metadata, tensor=tensor)])


def _texts(told: Mapping[str, str]) -> Any:
    """Text for the tab of that name."""
    metadata = _Metadata(plugin_data=_Metadata.PluginData(plugin_name="text"))
    tensors = {n: _Tensor(dtype=_STRING, string_val=[t.encode()]) for n, t in told.items()}
    items = tensors.items()
    return _Summary(value=[_Summary.Value(tag=n, metadata=metadata, tensor=t) for n, t in items])
