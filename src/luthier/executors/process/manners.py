"""How workers log and warn: as the driver does, and to whom it does."""

from __future__ import annotations

import logging
import pickle
import warnings
from collections.abc import Iterable
from typing import Any

__all__ = ["handle_record", "levels", "warning_filters"]


def handle_record(record: logging.LogRecord) -> None:
    """Take a worker's record as one of this process's."""
    logger = logging.getLogger(record.name)
    if logger.isEnabledFor(record.levelno):
        logger.handle(record)


def levels() -> dict[str, int]:
    """Return the levels of all loggers that have one of their own."""
    loggers: Iterable[tuple[str, Any]] = logging.Logger.manager.loggerDict.items()
    own = {name: level for name, it in loggers if (level := getattr(it, "level", 0))}
    return {"root": logging.getLogger().level} | own


def warning_filters() -> list[bytes]:
    """Return the filters of warnings, each pickled alone: some are of classes that only we have."""
    filters = []
    for action, message, category, module, line in warnings.filters:
        texts = [getattr(pattern, "pattern", pattern) or "" for pattern in (message, module)]
        try:
            filters.append(pickle.dumps((action, texts[0], category, texts[1], line)))
        except Exception:  # noqa: BLE001  a class that can't be found by its name
            continue
    return filters
