"""Tests of the study's face: ask, tell, enqueue, add, best, attributes, invalidation."""

import math
from pathlib import Path
from typing import Any

import pytest

import luthier
from luthier import Categorical, Constant, Float, Int, Space, TrialState
from luthier.errors import (
    ArgumentError,
    IncompatibleParamError,
    LuthierError,
    NoTrialError,
    ParamValueError,
    SpaceError,
    StudyError,
    StudyExistsError,
    StudyMismatchError,
    StudyNotFoundError,
    TrialNotFoundError,
    TrialStateError,
    UnknownParamError,
)


def told(study: luthier.Study, value: float, **params: float) -> luthier.FrozenTrial:
    trial = study.ask()
    for name in params:
        trial.suggest_float(name, 0, 1)
    return study.tell(trial, value)


class TestCreate:
    def test_defaults(self) -> None:
        study = luthier.create_study()
        assert study.study_name.startswith("study-")
        assert study.direction == "minimize"
        assert study.trials == []
        assert repr(study) == f"<Study {study.study_name!r}: no trials>"

    def test_names_are_unique_in_a_storage(self) -> None:
        storage = luthier.open_storage(None)
        luthier.create_study(study_name="a", storage=storage, seed=1)
        with pytest.raises(StudyExistsError, match="'a'"):
            luthier.create_study(study_name="a", storage=storage)
        again = luthier.create_study(study_name="a", storage=storage, load_if_exists=True)
        assert again.seed == 1

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"seed": 2}, "exists with seed=1, got seed=2"),
            ({"direction": "maximize"}, "exists with the objectives"),
        ],
    )
    def test_contradicting_settings_are_refused(
        self, arguments: dict[str, Any], message: str
    ) -> None:
        storage = luthier.open_storage(None)
        luthier.create_study(study_name="a", storage=storage, seed=1)
        with pytest.raises(StudyMismatchError) as caught:
            luthier.create_study(study_name="a", storage=storage, load_if_exists=True, **arguments)
        assert message in str(caught.value)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"seed": -1}, "seed must be an integer from 0"),
            ({"seed": 0.5}, "seed must be an integer from 0"),
            ({"seed": True}, "seed must be an integer from 0"),
            ({"study_name": ""}, "study_name must be non-empty text"),
            ({"study_name": 3}, "study_name must be non-empty text"),
            ({"strategy": "magic"}, "magic"),
            ({"sampler": "magic"}, "magic"),
            ({"scheduler": "magic"}, "magic"),
            ({"storage": "mysql://x"}, "mysql"),
            ({"checkpoints": 5}, "must be a folder, got 5. Give its path as text or"),
            ({"checkpoints": b"saved"}, "must be a folder, got b'saved'. Give its path"),
        ],
    )
    def test_bad_arguments(self, arguments: dict[str, Any], message: str) -> None:
        with pytest.raises(ArgumentError) as caught:
            luthier.create_study(**arguments)
        assert message in str(caught.value)

    def test_load_needs_a_name_unless_there_is_one_study(self) -> None:
        storage = luthier.open_storage(None)
        with pytest.raises(ArgumentError, match="the storage holds 0 studies"):
            luthier.load_study(storage=storage)
        luthier.create_study(study_name="only", storage=storage)
        assert luthier.load_study(storage=storage).study_name == "only"
        luthier.create_study(study_name="other", storage=storage)
        with pytest.raises(ArgumentError, match="2 studies: only, other"):
            luthier.load_study(storage=storage)
        with pytest.raises(StudyNotFoundError, match="'none'"):
            luthier.load_study(study_name="none", storage=storage)

    def test_delete_and_summaries(self) -> None:
        storage = luthier.open_storage(None)
        study = luthier.create_study(study_name="a", storage=storage)
        told(study, 1.0)
        study.ask()
        [summary] = luthier.get_all_study_summaries(storage)
        assert summary.n_trials == 2
        assert summary.states == {TrialState.RUNNING: 1, TrialState.COMPLETE: 1}
        luthier.delete_study(study_name="a", storage=storage)
        assert luthier.get_all_study_names(storage) == []
        with pytest.raises(StudyNotFoundError):
            luthier.delete_study(study_name="a", storage=storage)

    def test_stored_sampler_is_taken_up_again(self) -> None:
        storage = luthier.open_storage(None)
        luthier.create_study(study_name="a", storage=storage, strategy="grid", scheduler="median")
        study = luthier.load_study(study_name="a", storage=storage)
        assert study.sampler.spec["name"] == "grid"
        assert study.scheduler.spec["name"] == "median"
        changed = luthier.load_study(study_name="a", storage=storage, sampler="random")
        assert changed.scheduler.spec["name"] == "median"
        assert luthier.load_study(study_name="a", storage=storage).sampler.spec["name"] == "random"


