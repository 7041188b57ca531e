from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import luthier
from luthier.core.checkpoint import Checkpoint
from luthier.core.events import Event, TrialStarted
from luthier.core.jobs import NEW, Clone, Decision, Resume, Stop
from luthier.core.objective import Objective
from luthier.core.rng import generator
from luthier.core.trial import FrozenTrial, TrialState
from luthier.errors import (
    ArgumentError,
    CheckpointCorruptError,
    CheckpointMissingError,
    TrialPruned,
)
from luthier.schedulers import PBT
from luthier.space import Categorical, Float, Int, Space
from luthier.study.study import Study
from luthier.testing.rehearsal import Rehearsal

PRUNED, COMPLETE, FAILED = TrialState.PRUNED, TrialState.COMPLETE, TrialState.FAILED


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    luthier.set_verbosity("error")
    yield
    luthier.set_verbosity("info")


def descent(end: int) -> Callable[[Any], float]:
    """Falls at a rate that is best at lr = 0.3; anything the state holds is in the checkpoint."""

    def train(trial: Any) -> float:
        lr = trial.suggest_float("lr", 0.01, 1.0, log=True)
        saved = trial.load_checkpoint()
        step, w = (0, 1.0) if saved is None else json.loads(saved.read_bytes())
        assert saved is None or saved.step == step
        while step < end:
            step += 1
            w *= 1 - 0.2 * math.exp(-(math.log(lr / 0.3) ** 2))
            trial.report(w, step)
            trial.save_checkpoint(json.dumps([step, w]).encode())
            if trial.should_prune():
                raise luthier.TrialPruned
        return w

    return train


def trained(
    scheduler: PBT, end: int = 12, *, n_jobs: int = 1, seed: int = 0, max_disk: int | None = None
) -> Study:
    study = luthier.create_study(
        sampler="random", scheduler=scheduler, seed=seed, max_disk=max_disk
    )
    copies = Copies(study)
    study.optimize(descent(end), n_jobs=n_jobs, callbacks=[copies])
    copies.check()
    return study


class Copies:
    """Reads each donor's checkpoint in the moment in which it is copied."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._read: dict[int, tuple[int, int] | Exception] = {}

    def __call__(self, study: Study, trial: Any) -> None:
        """Nothing is to be done when a trial has ended."""

    def hear(self, event: Event) -> None:
        cloned = isinstance(event, TrialStarted) and event.trial.origin.parent is not None
        if cloned and event.trial.number not in self._read:  # else it is resumed
            self._read[event.trial.number] = self._steps(event.trial)

    def _steps(self, clone: FrozenTrial) -> tuple[int, int] | Exception:
        """The steps that the content and the record of a donor's checkpoint name."""
        saved, store = clone.checkpoint, self._study._driver.open_checkpoints()
        assert saved is not None
        try:
            store.verify(saved.key)
            return json.loads(store.path(saved.key).read_bytes())[0], saved.step
        except (CheckpointMissingError, CheckpointCorruptError) as error:
            return error

    def check(self) -> None:
        """Each clone began from a whole checkpoint that its donor had saved, or had begun from."""
        storage = self._study.storage
        keys: dict[int, set[str]] = {t.number: set() for t in self._study.trials}
        for event in storage.events(self._study._driver.record.id):
            for name in {"checkpoint"} & event.data.keys():
                keys[event.number or 0].add(event.data[name][1])
        clones = {t.number: t for t in self._study.trials if "step_from" in t.origin.data}
        assert self._read == {n: (t.origin.data["step_from"],) * 2 for n, t in clones.items()}
        for trial in clones.values():
            assert keys[trial.number] & keys[trial.origin.parent or 0]


def facts(study: Study) -> list[tuple[Any, ...]]:
    return [
        (t.number, t.state, t.params, t.reports.items_in_order(), t.origin.reason, t.origin.data)
        for t in study.trials
    ]


