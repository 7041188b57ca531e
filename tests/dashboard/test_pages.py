"""The pages in a browser: looked at, sorted, steered, by mouse and by keyboard, and attacked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from browser_of_tests import (
    CHROMIUM,
    HOSTILE,
    LONG,
    SPACE,
    Watch,
    from_another_process,
    make_front,
    make_hostile,
    make_tuned,
)
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright
from server_of_tests import TOKEN, Dashboard

import luthier as lt
from luthier.storages import open_storage

pytestmark = [
    pytest.mark.skipif(
        not CHROMIUM.exists(), reason="needs Debian's Chromium (apt install chromium)"
    ),
    pytest.mark.xdist_group("browser"),
]

SHELL = "#/study/"
expect.set_options(timeout=20_000)  # machines may be busy; what is there is seen at once
ROUTES = [
    "#/",
    "#/study/tuned",
    "#/study/tuned/trials",
    "#/study/tuned/trials/5",
    "#/study/tuned/charts",
    "#/study/tuned/diagnosis",
    "#/study/front/front",
    "#/compare/tuned/beside",
]


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("dashboard") / "runs.db")
    make_tuned(path)
    make_tuned(path, "beside", 20, seed=2)
    make_front(path)
    make_hostile(path)
    return path


@pytest.fixture(scope="module")
def server(storage: str) -> Iterator[Dashboard]:
    one = Dashboard(open_storage(storage))
    yield one
    one.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as play:
        one = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield one
        one.close()


@pytest.fixture(scope="module")
def pages(browser: Browser, server: Dashboard) -> Watch:
    return Watch(browser, server.url)


@pytest.fixture
def watch(pages: Watch) -> Iterator[Watch]:
    yield pages
    pages.finish()


def numbers(page: Page) -> list[int]:
    """The trials in the table, in its order."""
    return [
        int(n)
        for n in page.locator("table.rows tbody tr").evaluate_all(
            "rows => rows.map(r => r.dataset.number)"
        )
    ]


def load(storage: str, name: str = "tuned") -> lt.Study:
    return lt.load_study(study_name=name, storage=storage)


def fresh_study(storage: str, name: str, trials: int = 3) -> str:
    make_tuned(storage, name, trials)
    return name


# --- looking ------------------------------------------------------------------------------------


def test_studies_are_listed_found_and_chosen_to_compare(watch: Watch) -> None:
    page = watch.open()
    row = page.get_by_role("row").filter(has_text="tuned")
    expect(row).to_contain_text("60")
    expect(row).to_contain_text("48 complete")
    expect(page.locator("#link")).to_have_text("Live")
    page.get_by_label("Find a study by name").fill("TUN")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_label("Find a study by name").fill("")
    expect(page.get_by_role("button", name="Compare studies")).to_be_disabled()
    page.get_by_label("Compare tuned").check()
    page.get_by_label("Compare beside").check()
    page.get_by_role("button", name="Compare 2 studies").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Compare studies")
    expect(page.locator(".scatterlayer .trace")).to_have_count(2)
    expect(page.get_by_role("row", name=re.compile("^Best 0"))).to_contain_text("trial")
    expect(page.get_by_role("row", name="Best after 20 trials")).to_be_visible()
    expect(page.locator(".summary")).to_contain_text("After 20 finished trials of each")
    expect(page.locator(".summary")).to_contain_text("one strategy")
    expect(page.get_by_role("heading", name="Strategies")).to_have_count(0)
    page.get_by_label("Horizontal axis").select_option("by work")
    expect(page.locator(".xtitle")).to_have_text("seconds of work")


def test_strategies_with_several_seeds_are_tested(watch: Watch, storage: str) -> None:
    for sampler in ("random", "tpe"):
        for seed in range(5):
            study = lt.create_study(
                study_name=f"bench-{sampler}-{seed}",
                storage=storage,
                space=lt.Space(x=lt.Float(0, 1)),
                sampler=sampler,
                seed=seed,
            )
            for k in range(3):
                study.tell(study.ask(), (sampler == "random") + 1 / (k + 1) + seed / 10)
    page = watch.open()
    expect(page.get_by_label("Compare bench-tpe-4")).to_be_visible()
    page.get_by_label("Find a study by name").fill("bench-")
    page.get_by_label("Compare all that are shown").check()
    page.get_by_role("button", name="Compare 10 studies").click()
    expect(page.locator(".summary")).to_contain_text("On 5 common runs")
    expect(page.locator(".summary")).to_contain_text("paired by their seeds")
    standings = page.get_by_role("region", name="Strategies").locator("tbody tr")
    expect(standings.nth(0)).to_contain_text("tpe")
    expect(standings.nth(1)).to_contain_text("random")
    pair = page.get_by_role("region", name="In pairs").locator("tbody tr")
    expect(pair.locator("td")).to_have_text(["5", "0", "0", "0.063", "no"])
    expect(page.get_by_role("region", name="Mean ranks").locator(".point")).to_have_count(2)
    beside = page.get_by_role("region", name="Side by side").locator("tbody tr")
    expect(beside).to_have_count(10)
    expect(beside.first).to_contain_text("seed 4")
    assert page.evaluate(CHECK) == []


@pytest.mark.parametrize("name", [".", "..", "~..", "...", "%2e%2e"])
def test_names_that_addresses_swallow_are_opened(watch: Watch, storage: str, name: str) -> None:
    fresh_study(storage, name)
    page = watch.open()
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.locator("#link")).to_have_text("Live")
    expect(page.locator(".main-svg").first).to_be_visible()
    page.get_by_role("link", name="Trials", exact=True).click()
    expect(page.locator("table.rows tbody tr")).to_have_count(3)
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert download.value.path().read_text().startswith("number,")
    page.get_by_role("button", name="Goal").click()
    page.get_by_role("dialog").get_by_label("Trials in all").fill("7")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.locator(".tile").first).to_contain_text("3 of 7")
    assert load(storage, name).goal == 7


def test_a_study_opens_with_its_best_and_its_first_chart(watch: Watch, storage: str) -> None:
    best = load(storage).best_trial
    page = watch.open(SHELL + "tuned")
    expect(page.get_by_role("heading", level=1)).to_have_text("tuned")
    expect(page.locator(".summary").first).to_contain_text(f"trial {best.number}")
    expect(page.locator(".main-svg").first).to_be_visible()
    expect(page.locator(".tiles")).to_contain_text("60")
    expect(page).to_have_title(re.compile("tuned"))
    page.get_by_role("link", name="Charts").click()
    expect(page.get_by_role("link", name="Charts")).to_have_attribute("aria-current", "page")
    expect(page.locator(".scatterlayer").first).to_be_attached()


def test_a_trial_told_by_another_process_appears(watch: Watch, storage: str) -> None:
    name = fresh_study(storage, "live")
    page = watch.open(SHELL + name)
    trials = page.locator(".tile").first
    expect(trials).to_contain_text("3")
    expect(page.locator(".main-svg").first).to_be_visible()
    table = watch.open(f"{SHELL}{name}/trials")
    expect(table.locator("table.rows tbody tr")).to_have_count(3)
    from_another_process(
        storage,
        f"s = lt.load_study(study_name={name!r}, storage=storage)\ns.tell(s.ask(), -1.0)",
    )
    expect(trials).to_contain_text("4", timeout=20_000)
    expect(page.locator(".summary").first).to_contain_text("−1 in trial 3")
    expect(table.locator("table.rows tbody tr")).to_have_count(4)
    expect(table.locator("tr.fresh")).to_have_attribute("data-number", "3")


def test_the_table_is_sorted_filtered_and_paged_by_the_server(watch: Watch, storage: str) -> None:
    trials = load(storage).trials
    done = sorted(
        (t for t in trials if t.state == lt.TrialState.COMPLETE), key=lambda t: t.value or 0
    )
    page = watch.open(SHELL + "tuned/trials")
    rows = page.locator("table.rows tbody tr")
    expect(rows).to_have_count(50)
    assert numbers(page)[:3] == [59, 58, 57]
    page.get_by_role("button", name="Next page").click()
    expect(rows).to_have_count(10)

    header = page.get_by_role("columnheader", name="value")
    header.get_by_role("button").click()
    expect(header).to_have_attribute("aria-sort", "ascending")
    expect(rows.first).to_have_attribute("data-number", str(done[0].number))
    header.get_by_role("button").click()
    expect(header).to_have_attribute("aria-sort", "descending")

    page.get_by_role("button", name=re.compile("failed")).click()
    expect(rows).to_have_count(6)
    assert set(numbers(page)) == {7, 17, 27, 37, 47, 57}
    page.get_by_role("button", name=re.compile("failed")).click()

    page.get_by_role("button", name="Filter", exact=True).click()
    page.get_by_label("Column to filter by").select_option("param:layers")
    page.get_by_label("Comparison").select_option(">=")
    page.get_by_label("Value to compare with").fill("8")
    page.get_by_role("button", name="Add").click()
    wanted = {t.number for t in trials if t.params["layers"] >= 8}
    expect(rows).to_have_count(len(wanted))
    assert set(numbers(page)) == wanted
    page.get_by_role("button", name=re.compile("Remove the filter layers")).click()

    page.get_by_label(re.compile("Find in parameters")).fill("adam")
    adam = {t.number for t in trials if t.params["optimizer"] == "adam"}
    expect(page.locator(".table-foot")).to_contain_text(f"of {len(adam)}")
    assert set(numbers(page)) <= adam

    page.get_by_role("button", name="Columns").click()
    page.get_by_role("checkbox", name="Worker").check()
    expect(page.get_by_role("columnheader", name="Worker")).to_be_visible()


def test_a_trial_shows_what_was_tried_and_what_came_of_it(watch: Watch, storage: str) -> None:
    trial = load(storage).trials[5]
    page = watch.open(SHELL + "tuned/trials/5")
    expect(page.get_by_role("heading", name="Trial 5")).to_be_visible()
    for key in trial.params:
        expect(page.locator(".pairs").first).to_contain_text(key)
    expect(page.locator(".scatterlayer .trace")).to_have_count(1)
    expect(page.get_by_text("5 reports")).to_be_visible()
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_role("heading", name="Trial 6")).to_be_visible()
    page.goto(watch.url + "/#/study/tuned/trials/7")
    expect(page.locator(".error-text").first).to_contain_text("NaN")
    watch.expected.append("404")
    page.goto(watch.url + "/#/study/tuned/trials/9999")
    expect(page.get_by_role("alert")).to_be_visible()


def test_a_clone_names_its_scheduler_and_paused_trials_are_counted(
    watch: Watch, storage: str
) -> None:
    members = lt.create_study(
        study_name="members",
        storage=storage,
        sampler="random",
        scheduler=lt.schedulers.PBT(steps=4, population=4, ready_every=2, synchronous=True),
        seed=0,
    )

    def train(trial: lt.Trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        saved = trial.load_checkpoint()
        for step in range(1 if saved is None else int(saved.read_bytes()) + 1, 5):
            trial.report(x + 1 / step, step)
            trial.save_checkpoint(str(step).encode())
            if trial.should_prune():
                raise lt.TrialPruned
        return x

    members.optimize(train)
    clone = next(t for t in members.trials if "step_from" in t.origin.data)
    page = watch.open(f"{SHELL}members/trials/{clone.number}")
    why = page.get_by_role("region", name="Why it exists")
    expect(why).to_contain_text("Scheduler")
    expect(why).to_contain_text("pbt, steps 4")
    rungs = lt.create_study(
        study_name="rungs",
        storage=storage,
        scheduler="asha:max_resource=9",
        sampler="random",
        seed=0,
    )
    rungs.optimize(train, n_trials=6)
    page.goto(watch.url + "/#/study/rungs")
    n = len(rungs.history.paused)
    assert n > 0
    expect(page.locator(".tile").filter(has_text="Paused")).to_contain_text(str(n))


def test_studies_that_are_not_there_or_empty_say_so(watch: Watch, storage: str) -> None:
    watch.expected.append("404")
    page = watch.open(SHELL + "nowhere")
    expect(page.get_by_role("heading", level=1)).to_have_text("This study can't be shown")
    lt.create_study(study_name="empty", storage=storage)
    page.goto(watch.url + "/#/study/empty")
    expect(page.get_by_text("No result yet").first).to_be_visible()
    page.get_by_role("link", name="Trials", exact=True).click()
    expect(page.get_by_text("No trials")).to_be_visible()


# --- selecting ----------------------------------------------------------------------------------


def test_rows_are_chosen_and_put_side_by_side(watch: Watch) -> None:
    page = watch.open(SHELL + "tuned/trials")
    page.get_by_label("Select trial 59").check()
    page.get_by_label("Select trial 58").check()
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.get_by_role("button", name="Side by side").click()
    beside = page.get_by_role("region", name="Side by side")
    expect(beside.get_by_role("columnheader")).to_have_text(["Value", "Trial 58", "Trial 59"])
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("2 selected")).to_have_count(0)


def test_points_of_the_front_and_rows_are_one_selection(watch: Watch, storage: str) -> None:
    front = {t.number for t in load(storage, "front").best_trials}
    page = watch.open(SHELL + "front/front")
    rows = page.locator("table.rows tbody tr")
    expect(rows).to_have_count(min(len(front), 14))
    assert set(numbers(page)) <= front
    marks = page.locator(".scatterlayer .trace .point")
    expect(marks).to_have_count(40)

    first = numbers(page)[0]
    page.get_by_label(f"Select trial {first}").check()
    faded = "points => points.filter(p => Number(getComputedStyle(p).opacity) < 0.5).length"
    expect(page.get_by_role("button", name="Clear selection")).to_be_visible()
    assert marks.evaluate_all(faded) == 39
    page.get_by_role("button", name="Clear selection").click()
    assert marks.evaluate_all(faded) == 0

    box = page.locator(".nsewdrag").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] - 2, steps=4)
    page.mouse.up()
    expect(page.get_by_text(re.compile(r"^\d+ selected in the chart"))).to_be_visible()
    told = page.get_by_text(re.compile(r"^\d+ selected in the chart")).inner_text()
    n = int(told.split()[0])
    assert 0 < n < 40
    expect(page.locator(".table-foot").first).to_contain_text(f"of {n}")


# --- steering -----------------------------------------------------------------------------------


def test_a_configuration_is_enqueued_by_a_form_of_the_space(watch: Watch, storage: str) -> None:
    watch.expected.append("422")
    name = fresh_study(storage, "queue")
    page = watch.open(SHELL + name)
    page.get_by_role("button", name="Enqueue").click()
    form = page.get_by_role("dialog")
    form.get_by_label("optimizer").select_option(label="sgd")
    expect(form.get_by_label("momentum")).to_be_visible()
    form.get_by_label("optimizer").select_option(label="adam")
    expect(form.get_by_label("momentum")).to_be_hidden()
    form.get_by_label("weight").select_option(index=0)
    form.get_by_label("layers").fill("3")
    form.get_by_label("lr").fill("7")
    expect(form.get_by_label("lr")).to_have_attribute("aria-invalid", "true")
    form.get_by_role("button", name="Enqueue").click()
    expect(form.get_by_role("alert")).not_to_be_empty()
    expect(form.get_by_label("lr")).to_be_focused()
    form.get_by_label("lr").fill("0.25")
    form.get_by_label("Note").fill("by hand")
    form.get_by_role("button", name="Enqueue").click()
    expect(form).to_be_hidden()
    expect(page.locator(".toast").last).to_contain_text("Enqueued as trial 3")
    trial = load(storage, name).trials[3]
    assert trial.state == lt.TrialState.WAITING
    assert trial.params == {"optimizer": "adam", "lr": 0.25, "layers": 3, "weight": 1.0}
    assert type(trial.params["weight"]) is float


def test_a_study_is_stopped_after_a_question_and_gets_a_goal(watch: Watch, storage: str) -> None:
    name = fresh_study(storage, "stopped")
    load(storage, name).ask()
    page = watch.open(SHELL + name)
    page.get_by_role("button", name="Goal").click()
    page.get_by_role("dialog").get_by_label("Trials in all").fill("12")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.locator(".tile").first).to_contain_text("4 of 12")
    assert load(storage, name).goal == 12

    page.get_by_role("button", name="Stop study").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Stop study")).to_be_focused()
    page.get_by_role("button", name="Stop study").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop study").click()
    expect(page.locator(".badge")).to_have_text("stopped")
    expect(page.get_by_role("button", name="Stop study")).to_have_count(0)


def test_the_form_says_in_words_when_a_parameter_counts(watch: Watch) -> None:
    def worded(route: Route) -> None:
        answer = route.fetch()
        form = answer.json()
        for field in form["fields"]:
            field["condition"] = "only if optimizer is sgd" if field["when"] else ""
        route.fulfill(response=answer, json=form)

    page = watch.open(SHELL + "tuned", color_scheme="light")
    page.route("**/form", worded)
    page.get_by_role("button", name="Enqueue").click()
    form = page.get_by_role("dialog")
    form.get_by_label("optimizer").select_option(label="sgd")
    momentum = form.locator(".field").filter(has=page.get_by_label("momentum"))
    expect(momentum.locator(".hint")).to_have_text("0 to 0.99 · only if optimizer is sgd")


def test_where_nothing_happens_there_is_nothing_to_stop(watch: Watch, storage: str) -> None:
    study = lt.create_study(
        study_name="long ago", storage=storage, space=SPACE, sampler="random", scheduler="none"
    )
    trial = lt.FrozenTrial(
        number=0,
        state=lt.TrialState.COMPLETE,
        metric_names=("value",),
        metric_values=(1.0,),
        started=1.0,
        finished=2.0,
    )
    study.add_trial(trial)
    page = watch.open(SHELL + "long ago")
    expect(page.get_by_role("button", name="Enqueue")).to_be_visible()
    expect(page.get_by_role("button", name="Stop study")).to_have_count(0)
    page.get_by_role("link", name="Diagnosis").click()
    expect(page.get_by_role("heading", name="In words")).to_be_visible()
    expect(page.get_by_role("heading", name="Workers")).to_be_hidden()
    from_another_process(storage, "lt.load_study(study_name='long ago', storage=storage).ask()")
    expect(page.get_by_role("button", name="Stop study")).to_be_visible()
    expect(page.get_by_role("heading", name="Workers")).to_be_visible()


def test_trials_are_stopped_retried_taken_out_and_noted(watch: Watch, storage: str) -> None:
    name = fresh_study(storage, "steered")
    load(storage, name).ask()
    page = watch.open(f"{SHELL}{name}/trials/3")
    page.get_by_role("button", name="Stop trial").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop trial").click()
    expect(page.locator(".trial-title + .state")).to_have_text("pruned")

    page.get_by_role("button", name="Note and tags").last.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Note").fill("looked odd")
    dialog.get_by_label("Tags").fill("odd, look again")
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator(".user-note")).to_have_text("looked odd")
    expect(page.locator(".title .tag").first).to_have_text("odd")

    page.get_by_role("button", name="Retry").click()
    expect(page.locator(".toast").last).to_contain_text("trial 4")
    page.get_by_role("button", name="Invalidate").click()
    dialog.get_by_label("Reason").fill("wrong data")
    dialog.get_by_role("button", name="Invalidate").click()
    expect(page.get_by_text("Out of all decisions")).to_be_visible()
    trials = load(storage, name).trials
    assert trials[3].state == lt.TrialState.PRUNED
    assert trials[3].invalid == "wrong data"
    assert trials[3].user_attrs["note"] == "looked odd"
    assert trials[4].state == lt.TrialState.WAITING
    assert trials[4].params == trials[3].params


def test_read_only_offers_no_changes(browser: Browser, storage: str) -> None:
    server = Dashboard(open_storage(storage), read_only=True)
    watch = Watch(browser, server.url)
    try:
        page = watch.open(SHELL + "tuned/trials/5")
        expect(page.get_by_role("heading", name="Trial 5")).to_be_visible()
        for word in ("Enqueue", "Goal", "Stop study", "Retry", "Invalidate", "Note and tags"):
            expect(page.get_by_role("button", name=word)).to_have_count(0)
        watch.finish()
    finally:
        server.stop()


def test_the_token_is_asked_for_and_kept_in_a_session(browser: Browser, storage: str) -> None:
    server = Dashboard(open_storage(storage), TOKEN)
    watch = Watch(browser, server.url)
    watch.expected.append("401")
    try:
        page = watch.open(SHELL + "tuned")
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        page.get_by_label("Token").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("isn't the token")
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("tuned")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        linked = watch.open(f"#token={TOKEN}", color_scheme="light")
        expect(linked.get_by_role("heading", level=1)).to_have_text("Studies")
        assert TOKEN not in linked.url
        watch.finish()
    finally:
        server.stop()


# --- for everybody ------------------------------------------------------------------------------


def test_dark_is_switched_to_and_remembered(watch: Watch) -> None:
    page = watch.open(SHELL + "tuned", color_scheme="light")
    expect(page.locator(".main-svg").first).to_be_visible()
    background = "getComputedStyle(document.body).backgroundColor"
    paper = "document.querySelector('.main-svg').style.background"
    light, light_paper = page.evaluate(background), page.evaluate(paper)
    page.get_by_role("button", name="Dark mode").click()
    assert page.evaluate(background) != light
    expect(page.get_by_role("button", name="Dark mode")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator(".main-svg").first).to_be_visible()
    assert page.evaluate(paper) != light_paper
    dark = watch.open("#/", color_scheme="dark")
    expect(dark.locator("html")).to_have_attribute("data-theme", "dark")


def test_narrow_screens_need_no_sideways_scrolling(watch: Watch) -> None:
    page = watch.open(viewport={"width": 360, "height": 740})
    for route in [
        *ROUTES,
        SHELL + quote(HOSTILE, safe=""),
        SHELL + quote(HOSTILE, safe="") + "/trials/0",
    ]:
        page.goto(f"{watch.url}/{route}")
        expect(page.locator("h1, h2").first).to_be_visible()
        page.wait_for_timeout(250)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 360, f"{route} is {width} wide"
    page.goto(f"{watch.url}/#/study/tuned/charts")
    page.locator("#chart-contour").scroll_into_view_if_needed()
    expect(page.locator("#chart-contour .plot")).to_have_css("min-width", "660px")  # it scrolls


def test_everything_can_be_done_by_keyboard(watch: Watch) -> None:
    page = watch.open(color_scheme="light")
    expect(page.get_by_role("row").filter(has_text="tuned")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("tuned")
    expect(page.locator("tbody tr")).to_have_count(1)
    reach(page, "a", "tuned")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("tuned")
    expect(page.locator("#main")).to_be_focused()
    reach(page, "a", "Trials")
    page.keyboard.press("Enter")
    expect(page.locator("table.rows tbody tr")).to_have_count(50)
    reach(page, "tr", "")
    first = focused(page, "dataset.number")
    for key in ("ArrowDown", "ArrowDown", "ArrowUp", "Space"):
        page.keyboard.press(key)
    assert int(focused(page, "dataset.number")) == int(first) - 1
    expect(page.get_by_text("1 selected")).to_be_visible()
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Trial 10")).to_be_visible()
    reach(page, "button", "Retry")
    reach(page, "button", "Invalidate")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Invalidate")).to_be_focused()


def focused(page: Page, what: str) -> Any:
    return page.evaluate(f"document.activeElement.{what}")


def reach(page: Page, tag: str, text: str, most: int = 60) -> None:
    """Press Tab until an element with this tag and text has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if focused(page, "localName") == tag and text in focused(page, "textContent"):
            return
    raise AssertionError(f"Tab never came to {tag} {text!r}")


