"""Fixtures of the dashboard's tests."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from server_of_tests import Dashboard

from luthier.core.protocols import Storage
from luthier.storages import open_storage


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Dashboard]]:
    """Starts dashboards, of one SQLite file if no storage is given."""
    running: list[Dashboard] = []

    def begin(storage: Storage | None = None, **options: Any) -> Dashboard:
        store = open_storage(tmp_path / "runs.db") if storage is None else storage
        running.append(Dashboard(store, **options))
        return running[-1]

    yield begin
    for one in running:
        one.stop()
