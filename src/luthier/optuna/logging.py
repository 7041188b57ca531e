"""Optuna's logging switches, turned on the logger "luthier".

As in Optuna, a script hears a line for every trial unless it asks for silence; that begins with
the first study made through this package.
"""

from __future__ import annotations

import logging
from logging import CRITICAL, DEBUG, ERROR, FATAL, INFO, WARN, WARNING

from luthier.study import narration

__all__ = [
    "CRITICAL",
    "DEBUG",
    "ERROR",
    "FATAL",
    "INFO",
    "WARN",
    "WARNING",
    "disable_default_handler",
    "disable_propagation",
    "enable_default_handler",
    "enable_propagation",
    "get_logger",
    "get_verbosity",
    "set_verbosity",
    "start",
]

_LOGGER = logging.getLogger("luthier")


def start() -> None:
    """Speak at INFO on stderr, unless a level was chosen before."""
    if _LOGGER.level == logging.NOTSET:
        narration.set_verbosity(INFO)


def get_logger(name: str) -> logging.Logger:
    """Return a logger; for "optuna" and what is below it, Luthier's.

    Args:
        name: The logger's name.

    Example:
        >>> get_logger("optuna").name
        'luthier'
    """
    root, dot, rest = name.partition(".")
    return logging.getLogger(f"luthier{dot}{rest}" if root == "optuna" else name)


def get_verbosity() -> int:
    """The level at which Luthier speaks."""
    return _LOGGER.getEffectiveLevel()


def set_verbosity(verbosity: int) -> None:
    """Choose the level at which Luthier speaks.

    Args:
        verbosity: ``DEBUG``, ``INFO``, ``WARNING``, ``ERROR`` or ``CRITICAL``.

    Raises:
        ArgumentError: Not a level.
    """
    disabled = _LOGGER.level != logging.NOTSET and not _default_handlers()
    narration.set_verbosity(verbosity)
    if disabled:
        disable_default_handler()


def enable_default_handler() -> None:
    """Speak on stderr."""
    narration.set_verbosity(_LOGGER.level or INFO)


def disable_default_handler() -> None:
    """Don't speak on stderr; handlers added by the script stay."""
    start()
    for handler in _default_handlers():
        _LOGGER.removeHandler(handler)


def enable_propagation() -> None:
    """Pass messages on to the root logger."""
    _LOGGER.propagate = True


def disable_propagation() -> None:
    """Don't pass messages on to the root logger."""
    _LOGGER.propagate = False


def _default_handlers() -> list[logging.Handler]:
    return [h for h in _LOGGER.handlers if isinstance(h, narration._StderrHandler)]
