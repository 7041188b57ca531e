"""Where studies are kept: in memory, or in a SQL database as a log with the present state.

Where checkpoints are kept: in a folder.
"""

from luthier.storages.checkpoints import FileCheckpoints
from luthier.storages.memory import MemoryStorage
from luthier.storages.url import open_storage

__all__ = ["FileCheckpoints", "MemoryStorage", "open_storage"]
