"""Conformance suites: what plug-ins of each kind must keep, for our own and third parties'."""

from luthier.testing.checkpoints import CHECKPOINT_CHECKS, check_checkpoints
from luthier.testing.storages import STORAGE_CHECKS, check_storage

__all__ = ["CHECKPOINT_CHECKS", "STORAGE_CHECKS", "check_checkpoints", "check_storage"]
