"""Where trials run. One file per kind of place; each fulfils ``core.protocols.Executor``."""

import importlib
from typing import TYPE_CHECKING, Any

from luthier.executors.inline import Inline
from luthier.executors.named import open_executor
from luthier.executors.process import Processes
from luthier.executors.thread import Threads

if TYPE_CHECKING:
    from luthier.executors.dask import Dask
    from luthier.executors.futures import Futures
    from luthier.executors.ray import Ray

__all__ = ["Dask", "Futures", "Inline", "Processes", "Ray", "Threads", "open_executor"]


def __getattr__(name: str) -> Any:
    if name not in ("Dask", "Futures", "Ray"):
        raise AttributeError(f"module 'luthier.executors' has no attribute {name!r}")
    return getattr(importlib.import_module(f"luthier.executors.{name.lower()}"), name)
