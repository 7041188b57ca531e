"""TensorBoard's events: what its files hold of a trial, for scalars, texts and HParams."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from luthier.core.trial import FrozenTrial, TrialState
from luthier.errors import require_extra
from luthier.integrations.tracking import flat_params, points, tags


def _needed(module: str) -> Any:
    return require_extra(f"tensorboard.{module}", "tensorboard", "luthier.integrations.tensorboard")


_hparams = _needed("plugins.hparams.metadata")
_plugin = _needed("plugins.hparams.plugin_data_pb2")
_status = _needed("plugins.hparams.api_pb2").Status
Event: Any = _needed("compat.proto.event_pb2").Event
_Summary = _needed("compat.proto.summary_pb2").Summary
_Metadata = _needed("compat.proto.summary_pb2").SummaryMetadata
_Tensor = _needed("compat.proto.tensor_pb2").TensorProto
_STRING: Final = _needed("compat.proto.types_pb2").DT_STRING

__all__ = ["Event", "content", "events_of"]


def content(event: Any) -> tuple[int, bytes]:
    """Return what an event says, whenever it was written: its step and its summary."""
    return event.step, event.summary.SerializeToString(deterministic=True)


def events_of(study: str, trial: FrozenTrial) -> list[Any]:
    """Return what a run's file holds: all of a trial that is known, the end if it has one."""
    return list(_events(study, trial))


def _events(study: str, trial: FrozenTrial) -> Iterator[Any]:
    began, now = trial.started or 0.0, trial.finished or time.time()
    yield Event(wall_time=began, file_version="brain.Event:2")
    yield Event(wall_time=began, summary=_session_start(f"{study}/{trial.number}", trial))
    for step, metrics in points(trial):
        values = [_Summary.Value(tag=name, simple_value=v) for name, v in metrics.items()]
        yield Event(wall_time=now, step=step, summary=_Summary(value=values))
    if not trial.state.is_finished:
        return
    yield Event(wall_time=now, summary=_texts(tags(study, trial)))
    how = "STATUS_FAILURE" if trial.state is TrialState.FAILED else "STATUS_SUCCESS"
    ended_so = _plugin.SessionEndInfo(status=_status.Value(how), end_time_secs=now)
    kind = _hparams.SESSION_END_INFO_TAG
    yield Event(wall_time=now, summary=_session(kind, session_end_info=ended_so))


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
