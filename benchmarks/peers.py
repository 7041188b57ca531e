"""Where the libraries' interpreters are, and how a worker script is run in one of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}


def interpreter(library: str) -> Path | None:
    """Return a library's Python; None if it isn't installed.

    Args:
        library: "luthier", or the name of an environment that ``tools/peers.sh`` makes in
            ``.peers``. Others are looked for in the folder that ``LUTHIER_PEERS`` names.
    """
    if library == "luthier":
        return Path(sys.executable)
    folders = [ROOT / ".peers", Path(os.environ.get("LUTHIER_PEERS", ROOT / ".peers"))]
    pythons = [folder / library / "bin" / "python" for folder in folders]
    return next((python for python in pythons if python.exists()), None)


def installed(library: str) -> str:
    """Return a library's Python.

    Raises:
        SystemExit: It isn't installed.
    """
    python = interpreter(library)
    if python is None:
        raise SystemExit(f"{library} isn't installed. Run tools/peers.sh {library}.")
    return str(python)


def environment() -> dict[str, str]:
    """Return a worker's environment: ours, with one thread, and ``benchmarks`` importable."""
    paths = [os.environ.get("PYTHONPATH", ""), str(ROOT)]
    return {**os.environ, **ONE_THREAD, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def run(library: str, script: Path, *arguments: object) -> list[Any]:
    """Run a worker in a process of its own, single-threaded; return the JSON lines it printed.

    Raises:
        SystemExit: The library isn't installed, or its worker failed.
    """
    done = subprocess.run(
        [installed(library), str(script), *map(str, arguments)],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{script.name} {arguments} failed:\n{done.stderr[-3000:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith(("{", "["))]