class TestAskTell:
    def test_round_trip(self) -> None:
        study = luthier.create_study(seed=0)
        trial = study.ask()
        x = trial.suggest_float("x", 0, 1)
        assert trial.params == {"x": x}
        record = study.tell(trial, 0.25)
        assert (record.state, record.value, record.params) == (
            TrialState.COMPLETE,
            0.25,
            {"x": x},
        )
        assert study.best_trial == record
        assert study.best_params == {"x": x}

    def test_tell_by_number(self) -> None:
        study = luthier.create_study(seed=0)
        x = study.ask().suggest_float("x", 0, 1)
        assert study.tell(0, 1).params == {"x": x}

    def test_tell_of_a_trial_asked_for_elsewhere_keeps_what_it_was_given(self) -> None:
        storage = luthier.open_storage(None)
        study = luthier.create_study(study_name="a", storage=storage, seed=0)
        asked = study.ask({"x": Float(0, 1)}).params
        elsewhere = luthier.load_study(study_name="a", storage=storage)
        assert elsewhere.tell(0, 1).params == asked

    def test_tell_refuses_a_trial_of_another_study(self) -> None:
        storage = luthier.open_storage(None)
        first, second = (luthier.create_study(study_name=n, storage=storage) for n in "ab")
        trial, _ = first.ask(), second.ask()
        with pytest.raises(ArgumentError, match="Trial 0 belongs to study 'a', not to 'b'"):
            second.tell(trial, 1.0)
        same = luthier.load_study(study_name="a", storage=storage)
        assert same.tell(trial, 1.0).value == 1.0

    def test_values_too_large_for_a_float_fail_the_trial(self) -> None:
        study = luthier.create_study()
        told = study.tell(study.ask(), 10**400)
        assert told.state is TrialState.FAILED
        assert "must fit into a float" in str(told.error)

    @pytest.mark.parametrize("fixed", [3, [("x", Float(0, 1))], {"x": 3}])
    def test_ask_needs_definitions_by_name(self, fixed: Any) -> None:
        study = luthier.create_study()
        with pytest.raises(ArgumentError, match=r"ask: .* such as .*Float\(0, 1\)"):
            study.ask(fixed)
        assert study.trials == []

    def test_ask_may_redefine_what_conditions_were_learnt_from(self) -> None:
        study = luthier.create_study(seed=0)

        def objective(trial: luthier.Trial) -> float:
            if trial.suggest_categorical("kind", ["a", "b"]) == "a":
                trial.suggest_float("x", 0, 1)
            return 1.0

        study.optimize(objective, n_trials=10)
        assert study.space["x"].when is not None
        assert study.ask({"kind": Categorical(["c"])}).params == {"kind": "c"}

    def test_fixed_distributions(self) -> None:
        study = luthier.create_study(seed=0)
        space = {"x": Float(0, 1), "kind": Categorical(["a", "b"])}
        trial = study.ask(space)
        assert set(trial.params) == {"x", "kind"}
        study.tell(trial, 1.0)
        assert set(study.ask(space).params) == {"x", "kind"}
        assert set(study.space) == {"x", "kind"}
        with pytest.raises(ArgumentError, match="'x' must be a parameter such as Float"):
            study.ask({"x": (0, 1)})  # type: ignore[dict-item]

    def test_a_trial_is_told_once(self) -> None:
        study = luthier.create_study(seed=0)
        trial = study.ask()
        first = study.tell(trial, 1.0)
        with pytest.raises(TrialStateError, match=r"Trial 0 must be RUNNING .* it is COMPLETE"):
            study.tell(trial, 2.0)
        assert study.tell(trial, 2.0, skip_if_finished=True) == first
        with pytest.raises(TrialNotFoundError, match="has no trial 7; it has 1 trials"):
            study.tell(7, 1.0)

    @pytest.mark.parametrize("value", [None, math.nan, "bad", [1, 2]])
    def test_unusable_values_fail_the_trial(self, value: Any) -> None:
        study = luthier.create_study()
        record = study.tell(study.ask(), value)
        assert record.state is TrialState.FAILED
        assert record.error is not None
        assert record.error.startswith("ObjectiveError: ")
        assert record.value is None

    def test_states(self) -> None:
        study = luthier.create_study()
        assert study.tell(study.ask(), state=TrialState.FAILED).state is TrialState.FAILED
        pruned = study.ask()
        pruned.report(3.0, step=1)
        pruned.report(2.0, step=2)
        record = study.tell(pruned, state=TrialState.PRUNED)
        assert record.value == 2.0
        assert record.intermediate_values == {1: 3.0, 2: 2.0}
        with pytest.raises(ArgumentError, match="state must be COMPLETE, PRUNED or FAILED"):
            study.tell(study.ask(), 1.0, state=TrialState.RUNNING)
        with pytest.raises(ArgumentError, match="a FAILED trial has no values"):
            study.tell(study.ask(), 1.0, state=TrialState.FAILED)

    def test_infinite_values_are_ordered(self) -> None:
        study = luthier.create_study()
        for value in (math.inf, 2.0, -math.inf):
            told(study, value)
        assert study.best_value == -math.inf

    def test_named_metrics(self) -> None:
        study = luthier.create_study(metrics={"acc": "maximize"}, constraints=["mb <= 10"])
        study.tell(study.ask(), {"acc": 0.9, "mb": 20})
        study.tell(study.ask(), {"acc": 0.8, "mb": 5, "note": 3})
        assert study.best_trial.metrics == {"acc": 0.8, "mb": 5.0, "note": 3.0}

    def test_exhausted(self) -> None:
        study = luthier.create_study(space=Space(a=Int(0, 1)), strategy="grid")
        assert {study.tell(study.ask(), 1).params["a"] for _ in range(2)} == {0, 1}
        with pytest.raises(StudyError, match="its space is exhausted"):
            study.ask()

    def test_a_scheduler_that_is_done(self) -> None:
        study = luthier.create_study(scheduler="pbt:steps=5,population=2", seed=0)
        trials = [study.ask({"x": Float(0, 1)}) for _ in range(2)]
        with pytest.raises(StudyError, match=r"its scheduler .*, with 2 .*Tell their results"):
            study.ask()
        for trial in trials:
            study.tell(trial, trial.params["x"])
        with pytest.raises(StudyError, match=r"nothing more\. Choose another, or"):
            study.ask()


