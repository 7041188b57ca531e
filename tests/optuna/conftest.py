"""Each test leaves the logger as it found it; the scripts are run by test_scripts.py."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

collect_ignore_glob = ["scripts/*.py"]


@pytest.fixture(autouse=True)
def _logger_as_before() -> Iterator[None]:
    logger = logging.getLogger("luthier")
    before = logger.level, list(logger.handlers), logger.propagate
    yield
    logger.level, logger.handlers, logger.propagate = before
    logging.getLogger().manager._clear_cache()  # type: ignore[attr-defined]
