"""What the slow peers ran, so that it can be run again: on which problems, seeds and trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.efficiency.problems import SLOW
from benchmarks.peers import ROOT

__all__ = ["AGAIN", "RECORDED", "Recording"]

AGAIN: Final = ROOT / ".peers" / "cache" / "slow"
"""Where it is kept when it's run again: what is published stays as it is."""


@dataclass(frozen=True)
class Recording:
    """A part of what a sampler ran.

    Args:
        problems: Names.
        seeds: Studies of each problem; their seeds count from 0.
        budget: Trials of each study.
    """

    problems: Sequence[str]
    seeds: int
    budget: int


_PUBLIC: Final = (
    "bbob_f08_d10",
    "bbob_f15_d05",
    "bbob_f21_d02",
    "mixint_f15_d05",
    "fcnet_protein",
    "hpobench_blood",
    "nb201_cifar10",
    "cash_toy",
    "crash_region",
)
_NOISY: Final = "noisy_coco_f01_d05"
_CRASHING: Final = "crash_coco_f02_d05"
_KERNELS: Final = "gpu_convolution_A100"


def _without(*names: str) -> Sequence[str]:
    return [name for name in SLOW if name not in names]


# The longest studies of a problem come first: they count for shorter ones as well.
RECORDED: Final[Mapping[str, Sequence[Recording]]] = {
    "optuna:gp": (Recording(SLOW, 5, 200), Recording(_PUBLIC, 3, 100)),
    "smac:hpo": (Recording(SLOW, 5, 100),),
    "smac:blackbox": (
        Recording([_KERNELS], 1, 200),
        Recording(_without(_NOISY, _CRASHING, "table_mlp_vehicle"), 5, 50),
    ),
    "ax:default": (Recording(SLOW, 5, 25),),
    "hebo:default": (Recording(SLOW, 1, 25),),
    "skopt:GP": (Recording(_without(_NOISY, _CRASHING), 5, 50), Recording([_NOISY], 1, 50)),
    "bayesopt:default": (Recording(SLOW, 5, 50),),
}