def check_population(study: Study, size: int, end: int, *, racing: bool = False) -> None:
    """What must hold of every evolution, however it went.

    Where members race, one that is stopped may find that all donors have got to the end.
    """
    ends = [t for t in study.trials if t.state is COMPLETE]
    assert (1 if racing else size) <= len(ends) <= size
    for trial in study.trials:
        assert trial.state in (COMPLETE, PRUNED)
        study.space.check(trial.params)
        data = trial.origin.data
        if "member" in data:
            parent = study.trials[trial.origin.parent or 0]
            assert trial.origin.parent is not None
            assert parent.number < trial.number
            assert data["step_from"] <= (parent.last_step or 0)
            assert min(trial.reports, default=end) > data["step_from"]
            assert data["donor"] != data["member"]
    for trial in ends:
        schedule = study.schedule(trial)
        assert schedule.phases[0].step_from == 0
        assert schedule.steps == end
        for before, after in zip(schedule.phases, schedule.phases[1:], strict=False):
            assert before.step_to == after.step_from


@settings(deadline=None, max_examples=12, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(["truncation", "tournament", "pairs"]),
    st.booleans(),
    st.sampled_from([(1,), (1, 2)]),
    st.sampled_from(["perturb", "none"]),
    st.integers(1, 5),
    st.integers(1, 3),
    st.integers(0, 1000),
    st.sampled_from([None, 1, 100]),  # bytes: a checkpoint takes about 25
)
@example("pairs", False, (1,), "perturb", 1, 3, 1, None)  # donors that have reported, but not saved
def test_populations_keep_their_invariants(
    exploit: str,
    synchronous: bool,
    frequencies: tuple[int, ...],
    explore: str,
    every: int,
    n_jobs: int,
    seed: int,
    max_disk: int | None,
) -> None:
    scheduler = PBT(
        9,
        4,
        every,
        exploit=exploit,
        explore=explore,
        synchronous=synchronous,
        frequencies=frequencies,
    )
    study = trained(scheduler, 9, n_jobs=n_jobs, seed=seed, max_disk=max_disk)
    check_population(study, 4, 9, racing=n_jobs > 1 and not synchronous)
    if synchronous:  # nobody gets ahead, so every member trains all of its steps
        assert sum(len(t.reports) for t in study.trials) == 4 * 9


def test_a_synchronous_run_is_the_same_on_any_number_of_slots() -> None:
    scheduler = PBT(12, 6, 3, synchronous=True)
    assert facts(trained(scheduler, n_jobs=3)) == facts(trained(scheduler))


def test_members_that_take_turns_stay_together() -> None:
    study = trained(PBT(12, 4, 3))
    for trial in study.trials:
        if "member" in trial.origin.data:
            assert trial.origin.data["step_from"] == trial.origin.data["step"]


def test_the_population_beats_its_best_beginner() -> None:
    study = trained(PBT(30, 8, 3, synchronous=True), 30, seed=3)
    alone = luthier.create_study(sampler="random", seed=3)
    alone.optimize(descent(30), n_trials=8)
    assert study.best_value < alone.best_value


def test_a_donor_without_checkpoint_is_an_error_that_says_what_to_do() -> None:
    def forgetful(trial: Any) -> float:
        x = trial.suggest_float("x", 0, 1)
        for step in range(1, 9):
            trial.report(x, step)
            if trial.should_prune():
                raise luthier.TrialPruned
        return float(x)

    study = luthier.create_study(scheduler=PBT(8, 2, 2), sampler="random", seed=0)
    with pytest.raises(CheckpointMissingError, match=r"Call trial\.save_checkpoint"):
        study.optimize(forgetful)


def test_a_clone_does_not_begin_from_a_donor_whose_checkpoint_is_damaged(tmp_path: Path) -> None:
    def train(trial: Any) -> float:
        try:
            return descent(8)(trial)
        finally:
            for file in filter(Path.is_file, (tmp_path / "saved").rglob("*")):
                file.chmod(0o600)
                file.write_bytes(b"damaged")

    study = luthier.create_study(
        scheduler=PBT(8, 2, 2, synchronous=True),
        sampler="random",
        seed=0,
        checkpoints=tmp_path / "saved",
    )
    with pytest.raises(CheckpointCorruptError) as caught:
        study.optimize(train, fail_fast=None)
    assert "_verify" in [entry.name for entry in caught.traceback]
    assert not any("step_from" in trial.origin.data for trial in study.trials)


