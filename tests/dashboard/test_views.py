"""Views are shared by all who look, kept within bounds, and let go of."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from server_of_tests import Dashboard, of

from luthier import Float, Space, create_study
from luthier.dashboard import figures, views
from luthier.dashboard.figures import Figures
from luthier.dashboard.view import View
from luthier.dashboard.views import Views
from luthier.storages import open_storage


@pytest.fixture
def storage(tmp_path: Path) -> Any:
    return open_storage(tmp_path / "runs.db")


def new_study(storage: Any, name: str, n: int = 3) -> Any:
    study = create_study(study_name=name, storage=storage, space=Space(x=Float(0, 1)), seed=0)
    for _ in range(n):
        trial = study.ask()
        study.tell(trial, trial.params["x"])
    return study


def run(work: Callable[[Views], Awaitable[Any]], views: Views) -> Any:
    async def main() -> Any:
        watch = asyncio.create_task(views.keep_up())
        try:
            return await work(views)
        finally:
            watch.cancel()

    return asyncio.run(main())


def test_a_study_is_let_go_of_when_nobody_looks(storage: Any) -> None:
    for name in ("a", "b"):
        new_study(storage, name)

    async def main(views: Views) -> None:
        listener = await views.listen("a")
        await views.at("b", lambda view: view.version)
        assert views.open_studies == ["a", "b"]
        await until(lambda: views.open_studies == ["a"])  # somebody listens
        views.leave("a", listener)
        await until(lambda: views.open_studies == [])

    run(main, Views(storage, kept=0.5))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


def test_few_studies_stay_open_that_nobody_listens_to(storage: Any) -> None:
    names = [f"s{k}" for k in range(8)]
    for name in names:
        new_study(storage, name, 1)

    async def main(views: Views) -> None:
        for name in names:
            await views.at(name, lambda view: view.version)
        assert set(views.open_studies) <= set(names[-5:])

    run(main, Views(storage))


def test_one_view_for_many(storage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    new_study(storage, "s")
    opened: list[str] = []

    def counted(storage: Any, name: str) -> View:
        opened.append(name)
        return View(storage, name)

    monkeypatch.setattr(views, "View", counted)

    async def main(views: Views) -> None:
        await asyncio.gather(*(views.at("s", lambda view: view.glance()) for _ in range(20)))

    run(main, Views(storage))
    assert opened == ["s"]


def test_who_asks_first_takes_no_news_from_who_listens(storage: Any) -> None:
    study = new_study(storage, "s")

    async def main() -> None:
        views = Views(storage)
        listener = await views.listen("s")
        listener.take()
        study.tell(study.ask(), -1.0)
        assert await views.at("s", _looked) == 4  # a request that comes between two looks
        watch = asyncio.create_task(views.keep_up())
        async with asyncio.timeout(20):
            await listener.news.wait()
        watch.cancel()
        assert listener.take() == {"changed": [3], "n_changed": 1}

    asyncio.run(main())


def _looked(view: View) -> int:
    view.look()
    return len(view.trials)


class _Study:
    version = 1


def test_what_is_costly_is_made_once_for_all_who_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    now, made = 100.0, []
    monkeypatch.setattr(figures, "time", SimpleNamespace(monotonic=lambda: now))

    def make() -> dict[str, Any]:
        nonlocal now
        made.append(now)
        now += 0.1
        return {"n": len(made)}

    async def main() -> None:
        nonlocal now
        kept, study = Figures(), _Study()
        found = await asyncio.gather(*(kept.get("k", make, study) for _ in range(20)))
        assert len(made) == 1
        assert {one.content for one in found} == {b'{"version":1,"n":1}'}
        study.version = 2
        now += 0.4
        assert (await kept.get("k", make, study)).version == 1  # an older one does for a while
        now += 0.2
        assert (await kept.get("k", make, study)).version == 2
        assert (await kept.get("other", make, study)).version == 2
        assert len(made) == 3

    asyncio.run(main())


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "_MOST_BYTES", 50_000)

    async def main() -> None:
        kept = Figures()
        for k in range(100):
            await kept.get(str(k), lambda: {"text": "x" * 9_000}, _Study())
        assert 1 <= len(kept._made) <= 5
        assert len(kept._locks) == 0

    asyncio.run(main())


def test_a_failed_figure_is_tried_again() -> None:
    calls: list[int] = []

    def make() -> dict[str, Any]:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("not now")
        return {}

    async def main() -> None:
        kept = Figures()
        with pytest.raises(ValueError, match="not now"):
            await kept.get("k", make, _Study())
        assert (await kept.get("k", make, _Study())).version == 1

    asyncio.run(main())


def test_who_draws_holds_nobody_up(storage: Any) -> None:
    study = new_study(storage, "s")
    view = View(storage, "s")
    inside, done = threading.Event(), threading.Event()

    def draw() -> None:
        with view.drawing(slow=True) as history:
            inside.set()
            assert done.wait(20)
            assert len(history.Y) == 3

    thread = threading.Thread(target=draw)
    thread.start()
    assert inside.wait(20)
    study.tell(study.ask(), -1.0)
    view.look()
    assert view.table({})["total"] == 4
    with view.drawing() as history:
        assert len(history.Y) == 4
    done.set()
    thread.join(20)
    with view.drawing(slow=True) as history:
        assert history.Y[:, 0].tolist() == [t.value for t in study.trials]


def test_figures_forget_trials_that_were_invalidated(storage: Any) -> None:
    study = new_study(storage, "s", 4)
    view = View(storage, "s")
    best = study.best_trial.number
    with view.drawing() as history:
        assert len(history.Y) == 4
    study.invalidate(best)
    view.look()
    with view.drawing() as history:
        assert len(history.Y) == 3
    assert list(view.best) == [study.best_trial.number] != [best]
    assert (view.n_invalid, view.glance()["states"]) == (1, {"COMPLETE": 3})


def test_what_mattered_and_the_diagnosis(storage: Any, start: Callable[..., Dashboard]) -> None:
    study = new_study(storage, "s", 5)
    dashboard = start(storage)
    status, problem = dashboard.get(of("s", "importance"))
    assert (status, problem["error"]) == (409, "StudyError")
    for _ in range(25):
        trial = study.ask()
        study.tell(trial, trial.params["x"])
    time.sleep(0.3)
    status, found = dashboard.get(of("s", "importance?metric=value"))
    assert status == 200
    assert [row["parameter"] for row in found["rows"]] == ["x"]
    assert found["words"]
    assert dashboard.get(of("s", "importance?metric=nosuch"))[0] == 409
    status, found = dashboard.get(of("s", "diagnosis"))
    assert status == 200
    assert len(found["rows"]) == len(found["words"]) > 3
    assert "Failures" in [row["heading"] for row in found["rows"]]


def test_the_first_look_knows_when_the_last_trial_ended(storage: Any) -> None:
    study = new_study(storage, "old")
    view = View(storage, "old")
    assert view.changed_at == study.trials[-1].finished
    study.enqueue_trial({"x": 0.5})
    before = time.time()
    view.look()
    assert view.changed_at >= before
    assert View(storage, "old").changed_at == study.trials[-2].finished  # what waits has no stamps
    assert View(storage, new_study(storage, "new", 0).study_name).changed_at <= time.time()
