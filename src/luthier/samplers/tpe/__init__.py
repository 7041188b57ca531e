"""TPE: sample where good trials are dense and other trials are not."""

from __future__ import annotations

from luthier.samplers.tpe.sampler import TPE

__all__ = ["TPE"]