class TestBest:
    def test_nothing_yet(self) -> None:
        study = luthier.create_study()
        study.tell(study.ask(), state=TrialState.FAILED)
        with pytest.raises(NoTrialError, match=r"no completed trial yet \(1 failed, 0 pruned\)"):
            _ = study.best_trial
        assert study.best_trials == []

    def test_maximise(self) -> None:
        study = luthier.create_study(direction="maximize")
        for value in (1.0, 3.0, 2.0):
            told(study, value)
        assert (study.best_value, study.best_trial.number) == (3.0, 1)

    def test_several_objectives(self) -> None:
        study = luthier.create_study(directions=["minimize", "maximize"])
        for values in ((1, 1), (2, 2), (2, 1), (1, 1)):
            study.tell(study.ask(), values)
        assert [t.number for t in study.best_trials] == [0, 1, 3]
        with pytest.raises(StudyError, match="best_trial needs a single objective"):
            _ = study.best_trial
        with pytest.raises(StudyError, match="Use directions"):
            _ = study.direction

    def test_none_feasible(self) -> None:
        study = luthier.create_study(metrics={"a": "minimize"}, constraints=["mb <= 1"])
        study.tell(study.ask(), {"a": 1, "mb": 5})
        study.tell(study.ask(), {"a": 2, "mb": 3})
        with pytest.raises(NoTrialError, match="least infeasible is trial 1"):
            _ = study.best_trial

    def test_invalidated_trials_do_not_count(self) -> None:
        study = luthier.create_study()
        told(study, 1.0)
        told(study, 2.0)
        study.invalidate(0, "leaked labels")
        assert study.best_value == 2.0
        assert study.trials[0].invalid == "leaked labels"
        with pytest.raises(TrialNotFoundError, match="no trial 5"):
            study.invalidate(5)
        with pytest.raises(TrialStateError):
            study.invalidate(study.ask())

    def test_the_best_of_an_unread_study_is_the_same(self, tmp_path: Path) -> None:
        path = tmp_path / "s.db"
        study = luthier.create_study(storage=path, direction="maximize")
        for value in (1.0, 3.0, 3.0, 2.0):
            told(study, value, x=1.0)
        unread = luthier.load_study(storage=path)
        assert unread._driver.mirror.unread
        best = unread.best_trial
        assert unread._driver.mirror.unread
        assert best == study.best_trial == unread.trials[1]
        assert unread.best_trial == best

    def test_the_best_of_an_empty_stored_study(self, tmp_path: Path) -> None:
        path = tmp_path / "s.db"
        luthier.create_study(storage=path)
        with pytest.raises(NoTrialError, match="no completed trial yet"):
            _ = luthier.load_study(storage=path).best_trial


