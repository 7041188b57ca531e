"""What must be reached, and whether it is: every figure of issue G with its target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

__all__ = ["TARGETS", "Target"]

Run = dict[str, Any]


@final
@dataclass(frozen=True, slots=True)
class Target:
    """A figure and its bound.

    Attributes:
        figure: Its name in a run.
        rule: Which side of the bound it must lie on.
        bound: A number, or the name of another figure of the same run.
        on: Whether the mean over seeds must reach it, or every seed.
    """

    figure: str
    rule: Literal["<=", "<", ">="]
    bound: float | str
    on: Literal["mean", "every seed"] = "every seed"

    def verdict(self, runs: Sequence[Run]) -> str:
        """A line that says what was wanted, what came, and whether the target is met."""
        pairs = self._pairs(runs)
        reached = [self._holds(value, bound) for value, bound in pairs]
        told = "met" if all(reached) else "MISSED"
        if len(pairs) > 1:
            told += f" on {sum(reached)} of {len(reached)} seeds"
        value, bound = min(pairs, key=lambda pair: self._slack(*pair))
        wanted = f"{self.figure} {self.rule} {self.bound}"
        return f"{wanted} ({self.on}): {told}, at worst {value:.4g} against {bound:.4g}"

    def is_met(self, runs: Sequence[Run]) -> bool:
        """Whether it is."""
        return all(self._holds(value, bound) for value, bound in self._pairs(runs))

    def _pairs(self, runs: Sequence[Run]) -> list[tuple[float, float]]:
        """Values and bounds: of every seed, or one pair of means."""
        pairs = [(float(run[self.figure]), self._bound(run)) for run in runs]
        if self.on == "every seed":
            return pairs
        values, bounds = zip(*pairs, strict=True)
        return [(sum(values) / len(runs), sum(bounds) / len(runs))]

    def _bound(self, run: Run) -> float:
        return float(run[self.bound]) if isinstance(self.bound, str) else self.bound

    def _holds(self, value: float, bound: float) -> bool:
        if self.rule == "<":
            return value < bound
        return value <= bound if self.rule == "<=" else value >= bound

    def _slack(self, value: float, bound: float) -> float:
        return value - bound if self.rule == ">=" else bound - value


RATES = ("1e-05", "0.0001", "0.001", "0.01", "0.1")
TARGETS: dict[str, list[Target]] = {
    "estimates beside differences": [
        Target("Exact", "<=", 1e-7),
        Target("CG(10)", "<=", 1e-5),
        Target("Neumann(auto, 100)", "<=", 1e-3),
        Target("Unrolled(500), implicit", "<=", 1e-4),
        Target("forward, reverse", "<=", 1e-8),
    ],
    "penalties of hypertorch's demo": [
        Target("validation loss", "<=", 0.0370),
        Target("CPU s", "<", 5.0),
        Target("MB grown in 500 steps", "<", 5.0),
    ],
    "200 penalties under a guard": [
        Target("Holdout(.3)", "<=", "single"),
        Target("KFold(5)", "<=", "single"),
    ],
    "weighted lasso": [
        Target("held-out MSE", "<", "LassoCV"),
        Target("held-out MSE", "<", "best of 100 on held-out rows"),
        Target("CPU s", "<", 10.0),
    ],
    "wrong labels, digits": [
        Target("accuracy", ">=", 0.945, on="mean"),
        Target("F1 of found", ">=", 0.93, on="mean"),
    ],
    "wrong labels, MNIST-5k": [Target("F1 of found", ">=", 0.90, on="mean")],
    "learning rates, digits": [Target(f"HyperAdam {rate}", ">=", 0.92) for rate in RATES],
}
