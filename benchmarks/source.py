"""Which source of ours a run was made with: a short hash of its files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import luthier

PROPOSING: Final = ("core", "numerics", "samplers", "space", "strategies")
"""The packages that decide what a trial is given."""


def source_hash(*packages: str) -> str:
    """Return a hash of our source, the same wherever the files are the same.

    Args:
        packages: Of ``luthier``, those that count; all of it where none is named.
    """
    root = Path(luthier.__file__).parent
    digest = hashlib.blake2b(digest_size=8)
    for folder in [root / name for name in packages] or [root]:
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()