class TestEnqueue:
    def test_comes_next_and_is_completed(self) -> None:
        study = luthier.create_study(space=Space(x=Float(0, 1), y=Float(0, 1)), seed=0)
        study.enqueue_trial({"x": 0.125}, user_attrs={"why": "guess"})
        trial = study.ask()
        assert trial.params["x"] == 0.125
        assert 0 <= trial.params["y"] <= 1
        assert trial.user_attrs == {"why": "guess"}

    def test_define_by_run(self) -> None:
        study = luthier.create_study(seed=0)
        study.enqueue_trial({"x": 0.125})
        trial = study.ask()
        assert trial.suggest_float("x", 0, 1) == 0.125

    def test_outside_values_fail_loudly(self) -> None:
        study = luthier.create_study(seed=0)
        study.enqueue_trial({"x": 3})
        with pytest.raises(ParamValueError, match="'x'"):
            study.ask().suggest_float("x", 0, 1)
        declared = luthier.create_study(space=Space(x=Float(0, 1)))
        with pytest.raises(ParamValueError, match="'x'"):
            declared.enqueue_trial({"x": 3})
        with pytest.raises(UnknownParamError, match="'xx'"):
            declared.enqueue_trial({"xx": 0.5})
        with pytest.raises(ArgumentError, match="params must be a mapping"):
            declared.enqueue_trial([1])  # type: ignore[arg-type]

    def test_unused_names_are_said(self, caplog: pytest.LogCaptureFixture) -> None:
        study = luthier.create_study(seed=0)
        study.enqueue_trial({"lr": 0.5, "larning_rate": 0.5})
        trial = study.ask()
        trial.suggest_float("lr", 0, 1)
        study.tell(trial, 1.0)
        assert "was given 'larning_rate', but its objective never asked" in caplog.text

    def test_skip_if_exists(self) -> None:
        study = luthier.create_study()
        for params in ({"x": 1}, {"x": 1}, {"x": True}, {"y": 1}):
            study.enqueue_trial(params, skip_if_exists=True)
        assert [t.params for t in study.trials] == [{"x": 1}, {"x": True}, {"y": 1}]

    def test_skip_if_exists_tells_choices_apart(self) -> None:
        study = luthier.create_study(space={"c": Categorical([1, 1.0, True]), "x": Float(0, 1)})
        for choice in (1, 1.0, True, 1):
            study.enqueue_trial({"c": choice, "x": 1}, skip_if_exists=True)
        assert [t.params["c"] for t in study.trials] == [1, 1.0, True]

    def test_an_invalidated_trial_does_not_count_as_existing(self) -> None:
        study = luthier.create_study(space={"x": Float(0, 1)}, seed=0)
        study.tell(study.ask(), 1.0)
        study.invalidate(0)
        study.enqueue_trial(study.trials[0].params, skip_if_exists=True)
        assert len(study.trials) == 2

    def test_ranges_may_have_changed(self, caplog: pytest.LogCaptureFixture) -> None:
        study = luthier.create_study(seed=0)
        told(study, 1.0, x=1.0)
        study.enqueue_trial({"x": 5.0})
        assert "earlier trials couldn't have: Float(0.0, 1.0)" in caplog.text
        assert study.ask().suggest_float("x", 0, 10) == 5.0

    @pytest.mark.parametrize("seed", range(8))
    def test_a_conditional_value_brings_its_condition(self, seed: int) -> None:
        space = Space(kind=Categorical(["a", "b"]), n=Int(1, 5, when={"kind": "a"}))
        study = luthier.create_study(space=space, seed=seed)
        study.enqueue_trial({"n": 3})
        assert study.trials[0].params == {"kind": "a", "n": 3}

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (({3: 1},), "name must be text, got 3"),
            (({"x": object()},), "must be a JSON value"),
            (({"x": 1}, 3), "user_attrs must be a mapping, got 3"),
        ],
    )
    def test_what_no_record_can_hold(self, arguments: Any, message: str) -> None:
        study = luthier.create_study()
        with pytest.raises(LuthierError, match=message):
            study.enqueue_trial(*arguments)
        assert study.trials == []


