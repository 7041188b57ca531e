"""Conformance suites, and simulated time: what plug-ins must keep, for our own and others'."""

from luthier.testing.checkpoints import CHECKPOINT_CHECKS, check_checkpoints
from luthier.testing.simulate import Simulation, Training, simulate
from luthier.testing.storages import STORAGE_CHECKS, check_storage

__all__ = [
    "CHECKPOINT_CHECKS",
    "STORAGE_CHECKS",
    "Simulation",
    "Training",
    "check_checkpoints",
    "check_storage",
    "simulate",
]
