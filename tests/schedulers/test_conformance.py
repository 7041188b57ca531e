from __future__ import annotations

from collections.abc import Callable

import pytest

from luthier.schedulers import (
    PBT,
    Asha,
    BayesRace,
    FreezeThaw,
    Hyperband,
    LearningCurve,
    Median,
    NoStopping,
    OpenHalving,
    OpenHyperband,
    Pasha,
    Patience,
    Percentile,
    Race,
    SuccessiveHalving,
    Threshold,
    Wilcoxon,
)
from luthier.testing.schedulers import SCHEDULER_CHECKS, SchedulerFactory

SCHEDULERS: list[SchedulerFactory] = [
    NoStopping,
    Median,
    lambda: Median(n_startup_trials=0, n_warmup_steps=1, interval_steps=2, metric="other"),
    lambda: Percentile(25.0, n_startup_trials=1, n_min_trials=2),
    lambda: Threshold(lower=0.2, upper=0.6),
    lambda: Threshold(upper=0.6, metric="accuracy", interval_steps=3),
    lambda: Patience(1),
    lambda: PBT(12, 4, 3),
    lambda: PBT(12, 4, 3, synchronous=True, explore="pb2", frequencies=(1, 2)),
    lambda: SuccessiveHalving(9),
    lambda: SuccessiveHalving(5, 2, eta=2, n=3, metric="other"),
    lambda: Hyperband(9),
    lambda: Asha(9),
    lambda: Asha(9, mode="stopping"),
    lambda: Asha(5, eta=2, mode="stopping", metric="other"),
    lambda: Pasha(27),
    lambda: Pasha(5, metric="other", tolerance=0.5),
    lambda: Patience(2, min_delta=0.1, wrapped=Median(n_startup_trials=0)),
    lambda: FreezeThaw(9),
    OpenHalving,
    lambda: OpenHalving(1, eta=2, skip=1, bootstrap=1, metric="other"),
    OpenHyperband,
    lambda: OpenHyperband(9),
    Wilcoxon,
    lambda: Wilcoxon(1.0, metric="other"),
    Race,
    lambda: Race("forgiving"),
    lambda: Race("aggressive", margin=1),
    lambda: BayesRace(5),
    LearningCurve,
    lambda: LearningCurve(25.0, 0.5, n_startup_trials=1, n_min_points=1),
    lambda: LearningCurve(max_step=50, n_startup_trials=1, n_min_points=2, interval_steps=2),
]


@pytest.mark.parametrize("factory", SCHEDULERS, ids=lambda f: repr(f()))
@pytest.mark.parametrize("check", SCHEDULER_CHECKS, ids=lambda c: c.__name__)
def test_conformance(check: Callable[[SchedulerFactory], None], factory: SchedulerFactory) -> None:
    check(factory)