class TestAdd:
    def test_finished_trials_of_elsewhere(self) -> None:
        study = luthier.create_study()
        study.add_trial(
            luthier.create_trial(value=0.5, params={"x": 0.25}, distributions={"x": Float(0, 1)})
        )
        assert study.best_params == {"x": 0.25}
        assert dict(study.space) == {"x": Float(0, 1)}
        study.add_trials([study.best_trial, luthier.create_trial(state=TrialState.FAILED)])
        assert [t.number for t in study.trials] == [0, 1, 2]

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (luthier.create_trial, "needs value, values or metrics"),
            (lambda: luthier.create_trial(value=1, values=[1]), "only one of value"),
            (
                lambda: luthier.create_trial(
                    value=1, params={"x": 1}, distributions={"y": Float(0, 1)}
                ),
                "must have the same names",
            ),
        ],
    )
    def test_bad_trials(self, make: Any, message: str) -> None:
        with pytest.raises(ArgumentError, match=message):
            make()

    def test_only_trials_with_our_objectives(self) -> None:
        study = luthier.create_study(directions=["minimize", "minimize"])
        with pytest.raises(ArgumentError, match="has 1 objective values"):
            study.add_trial(luthier.create_trial(value=1))
        with pytest.raises(ArgumentError, match="needs a FrozenTrial, got dict"):
            study.add_trial({"value": 1})  # type: ignore[arg-type]
        study.add_trial(luthier.create_trial(values=[1, 2]))
        assert study.trials[0].values == [1, 2]


class TestNotes:
    def test_on_studies_and_trials(self) -> None:
        study = luthier.create_study()
        study.set_user_attr("data", {"rows": 3})
        assert study.user_attrs == {"data": {"rows": 3}}
        trial = study.ask()
        trial.set_user_attr("path", "a/b")
        assert study.trials[0].user_attrs == {"path": "a/b"}
        assert study.tell(trial, 1).user_attrs == {"path": "a/b"}

    @pytest.mark.parametrize(("key", "value"), [(3, 1), ("a", object()), ("a", math.nan)])
    def test_only_json(self, key: Any, value: Any) -> None:
        study = luthier.create_study()
        with pytest.raises(ArgumentError, match="ser attribute"):
            study.set_user_attr(key, value)
        with pytest.raises(ArgumentError, match="ser attribute"):
            study.ask().set_user_attr(key, value)