def test_a_failed_member_is_replaced_but_not_for_ever() -> None:
    def frail(trial: Any) -> float:
        if trial.origin_member == 1:
            raise ValueError("no luck")
        return descent(8)(trial)

    def objective(trial: Any) -> float:
        record = study.trials[trial.number]
        trial.origin_member = record.origin.data.get("member", trial.number)
        return frail(trial)

    study = luthier.create_study(scheduler=PBT(8, 3, 2, synchronous=True), sampler="random", seed=0)
    study.optimize(objective)
    failed = [t for t in study.trials if t.state is FAILED]
    assert [t.origin.data.get("member", t.number) for t in failed] == [1, 1, 1]
    assert sum(t.state is COMPLETE for t in study.trials) == 2


@pytest.mark.parametrize("synchronous", [True, False])
@pytest.mark.parametrize(("error", "state"), [(ValueError, FAILED), (TrialPruned, PRUNED)])
def test_a_first_trial_that_ends_before_the_space_is_known_is_not_the_end(
    synchronous: bool, error: type[Exception], state: TrialState
) -> None:
    def objective(trial: Any) -> float:
        if trial.number < 2:
            raise error("no luck")
        return descent(8)(trial)

    scheduler = PBT(8, 4, 2, synchronous=synchronous)
    study = luthier.create_study(scheduler=scheduler, sampler="random", seed=0)
    study.optimize(objective, catch=ValueError)
    assert [t.state for t in study.trials if not t.params] == [state, state]
    assert sum(t.state is COMPLETE for t in study.trials) == 4


def test_a_member_that_ends_itself_is_replaced() -> None:
    def objective(trial: Any) -> float:
        if trial.number == 2:
            trial.suggest_float("lr", 0.01, 1.0, log=True)
            raise luthier.TrialPruned("diverged")
        return descent(8)(trial)

    study = luthier.create_study(scheduler=PBT(8, 4, 2), sampler="random", seed=0)
    study.optimize(objective)
    heirs = [t for t in study.trials if t.origin.data.get("member") == 2]
    assert heirs
    assert sum(t.state is COMPLETE for t in study.trials) == 4


def test_a_run_that_is_broken_off_goes_on(tmp_path: Path) -> None:
    storage, scheduler = tmp_path / "pbt.db", PBT(12, 4, 3, synchronous=True)
    settings_ = {"storage": storage, "sampler": "random", "scheduler": scheduler, "seed": 0}
    study = luthier.create_study(**settings_)
    study.optimize(descent(12), n_trials=6)
    again = luthier.create_study(**settings_, study_name=study.study_name, load_if_exists=True)
    again.optimize(descent(12))
    assert facts(again) == facts(trained(scheduler))


def test_a_space_smaller_than_the_population_limits_it() -> None:
    def objective(trial: Any) -> float:
        trial.suggest_categorical("kind", ["a", "b", "c"])
        for step in range(1, 7):
            trial.report(1 / step, step)
            trial.save_checkpoint(b"")
            if trial.should_prune():
                raise luthier.TrialPruned
        return 1 / 6

    space = Space(kind=Categorical(["a", "b", "c"]))
    study = luthier.create_study(space=space, scheduler=PBT(6, 8, 2), sampler="random", seed=0)
    study.optimize(objective)
    assert sum(t.state is COMPLETE for t in study.trials) == 3


def test_several_objectives_are_ranked_by_dominance() -> None:
    def objective(trial: Any) -> dict[str, float]:
        n = trial.suggest_int("n", 0, 7)
        saved = trial.load_checkpoint()
        metrics: dict[str, float] = {}
        for step in range(1 + (0 if saved is None else saved.step), 7):
            metrics = {"loss": 8.0 - n, "size": 8.0 - n if n != 3 else 0.0}
            trial.report(metrics, step)
            trial.save_checkpoint(bytes(step))
            if trial.should_prune():
                raise luthier.TrialPruned
        return metrics

    study = luthier.create_study(
        metrics={"loss": "minimize", "size": "minimize"},
        space=Space(n=Int(0, 7)),
        scheduler=PBT(6, 8, 2, explore="none", synchronous=True),
        sampler="grid",
        seed=0,
    )
    study.optimize(objective)
    donors = {study.trials[t.origin.parent].params["n"] for t in study.trials if t.number > 7}
    assert 3 in donors  # by the loss alone it would be none of the best
    assert donors <= {3, 7}


