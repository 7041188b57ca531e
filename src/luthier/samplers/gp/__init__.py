"""Gaussian process search: model the objective, try where most improvement is to be expected."""

from __future__ import annotations

from luthier.samplers.gp.sampler import GP

__all__ = ["GP"]
