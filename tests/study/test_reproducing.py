"""Reproducible parallel runs: the same trials, whatever their timing."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier
from luthier import Categorical, Float, Int, Space, TrialState
from luthier.core.jobs import Outcome
from luthier.core.protocols import Channel, Work
from luthier.errors import AllTrialsFailedError, ArgumentError, StudyError, StudyMismatchError
from luthier.schedulers import Patience

STATES = (TrialState.COMPLETE, TrialState.FAILED, TrialState.PRUNED)
SPACE = Space(
    kind=Categorical(["a", "b"]), x=Float(0, 1, when={"kind": "a"}), n=Int(1, 50)
).require("n != 7")


class Shuffled:
    """An executor in virtual time: of what runs, whichever the dice choose ends next."""

    def __init__(self, slots: int, dice: random.Random, dies_after: int | None = None) -> None:
        self.slots = slots
        self._dice = dice
        self._dies_after = dies_after
        self._running: dict[int, tuple[Work, Channel]] = {}

    def submit(self, number: int, work: Work, channel: Channel) -> None:
        self._running[number] = (work, channel)

    def wait(self, timeout: float | None = None) -> list[tuple[int, Outcome | BaseException]]:
        if self._dies_after is not None:
            self._dies_after -= 1
            if self._dies_after < 0:
                raise KeyboardInterrupt
        ended: list[tuple[int, Outcome | BaseException]] = []
        for _ in range(self._dice.randint(1, len(self._running)) if self._running else 0):
            number = self._dice.choice(sorted(self._running))
            work, channel = self._running.pop(number)
            ended.append((number, work(channel)))
        return ended

    def cancel(self, number: int) -> bool:
        return False

    def shutdown(self) -> None:
        self._running.clear()


def learnt(trial: luthier.Trial) -> float:
    """Define-by-run, with failures, pruned trials, reports and notes."""
    kind = trial.suggest_categorical("kind", ["a", "b"])
    x = trial.suggest_float("x", 0, 1) if kind == "a" else 0.5
    if trial.number % 5 == 3:
        raise ValueError("crash")
    trial.report(x, 1)
    trial.set_user_attr("kind", kind)
    if trial.number % 7 == 4:
        raise luthier.TrialPruned
    return x * trial.suggest_int("n", 1, 50)


def what_came(study: luthier.Study) -> list[Any]:
    return [
        (t.number, t.state, t.params, t.metrics, t.origin, t.user_attrs, t.declares, t.reports)
        for t in study.trials
    ]


def run(
    objective: Callable[[luthier.Trial], Any],
    dice: int,
    *,
    slots: int = 3,
    total: int = 14,
    study: luthier.Study | None = None,
    **options: Any,
) -> luthier.Study:
    study = study or luthier.create_study(seed=5, **options)
    executor = Shuffled(slots, random.Random(dice))
    study.optimize(objective, total_trials=total, executor=executor, reproducible=True)
    return study


@pytest.mark.parametrize("strategy", ["auto", "gp", "tpe", "de", "nsga2", "cmaes", "grid", "spsa"])
@pytest.mark.parametrize("declared", [True, False])
def test_every_kind_of_sampler_comes_out_the_same(strategy: str, declared: bool) -> None:
    options = {"strategy": strategy, "space": SPACE if declared else None}
    first, second = (run(learnt, dice, total=22, **options) for dice in (1, 2))
    assert what_came(first) == what_came(second)
    assert len(first.trials) == 22
    orders = [sorted(s.trials, key=lambda t: t.finished_version or 0) for s in (first, second)]
    assert [t.number for t in orders[0]] != [t.number for t in orders[1]]
    for study in (first, second):
        assert study.replay().exact, str(study.replay())


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_timing_kills_and_slots_change_nothing(data: st.DataObject) -> None:
    """Runs that are interrupted at any moment, and go on with any number of slots."""
    width = data.draw(st.integers(1, 4), label="W")
    options: dict[str, Any] = {"strategy": data.draw(st.sampled_from(["tpe", "random", "ga"]))}
    plain = run(learnt, 0, slots=width, **options)
    study = luthier.create_study(seed=5, **options)
    for _ in range(data.draw(st.integers(0, 3), label="kills")):
        dice = random.Random(data.draw(st.integers(0, 999)))
        slots = data.draw(st.integers(1, 6), label="slots")
        executor = Shuffled(slots, dice, data.draw(st.integers(0, 6), label="dies after"))
        try:
            study.optimize(learnt, total_trials=14, executor=executor, reproducible=width)
        except KeyboardInterrupt:
            study = luthier.load_study(study_name=study.study_name, storage=study.storage)
    run(learnt, 7, slots=width, study=study)
    assert what_came(study) == what_came(plain)
    assert study.replay().exact


@pytest.mark.parametrize("width", [1, 2, 5])
def test_a_trial_waits_for_those_it_must_know(width: int) -> None:
    started: list[tuple[int, int]] = []
    study = luthier.create_study(seed=0, strategy="random")

    def objective(trial: luthier.Trial) -> float:
        return trial.suggest_float("x", 0, 1)

    def listen(event: Any) -> None:
        if type(event).__name__ == "TrialStarted":
            unfinished = [t.number for t in study.trials if not t.state.is_finished]
            started.append((event.trial.number, min(unfinished)))

    study.subscribe(listen)
    run(objective, 3, slots=width, study=study, total=20)
    assert max(number - first for number, first in started) == width - 1


def test_what_is_seen_is_the_results_of_all_but_the_last() -> None:
    seen: list[tuple[int, list[int], list[int]]] = []

    class Looking:
        spec = {"name": "looking"}  # noqa: RUF012

        def suggest(self, space: Any, history: Any, n: int, rng: Any) -> Any:
            ended = [*history.completed, *history.failed, *history.pruned]
            assert all(t.cost is None and t.started is None for t in ended)
            numbers = sorted(t.number for t in ended), [t.number for t in history.running]
            seen.append((history.next_number, *numbers))
            return luthier.samplers.Random().suggest(space, history, n, rng)

    sampler: Any = Looking()
    run(learnt, 4, total=9, sampler=sampler, space=SPACE)
    assert {n: (ended, running) for n, ended, running in seen} == {
        n: (list(range(n - 2)), list(range(max(n - 2, 0), n))) for n in range(9)
    }


def test_retried_trials_count_once_they_have_ended() -> None:
    def flaky(trial: luthier.Trial) -> float:
        if trial.number % 3 == 1 and trial.attempt < 3:
            raise ConnectionError
        return learnt(trial)

    def retrying(dice: int) -> luthier.Study:
        study = luthier.create_study(seed=5, strategy="tpe")
        executor = Shuffled(3, random.Random(dice))
        retries = {ConnectionError: 3}
        study.optimize(
            flaky, total_trials=14, executor=executor, retries=retries, reproducible=True
        )
        return study

    first, second = retrying(1), retrying(2)
    assert what_came(first) == what_came(second)
    assert {t.attempt for t in first.trials} == {1, 3}
    assert first.replay().exact


def test_enqueued_added_and_invalidated_trials_have_their_place() -> None:
    def of_the_user(dice: int) -> luthier.Study:
        study = luthier.create_study(seed=5, strategy="tpe", space=SPACE)
        study.add_trial(luthier.create_trial(params={"kind": "b", "n": 3}, value=1.0))
        for n in (1, 2, 3, 4, 5):
            study.enqueue_trial({"n": n})
        run(learnt, dice, total=12, study=study)
        study.invalidate(6)
        study.enqueue_trial({"n": 9})
        run(learnt, dice + 1, total=24, study=study)
        return study

    first, second = of_the_user(1), of_the_user(5)
    assert what_came(first) == what_came(second)
    assert len(first.trials) == 25
    for study in (first, second):
        assert study.replay().exact


def test_space_that_changes_between_runs_has_its_place() -> None:
    def widened(dice: int) -> luthier.Study:
        study = run(learnt, dice, total=8, strategy="tpe", space=SPACE)
        wider = SPACE.with_params({"n": Int(1, 80)})
        again = luthier.load_study(study_name=study.study_name, storage=study.storage, space=wider)
        return run(learnt, dice + 1, total=16, study=again)

    first, second = widened(1), widened(5)
    assert what_came(first) == what_came(second)
    assert first.replay().exact


@pytest.mark.parametrize("sampler", ["grid", "random", "auto", "tpe"])
def test_small_learnt_space_is_searched_to_its_end(sampler: str) -> None:
    """The last trials teach that there is more, after all others were tried."""

    def objective(trial: luthier.Trial) -> float:
        a = trial.suggest_int("a", 1, 4)
        return a + trial.suggest_categorical("b", ["p", "q"]).count("p")

    def exhausted(dice: int) -> luthier.Study:
        study = luthier.create_study(seed=1, strategy=sampler)
        executor = Shuffled(4, random.Random(dice))
        study.optimize(objective, total_trials=40, executor=executor, reproducible=True)
        return study

    first, second = exhausted(1), exhausted(2)
    assert what_came(first) == what_came(second)
    assert len({tuple(t.params.values()) for t in first.trials}) == 8
    assert first.replay().exact


def test_stop_rules_see_what_proposals_see() -> None:
    def stopped(dice: int) -> luthier.Study:
        study = luthier.create_study(seed=3, strategy="random")
        study.optimize(
            lambda trial: trial.suggest_float("x", 0, 1),
            n_trials=100,
            executor=Shuffled(4, random.Random(dice)),
            stop=luthier.TargetValue(0.1),
            reproducible=True,
        )
        return study

    first = stopped(0)
    assert len(first.trials) < 100
    assert {len(stopped(dice).trials) for dice in range(1, 9)} == {len(first.trials)}


def test_giving_up_sees_what_proposals_see() -> None:
    def failing(dice: int) -> int:
        study = luthier.create_study(seed=3)
        with pytest.raises(AllTrialsFailedError):
            study.optimize(
                lambda trial: 1 / 0,
                n_trials=100,
                executor=Shuffled(4, random.Random(dice)),
                fail_fast=5,
                reproducible=True,
            )
        return len(study.trials)

    assert {failing(dice) for dice in range(6)} == {5 + 4 - 1}


def test_patience_may_stop_trials() -> None:
    def falling(trial: luthier.Trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        for step in range(1, 6):
            trial.report(max(x - step / 4, 0), step)
            if trial.should_prune():
                raise luthier.TrialPruned
        return x

    first, second = (run(falling, dice, scheduler="patience:patience=2") for dice in (1, 2))
    assert what_came(first) == what_came(second)
    assert {t.state for t in first.trials} == {TrialState.COMPLETE, TrialState.PRUNED}


def test_ask_and_tell_go_in_step() -> None:
    study = run(learnt, 1, slots=2, total=4)
    trials = [study.ask(), study.ask()]
    with pytest.raises(StudyError, match=r"reproducible with 2 .* result of trial 4\. Tell it"):
        study.ask()
    study.tell(trials[1], 1.0)
    with pytest.raises(StudyError, match="trial 4"):
        study.ask()
    reasons: list[str] = []
    study.subscribe(lambda event: reasons.append(getattr(event, "reason", "")))
    run(learnt, 1, study=study, total=9)
    assert "the next trial must know the result of trial 4" in reasons
    study.tell(trials[0], 1.0)
    run(learnt, 1, study=study, total=9)
    assert len(study.trials) == 9
    assert study.replay().exact


@pytest.mark.parametrize("value", [0, -1, 1.5, "yes", None])
def test_what_is_no_number_of_trials_is_refused(value: Any) -> None:
    with pytest.raises(ArgumentError, match="reproducible must be True, or after how many"):
        luthier.create_study().optimize(learnt, n_trials=1, reproducible=value)


@pytest.mark.parametrize(
    "scheduler",
    [
        "median",
        "asha:max_resource=9",
        "pbt:steps=9",
        Patience(2, wrapped=luthier.schedulers.Median()),
    ],
)
def test_schedulers_that_compare_trials_are_refused(scheduler: Any) -> None:
    study = luthier.create_study(scheduler=scheduler)
    with pytest.raises(ArgumentError, match="needs a scheduler that looks at each trial alone"):
        study.optimize(learnt, n_trials=1, reproducible=True)
    assert study.trials == []
    study = run(learnt, 1, total=3)
    again = luthier.load_study(
        study_name=study.study_name, storage=study.storage, scheduler=scheduler
    )
    with pytest.raises(ArgumentError, match="looks at each trial alone"):
        again.optimize(learnt, n_trials=1)


def test_another_width_is_refused_and_a_study_keeps_its_own() -> None:
    study = run(learnt, 1, slots=3, total=5)
    with pytest.raises(StudyMismatchError, match=r"with 3 trials at once, got reproducible=4"):
        study.optimize(learnt, n_trials=1, reproducible=4)
    study.optimize(learnt, total_trials=14)  # one at a time, and still in step
    other = run(learnt, 2, slots=3, total=5)
    assert what_came(study) == what_came(run(learnt, 2, slots=9, total=14, study=other))


def test_study_must_be_new() -> None:
    study = luthier.create_study()
    study.optimize(learnt, n_trials=2)
    with pytest.raises(StudyMismatchError, match="its trial 0 was proposed without"):
        study.optimize(learnt, n_trials=1, reproducible=True)


def test_two_drivers_take_turns_on_one_file(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    first = luthier.create_study(study_name="s", storage=path, seed=5, strategy="tpe")
    second = luthier.load_study(storage=path)
    alone = luthier.create_study(seed=5, strategy="tpe")
    for total in range(2, 18, 2):
        run(learnt, total, total=total, study=alone)
        for study in (first, second):  # trials of the one are known to the other by the log alone
            run(learnt, total + 1, total=total - (study is first), study=study)
    assert [t.params for t in second.trials] == [t.params for t in alone.trials]
    assert luthier.load_study(storage=path).replay().exact


def test_functions_in_a_declared_space() -> None:
    space = Space(x=Int(1, 9), y=Int(1, 9)).require(lambda p: p["x"] != p["y"], name="differ")

    def objective(trial: luthier.Trial) -> float:
        return trial.params["x"] * trial.params["y"]

    first, second = (run(objective, dice, space=space, strategy="tpe") for dice in (1, 2))
    assert what_came(first) == what_came(second)
    assert all(t.params["x"] != t.params["y"] for t in first.trials)


PROCESSES = """
import random, sys, time
import luthier

def objective(trial):
    time.sleep(random.SystemRandom().random() * 0.1)
    x = trial.suggest_float("x", -1, 1)
    if trial.suggest_categorical("kind", ["a", "b"]) == "b":
        x += trial.suggest_float("y", 0, 1)
    return x * x
"""


def test_real_processes_with_random_delays(tmp_path: Path) -> None:
    scope: dict[str, Any] = {}
    exec(PROCESSES, scope)
    studies = []
    for name in ("a", "b"):
        study = luthier.create_study(study_name=name, storage=tmp_path / "s.db", seed=1)
        study.optimize(scope["objective"], n_trials=24, n_jobs=4, reproducible=True)
        studies.append(study)
    assert what_came(studies[0]) == what_came(studies[1])
    orders = [sorted(s.trials, key=lambda t: t.finished_version or 0) for s in studies]
    assert [t.number for t in orders[0]] != [t.number for t in orders[1]]
    assert studies[1].replay().exact
