"""The mathematics: arrays in, arrays out, one file per method; no trials, no spaces."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from luthier.numerics import acquisition, forest, gp, parzen

__all__ = ["acquisition", "forest", "gp", "parzen"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
