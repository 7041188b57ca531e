"""What figures show: the right points of the right trials."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from luthier import create_study
from luthier.core.history import History
from luthier.core.objective import Objective
from luthier.core.trial import FrozenTrial, Origin, Reports, TrialState, changed
from luthier.errors import ArgumentError
from luthier.plots import (
    draw_contour,
    draw_curves,
    draw_dependence,
    draw_edf,
    draw_feasibility,
    draw_history,
    draw_hypervolume,
    draw_importance,
    draw_interactions,
    draw_lineage,
    draw_parallel,
    draw_pareto,
    draw_rungs,
    draw_schedules,
    draw_slice,
    draw_timeline,
)
from luthier.plots.figure import Figure
from luthier.plots.registry import FIGURES
from luthier.plots.relevance import epsilon_squared
from luthier.space import Categorical, Float, Int, Permutation, Space
from luthier.testing.rehearsal import Rehearsal


def named(figure: Figure, name: str) -> dict[str, Any]:
    return dict(next(trace for trace in figure.data if trace["name"] == name))


def told(
    values: list[float], objective: Objective | None = None, **metrics: list[float]
) -> History:
    play = Rehearsal(Space(x=Float(0, 1), y=Float(0, 1)), objective=objective)
    first = play.history.objective.names[0]
    for k, value in enumerate(values):
        trial = play.add({"x": k / len(values), "y": 0.5})
        play.end(trial, metrics={first: value, **{n: v[k] for n, v in metrics.items()}})
    return play.history


def draw(figure: Any, history: History, **options: Any) -> Figure:
    return figure(history, history.space, **options)  # type: ignore[no-any-return]


# History


def test_the_line_is_the_best_so_far() -> None:
    figure = draw(draw_history, told([3.0, 4.0, 1.0, 2.0]))
    assert named(figure, "best so far")["x"] == [0, 2, 3]
    assert named(figure, "best so far")["y"] == [3, 1, 1]
    assert named(figure, "best")["customdata"] == [2]
    assert figure.note == "lower is better"


def test_the_best_is_the_highest_where_that_is_better() -> None:
    figure = draw(draw_history, told([3.0, 4.0, 1.0], Objective.of(direction="maximize")))
    assert named(figure, "best so far")["y"] == [3, 4, 4]
    assert figure.note == "higher is better"


def test_what_breaks_a_constraint_never_leads() -> None:
    objective = Objective.of(metrics={"loss": "minimize"}, constraints=["mb <= 1"])
    figure = draw(draw_history, told([3.0, 1.0, 2.0], objective, mb=[0.0, 9.0, 0.0]))
    assert named(figure, "best so far")["y"] == [3, 2, 2]
    assert named(figure, "breaks a constraint")["customdata"] == [1]


def test_trials_without_a_result_have_marks_within_the_axis() -> None:
    play = Rehearsal(Space(x=Float(0, 1)))
    play.end(play.add({"x": 0.1}), value=1.0)
    play.end(play.add({"x": 0.3}), value=2.0)
    play.end(play.report(play.add({"x": 0.2}), 1, {"value": 1.5}), TrialState.PRUNED)
    play.end(play.add({"x": 0.2}), TrialState.FAILED)
    figure = draw(draw_history, play.history)
    low, high = figure.layout["yaxis"]["range"]
    assert named(figure, "1 pruned")["y"] == [1.5]
    (failed,) = named(figure, "1 failed")["y"]
    assert low < failed < 1.0 < high


def test_outliers_do_not_squeeze_the_others() -> None:
    figure = draw(draw_history, told([1.0, 1.1, 1.2, 1.3] * 10 + [1e9, math.inf]))
    assert figure.layout["yaxis"]["range"][1] < 10


def test_incumbents_have_the_standard_error_of_their_folds() -> None:
    play = Rehearsal(Space(x=Float(0, 1)))
    trial = play.add({"x": 0.1})
    for fold, score in enumerate([0.1, 0.2, 0.3]):
        report = {"value": score, "fold": float(fold), "fold_score": score}
        trial = play.report(trial, fold + 1, report)
    play.end(trial, value=0.2)
    error = named(draw(draw_history, play.history), "standard error")["error_y"]
    assert error["array"] == [pytest.approx(0.1 / math.sqrt(3), abs=1e-6)]


def test_of_many_trials_incumbents_and_the_worst_are_kept() -> None:
    values = np.random.default_rng(1).random(500)
    values[[250, 300]] = -1.0, 7.0
    history = told(values.tolist())
    figure = draw(draw_history, history, most=50)
    shown = named(figure, "completed")["customdata"]
    assert len(shown) <= 60
    assert {0, 250, 300} <= set(shown)
    assert figure.note.endswith(f"showing {len(shown)} of 500 trials")


def test_a_history_has_a_time_axis_and_rivals() -> None:
    history = told([3.0, 1.0])
    figure = draw(draw_history, history, others={"rival": told([2.0, 0.5])}, label="ours")
    assert named(figure, "ours")["y"] == [3, 1, 1]
    assert named(figure, "rival")["y"] == [2, 0.5, 0.5]
    with pytest.raises(ArgumentError, match="'trial' or 'time', got 'steps'"):
        draw(draw_history, history, x="steps")
    assert draw(draw_history, history, x="time").layout["xaxis"]["type"] == "date"


# Parameters


def test_a_slice_leaves_out_trials_without_the_parameter() -> None:
    play = Rehearsal(Space(c=Categorical(["a", "b"]), x=Float(0, 1, when={"c": "b"})))
    play.end(play.add({"c": "a"}), value=1.0)
    play.end(play.add({"c": "b", "x": 0.5}), value=2.0)
    figure = draw(draw_slice, play.history)
    assert named(figure, "c")["customdata"] == [0, 1]
    assert named(figure, "x")["customdata"] == [1]


def test_parallel_lines_have_a_gap_where_a_parameter_is_inactive() -> None:
    play = Rehearsal(Space(c=Categorical(["a", "b"]), x=Float(0, 1, when={"c": "b"})))
    play.end(play.add({"c": "b", "x": 0.25}), value=0.0)
    play.end(play.add({"c": "a"}), value=1.0)
    figure = draw(draw_parallel, play.history)
    assert named(figure, "best sixth")["y"][1] == 0.25
    assert named(figure, "worst sixth")["y"][1] is None


def sloped(n: int = 120) -> History:
    play = Rehearsal(Space(x=Float(0, 1), y=Float(0, 1), z=Float(0, 1)))
    rng = np.random.default_rng(0)
    for x, y, z in rng.random((n, 3)):
        play.end(play.add({"x": x, "y": y, "z": z}), value=4 * x + 8 * (x - 0.5) * (y - 0.5))
    return play.history


def test_dependence_finds_the_slope_and_puts_it_first() -> None:
    figure = draw(draw_dependence, sloped())
    assert figure.layout["xaxis"]["title"]["text"] == "x"
    curve = figure.data[1]["y"]
    assert 2.5 < curve[-1] - curve[0] < 4.5
    band = np.array(figure.data[0]["y"])
    assert (band[:40] <= np.array(curve) + 1e-6).all()
    assert (band[40:][::-1] >= np.array(curve) - 1e-6).all()


def test_importance_and_interactions_find_what_is_there() -> None:
    history = sloped()
    names = draw(draw_importance, history).layout["yaxis"]["ticktext"]
    assert names[-1] == "x"
    (grid,) = draw(draw_interactions, history).data
    labels = draw(draw_interactions, history).layout
    z = np.array(grid["z"], dtype=float)
    j, i = np.unravel_index(np.nanargmax(z), z.shape)
    pair = {labels["yaxis"]["ticktext"][j], labels["xaxis"]["ticktext"][i]}
    assert pair == {"x", "y"}


def test_a_contour_has_its_uncertainty_beside_it() -> None:
    figure = draw(draw_contour, sloped(), params=["x", "y"])
    mean, doubt = (t for t in figure.data if t["type"] == "contour")
    z = np.array(mean["z"])
    assert z[:, -1].mean() > z[:, 0].mean() + 2
    assert (np.array(doubt["z"]) >= 0).all()
    assert doubt["coloraxis"] == "coloraxis2"


def branched(n: int = 40, rare: int = 3) -> History:
    """Trials of one branch or the other; few have ``rare``; nothing depends on the order."""
    kinds = Categorical(["a", "b", "c"])
    numbers = {
        "left": Float(0, 1, when={"kind": "a"}),
        "right": Float(0, 1, when={"kind": "b"}),
        "rare": Float(0, 1, when={"kind": "c"}),
    }
    play = Rehearsal(Space(order=Permutation(["x", "y", "z", "u"]), kind=kinds, **numbers))
    rng = np.random.default_rng(0)
    for k in range(n):
        name, number = ("a", "left") if k % 2 else ("b", "right")
        name, number = ("c", "rare") if k < rare else (name, number)
        order = tuple("xyzu"[i] for i in rng.permutation(4))
        u = float(rng.random())
        play.end(play.add({"order": order, "kind": name, number: u}), value=u)
    return play.history


def test_a_contour_is_of_a_pair_that_trials_have_together() -> None:
    figure = draw(draw_contour, branched())
    shown = {figure.layout[axis]["title"]["text"] for axis in ("xaxis", "yaxis")}
    assert "kind" in shown  # left and right are never active together, an order has no axis
    assert np.isfinite(np.array(figure.data[0]["z"])).all()
    assert figure.to_dict()["layout"]["meta"]["width"] == 2 * 330  # on less, a page scrolls
    asked = draw(draw_contour, branched(), params=["left", "right"])
    assert "fewer than 8 trials<br>have both" in [a["text"] for a in asked.layout["annotations"]]


def test_a_panel_without_enough_trials_says_so() -> None:
    layout = draw(draw_dependence, branched()).layout
    (words,) = layout["annotations"]
    at = words["xref"].removesuffix(" domain").replace("x", "xaxis")
    assert layout[at]["title"]["text"] == "rare"
    assert words["text"] == "fewer than 8 trials<br>have it"
    assert "annotations" not in draw(draw_dependence, sloped()).layout


def test_many_groups_are_no_reason_to_be_shown_first() -> None:
    rng = np.random.default_rng(0)
    target = rng.random(18)
    told = [epsilon_squared(rng.random(18), target, False) for _ in range(200)]
    assert np.mean(told) < 0.2
    assert np.median(told) < 0.05
    assert epsilon_squared(np.repeat([0.0, 1.0], 9), np.repeat([0.0, 1.0], 9), True) == 1


def test_orders_are_told_apart() -> None:
    texts = draw(draw_slice, branched(), params=["order"]).layout["xaxis"]["ticktext"]
    assert {len(text) for text in texts} == {len("x, y, z, u")}
    assert len(set(texts)) == len(texts)


# Steps


def curved(n: int, steps: int) -> History:
    play = Rehearsal(Space(x=Float(0, 1)))
    for k in range(n):
        trial = play.add({"x": k / n})
        for step in range(1, steps + 1):
            trial = play.report(trial, step, {"value": k + 1 / step})
        play.end(trial, value=k + 1 / steps)
    return play.history


def test_many_long_curves_stay_small_and_keep_the_best() -> None:
    figure = draw(draw_curves, curved(300, 100))
    assert named(figure, "best")["customdata"][0] == 0
    assert named(figure, "best")["x"][0] == 1
    assert named(figure, "best")["x"][-2:] == [100, None]
    assert sum(len(trace["x"]) for trace in figure.data) < 7_000
    assert figure.note.endswith("of 300 curves")
    assert len(figure.data) < 6


def test_a_rung_tells_who_went_on() -> None:
    play = Rehearsal(Space(x=Float(0, 1)))
    for k in range(4):
        trial = play.report(play.add({"x": 0.1}), 1, {"value": float(k)})
        if k == 0:
            trial = play.report(trial, 3, {"value": 0.0})
            play.end(trial, value=0.0)
        else:
            play.end(trial, TrialState.PRUNED)
    figure = draw(draw_rungs, play.history)
    assert figure.layout["xaxis"]["ticktext"] == [
        "1<br>1 of 4<br>went on",
        "3<br>0 of 1<br>went on",
    ]
    assert named(figure, "ended here")["customdata"] == [1, 2, 3]
    assert named(figure, "completed")["customdata"] == [0]


def population() -> History:
    """Trial 2 goes on from trial 0 at step 2, with another x."""
    play = Rehearsal(Space(x=Float(0, 1)))
    for k, x in enumerate((0.25, 0.5)):
        trial = play.add({"x": x})
        for step in (1, 2):
            trial = play.report(trial, step, {"value": 5.0 - step + k})
        play.end(trial, TrialState.PRUNED)
    origin = Origin("clone", parent=0, data={"step_from": 2})
    trial = play._apply(changed(play.add({"x": 0.75}), origin=origin))
    for step in (3, 4):
        trial = play.report(trial, step, {"value": 4.0 - step})
    play.end(trial, value=0.0)
    return play.history


def test_a_clone_is_on_no_rung_that_its_parent_reached() -> None:
    figure = draw(draw_rungs, population())
    assert figure.layout["xaxis"]["ticktext"] == [
        "2<br>0 of 2<br>went on",
        "4<br>0 of 1<br>went on",
    ]
    assert named(figure, "completed")["customdata"] == [2]


def test_paused_trials_are_not_said_to_run() -> None:
    play = Rehearsal(Space(x=Float(0, 1)))
    for k in range(3):
        trial = play.report(play.add({"x": 0.5}), 1, {"value": float(k)})
        if k:
            play._apply(changed(trial, state=TrialState.PAUSED))
    names = {trace["name"] for trace in draw(draw_curves, play.history).data}
    assert names == {"best", "2 paused"}


def test_nobody_stopped_is_no_rung() -> None:
    history = curved(9, 3)
    assert "pruned or paused" in str(FIGURES["rungs"].why_not(history, history.space))
    assert FIGURES["rungs"].applies(population(), history.space)


def test_many_points_on_rungs_are_few_bytes() -> None:
    space = Space({f"x{k}": Float(0, 1) for k in range(10)})
    study = create_study(space=space, sampler="random", scheduler="none", seed=0)
    for n in range(1000):
        reports = Reports((2**k, {"value": 1 / (n + k + 1)}) for k in range(9 - n % 3))
        study.add_trial(FrozenTrial(number=0, state=TrialState.PRUNED, reports=reports))
    text = json.dumps(draw_rungs(study.history, space).to_dict(), separators=(",", ":"))
    assert len(text) < 60_000
    assert "trial %{customdata}" in text


def test_a_clone_starts_where_its_parent_stood() -> None:
    figure = draw(draw_lineage, population())
    line = named(figure, "ancestry of trial 2")
    assert line["x"] == [1, 2, None, 2, 3, 4, None]
    assert line["y"] == [4, 3, None, 3, 1, 0, None]
    assert named(figure, "cloned here")["customdata"] == [2]


def test_a_schedule_is_the_values_of_the_ancestry() -> None:
    line = named(draw(draw_schedules, population()), "the schedule of trial 2")
    assert (line["x"], line["y"]) == ([0, 2, 2, 4, None], [0.25, 0.25, 0.75, 0.75, None])


# Objectives, failures, workers

TWO = Objective.of(metrics={"acc": "maximize", "ms": "minimize"}, constraints=["mb <= 1"])


def test_the_front_is_what_nothing_feasible_beats() -> None:
    history = told([0.9, 0.8, 0.7, 1.0], TWO, ms=[9.0, 2.0, 3.0, 1.0], mb=[0.0, 0.0, 0.0, 5.0])
    figure = draw(draw_pareto, history)
    assert named(figure, "Pareto front")["customdata"] == [0, 1]
    assert named(figure, "dominated")["customdata"] == [2]
    assert named(figure, "breaks a constraint")["customdata"] == [3]
    assert figure.note == "2 trials on the front"
    with pytest.raises(ArgumentError, match="at least two of acc, ms"):
        draw(draw_pareto, history, metrics=["acc"])


def test_hypervolume_grows_from_the_reference() -> None:
    history = told([1.0, 2.0, 0.5], TWO, ms=[1.0, 2.0, 9.0], mb=[0.0] * 3)
    figure = draw(draw_hypervolume, history, reference=[0.0, 3.0])
    assert figure.data[0]["y"] == [2, 3, 3]
    assert figure.note == "measured from acc 0, ms 3"
    with pytest.raises(ArgumentError, match="2 numbers, got 1"):
        draw(draw_hypervolume, history, reference=[0.0])


def test_three_objectives_are_pairs_or_solid(histories: dict[str, History]) -> None:
    history = histories["several"]
    assert {trace["xaxis"] for trace in draw(draw_pareto, history).data} == {"x", "x2", "x3"}
    solid = draw(draw_pareto, history, solid=True).to_plotly()
    assert {trace.type for trace in solid.data} == {"scatter3d"}


def test_failures_are_likely_where_they_were() -> None:
    play = Rehearsal(Space(x=Float(0, 1), y=Int(0, 9), z=Float(0, 1)))
    rng = np.random.default_rng(0)
    for u in rng.random((80, 3)):
        crashed = u[0] > 0.7
        trial = play.add({"x": u[0], "y": int(10 * u[1]), "z": u[2]})
        play.end(trial, TrialState.FAILED if crashed else TrialState.COMPLETE)
    figure = draw(draw_feasibility, play.history)
    assert figure.layout["xaxis"]["title"]["text"] == "x"
    z = np.array(figure.data[0]["z"])
    assert z[:, -1].mean() > 0.8
    assert z[:, 0].mean() < 0.2
    assert figure.layout["coloraxis"]["cmin"] == 0
    assert figure.layout["coloraxis"]["cmax"] == pytest.approx(z.max())


def test_the_map_of_failures_counts_the_trials_that_it_shows() -> None:
    play = Rehearsal(Space(k=Categorical(["a", "b"]), x=Float(0, 1, when={"k": "a"}), y=Int(0, 9)))
    for n in range(40):
        trial = play.add({"k": "a", "x": n / 40, "y": n % 10} if n % 2 else {"k": "b", "y": n % 10})
        play.end(trial, TrialState.FAILED if n < 10 else TrialState.COMPLETE)
    figure = draw(draw_feasibility, play.history, params=["x", "y"])
    assert figure.note.endswith("showing 20 of 40 trials")


def at(number: int, start: float, end: float, worker: str) -> FrozenTrial:
    return FrozenTrial(
        number=number, state=TrialState.COMPLETE, started=start, finished=end, worker=worker
    )


def test_trials_at_once_have_lanes_of_their_own() -> None:
    play = Rehearsal(Space(x=Float(0, 1)))
    spans = [(0.0, 2.0, "m/1:b:7:1"), (1.0, 3.0, "m/1:b:7:1"), (2.0, 4.0, "m/1:b:7:1")]
    spans.append((0.0, 1.0, "other"))
    for number, (start, end, worker) in enumerate(spans):
        play._apply(at(number, start, end, worker))
    figure = draw(draw_timeline, play.history)
    (bars,) = figure.data
    lanes = dict(zip(bars["customdata"], bars["y"], strict=True))
    assert lanes == {0: 0, 1: 1, 2: 0, 3: 2}
    assert figure.layout["yaxis"]["ticktext"] == ["m 7", "", "other"]
    assert bars["x"] == [2000, 1000, 2000, 2000] or sorted(bars["x"]) == [1000, 2000, 2000, 2000]


def test_a_distribution_reaches_every_value() -> None:
    figure = draw(draw_edf, told([3.0, 1.0, 2.0, math.inf]), others={"b": told([5.0])})
    assert figure.data[0]["x"] == [1, 2, 3]
    assert figure.data[0]["y"][-1] == 1
    assert figure.data[1]["name"] == "b"
    assert figure.data[0]["line"]["dash"] != figure.data[1]["line"]["dash"]


def test_axes_say_what_steps_count() -> None:
    study = create_study(space=Space(x=Float(0, 1)), fidelity="image side", seed=0)
    trial = study.ask()
    for step in (8, 16):
        trial.report(1 / step, step)
    study.tell(trial, 0.1)
    for figure in (draw_curves, draw_rungs, draw_lineage, draw_schedules):
        axes = [v for k, v in draw(figure, study.history).layout.items() if k.startswith("xaxis")]
        assert [axis["title"]["text"] for axis in axes] == ["image side"]
    curves = draw(draw_curves, study.history)
    assert curves.title == "value by image side"
    assert "image side %{x}" in curves.data[0]["hovertemplate"]
