from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LOCKS = sorted((ROOT / "tools" / "peers").glob("*.txt"))
WORKERS = sorted((ROOT / "benchmarks" / "efficiency").glob("*_side.py"))


def test_every_worker_has_an_environment() -> None:
    libraries = {path.name.removesuffix("_side.py") for path in WORKERS} - {"luthier"}
    assert libraries <= {path.stem for path in LOCKS}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_locks_name_versions_and_no_places(lock: Path) -> None:
    first, *pins = lock.read_text("utf-8").splitlines()
    assert first.startswith(f"# Every version of .peers/{lock.stem}")
    assert [pin for pin in pins if not re.fullmatch(r"[\w.-]+==[\w.]+", pin)] == []


def test_an_unknown_peer_is_refused() -> None:
    done = subprocess.run(
        ["sh", "tools/peers.sh", "nobody"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "there is no tools/peers/nobody.txt; known are:" in done.stderr
    assert "optuna" in done.stderr