def test_copy_study() -> None:
    source, target = luthier.open_storage(None), luthier.open_storage(None)
    study = luthier.create_study(study_name="a", storage=source, seed=3)
    for value in (3.0, 1.0, 2.0):
        told(study, value, x=1.0)
    study.invalidate(1)
    study.set_user_attr("k", 1)
    copy = luthier.copy_study(from_study_name="a", from_storage=source, to_storage=target)
    assert copy.best_value == 2.0
    assert [t.params for t in copy.trials] == [t.params for t in study.trials]
    assert copy.user_attrs == {"k": 1}
    assert copy.seed == 3


def test_dataframe() -> None:
    study = luthier.create_study(seed=0)
    told(study, 1.0, x=1.0)
    frame = study.trials_dataframe()
    assert frame.loc[0, "value"] == 1.0
    assert "params_x" in frame.columns
    assert study.trials_dataframe(("number", "params"), multi_index=True).columns.tolist() == [
        ("number", ""),
        ("params", "x"),
    ]
    with pytest.raises(ArgumentError, match="Trials have no attribute 'colour'"):
        study.trials_dataframe(("colour",))


def test_a_callback_that_hears_gets_events_for_as_long_as_it_is_called() -> None:
    class Diary:
        def __init__(self) -> None:
            self.pages: list[str] = []

        def __call__(self, study: luthier.Study, trial: luthier.FrozenTrial) -> None:
            self.pages.append(f"trial {trial.number} ended")

        def hear(self, event: object) -> None:
            self.pages.append(type(event).__name__)

    def reporting(trial: luthier.Trial) -> float:
        trial.report(1.0, 1)
        return 1.0

    def failing(trial: luthier.Trial) -> float:
        raise KeyboardInterrupt

    study, diary = luthier.create_study(seed=0), Diary()
    study.optimize(reporting, 1, callbacks=[diary])
    told = ["TrialStarted", "TrialReported", "TrialFinished", "trial 0 ended", "StudyStopped"]
    assert diary.pages == told
    study.optimize(reporting, 1)
    assert diary.pages == told
    with pytest.raises(KeyboardInterrupt):
        study.optimize(failing, 1, callbacks=[diary])
    heard = len(diary.pages)
    study.optimize(reporting, 1)
    assert len(diary.pages) == heard


def test_subscribe_hears_events() -> None:
    study = luthier.create_study(seed=0)
    heard: list[str] = []
    study.subscribe(lambda event: heard.append(type(event).__name__))

    def objective(trial: luthier.Trial) -> float:
        trial.report(1.0, 0)
        if trial.number == 1:
            raise ValueError("no")
        return 1.0

    study.optimize(objective, n_trials=2)
    assert heard == [
        "TrialStarted",
        "TrialReported",
        "TrialFinished",
        "TrialStarted",
        "TrialReported",
        "TrialFailed",
        "StudyStopped",
    ]
    with pytest.raises(ArgumentError, match="subscribe needs a function"):
        study.subscribe(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda t: t.suggest_float("lr", 1, 0), "Float 'lr': low must be"),
        (lambda t: t.suggest_float("lr", 0, 1, log=True), "Float 'lr': "),
        (lambda t: t.suggest_int("n", 3, 1), "Int 'n': low must be"),
        (lambda t: t.suggest_categorical("c", []), "Categorical 'c': "),
    ],
)
def test_bad_definitions_name_their_parameter(ask: Any, message: str) -> None:
    with pytest.raises(SpaceError) as caught:
        ask(luthier.create_study().ask())
    assert message in str(caught.value)


def test_computed_bounds_may_meet() -> None:
    trial = luthier.create_study(seed=0).ask()
    assert trial.suggest_int("n", 1, 1) == 1
    assert trial.suggest_float("x", 0.5, 0.5) == 0.5
    with pytest.raises(SpaceError, match="Int 'm'"):
        trial.suggest_int("m", 1.5, 1.5)  # type: ignore[arg-type]


def test_one_name_means_one_thing_within_a_trial() -> None:
    trial = luthier.create_study(seed=0).ask()
    x = trial.suggest_float("x", 0, 1)
    assert trial.suggest_float("x", 0, 1) == x
    with pytest.raises(IncompatibleParamError, match=r"Float\(0.0, 1.0\) first and Float\(0.0, 2"):
        trial.suggest_float("x", 0, 2)


