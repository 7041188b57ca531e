"""Conformance suites: what plug-ins of each kind must keep, for our own and third parties'."""

from luthier.testing.storages import STORAGE_CHECKS, check_storage

__all__ = ["STORAGE_CHECKS", "check_storage"]
