"""The storage contract over all storages: the conformance suite, and random lives."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from luthier.core.checkpoint import Checkpoint
from luthier.core.events import evolve
from luthier.core.objective import Objective
from luthier.core.protocols import Storage
from luthier.core.trial import FrozenTrial, Reports, TrialState
from luthier.errors import LuthierError
from luthier.storages import MemoryStorage, open_storage
from luthier.testing import STORAGE_CHECKS, check_storage

if TYPE_CHECKING:
    from benchmarks.storages.postgres_server import PostgresServer

Factory = Callable[[], Storage]


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def factory(request: pytest.FixtureRequest, tmp_path: Path) -> Factory:
    if request.param == "memory":
        storage = MemoryStorage()
        return lambda: storage
    if request.param == "sqlite":
        return lambda: open_storage(tmp_path / "runs.db")
    url = request.getfixturevalue("postgres_url")
    return lambda: open_storage(url)


@pytest.fixture(scope="module", autouse=True)
def all_storages(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """One storage of each kind, for tests that compare them; each example has its own study."""
    path = tmp_path_factory.mktemp("all") / "runs.db"
    urls = (None, path, postgres.url(schema="contract"))
    STORAGES[:] = map(open_storage, urls)
    yield
    for storage in STORAGES:
        storage.close()
    STORAGES.clear()


STORAGES: list[Storage] = []


@pytest.mark.parametrize("check", STORAGE_CHECKS)
def test_storage_keeps_the_contract(check: str, factory: Factory) -> None:
    STORAGE_CHECKS[check](factory)


def test_the_whole_suite_runs_twice_on_one_store(factory: Factory) -> None:
    check_storage(factory)
    check_storage(factory)


NUMBERS = st.integers(0, 5)
ATTEMPTS = st.integers(0, 3)
STATES = st.sampled_from(TrialState)
VALUES = st.sampled_from([None, True, 1, 1.0, "1", (1, "a"), float("inf"), [1], {"k": 1}])
METRICS = st.dictionaries(st.sampled_from("ab"), st.floats(), min_size=1)
REPORTS = st.lists(st.tuples(st.integers(0, 5), METRICS), max_size=4).map(Reports)


class Lives(RuleBasedStateMachine):
    """The same calls on every storage must give the same answers, and those of a model.

    The model knows states and attempts, and so whether a call is refused. What a call makes of
    a record is compared between the storages, and with the fold of each log.
    """

    def __init__(self) -> None:
        super().__init__()
        self.storages, self.studies = STORAGES, new_studies()
        self.model: list[tuple[TrialState, int]] = []
        self.version = 0

    def all(self, call: Callable[[Storage, int], Any]) -> Any:
        answers = []
        for storage, study in zip(self.storages, self.studies, strict=True):
            try:
                answers.append(call(storage, study))
            except LuthierError as error:
                answers.append(f"{type(error).__name__}: {error}")
        assert len({repr(answer) for answer in answers}) == 1, answers
        return answers[0]

    def known(self, number: int) -> bool:
        return number < len(self.model)

    def runs(self, number: int, attempt: int) -> bool:
        return self.known(number) and self.model[number] == (TrialState.RUNNING, attempt)

    @rule(offset=st.sampled_from([0, 0, 0, 1, -1]), state=STATES, values=st.tuples(VALUES, VALUES))
    def add(self, offset: int, state: TrialState, values: tuple[Any, Any]) -> None:
        number = len(self.model) + offset
        ended = {"metric_names": ("value",), "metric_values": (0.5,)} if state.is_finished else {}
        trial = FrozenTrial(
            number=number, state=state, param_names=("x", "y"), param_values=values, **ended
        )
        answer = self.all(lambda s, i: s.add_trials(i, [trial]))
        if offset == 0:
            self.model.append((state, 0))
            self.version += 1
            assert answer[0].version == self.version
        else:
            assert answer.startswith("NumberTakenError")

    @rule(number=NUMBERS, attempt=ATTEMPTS, budget=st.sampled_from([None, 3, 9]))
    def claim(self, number: int, attempt: int, budget: int | None) -> None:
        answer = self.all(
            lambda s, i: s.claim(i, number, "w", attempt=attempt, at=2.5, budget=budget)
        )
        if not self.known(number):
            assert answer.startswith("TrialNotFoundError")
            return
        state, last = self.model[number]
        if state.is_finished or last != attempt:
            assert answer is None
        else:
            self.model[number] = (TrialState.RUNNING, attempt + 1)
            self.version += 1
            assert answer.state is TrialState.RUNNING

    @rule(number=NUMBERS, attempt=ATTEMPTS, reports=REPORTS)
    def report(self, number: int, attempt: int, reports: Reports) -> None:
        before = self.trials().get(number)
        answer = self.all(lambda s, i: s.report(i, number, attempt, reports))
        if not self.runs(number, attempt):
            assert isinstance(answer, str)
            return
        assert before is not None
        merged = dict(reports.items_in_order()) | dict(before.reports.items_in_order())
        assert repr(dict(sorted(answer.reports.items()))) == repr(dict(sorted(merged.items())))
        self.version += len(merged) > len(before.reports)

    @rule(number=NUMBERS, attempt=ATTEMPTS, step=st.integers(0, 3), reports=REPORTS)
    def checkpoint(self, number: int, attempt: int, step: int, reports: Reports) -> None:
        saved = Checkpoint(step, f"{step}", 1)
        answer = self.all(lambda s, i: s.checkpoint(i, number, attempt, saved, reports))
        if self.runs(number, attempt):
            self.version += 1
            assert answer.checkpoint == saved
        else:
            assert isinstance(answer, str)

    @rule(number=NUMBERS, attempt=ATTEMPTS, state=STATES, lapse=st.booleans())
    def release(self, number: int, attempt: int, state: TrialState, lapse: bool) -> None:
        answer = self.all(lambda s, i: s.release(i, number, attempt, state, "why", lapse=lapse))
        fits = state in (TrialState.WAITING, TrialState.PAUSED)
        if self.runs(number, attempt) and fits:
            self.model[number] = (state, attempt)
            self.version += 1
        else:
            assert isinstance(answer, str)

    @rule(number=NUMBERS, attempt=ATTEMPTS, state=STATES, metrics=METRICS, reports=REPORTS)
    def finish(
        self,
        number: int,
        attempt: int,
        state: TrialState,
        metrics: dict[str, float],
        reports: Reports,
    ) -> None:
        trial = FrozenTrial(
            number=number,
            state=state,
            attempt=attempt,
            metric_names=tuple(metrics),
            metric_values=tuple(metrics.values()),
            reports=reports,
        )
        answer = self.all(lambda s, i: s.finish(i, trial))
        ends = self.runs(number, attempt) and (state.is_finished or state is TrialState.PAUSED)
        idle = self.known(number) and self.model[number] in (
            (TrialState.WAITING, attempt),
            (TrialState.PAUSED, attempt),
        )
        if ends or (idle and state is TrialState.PRUNED):
            self.model[number] = (state, attempt)
            self.version += 1
            assert answer.finished_version == (self.version if state.is_finished else None)
        else:
            assert isinstance(answer, str)

    @rule(number=NUMBERS, key=st.sampled_from("ab"), value=st.sampled_from([None, 1, [1.5], "é"]))
    def set_attrs(self, number: int, key: str, value: object) -> None:
        answer = self.all(lambda s, i: s.set_attrs(i, number, {key: value}))
        if self.known(number):
            self.version += 1
            assert answer.user_attrs[key] == value
        else:
            assert answer.startswith("TrialNotFoundError")

    @rule(number=NUMBERS)
    def invalidate(self, number: int) -> None:
        answer = self.all(lambda s, i: s.invalidate(i, number, "bug"))
        if self.known(number) and self.model[number][0].is_finished:
            self.version += 1
            assert answer.invalid == "bug"
        else:
            assert isinstance(answer, str)

    @rule(key=st.sampled_from("ab"), value=st.integers(0, 9))
    def put_state(self, key: str, value: int) -> None:
        self.version += 1
        assert self.all(lambda s, i: s.put_state(i, key, value)) == self.version
        assert self.all(lambda s, i: s.get_state(i))[key] == value

    @rule()
    def put_space(self) -> None:
        self.version += 1
        assert self.all(lambda s, i: s.put_space(i, "{}")) == self.version

    @rule(back=st.integers(0, 6))
    def look(self, back: int) -> None:
        changes = self.all(lambda s, i: s.changes_since(i, max(0, self.version - back)))
        assert changes.version == self.version

    def trials(self) -> dict[int, FrozenTrial]:
        changes = self.all(lambda s, i: s.changes_since(i, 0))
        return {trial.number: trial for trial in changes.trials}

    @invariant()
    def present_state_is_the_models_and_the_logs(self) -> None:
        trials = self.trials()
        assert [(trials[n].state, trials[n].attempt) for n in range(len(self.model))] == self.model
        for storage, study in zip(self.storages, self.studies, strict=True):
            folded: dict[int, FrozenTrial] = {}
            events = storage.events(study)
            assert [e.version for e in events] == list(range(1, self.version + 1))
            for event in events:
                if event.number is not None:
                    folded[event.number] = evolve(folded.get(event.number), event)
            assert repr(folded) == repr(dict(sorted(trials.items())))


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)


TEXT = st.text(st.characters(exclude_categories=()), max_size=30)  # NUL and surrogates included
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
PARAMS = st.dictionaries(
    TEXT, st.floats(allow_nan=False) | st.integers() | st.booleans() | st.none() | TEXT, max_size=4
)


@settings(max_examples=80, deadline=None)
@given(PARAMS, METRICS, TEXT, TEXT, st.dictionaries(TEXT, JSON, max_size=3), REPORTS)
def test_whatever_is_stored_is_read_the_same_from_every_storage(
    params: dict[str, Any],
    metrics: dict[str, float],
    worker: str,
    error: str,
    attrs: dict[str, Any],
    reports: Reports,
) -> None:
    running = FrozenTrial(number=0, state=TrialState.RUNNING, attempt=1, worker=worker)
    end = replace(
        running,
        state=TrialState.COMPLETE,
        param_names=tuple(params),
        param_values=tuple(params.values()),
        metric_names=tuple(metrics),
        metric_values=tuple(metrics.values()),
        reports=reports,
        error=error,
    )
    texts = []
    for storage, study in zip(STORAGES, new_studies(), strict=True):
        storage.add_trials(study, [running])
        storage.set_attrs(study, 0, attrs)
        storage.put_state(study, "k", attrs)
        returned = storage.finish(study, end)
        best = storage.best_trial(study, "maximize")
        [read] = storage.changes_since(study, 0).trials
        state = storage.get_state(study)
        plain = replace(read, worker=_plain(read.worker), error=_plain(read.error))
        texts.append(repr((plain, state, best and best.number)))
        assert repr(read) == repr(returned) or storage is STORAGES[0]
    assert len(set(texts)) == 1, texts


def _plain(text: str | None) -> str:
    """A message as databases keep it; memory keeps it as it is."""
    return (text or "").encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")


@settings(max_examples=40, deadline=None)
@given(TEXT)
def test_names_are_kept_or_refused_alike_everywhere(name: str) -> None:
    name += secrets.token_hex(8)
    answers = []
    for storage in STORAGES:
        try:
            study = storage.create_study(name, Objective(), 0, {}).id
            storage.put_state(study, name, 1)
            answers.append(repr((storage.load_study(name).name, storage.get_state(study))))
            storage.delete_study(name)
        except LuthierError as error:
            answers.append(f"{type(error).__name__}: {error}")
    assert len(set(answers)) == 1, answers
    assert answers[0].startswith("ArgumentError: The name") != (_plain(name) == name)


def new_studies() -> list[int]:
    name = secrets.token_hex(8)
    return [s.create_study(name, Objective(), 0, {}).id for s in STORAGES]


def test_a_change_that_is_no_json_is_refused_whole(factory: Factory) -> None:
    storage = factory()
    study = storage.create_study("s", Objective(), 0, {}).id
    trial = FrozenTrial(number=0, user_attrs={"x": [1]})
    stored = storage.add_trials(study, [trial, replace(trial, number=1)])
    assert [t.version for t in stored] == [1, 2]
    with pytest.raises(LuthierError, match=r"user attribute.*must be a JSON value"):
        storage.add_trials(study, [replace(trial, number=2, user_attrs={"x": object()})])
    assert storage.changes_since(study, 2).version == 2