def test_the_space_may_change_between_trials() -> None:
    study = luthier.create_study(seed=0)
    for high in (1, 10):
        trial = study.ask()
        trial.suggest_float("x", 0, high)
        study.tell(trial, 1.0)
    assert dict(study.space) == {"x": Float(0, 10)}
    assert study.history.X.shape == (2, 1)
    trial = study.ask()
    kind = trial.suggest_categorical("x", ["a", "b"])
    study.tell(trial, 1.0)
    assert kind in ("a", "b")
    assert dict(study.space) == {"x": Categorical(["a", "b"])}
    assert math.isnan(study.history.X[0, 0])


class TestDeclaredSpaces:
    """What is declared stands against what objectives ask for; the log's order decides."""

    @pytest.mark.parametrize("storage", ["memory:", "file.db"])
    def test_a_contradicting_definition_fails_its_trial_only(
        self, storage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        store = luthier.open_storage(storage)
        space = Space(kind=Categorical(["a", "b"]), x=Float(0, 1, when={"kind": "a"}))
        study = luthier.create_study(study_name="s", storage=store, space=space, seed=0)

        def objective(trial: luthier.Trial) -> float:
            if trial.number == 1:
                trial.suggest_categorical("kind", ["c", "b"])  # the condition of x needs "a"
            return 1.0

        study.optimize(objective, n_trials=3)
        states = [t.state for t in study.trials]
        assert states == [TrialState.COMPLETE, TrialState.FAILED, TrialState.COMPLETE]
        assert "Categorical 'kind'" in str(study.trials[1].error)
        assert luthier.load_study(study_name="s", storage=store).space == space

    def test_conditions_on_unknown_names_fail_the_trial(self) -> None:
        study = luthier.create_study(seed=0)
        study.optimize(lambda t: t.suggest("x", Float(0, 1, when={"none": 1})), n_trials=2)
        assert all("every name must be a parameter" in str(t.error) for t in study.trials)

    def test_the_latest_definition_stands_in_every_process(self) -> None:
        storage = luthier.open_storage(None)
        study = luthier.create_study(study_name="s", storage=storage, seed=0)
        study.optimize(lambda t: t.suggest_float("x", 0, 10), n_trials=3)
        narrow = luthier.load_study(study_name="s", storage=storage, space=Space(x=Float(0, 1)))
        other = luthier.load_study(study_name="s", storage=storage)
        assert narrow.space == other.space == Space(x=Float(0, 1))
        other.optimize(lambda t: t.params["x"], n_trials=3)
        assert other.replay().exact

    def test_loading_with_the_same_space_keeps_what_objectives_changed(self) -> None:
        storage = luthier.open_storage(None)
        space = Space(x=Float(0, 1))
        study = luthier.create_study(study_name="s", storage=storage, space=space, seed=0)
        study.optimize(lambda t: t.suggest_float("x", 0, 10), n_trials=2)
        again = luthier.load_study(study_name="s", storage=storage, space=space)
        assert again.space == Space(x=Float(0, 10))
        again.optimize(lambda t: t.suggest_float("x", 0, 10), n_trials=2)
        assert again.replay().exact

    def test_a_new_space_may_contradict_what_was_asked_for(self) -> None:
        storage = luthier.open_storage(None)
        study = luthier.create_study(study_name="s", storage=storage, seed=0)
        asked = {"kind": Categorical(["a"]), "x": Float(0, 1, when={"kind": "a"})}
        study.tell(study.ask(asked), 1.0)
        declared = Space(kind=Categorical(["b"]))
        luthier.load_study(study_name="s", storage=storage, space=declared)
        space = luthier.load_study(study_name="s", storage=storage).space
        assert dict(space) == {"kind": Categorical(["b"]), "x": Float(0, 1)}


@pytest.mark.parametrize("states", [3, ["COMPLETE"]])
def test_get_trials_needs_states(states: Any) -> None:
    with pytest.raises(ArgumentError, match="states must be a list such as"):
        luthier.create_study().get_trials(states=states)


@pytest.mark.parametrize("trial", ["a", None, 7, 0.0])
def test_invalidate_needs_a_trial(trial: Any) -> None:
    study = luthier.create_study()
    study.tell(study.ask(), 1.0)
    with pytest.raises(TrialNotFoundError, match="has no trial"):
        study.invalidate(trial)
    with pytest.raises(ArgumentError, match="the reason must be text, got 3"):
        study.invalidate(0, reason=3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "call",
    [
        luthier.get_all_study_names,
        luthier.get_all_study_summaries,
        lambda storage: luthier.delete_study(study_name="a", storage=storage),
        lambda storage: luthier.load_study(study_name="a", storage=storage),
        luthier.open_storage,
        lambda storage: luthier.copy_study(
            from_study_name="a", from_storage=storage, to_storage=None
        ),
    ],
)
def test_unknown_kinds_of_storage_are_refused_everywhere(call: Any) -> None:
    with pytest.raises(ArgumentError, match="mysql"):
        call("mysql://x")


@pytest.mark.parametrize("strategy", ["auto", "gp", "tpe", "forest", "sobol"])
@pytest.mark.parametrize(
    "later",
    [
        {"x": Float(0, 1), "y": Float(0, 1)},
        {"x": Float(0, 2)},
        {"x": Categorical(["a", "b"])},
        {"x": Float(0, 1), "n": Int(1, 5), "kind": Categorical(["a", "b"])},
    ],
)
def test_asking_with_definitions_that_are_new_or_changed(
    strategy: str, later: dict[str, Any]
) -> None:
    study = luthier.create_study(strategy=strategy, seed=1)
    for definitions in [{"x": Float(0, 1)}] * 12 + [later] * 6:
        trial = study.ask(definitions)
        assert set(trial.params) == set(definitions)
        study.tell(trial, float(trial.number % 5))


@pytest.mark.parametrize("strategy", ["auto", "gp", "tpe", "forest"])
def test_a_space_of_constants_has_one_trial(strategy: str) -> None:
    study = luthier.create_study(space=Space(a=Constant(1)), strategy=strategy)
    study.optimize(lambda trial: float(trial.params["a"]), n_trials=5)
    assert [dict(trial.params) for trial in study.trials] == [{"a": 1}]


def test_a_strategy_is_explained_by_what_was_set() -> None:
    sampler = luthier.samplers.GP(trust_region=False, kappa=2)
    study = luthier.create_study(space=Space(x=Float(0, 1)), sampler=sampler, scheduler="median")
    assert study.explain_strategy() == (
        "Sampler gp with kappa=2, trust_region=False. Nothing has been proposed yet.\n"
        "Scheduler median."
    )


def test_a_study_says_what_its_steps_count(tmp_path: Path) -> None:
    where = f"sqlite:///{tmp_path / 'study.db'}"
    made: dict[str, Any] = {"study_name": "s", "storage": where, "load_if_exists": True}
    study = luthier.create_study(
        **made, sampler="tpe", scheduler="asha:max_resource=9", fidelity="epoch", seed=0
    )
    study.optimize(lambda t: t.suggest_float("x", 0, 1) + 1 / t.budget, n_trials=20)
    assert "that have reached epoch " in study.explain_strategy()
    assert study.explain_strategy().endswith("It compares trials at epoch 1, 3, 9.")
    again = luthier.create_study(**made)  # keeps its own
    assert again.objective.fidelity == "epoch"
    assert luthier.load_study(storage=where).objective.fidelity == "epoch"


def test_a_strategy_on_rungs_says_what_it_learns_from() -> None:
    study = luthier.create_study(
        space=Space(x=Float(0, 1)), sampler="tpe", scheduler="asha:max_resource=9", seed=0
    )

    def learns_from(n_trials: int) -> str:
        study.optimize(lambda t: t.params["x"] + 1 / (t.budget or 9), n_trials=n_trials)
        return study.explain_strategy().splitlines()[0]

    few, many = learns_from(2), learns_from(18)
    assert few.startswith("Sampler tpe. It learns from all trials, as too few have reached a rung.")
    reached = len(study.history.reached(3).completed)
    assert f"It learns from the {reached} trials that have reached step 3. The latest" in many
