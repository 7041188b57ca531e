"""Optuna's storages: memory, and SQLite or PostgreSQL by a URL."""

from __future__ import annotations

from typing import Any

from luthier.core.protocols import Storage
from luthier.optuna.missing import missing
from luthier.storages import open_storage

__all__ = ["InMemoryStorage", "RDBStorage", "get_storage"]

_JOURNAL = "Use a SQLite URL, such as storage='sqlite:///runs.db': it is a journal."
_CRASHES = "Trials whose process died are taken up again under their own number."
_SERVER = "Several machines may share a server: storage='postgresql://user:password@host/database'."
_JOURNALS = "BaseJournalLogStorage JournalFileStorage JournalRedisStorage JournalStorage journal"
_LOCKS = "JournalFileOpenLock JournalFileSymlinkLock"
_RETRIES = "RetryFailedTrialCallback RetryHeartbeatStaleTrialCallback fail_stale_trials"
_ABSENT = {
    **dict.fromkeys(f"{_JOURNALS} {_LOCKS}".split(), _JOURNAL),
    **dict.fromkeys(_RETRIES.split(), _CRASHES),
    "GrpcStorageProxy": _SERVER,
    "run_grpc_proxy_server": _SERVER,
    "BaseStorage": "A storage of your own fulfils luthier.core.protocols.Storage.",
}
_SETTINGS = (
    "engine_kwargs skip_compatibility_check heartbeat_interval grace_period "
    "heartbeat_stale_trial_callback failed_trial_callback skip_table_creation"
)


def RDBStorage(url: str, **settings: Any) -> Storage:  # noqa: N802
    """Open a SQLite file or a PostgreSQL database.

    Args:
        url: Such as "sqlite:///runs.db" or "postgresql://user:password@host/database".
        **settings: Optuna's settings of engine and heartbeat; accepted, as nothing needs them.

    Raises:
        TypeError: A setting that Optuna doesn't have either.
        ArgumentError: Another database.

    Example:
        >>> RDBStorage("sqlite://")
        MemoryStorage()
    """
    unknown = sorted(set(settings) - set(_SETTINGS.split()))
    if unknown:
        raise TypeError(f"RDBStorage has no argument {unknown[0]!r}.")
    return open_storage(url)


def InMemoryStorage() -> Storage:  # noqa: N802
    """Keep studies in memory, until the process ends."""
    return open_storage(None)


get_storage = open_storage


def __getattr__(name: str) -> Any:
    raise missing(__name__, name, _ABSENT)
