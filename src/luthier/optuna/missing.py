"""Names that scripts for Optuna may use and that aren't here: said plainly, never skipped."""

from __future__ import annotations

from collections.abc import Mapping

from luthier.errors import UnsupportedError

__all__ = ["missing"]


def missing(module: str, name: str, absent: Mapping[str, str]) -> Exception:
    """Return the error for a name that a module of this package doesn't have.

    Args:
        module: The module's ``__name__``.
        name: What was looked up in it.
        absent: Names that Optuna has there, and what to do instead.

    Returns:
        UnsupportedError for a name of Optuna's, else AttributeError.

    Example:
        >>> missing("luthier.optuna", "terminator", {"terminator": "It comes later."})
        UnsupportedError("luthier.optuna has no 'terminator' yet. It comes later.")
    """
    if name in absent:
        return UnsupportedError(f"{module} has no {name!r} yet. {absent[name]}", name=name)
    return AttributeError(f"module {module!r} has no attribute {name!r}")