def test_a_lost_connection_is_said_and_comes_back(watch: Watch) -> None:
    watch.expected.append("ERR_FAILED")
    page = watch.open()
    expect(page.locator("#link")).to_have_text("Live")
    page.context.route("**/api/studies/tuned/events", lambda route: route.abort())
    page.goto(watch.url + "/#/study/tuned")
    expect(page.locator("#link")).to_contain_text("Connection lost")
    expect(page.locator("#announcer")).to_contain_text("Connection lost")
    page.context.unroute("**/api/studies/tuned/events")
    expect(page.locator("#link")).to_have_text("Live")
    expect(page.locator("#announcer")).to_have_text("Connected again")


HOSTILE_ROUTES = ["", "/trials", "/trials/0", "/trials/2", "/trials/6", "/charts", "/diagnosis"]


def test_hostile_names_are_only_text(watch: Watch) -> None:
    page = watch.open()
    home = SHELL + quote(HOSTILE, safe="")
    link = page.get_by_role("link", name=HOSTILE[:28])
    expect(link).to_be_visible()
    assert link.locator("bdi").inner_text().startswith(HOSTILE[:40])
    for part in HOSTILE_ROUTES:
        page.goto(f"{watch.url}/{home}{part}")
        expect(page.get_by_role("heading", level=1)).to_contain_text(HOSTILE[:28])
        page.wait_for_timeout(300)
        assert page.locator("main img, main script, #trail img").count() == 0
    page.goto(f"{watch.url}/{home}")
    page.get_by_role("button", name="Enqueue").click()
    expect(page.get_by_role("dialog").get_by_label(HOSTILE[:28])).to_be_visible()
    page.keyboard.press("Escape")
    page.goto(f"{watch.url}/#/compare/{quote(HOSTILE, safe='')}/tuned")
    expect(page.get_by_role("columnheader", name=HOSTILE[:28])).to_be_visible()
    for name in ("a/b?c#d%20e", LONG):
        page.goto(f"{watch.url}/{SHELL}{quote(name, safe='')}")
        expect(page.get_by_role("heading", level=1)).to_contain_text(name[:20].strip())


CHECK = Path(__file__).with_name("accessibility.js").read_text(encoding="utf-8")


def test_every_control_has_a_name_and_headings_are_in_order(watch: Watch) -> None:
    page = watch.open()
    for route in ROUTES:
        page.goto(f"{watch.url}/{route}")
        expect(page.locator("h1")).to_have_count(1)
        page.wait_for_timeout(300)
        assert page.evaluate(CHECK) == [], route


def test_dialogs_are_named_too(watch: Watch, storage: str) -> None:
    name = fresh_study(storage, "asked")
    load(storage, name).ask()
    page = watch.open(SHELL + name)
    for word in ("Enqueue", "Goal", "Note and tags", "Stop study"):
        page.get_by_role("button", name=word).click()
        expect(page.get_by_role("dialog", name=re.compile("."))).to_be_visible()
        assert page.evaluate(CHECK) == []
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
