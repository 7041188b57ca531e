"""Makes ``benchmarks`` importable: it stands beside the package and isn't installed with it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
