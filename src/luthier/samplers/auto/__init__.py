"""The default sampler: chooses among the others by what the space and the history look like."""

from __future__ import annotations

from luthier.samplers.auto.sampler import Auto

__all__ = ["Auto"]
