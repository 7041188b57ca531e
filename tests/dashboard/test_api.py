"""What the dashboard answers: studies, tables, trials, figures, forms, downloads, changes."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from server_of_tests import TOKEN, Dashboard, of

from luthier import Categorical, Float, Int, Space, TrialState, create_study, load_study
from luthier.core.trial import FrozenTrial, Reports
from luthier.dashboard.files import Files
from luthier.dashboard.routes import ROUTES
from luthier.plots import FIGURES
from luthier.storages import open_storage

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "quotes": "\"'`<img src=x onerror=alert(1)>",
    "rtl": "\u202eelbatsni \u0645\u0631\u062d\u0628\u0627",
    "emoji": "\U0001f469\u200d\U0001f52c\U0001f3fd",
    "sql": "x'; DROP TABLE trials; --",
    "path": "../../etc/passwd",
    "lines": "two\nlines\r\n\tand a tab",
    "long": "ü<b>" * 2_500,
    "dollar": "$tuple",
    "percent": "%2F%00 {study}",
}


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "postgresql":
        return open_storage(request.getfixturevalue("postgres_url"))
    return open_storage("memory:" if request.param == "memory" else tmp_path / "runs.db")


@pytest.fixture
def sqlite(tmp_path: Path) -> Any:
    return open_storage(tmp_path / "runs.db")


SPACE = Space(
    lr=Float(1e-4, 1.0, log=True),
    opt=Categorical(["adam", "sgd"]),
    momentum=Float(0.0, 1.0, when={"opt": "sgd"}),
    depth=Int(1, 9),
).require("lr * depth <= 5")


def filled(storage: Any, name: str = "s", n: int = 12) -> Any:
    study = create_study(study_name=name, storage=storage, space=SPACE, sampler="random", seed=3)
    study._driver.flush_seconds = 0.0
    for k in range(n):
        trial = study.ask()
        for step in range(1, 4):
            trial.report(10.0 - step, step)
        if k % 4 == 3:
            study.tell(trial, state=TrialState.FAILED if k % 8 == 3 else TrialState.PRUNED)
        else:
            study.tell(trial, trial.params["depth"] + k / 100)
    return study


def test_a_study_page(storage: Any, start: Callable[..., Dashboard]) -> None:
    study = filled(storage)
    trial = study.ask()
    trial.report(1.0, 1)
    study.set_note("a note")
    study.set_tags(["good", "bad"])
    study.set_user_attr("owner", {"name": "me"})
    dashboard = start(storage)
    status, page = dashboard.get(of("s"))
    assert status == 200
    assert page["objective"]["names"] == ["value"]
    assert page["states"] == {"RUNNING": 1, "COMPLETE": 9, "PRUNED": 1, "FAILED": 2}
    assert (page["n_trials"], page["n_invalid"], page["front"]) == (13, 0, None)
    assert page["best"]["number"] == study.best_trial.number
    assert page["best"]["best"] is True
    assert page["best"]["params"] == study.best_params
    assert (page["note"], page["tags"]) == ("a note", ["good", "bad"])
    assert page["attrs"] == {"owner": {"name": "me"}}
    assert [p["name"] for p in page["space"]["params"]] == list(SPACE)
    assert page["space"]["relations"] == ["lr * depth <= 5"]
    assert page["strategy"]["sampler"] == "random"
    assert [row["number"] for row in page["running"]] == [12]
    assert page["running"][0]["metrics"] == {"value": 1.0}
    assert [w["n_running"] for w in page["workers"]] == [1]
    assert {figure["name"] for figure in page["figures"]} == set(FIGURES)
    assert page["version"] == study.history.version
    assert dashboard.get("/api/studies")[1]["studies"][0]["name"] == "s"


def test_an_empty_study(sqlite: Any, start: Callable[..., Dashboard]) -> None:
    create_study(study_name="e", storage=sqlite)
    dashboard = start(sqlite)
    page = dashboard.get(of("e"))[1]
    assert (page["n_trials"], page["best"], page["states"]) == (0, None, {})
    assert all(figure["why_not"] for figure in page["figures"])
    assert dashboard.post(of("e", "table"))[1]["rows"] == []
    assert dashboard.get(of("e", "form"))[1]["fields"] == []
    status, problem = dashboard.get(of("e", "figures", "history"))
    assert (status, problem["detail"]) == (409, "No trial has finished yet.")
    assert dashboard.get(of("e", "front"))[1]["numbers"] == []
    assert dashboard.get(of("e", "export.json"))[1]["trials"] == []


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_names_come_back_as_they_are(
    sqlite: Any, start: Callable[..., Dashboard], kind: str
) -> None:
    text = HOSTILE[kind]
    metric = re.sub(r"[\s<>=]", "-", text)
    space = Space({text: Categorical([text, "b"]), "x": Float(0, 1)})
    study = create_study(
        study_name=text, storage=sqlite, space=space, metrics={metric: "minimize"}, seed=0
    )
    study.enqueue_trial({text: text, "x": 0.5}, user_attrs={text: text})
    trial = study.ask()
    trial.report({metric: 0.5}, 1)
    study.tell(trial, {metric: 0.5})
    study.annotate(0, note=text, tags=[text])
    study.set_note(text)
    study.enqueue_trial({text: text})
    failed = study.ask()
    study._driver.finish(
        failed.number, failed.outcome(TrialState.FAILED, error=f"{text}\nmore {text}")
    )
    dashboard = start(sqlite)
    assert dashboard.get("/api/studies")[1]["studies"][0]["name"] == text
    page = dashboard.get(of(text))[1]
    assert (page["name"], page["objective"]["names"], page["note"]) == (text, [metric], text)
    assert page["space"]["params"][0]["name"] == text
    assert dashboard.get(of(text, "form"))[1]["fields"][0]["choices"] == [text, "b"]
    shown = dashboard.get(of(text, "trials", 0))[1]
    assert shown["params"][text] == text
    assert (shown["note"], shown["tags"]) == (text, [text.strip()])
    assert shown["attrs"][text] == text
    assert shown["reports"]["metrics"] == {metric: [0.5]}
    assert dashboard.get(of(text, "trials", 1))[1]["error"] == f"{text}\nmore {text}"
    query = {"where": [{"key": f"param:{text}", "op": "=", "value": text}]}
    assert dashboard.post(of(text, "table"), query)[1]["matching"] == 2
    query = {"text": text[:900], "sort": f"metric:{metric}"}
    assert dashboard.post(of(text, "table"), query)[1]["matching"] == 2
    assert dashboard.get(of(text, "figures", "history"))[0] == 200
    status, found, body = dashboard.send("GET", of(text, "export.csv"))
    assert status == 200
    assert "\n" not in found["content-disposition"]
    assert ".." not in found["content-disposition"]
    defused = re.sub("([\n\r](?=[\r\n\t]))", r"\1'", text)  # "two\nlines\r\n\tand a tab"
    assert any(defused in row for row in csv.reader(io.StringIO(body.decode(), newline="")))


def test_names_in_paths_may_be_anything(sqlite: Any, start: Callable[..., Dashboard]) -> None:
    names = ["events", "a/b", "..", "api", "%2e", "export.csv", " ", ".", "~.", "~~..", "~a", "..."]
    for name in names:
        filled(sqlite, name, 1)
    dashboard = start(sqlite)
    for name in names:
        assert dashboard.get(of(name))[1]["name"] == name
    for part, name in {"..": "..", "~%2E": ".", "~..": ".."}.items():
        assert dashboard.get(f"/api/studies/{part}")[1]["name"] == name


def test_a_trial(storage: Any, start: Callable[..., Dashboard]) -> None:
    study = filled(storage)
    again = study.retry(2)
    dashboard = start(storage)
    status, page = dashboard.get(of("s", "trials", 2))
    record = study.trials[2]
    assert status == 200
    assert page["params"] == record.params
    assert page["metrics"] == record.metrics
    assert page["reports"] == {
        "total": 3,
        "steps": [1, 2, 3],
        "metrics": {"value": [9.0, 8.0, 7.0]},
    }
    assert page["children"] == [again.number]
    assert [event["kind"] for event in page["events"]] == ["added", *["reported"] * 3, "finished"]
    assert page["neighbours"] == {"previous": 1, "next": 3}
    retried = dashboard.get(of("s", "trials", again.number))[1]
    assert (retried["parents"], retried["state"]) == ([2], "WAITING")


def test_what_a_trial_printed(sqlite: Any, start: Callable[..., Dashboard]) -> None:
    study = filled(sqlite, n=1)
    folder = sqlite.logs(study._driver.record.id)
    folder.mkdir(parents=True)
    (folder / "0-1.log").write_bytes("first <b>ü</b>\n".encode() + b"\xff")
    (folder / "0-2.log").write_bytes(b"second")
    dashboard = start(sqlite)
    assert dashboard.get(of("s", "trials", 0))[1]["logs"] == [1, 2]
    assert dashboard.get(of("s", "trials", 0, "log"))[1] == {"attempt": 2, "text": "second"}
    text = dashboard.get(of("s", "trials", 0, "log?attempt=1"))[1]["text"]
    assert text == "first <b>ü</b>\n\N{REPLACEMENT CHARACTER}"


def test_many_reports_are_thinned(sqlite: Any, start: Callable[..., Dashboard]) -> None:
    study = create_study(study_name="s", storage=sqlite)
    reports = Reports(
        (step, {"value": math.nan if step == 0 else 1.0 / step}) for step in range(5_000)
    )
    trial = FrozenTrial(
        number=0,
        state=TrialState.COMPLETE,
        metric_names=("value",),
        metric_values=(1.0,),
        reports=reports,
    )
    study.add_trial(trial)
    found = start(sqlite).get(of("s", "trials", 0))[1]["reports"]
    assert (found["total"], len(found["steps"])) == (5_000, 1_000)
    assert (found["steps"][0], found["steps"][-1]) == (0, 4_999)
    assert found["metrics"]["value"][0] is None


def test_figures_are_kept_until_something_changes(
    sqlite: Any, start: Callable[..., Dashboard]
) -> None:
    study = filled(sqlite)
    dashboard = start(sqlite)
    status, found, body = dashboard.send("GET", of("s", "figures", "history"))
    figure = json.loads(body)
    assert (status, set(figure["figure"])) == (200, {"data", "layout"})
    etag = found["etag"]
    status, _, body = dashboard.send(
        "GET", of("s", "figures", "history"), None, {"If-None-Match": etag}
    )
    assert (status, body) == (304, b"")
    packed = dashboard.send("GET", of("s", "figures", "history"), None, {"Accept-Encoding": "gzip"})
    assert packed[1]["content-encoding"] == "gzip"
    study.tell(study.ask(), 0.5)
    later = figure
    while later["version"] == figure["version"]:  # it is kept for longer the longer it took to make
        time.sleep(0.05)
        later = dashboard.get(of("s", "figures", "history"))[1]
    assert later["version"] == study.history.version
    by_time = dashboard.get(of("s", "figures", "history") + '?options={"x":"time"}')
    assert by_time[1]["figure"]["layout"]["xaxis"]["type"] == "date"


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_answered(sqlite: Any, start: Callable[..., Dashboard], name: str) -> None:
    filled(sqlite)
    assert start(sqlite).get(of("s", "figures", name))[0] in (200, 409)


def test_fronts(sqlite: Any, start: Callable[..., Dashboard]) -> None:
    ways = {"loss": "minimize", "accuracy": "maximize"}
    study = create_study(study_name="f", storage=sqlite, metrics=ways, constraints=["loss <= 8"])
    for k in range(10):
        study.tell(study.ask(), {"loss": k, "accuracy": k * k if k != 4 else -1})
    dashboard = start(sqlite)
    page = dashboard.get(of("f"))[1]
    assert (page["best"], page["front"]) == (None, len(study.best_trials))
    found = dashboard.get(of("f", "front"))[1]
    on_front = [n for n, on in zip(found["numbers"], found["on_front"], strict=True) if on]
    assert on_front == sorted(trial.number for trial in study.best_trials)
    assert found["values"][3] == [3.0, 9.0]
    assert found["feasible"] == [True] * 9 + [False]
    assert found["knee"] == study.knee().number
    rows = dashboard.post(of("f", "table"), {"numbers": on_front, "sort": "metric:loss"})[1]
    assert [row["number"] for row in rows["rows"]] == on_front
    assert all(row["best"] and row["feasible"] for row in rows["rows"])


def test_a_form_and_what_is_wrong_with_it(sqlite: Any, start: Callable[..., Dashboard]) -> None:
    study = filled(sqlite)
    dashboard = start(sqlite)
    form = dashboard.get(of("s", "form"))[1]
    fields = {field["name"]: field for field in form["fields"]}
    assert (fields["lr"]["low"], fields["lr"]["high"], fields["lr"]["log"]) == (1e-4, 1.0, True)
    assert fields["opt"]["choices"] == ["adam", "sgd"]
    assert "sgd" in fields["momentum"]["when"]
    assert fields["momentum"]["condition"] == "only if opt is sgd"
    assert fields["lr"]["condition"] == ""
    assert form["start"] == study.best_params
    check = of("s", "check")
    found = dashboard.post(check, {"params": {"opt": "adam"}})[1]
    assert (found["active"], found["errors"], found["problem"]) == (
        ["lr", "opt", "depth"],
        {},
        None,
    )
    found = dashboard.post(check, {"params": {"opt": "sgd", "lr": 2, "depth": "x", "no": 1}})[1]
    assert found["active"] == ["lr", "opt", "momentum", "depth"]
    assert set(found["errors"]) == {"lr", "depth", "no"}
    found = dashboard.post(check, {"params": {"lr": 1.0, "depth": 9}})[1]
    assert "lr * depth <= 5" in found["problem"]
    assert dashboard.post(check, {"params": {"lr": {"$tuple": 1}, "opt": {"$float": []}}})[0] == 200


def test_enqueue(storage: Any, start: Callable[..., Dashboard]) -> None:
    study = filled(storage)
    dashboard = start(storage)
    n = len(study.trials)
    body = {"params": {"lr": 0.5, "opt": "adam", "momentum": 0.5, "depth": 3.0}, "note": "mine"}
    status, answer = dashboard.post(of("s", "enqueue"), body)
    assert status == 200
    assert (answer["row"]["number"], answer["row"]["state"]) == (n, "WAITING")
    assert answer["row"]["note"] == "mine"
    trial = study.ask()
    assert trial.number == n
    assert trial.params == {"lr": 0.5, "opt": "adam", "depth": 3}
    status, problem = dashboard.post(of("s", "enqueue"), {"params": {"lr": 7}})
    assert status == 422
    assert set(problem["errors"]) == {"lr"}
    assert dashboard.post(of("s", "enqueue"), {"params": {"lr": 1.0, "depth": 9}})[0] == 422
    assert dashboard.post(of("s", "enqueue"), {"params": {"nosuch": 1}})[0] == 422
    assert len(study.trials) == n + 1


def test_controls(storage: Any, start: Callable[..., Dashboard]) -> None:
    study = filled(storage)
    trial = study.ask()
    dashboard = start(storage)
    one = of("s", "trials", trial.number)
    assert dashboard.post(of("s", "trials", 0) + "/stop")[0] == 409
    assert dashboard.post(one + "/invalidate")[0] == 409
    status, answer = dashboard.post(one + "/stop", {"reason": "no use"})
    assert (status, answer["row"]["state"]) == (200, "PRUNED")
    assert study.trials[trial.number].error.endswith("no use")
    answer = dashboard.post(of("s", "trials", 1) + "/invalidate", {"reason": "wrong data"})[1]
    assert answer["row"]["invalid"] == study.trials[1].invalid == "wrong data"
    answer = dashboard.post(of("s", "trials", 1) + "/retry")[1]
    assert (answer["row"]["parent"], answer["row"]["state"]) == (1, "WAITING")
    answer = dashboard.post(of("s", "trials", 0) + "/annotate", {"note": "n", "tags": ["t"]})[1]
    assert (answer["row"]["note"], answer["row"]["tags"]) == ("n", ["t"])
    assert dashboard.post(of("s", "annotate"), {"note": "of the study"})[0] == 200
    assert dashboard.post(of("s", "goal"), {"total": 40})[0] == 200
    assert dashboard.post(of("s", "stop"))[0] == 200
    assert dashboard.post(of("s", "trials", 99) + "/retry")[0] == 404
    assert dashboard.post(of("nosuch", "stop"))[0] == 404
    page = dashboard.get(of("s"))[1]
    assert (page["goal"], page["note"], page["n_invalid"]) == (40, "of the study", 1)
    assert page["stopped"] is not None
    assert study.goal == 40


def test_a_study_that_is_started_again_is_not_stopped(
    sqlite: Any, start: Callable[..., Dashboard]
) -> None:
    study = filled(sqlite)
    dashboard = start(sqlite)
    study.stop()
    assert dashboard.get(of("s"))[1]["stopped"] is not None
    study.ask()
    load_study(study_name="s", storage=sqlite)
    time.sleep(0.15)  # looks within a tenth of a second are one
    assert dashboard.get(of("s"))[1]["stopped"] is None


def test_downloads(storage: Any, start: Callable[..., Dashboard]) -> None:
    study = filled(storage)
    dashboard = start(storage)
    _, found, body = dashboard.send("GET", of("s", "export.csv"))
    rows = list(csv.DictReader(io.StringIO(body.decode())))
    assert [int(row["number"]) for row in rows] == list(range(12))
    assert float(rows[0]["params_lr"]) == study.trials[0].params["lr"]
    assert found["content-disposition"] == 'attachment; filename="s.csv"'
    whole = dashboard.get(of("s", "export.json"))[1]
    assert [trial["number"] for trial in whole["trials"]] == list(range(12))
    assert whole["study"] == "s"


FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "=cmd|' /C calc'!A0",
    "\uff1d1+1",
]
TORN = {"a;=1": "a;'=1", "a\r=1": "a\r'=1", "a\t@b": "a\t'@b", "a\n-b": "a\n'-b"}


def test_a_downloaded_table_holds_no_formula(sqlite: Any, start: Callable[..., Dashboard]) -> None:
    texts = [*FORMULAS, *TORN, "a=1", "x-y"]
    space = Space({"=p": Categorical(texts), "x": Float(-1, 0)})
    study = create_study(study_name="s", storage=sqlite, space=space, sampler="random")
    for text in texts:
        study.enqueue_trial({"=p": text, "x": -0.5}, user_attrs={"@note": text})
        study.tell(study.ask(), -1.5)
    _, _, body = start(sqlite).send("GET", of("s", "export.csv"))
    rows = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
    assert len(rows) == len(texts)
    begins = [
        cell for row in rows for cell in [*row, *row.values()] if cell[:1] in "=+-@\t\r\n\uff1d"
    ]
    numbers = {"metrics_value": "-1.5", "params_x": "-0.5"}
    assert {cell for cell in begins if cell} == set(numbers.values())
    for row, text in zip(rows, texts, strict=True):
        assert {name: row[name] for name in numbers} == numbers
        told = row["params_=p"]
        assert told == row["user_attrs_@note"]
        assert told.replace("'", "") == text.replace("'", "")
        assert told == TORN.get(text, told)
        assert (told == text) == (text in ("a=1", "x-y"))


def test_files() -> None:
    files = Files()
    assert "/static/plotly.js" in files.paths
    answer = files.answer("/static/plotly.js", {"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.body) < 700_000
    again = files.answer("/static/plotly.js", {"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("one")
    files = Files(tmp_path)
    assert files.answer("/", {}).body == b"one"
    import os

    (tmp_path / "index.html").write_text("two")
    os.utime(tmp_path / "index.html", ns=(1, 1))
    assert files.answer("/", {}).body == b"two"


def test_every_route_is_in_the_contract() -> None:
    root = Path(__file__).parents[2]
    told = (root / "docs/adr/0033-dashboard.md").read_text("utf-8").replace("`", " ")
    for route in ROUTES:
        tail = route.path.removeprefix("/").replace("{figure}", "{name}")
        assert f"{tail} " in told or f"{tail}?" in told or f" {tail.rsplit('/', 1)[1]} " in told, (
            tail
        )


def test_methods(start: Callable[..., Dashboard]) -> None:
    dashboard = start(token=TOKEN)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    for method in ("DELETE", "PUT", "PATCH", "OPTIONS"):
        status, found, _ = dashboard.send(method, "/api/studies", None, headers)
        assert (status, found["allow"]) == (405, "GET")
        assert dashboard.send(method, "/static/plotly.js")[0] == 405
