"""The studies that are run in turn: each has another way to get its trials wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from benchmarks.chaos.objective import STEPS
from luthier import Categorical, Float, Int, Space, Study, create_study
from luthier.schedulers import Asha

__all__ = ["KINDS", "LEASE", "create"]

LEASE: Final = 2.5
KINDS: Final = {
    "random": "independent trials",
    "grid": "as many cells as trials: each must be tried once",
    "asha": "trials that pause, save and resume",
    "learnt": "a space that only the trials reveal",
}


def create(kind: str, name: str, url: str, trials: int, seed: int, folder: Path) -> Study:
    """Create a study in which silence means death after seconds."""
    space = {
        "random": Space(x=Float(0, 1), kind=Categorical(["a", "b"])),
        "grid": Space(cell=Int(1, trials)),
        "asha": Space(x=Float(0, 1), rate=Float(1e-5, 1e-1, log=True)),
        "learnt": None,
    }[kind]
    return create_study(
        study_name=name,
        storage=url,
        space=space,
        seed=seed,
        lease=LEASE,
        checkpoints=folder / "checkpoints",
        sampler={"grid": "grid", "random": "random"}.get(kind, "tpe"),
        scheduler=Asha(STEPS) if kind == "asha" else "none",
    )
