"""Cores and GPUs for each slot, said in the environment that its worker starts with.

Numerical libraries read how many threads to use when they are loaded, so this has to be there
before NumPy is. Without it, four trials on four cores start sixteen threads.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from luthier.errors import ArgumentError

__all__ = ["checked_resources", "cores", "environment"]

_THREADS: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
_GPUS: Final = "CUDA_VISIBLE_DEVICES"
_EPS: Final = 1e-9


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def checked_resources(resources: Mapping[str, float] | None) -> dict[str, float]:
    """Check what a trial is to get.

    Args:
        resources: "cpu": threads, above 0. "gpu": a share of a GPU as 0.5, or whole ones; 0 hides
            them all.

    Raises:
        ArgumentError: Anything else.
    """
    given = {} if resources is None else resources
    if not isinstance(given, Mapping) or not set(given) <= {"cpu", "gpu"}:
        raise ArgumentError(
            f'Processes: resources takes "cpu" and "gpu", as {{"cpu": 1, "gpu": 0.5}}, got '
            f"{resources!r}."
        )
    for name, amount in given.items():
        number = isinstance(amount, int | float) and not isinstance(amount, bool)
        if not number or not 0 <= amount < math.inf or (name == "cpu" and amount == 0):
            least = "above 0" if name == "cpu" else "of at least 0"
            raise ArgumentError(
                f"Processes: resources[{name!r}] must be a number {least}, got {amount!r}."
            )
        if name == "gpu" and amount > 1 and amount != int(amount):
            raise ArgumentError(
                f"Processes: resources['gpu'] must be a share of one or whole ones, got {amount!r}."
            )
    return dict(given)


def environment(slot: int, slots: int, resources: Mapping[str, float]) -> dict[str, str]:
    """Return the variables to set for the worker of a slot.

    Args:
        slot: From 0.
        slots: How many there are.
        resources: What each trial gets. Without "cpu" that is an equal share of the cores, unless
            this process's own environment says another number. Without "gpu", all see all.

    Raises:
        ArgumentError: There aren't so many GPUs.

    Example:
        >>> environment(1, 2, {"cpu": 3})["OMP_NUM_THREADS"]
        '3'
    """
    if "cpu" in resources:
        variables = dict.fromkeys(_THREADS, str(max(1, int(resources["cpu"]))))
    else:
        share = str(max(1, cores() // slots))
        variables = {name: share for name in _THREADS if name not in os.environ}
    if "gpu" in resources:
        variables[_GPUS] = ",".join(_devices(slot, slots, resources["gpu"], _visible()))
    return variables


def _devices(slot: int, slots: int, amount: float, visible: list[str]) -> list[str]:
    """The GPUs of a slot: whole ones side by side, shares spread evenly."""
    if amount == 0:
        return []
    whole = math.ceil(amount - _EPS)
    each = 1 if amount > 1 else int(1 / amount + _EPS)  # slots that share a GPU
    if slots > each * (len(visible) // whole):
        raise ArgumentError(
            f"Processes: {slots} slots of {amount:g} GPU don't fit on {len(visible)} GPUs. Use "
            "fewer slots, or a smaller share."
        )
    start = slot % len(visible) if whole == 1 else slot * whole
    return visible[start : start + whole]


def _visible() -> list[str]:
    given = os.environ.get(_GPUS)
    if given is not None:
        return [name for part in given.split(",") if (name := part.strip()) and name != "-1"]
    found = [path.name.removeprefix("nvidia") for path in Path("/dev").glob("nvidia[0-9]*")]
    return sorted(found, key=int)
