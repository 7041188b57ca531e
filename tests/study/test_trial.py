"""What a trial says of itself, and of its end."""

from __future__ import annotations

import luthier
from luthier import Float, Space
from luthier.schedulers import Threshold


def test_a_trial_that_is_stopped_says_by_whom() -> None:
    study = luthier.create_study(space=Space(x=Float(0, 1)), scheduler=Threshold(upper=0.5), seed=0)
    study.enqueue_trial({"x": 0.75})
    study.enqueue_trial({"x": 0.25})
    study.enqueue_trial({"x": 0.125})

    def objective(trial: luthier.Trial) -> float:
        x = float(trial.params["x"])
        if x == 0.125:
            raise luthier.TrialPruned("too small")
        trial.report(x, 1)
        if trial.should_prune() or x == 0.25:
            raise luthier.TrialPruned
        return x

    study.optimize(objective, n_trials=3)
    assert [trial.error for trial in study.trials] == [
        "stopped by the scheduler at step 1",
        "stopped by the objective at step 1",
        "too small",
    ]


def test_a_trial_shows_its_number_and_parameters() -> None:
    study = luthier.create_study(space=Space(x=Float(0, 1)), seed=0)
    study.enqueue_trial({"x": 0.5})
    assert repr(study.ask()) == "<Trial 0: {'x': 0.5}>"
