"""Studies to look at, made without running anything."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from luthier import Categorical, Float, Int, Space, create_study
from luthier.core.trial import FrozenTrial, Origin, Reports, TrialState
from luthier.storages import open_storage

__all__ = ["SPACE", "made"]

SPACE = Space(
    lr=Float(1e-5, 1.0, log=True),
    depth=Int(1, 12),
    optimizer=Categorical(["adam", "sgd", "rmsprop"]),
    momentum=Float(0.0, 1.0, when={"optimizer": "sgd"}),
    units=Int(8, 512, log=True),
    **{f"x{k}": Float(0.0, 1.0) for k in range(5)},
)
_AT_ONCE = 2_000
_START = 1.7e9
_STATES = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAILED)


def made(path: Path, name: str, n: int, *, steps: int = 0) -> None:
    """Add a study of n trials to a SQLite file.

    Args:
        path: The file.
        name: The study's name.
        n: How many trials: 80% completed, 15% pruned, 5% failed.
        steps: How many reports each has.
    """
    storage = open_storage(path)
    study = create_study(study_name=name, storage=storage, space=SPACE, sampler="random", seed=0)
    rng = np.random.default_rng(0)
    for start in range(0, n, _AT_ONCE):
        batch = [_trial(number, rng, steps) for number in range(start, min(n, start + _AT_ONCE))]
        storage.add_trials(study._driver.record.id, batch)


def _trial(number: int, rng: np.random.Generator, steps: int) -> FrozenTrial:
    values = SPACE.encoding.from_unit(rng.random((1, SPACE.encoding.width)))[0]
    params = {name: values[name] for name in SPACE.active(values)}
    value = (params["x0"] - 0.3) ** 2 + abs(np.log10(params["lr"]) + 3) / 5 + 0.1 * rng.random()
    state = _STATES[rng.choice(3, p=[0.8, 0.15, 0.05])]
    curve = [(step, {"value": float(value + 1 / step)}) for step in range(1, steps + 1)]
    completed = state is TrialState.COMPLETE
    return FrozenTrial(
        number=number,
        state=state,
        param_names=tuple(params),
        param_values=tuple(params.values()),
        metric_names=("value",) if completed else (),
        metric_values=(float(value),) if completed else (),
        reports=Reports(curve),
        started=_START + number,
        finished=_START + number + 5,
        cost=5.0,
        worker=f"machine{number % 4}/1:boot:1:1",
        attempt=1,
        origin=Origin('{"name":"random"}', f"random point {number}", number),
        error="ValueError: out of memory" if state is TrialState.FAILED else None,
    )
