"""Population-based training: settings that change while models train."""

from __future__ import annotations

from luthier.schedulers.pbt.scheduler import PBT

__all__ = ["PBT"]