def finished_and_behind(saved: int | None) -> list[Any]:
    """Jobs where members 0 and 1 have finished, with a state of that step, and 3 is at step 5."""
    scheduler, rehearsal = PBT(20, 4, 5), Rehearsal(Space(x=Float(0, 1)))
    trials = [rehearsal.add({"x": 0.5}) for _ in range(4)]
    for step in (5, 10, 15, 20):
        for k in (0, 1):
            trials[k] = rehearsal.report(trials[k], step, {"value": float(k)})
            if step == saved:
                checkpoint = Checkpoint(step, f"{k:064x}", 1)
                trials[k] = rehearsal._apply(replace(trials[k], checkpoint=checkpoint))
    for k in (0, 1):
        rehearsal.end(trials[k], value=float(k))
    trials[3] = rehearsal.report(trials[3], 5, {"value": 9.0})
    rehearsal.end(trials[3], TrialState.PAUSED)
    return [scheduler.next(rehearsal.history, generator(0, n)) for n in range(3)]


@pytest.mark.parametrize("saved", [5, 15])
def test_a_finished_member_is_a_donor_if_its_state_leaves_something_to_train(saved: int) -> None:
    jobs = finished_and_behind(saved)
    assert all(isinstance(job, Stop) and job.trial == 3 for job in jobs)
    assert "trial 0 is better at step 5: it is copied" in jobs[0].reason


def test_a_finished_member_that_saved_its_end_is_left_alone() -> None:
    assert finished_and_behind(20) == [Resume(3, 20)] * 3


def test_finished_members_are_copied_where_states_are_saved_at_intervals() -> None:
    """Fast members save at every third step, so their last state is two steps before the end."""
    study = luthier.create_study(
        space=Space(x=Float(0, 1)), sampler="random", scheduler=PBT(20, 4, 2), seed=3
    )
    behind = study.ask(), study.ask()
    for _ in range(2):  # one after the other, to the end
        trial = study.ask()
        for step in range(1, 21):
            trial.report(trial.params["x"], step)
            if step % 3 == 0:
                trial.save_checkpoint(b"%d" % step)
        study.tell(trial, trial.params["x"])
    finished = [t.number for t in study.trials if t.state is COMPLETE]
    for trial in behind:
        for step in range(1, 5):
            trial.report(9.0 + trial.number, step)
            trial.save_checkpoint(b"%d" % step)
            if trial.should_prune():
                study.tell(trial, state=PRUNED)
                break
    clone = study.ask()
    assert clone.origin.parent in finished
    assert clone.load_checkpoint().step == 18


# Decisions, one by one


def play(scheduler: PBT, values: list[float], step: int = 5) -> tuple[Rehearsal, list[Any]]:
    rehearsal = Rehearsal(Space(x=Float(0, 1)))
    trials = [rehearsal.add({"x": 0.5}) for _ in values]
    for k, value in enumerate(values):
        if not math.isnan(value):
            trials[k] = rehearsal.report(trials[k], step, {"value": value})
    return rehearsal, trials


def test_a_running_member_among_the_worst_is_stopped_where_all_can_be_compared() -> None:
    scheduler = PBT(20, 4, 5)
    rehearsal, trials = play(scheduler, [1.0, 2.0, 3.0, 4.0])
    decisions = [scheduler.decide(rehearsal.history, t, 5) for t in trials]
    assert decisions == [Decision.CONTINUE] * 3 + [Decision.STOP]


def test_who_is_early_is_not_compared() -> None:
    scheduler = PBT(20, 4, 5)
    rehearsal, trials = play(scheduler, [1.0, math.nan, math.nan, math.nan])
    assert scheduler.decide(rehearsal.history, trials[0], 5) is Decision.CONTINUE


def test_nothing_is_decided_between_the_steps_of_comparison_nor_before_the_warmup() -> None:
    rehearsal, trials = play(PBT(20, 4, 5), [1.0, 2.0, 3.0, 4.0])
    last = rehearsal.report(trials[3], 6, {"value": 9.0})
    assert PBT(20, 4, 5).decide(rehearsal.history, last, 6) is Decision.CONTINUE
    assert PBT(20, 4, 5, warmup=6).decide(rehearsal.history, trials[3], 5) is Decision.CONTINUE


