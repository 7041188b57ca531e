"""Where trials run. One file per kind of place; each fulfils ``core.protocols.Executor``."""

from luthier.executors.inline import Inline
from luthier.executors.named import open_executor
from luthier.executors.process import Processes
from luthier.executors.thread import Threads

__all__ = ["Inline", "Processes", "Threads", "open_executor"]
