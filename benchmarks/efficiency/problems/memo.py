"""What is kept on disk between runs: tables, and the results of real trainings.

A training is deterministic, so that its result is looked up by problem, configuration and version
of scikit-learn: what one sampler has paid for no other pays for again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
CACHE = ROOT / ".peers" / "cache"


def remembered(key: str, config: dict[str, Any], compute: Callable[[], float]) -> float:
    """Return a result, computed if it isn't kept yet; NaN is a result as well.

    Args:
        key: Names the function and the versions it depends on.
        config: Its arguments.
        compute: Computes the result.
    """
    row = (key, json.dumps(config, sort_keys=True))
    found = _database().execute("SELECT value FROM results WHERE key=? AND config=?", row)
    for (value,) in found:
        return float("nan") if value is None else float(value)
    value = compute()
    _database().execute("INSERT OR IGNORE INTO results VALUES (?, ?, ?)", (*row, value))
    return value


@cache
def _database() -> sqlite3.Connection:
    CACHE.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(CACHE / "trainings.db", timeout=60, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=OFF")
    database.execute(
        "CREATE TABLE IF NOT EXISTS results"
        " (key TEXT, config TEXT, value REAL, PRIMARY KEY (key, config)) WITHOUT ROWID"
    )
    return database