def test_reports_that_skip_the_step_are_interpolated() -> None:
    rehearsal, trials = play(PBT(20, 4, 5), [1.0, 2.0, 3.0, math.nan])
    rehearsal.report(trials[3], 4, {"value": 0.0})
    late = rehearsal.report(trials[3], 6, {"value": 1.0})  # 0.5 at step 5: the best
    assert PBT(20, 4, 5).decide(rehearsal.history, late, 6) is Decision.CONTINUE
    worst = rehearsal.report(trials[2], 6, {"value": 3.0})
    assert PBT(20, 4, 5).decide(rehearsal.history, worst, 6) is Decision.CONTINUE  # not the first


def test_new_members_are_started_first_and_those_on_their_way_wait_for_them() -> None:
    scheduler = PBT(20, 4, 5)
    rehearsal, trials = play(scheduler, [1.0, 2.0])
    assert scheduler.next(rehearsal.history, generator(0, 2)) == NEW
    assert scheduler.decide(rehearsal.history, trials[0], 5) is Decision.PAUSE


def test_synchronous_members_pause_stop_are_cloned_and_resumed_in_this_order() -> None:
    scheduler = PBT(20, 4, 5, synchronous=True)
    rehearsal, trials = play(scheduler, [2.0, 4.0, 3.0, 1.0])
    assert scheduler.decide(rehearsal.history, trials[0], 5) is Decision.PAUSE
    assert scheduler.next(rehearsal.history, generator(0, 4)) is None
    for trial in trials:
        rehearsal.end(trial, TrialState.PAUSED)
    stop = scheduler.next(rehearsal.history, generator(0, 4))
    assert stop == Stop(1, "trial 3 is better at step 5: it is copied")
    rehearsal.end(trials[1], PRUNED)
    clone = scheduler.next(rehearsal.history, generator(0, 4))
    assert isinstance(clone, Clone)
    assert (clone.parent, clone.budget) == (3, 10)
    assert clone.data == {"member": 1, "generation": 1, "step": 5, "donor": 3}


def test_a_donor_is_not_copied_between_its_first_report_and_what_it_saves_then() -> None:
    scheduler = PBT(20, 4, 5)
    rehearsal, trials = play(scheduler, [1.0, 2.0, 3.0, 4.0])
    rehearsal.end(trials[3], PRUNED)
    assert scheduler.next(rehearsal.history, generator(0, 4)) is None
    rehearsal.report(trials[0], 6, {"value": 1.0})  # so it never saves: whoever clones it says so
    clone = scheduler.next(rehearsal.history, generator(0, 4))
    assert isinstance(clone, Clone)
    assert (clone.parent, clone.data["member"]) == (0, 3)


def test_what_waits_is_resumed_furthest_behind_first() -> None:
    scheduler = PBT(20, 2, 5)
    rehearsal, trials = play(scheduler, [1.0, 1.0])
    ahead = rehearsal.report(trials[0], 10, {"value": 0.5})
    rehearsal.end(ahead, TrialState.PAUSED)
    rehearsal.end(trials[1], TrialState.PAUSED)
    job = scheduler.next(rehearsal.history, generator(0, 2))
    assert isinstance(job, Stop)  # member 1 is the worse at step 5: 1.0 is equal, the number tells
    alone = Rehearsal(Space(x=Float(0, 1)), objective=Objective())
    first, second = alone.add({"x": 0.5}), alone.add({"x": 0.5})
    alone.end(alone.report(first, 7, {"value": 1.0}), TrialState.PAUSED)
    alone.end(alone.report(second, 3, {"value": 1.0}), TrialState.PAUSED)
    assert scheduler.next(alone.history, generator(0, 2)) == Resume(1, 20)


@pytest.mark.parametrize(
    "bad",
    [
        {"steps": 0},
        {"population": 1},
        {"ready_every": 0},
        {"exploit": "steal"},
        {"explore": "wander"},
        {"share": 0.6},
        {"share": 0.0},
        {"perturbation": -0.1},
        {"resample": 1.5},
        {"synchronous": 1},
        {"frequencies": ()},
        {"frequencies": (0,)},
        {"frequencies": 3},
        {"frequencies": (1, 2, 3), "population": 5},
    ],
)
def test_settings_are_checked(bad: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=next(iter(bad))):
        PBT(**{"steps": 10, **bad})
