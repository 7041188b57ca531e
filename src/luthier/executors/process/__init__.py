"""Trials in processes of their own: ended at any moment, and no other goes with them."""

from luthier.executors.process.executor import Processes

__all__ = ["Processes"]
