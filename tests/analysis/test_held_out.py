"""Overtuning of a plain study, from what its own records tell."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import luthier
from luthier import Categorical, Float, Space
from luthier.analysis import held_out, overtuning
from luthier.core.objective import Objective
from luthier.errors import ArgumentError
from luthier.report import report
from luthier.study.folds import Folds
from luthier.testing.rehearsal import Rehearsal

SPACE = Space(x=Float(0, 1))


def played(rows: list[dict[str, float]], **objective: Any) -> Rehearsal:
    play = Rehearsal(SPACE, objective=Objective.of(**objective))
    for k, metrics in enumerate(rows):
        play.end(play.add({"x": k / len(rows)}), metrics=metrics)
    return play


@pytest.mark.parametrize(
    ("objective", "test"),
    [("loss", "test_loss"), ("val_loss", "test_loss"), ("loss", "loss_holdout"), ("cv_f1", "test")],
)
@pytest.mark.parametrize("way", ["minimize", "maximize"])
def test_a_metric_on_other_data_is_known_by_its_name(objective: str, test: str, way: str) -> None:
    sign = 1.0 if way == "minimize" else -1.0
    seen, unseen = np.array([0.5, 0.3, 0.4, 0.1]), np.array([0.6, 0.35, 0.1, 0.5])
    rows = [
        {objective: sign * v, "seconds": 1.0, test: sign * e}
        for v, e in zip(seen, unseen, strict=True)
    ]
    found = held_out(played(rows, metrics={objective: way}).history, SPACE)
    expected = overtuning(seen, unseen, greater_is_better=False)
    assert found.series is not None
    assert (found.source, found.numbers) == (test, (0, 1, 2, 3))
    assert found.series.absolute.tolist() == pytest.approx(expected.absolute.tolist())
    assert found.is_clear  # 0.15 of 0.25
    assert "How much of that is chance isn't known" in str(found)
    assert "0.4 worse than where it was chosen" in str(found)


def test_another_metric_may_be_named() -> None:
    rows = [{"loss": 1.0, "fresh": 2.0}, {"loss": 0.5, "fresh": 2.5}]
    history = played(rows, metrics={"loss": "minimize"}).history
    assert held_out(history, SPACE).series is None
    assert held_out(history, SPACE, test="fresh").is_clear
    with pytest.raises(ArgumentError, match="test must be a metric that trials recorded"):
        held_out(history, SPACE, test="nosuch")


def by_folds(seed: int, spread: float, noise: float, n: int = 60) -> Any:
    """Candidates of different worth, each seen through five noisy folds; and what is true."""
    rng = np.random.default_rng(seed)
    worth, errors = spread * rng.random(n), noise * rng.standard_normal((n, 5))

    def objective(trial: Any) -> float:
        folds = Folds(trial, 5)
        for fold in folds:
            folds.report(worth[trial.number] + errors[trial.number, fold])
        return folds.mean

    study = luthier.create_study(space=SPACE, sampler="random", seed=seed)
    study.optimize(objective, n_trials=n)
    means = worth + errors.mean(axis=1)
    return study, overtuning(means, worth, greater_is_better=False), worth[means.argmin()]


def test_folds_tell_how_optimistic_the_winner_s_score_is() -> None:
    told, true = [], []
    for seed in range(6):
        study, series, _ = by_folds(seed, spread=0.1, noise=0.5)
        found = held_out(study.history, study.space)
        assert found.series is not None
        assert "5 folds" in found.source
        told.append(float(found.series.optimism[-1]))
        true.append(float(series.optimism[-1]))
    assert np.mean(told) == pytest.approx(np.mean(true), rel=0.35)
    assert np.mean(true) > 0.3


def test_without_noise_nothing_is_lost() -> None:
    study, series, _ = by_folds(0, spread=1.0, noise=1e-6)
    found = held_out(study.history, study.space)
    assert found.series is not None
    assert found.series.final == pytest.approx(series.final, abs=1e-5)
    assert not found.is_clear
    assert "No overtuning" in str(found)


def test_what_chance_gives_isn_t_clear() -> None:
    clear = [held_out((s := by_folds(seed, 0.0, 1.0)[0]).history, s.space) for seed in range(8)]
    assert sum(found.is_clear for found in clear) <= 2
    said = [str(found) for found in clear if found.series and 0 < found.series.final < found.error]
    assert all("Chance alone may give as much" in text for text in said)


def test_later_trials_of_one_configuration_are_fresh() -> None:
    space = Space(kind=Categorical(["a", "b"]))
    play = Rehearsal(space)
    lucky = [("a", 0.5), ("b", 0.1)] + [("a", 0.5), ("b", 0.9)] * 5  # b led by luck
    for k, (kind, value) in enumerate(lucky):
        play.end(play.add({"kind": kind}), value=value + 0.001 * k)
    found = held_out(play.history, space)
    assert found.series is not None
    assert found.numbers == (0, 1)
    assert found.series.final == pytest.approx(0.4, abs=0.01)
    assert found.is_clear
    assert "more than chance alone gives" in str(found)


def test_same_values_again_tell_nothing() -> None:
    space = Space(kind=Categorical(["a", "b"]))
    play = Rehearsal(space)
    for kind, value in [("a", 0.5), ("b", 0.1)] * 3:
        play.end(play.add({"kind": kind}), value=value)
    found = held_out(play.history, space)
    assert found.series is None
    assert math.isnan(found.error)
    assert "can't be told" in str(found)


def test_diagnosis_and_report_say_it() -> None:
    rows = [{"loss": 1.0 - k / 20, "test_loss": 1.0 + k / 20} for k in range(15)]
    history = played(rows, metrics={"loss": "minimize"}).history
    from luthier.analysis import diagnose
    from luthier.report.report import tell

    found = diagnose(history, SPACE)
    assert "Overtuning" in found.concerns
    assert "By test_loss of 15 trials" in found.parts["Overtuning"]
    told = {finding.topic: finding for finding in tell(history, "s").findings}
    assert told["overtuning"].strength == "unsure"
    assert "fresh data" in told["overtuning"].advice
    silent = luthier.create_study(space=SPACE, sampler="random", seed=0)
    silent.optimize(lambda trial: trial.params["x"], n_trials=12)
    assert "can't be told" in silent.diagnose().parts["Overtuning"]
    assert "can't be told" in report(silent).to_markdown()
    with pytest.raises(ArgumentError, match="a single objective"):
        held_out(luthier.create_study(directions=["minimize"] * 2).history, SPACE)


def test_several_objectives_have_no_such_part() -> None:
    study = luthier.create_study(directions=["minimize"] * 2, space=SPACE, sampler="random", seed=0)
    study.optimize(lambda trial: (trial.params["x"], 1.0), n_trials=3)
    assert "Overtuning" not in study.diagnose().parts
