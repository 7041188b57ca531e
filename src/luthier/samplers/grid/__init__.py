"""Grid search: the sampler, and the numbered cells it takes."""

from __future__ import annotations

from luthier.samplers.grid.sampler import Grid

__all__ = ["Grid"]
