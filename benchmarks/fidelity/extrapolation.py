"""Forecasts of learning curves beside two plain ones: last value and power law, with normal errors.

The plain ones say how far off they will be by a standard deviation that is a power of the log of
what is left to run, and by a bias; these three numbers are fitted to the first half of the cases.
Scores are mean log densities of the final values on the second half, in units of the spread of what
was observed; higher is better. Values more than eight spreads away count as eight.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from benchmarks.efficiency.problems.public import BENCH
from luthier.numerics.learning_curve import forecast, standardised

CURVES = BENCH / "data" / "public"
EXPONENTS = np.geomspace(0.02, 3, 24)
FAR = 8.0


@dataclass(frozen=True)
class Case:
    """Curves of one study: steps (t,), values (n, t), how many steps of each are observed (n,)."""

    steps: np.ndarray
    values: np.ndarray
    ends: np.ndarray


@dataclass(frozen=True)
class Scored:
    """What came of unfinished curves, each an array (n,).

    Attributes:
        log_score: Of the forecast.
        place: What share of the forecast lies below the final value.
        last: Error of the last value.
        law: Error of the power law through the last four values.
        left: Logarithm of the ratio of the final step to the last observed one.
    """

    log_score: np.ndarray
    place: np.ndarray
    last: np.ndarray
    law: np.ndarray
    left: np.ndarray


def score(cases: Iterable[Case]) -> Scored:
    """Forecast the final values of all unfinished curves."""
    return Scored(*np.concatenate([_scored(case) for case in cases], axis=1))


def _scored(case: Case) -> np.ndarray:
    n, t = case.values.shape
    seen = np.where(np.arange(t) < case.ends[:, None], case.values, np.nan)
    centre, scale = standardised(seen)[1:]
    final = np.clip(case.values[:, -1], centre - FAR * scale, centre + FAR * scale)
    expected = forecast(seen, case.steps, at=case.steps[-1:])
    log_score = expected.log_density(final[:, None])[:, 0] + np.log(scale)
    place = expected.below(final[:, None])[:, 0]
    drawn_in = np.clip(case.values, centre - FAR * scale, centre + FAR * scale)
    last = drawn_in[np.arange(n), case.ends - 1]
    law = np.array([power_law(case.steps[:k], y[:k], case.steps[-1]) for y, k in
                    zip(drawn_in, case.ends, strict=True)])  # fmt: skip
    left = np.log(case.steps[-1] / case.steps[case.ends - 1])
    errors = (last - final) / scale, (law - final) / scale
    return np.stack([log_score, place, *errors, left])[:, case.ends < t]


def power_law(steps: np.ndarray, y: np.ndarray, at: float) -> float:
    """Extrapolate the least-squares fit of a + b x^-c to the last four values, c from a grid."""
    x, y = steps[-4:], y[-4:]
    G = (x / x[0]) ** -EXPONENTS[:, None]
    deviation = G - G.mean(axis=1, keepdims=True)
    b = deviation @ (y - y.mean()) / np.maximum(np.square(deviation).sum(axis=1), 1e-12)
    a = y.mean() - b * G.mean(axis=1)
    k = np.square(y - a[:, None] - b[:, None] * G).sum(axis=1).argmin()
    return float(a[k] + b[k] * (at / x[0]) ** -EXPONENTS[k])


def normal_score(fit: tuple[np.ndarray, np.ndarray], check: tuple[np.ndarray, np.ndarray]) -> float:
    """The log score of errors under a normal whose bias and width are fitted elsewhere."""

    def loss(p: np.ndarray, errors: np.ndarray, left: np.ndarray) -> float:
        sd = np.exp(p[0] + p[1] * np.log(left)) + 1e-3
        z = (errors - p[2]) / sd
        return float(np.mean(0.5 * z * z + np.log(sd)) + 0.5 * np.log(2 * np.pi))

    found = minimize(loss, [0.0, 0.5, 0.0], args=fit, method="Nelder-Mead")
    return -loss(found.x, *check)


def compare(
    halves: Mapping[str, tuple[Iterable[Case], Iterable[Case]]],
) -> list[dict[str, float | str]]:
    """Print and return the scores on the second half of each collection."""
    table: list[dict[str, float | str]] = []
    for name, (first, second) in halves.items():
        fit, check = score(first), score(second)
        row: dict[str, float | str] = {
            "curves": name,
            "n": len(check.place),
            "forecast": float(check.log_score.mean()),
            "last value": normal_score((fit.last, fit.left), (check.last, check.left)),
            "power law": normal_score((fit.law, fit.left), (check.law, check.left)),
            "coverage of 90%": float(((check.place > 0.05) & (check.place < 0.95)).mean()),
        }
        print("  ".join(f"{k} {v:.3f}" if isinstance(v, float) else f"{k} {v}"
                        for k, v in row.items()), flush=True)  # fmt: skip
        table.append(row)
    return table


def taskset() -> dict[str, tuple[Iterator[Case], Iterator[Case]]]:
    """TaskSet's curves, if the shared tables stand beside the checkout: one table, two others."""
    if not CURVES.exists():
        return {}
    checked = [CURVES / f"taskset_{name}.npz" for name in ("irnn64_relu_avg", "lstm128_avg_p128")]
    return {"TaskSet": (_studies([CURVES / "taskset_lstm128_bs128.npz"]), _studies(checked))}


def _studies(tables: list[Path]) -> Iterator[Case]:
    """Twenty studies of twenty random settings from each table, each curve cut somewhere."""
    rng = np.random.default_rng(1)
    for table in tables:
        curves = np.load(table)["valid"].astype(np.float64)
        for _ in range(20):
            chosen = curves[rng.choice(len(curves), 20, replace=False)]
            chosen = chosen[chosen[:, -1] < 1e6]
            yield Case(np.arange(1.0, 52.0), chosen, rng.integers(3, 48, len(chosen)))
