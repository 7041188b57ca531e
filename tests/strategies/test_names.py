from __future__ import annotations

import json
import re

import pytest

import luthier
from luthier.core.protocols import Scheduler
from luthier.errors import ArgumentError
from luthier.samplers import Auto, Grid, PartialFixed, QuasiRandom, Random
from luthier.schedulers import Asha, Median, NoStopping, Patience, Percentile, Threshold
from luthier.strategies import (
    combinations,
    known_samplers,
    known_schedulers,
    known_strategies,
    make_sampler,
    make_scheduler,
    strategy,
    strategy_parts,
)

PATIENT = Patience(2, wrapped=Percentile(25))
NAMES = ["auto", "random", "grid", "random_grid", "quasirandom", "sobol", "halton", "lhs"]
NAMES += ["tpe", "forest", "gp", "ga", "de", "cmaes", "nsga2", "nsga3", "spsa", "es", "gradient"]


def test_known_names() -> None:
    assert list(known_strategies()) == list(known_samplers()) == NAMES
    rules = ["none", "median", "percentile", "threshold", "patience", "learning_curve"]
    rungs = ["successive_halving", "hyperband", "asha", "pasha", "freeze_thaw"]
    optunas = ["open_halving", "open_hyperband", "wilcoxon"]
    assert list(known_schedulers()) == rules + rungs + optunas + ["pbt", "race", "bayes_race"]


@pytest.mark.parametrize(
    ("name", "sampler"),
    [
        ("auto", Auto()),
        ("random", Random()),
        ("grid", Grid()),
        ("random_grid", Grid(shuffle=True)),
        ("quasirandom", QuasiRandom()),
        ("sobol", QuasiRandom("sobol")),
        ("halton", QuasiRandom("halton")),
        ("lhs", QuasiRandom("lhs")),
    ],
)
def test_samplers_by_name(name: str, sampler: object) -> None:
    assert make_sampler(name) == sampler
    assert strategy(name) == (sampler, NoStopping())


@pytest.mark.parametrize(
    ("text", "scheduler"),
    [
        ("asha:max_resource=27", Asha(27)),
        ("asha: max_resource = 27, mode = stopping", Asha(27, mode="stopping")),
        ("threshold:lower=-1.5,upper=null", Threshold(lower=-1.5)),
        ('patience:patience=2,wrapped={"name":"percentile","q":25}', PATIENT),
        ("patience:wrapped=percentile:q=25,patience=2", PATIENT),
    ],
)
def test_settings_follow_a_name(text: str, scheduler: object) -> None:
    assert make_scheduler(text) == scheduler


def test_a_value_may_hold_commas() -> None:
    assert make_sampler('grid:points={"x": 3, "y": 2},shuffle=true') == Grid(
        points={"x": 3, "y": 2}, shuffle=True
    )


@pytest.mark.parametrize(
    "text", ["asha:", "asha:27", "asha:max_resource=27,", "asha:eta=3,eta=4", "asha:name=pbt"]
)
def test_settings_that_are_none(text: str) -> None:
    with pytest.raises(ArgumentError):
        make_scheduler(text)


@pytest.mark.parametrize(
    "sampler",
    [
        Auto(),
        Random(allow_duplicates=True),
        Grid(points={"x": 3}, shuffle=True, retries=4, allow_duplicates=True),
        QuasiRandom("lhs", scramble=False, n=9, allow_duplicates=True),
        PartialFixed(PartialFixed(Grid(points=2), {"a": (1, None)}), {"b": True}),
    ],
)
def test_samplers_from_their_spec(sampler: Auto) -> None:
    assert make_sampler(json.loads(json.dumps(sampler.spec))) == sampler


@pytest.mark.parametrize(
    "scheduler",
    [
        NoStopping(),
        Median(1, 2, 3, 4, "loss"),
        Percentile(12.5, n_warmup_steps=3),
        Threshold(lower=-1.0, upper=2.0, n_warmup_steps=3),
        Patience(4, 0.5, wrapped=Patience(2, wrapped=Median()), metric="loss"),
    ],
)
def test_schedulers_from_their_spec(scheduler: Median) -> None:
    assert make_scheduler(json.loads(json.dumps(scheduler.spec))) == scheduler


def test_objects_are_returned_as_they_are() -> None:
    sampler, scheduler = Grid(), Median()
    assert make_sampler(sampler) is sampler
    assert make_scheduler(scheduler) is scheduler


def test_parts_given_replace_the_strategys_own() -> None:
    assert strategy_parts("grid") == (Grid(), NoStopping())
    assert strategy_parts("auto", "sobol", {"name": "patience", "patience": 3}) == (
        QuasiRandom(),
        Patience(3),
    )


@pytest.mark.parametrize("name", ["sobool", "tpee", "", None, 3])
def test_unknown_names(name: object) -> None:
    for what, make in (("sampler", make_sampler), ("scheduler", make_scheduler)):
        with pytest.raises(ArgumentError, match=f"There is no {what} named|A {what} must be"):
            make(name)  # type: ignore[operator]
    with pytest.raises(ArgumentError, match="There is no strategy named"):
        strategy(name)  # type: ignore[arg-type]


def test_unknown_names_come_with_a_hint_and_the_list() -> None:
    with pytest.raises(ArgumentError, match="Did you mean 'sobol'\\? Known are: auto, random, gri"):
        make_sampler("sobool")
    with pytest.raises(
        ArgumentError, match="Did you mean 'median'\\? Known are: none, median, per"
    ):
        make_scheduler("medain")
    with pytest.raises(ArgumentError, match=r"There is no sampler named None\."):
        make_sampler({"points": 3})


@pytest.mark.parametrize("name", combinations.__all__)
def test_a_pair_that_needs_settings_is_no_name(name: str) -> None:
    call = f"luthier.{name}(max_resource)"
    with pytest.raises(ArgumentError, match=rf"Give {re.escape(call)}, as in strategy=luthier"):
        luthier.create_study(strategy=name)


@pytest.mark.parametrize("given", [("tpe",), (), ("tpe", "median", "none"), ["tpe", "none"], None])
def test_a_strategy_is_a_name_or_a_pair(given: object) -> None:
    with pytest.raises(ArgumentError, match="a pair of a sampler and a scheduler, got") as caught:
        luthier.create_study(strategy=given)  # type: ignore[arg-type]
    assert repr(given) in str(caught.value)
    assert 'Example: strategy=("tpe", "median").' in str(caught.value)
    assert strategy_parts(("tpe", "median"))[1] == Median()  # the example is right


def test_a_scheduler_that_needs_settings_says_how_to_give_them() -> None:
    example = "'asha:max_resource=27'"
    with pytest.raises(ArgumentError, match=f"Give them with the name, as in {example}"):
        luthier.create_study(scheduler="asha")
    needing = [name for name in known_schedulers() if _told(name) is not None]
    ready = {"race", "open_halving", "open_hyperband", "wilcoxon"}
    others = [name for name in known_schedulers()[6:] if name not in ready]
    assert needing == ["percentile", "patience", *others]


def _told(name: str) -> Scheduler | None:
    """The scheduler that a name's message gives as an example; None where a name will do."""
    try:
        make_scheduler(name)
    except ArgumentError as error:
        example = re.search(r"as in '(.*)'\.$", str(error))
        return None if example is None else make_scheduler(example[1])
    return None


def test_settings_must_fit() -> None:
    with pytest.raises(
        ArgumentError, match="settings of sampler 'grid' must be those of its class"
    ):
        make_sampler({"name": "grid", "cells": 3})
    with pytest.raises(ArgumentError, match="Correct the names, or leave out"):
        make_scheduler({"name": "asha", "max_resource": 27, "cells": 3})
    with pytest.raises(ArgumentError, match="settings of scheduler 'percentile' must be those of"):
        make_scheduler("percentile")
    with pytest.raises(ArgumentError, match=r"n must be a whole number of at least 1, got 0\."):
        make_sampler({"name": "lhs", "n": 0})


def test_what_is_no_sampler_or_scheduler() -> None:
    with pytest.raises(
        ArgumentError, match=r"A sampler must be a name, a spec or an object with s"
    ):
        make_sampler(Median())  # type: ignore[arg-type]
    with pytest.raises(
        ArgumentError, match=r"A scheduler must be a name, a spec or an object with"
    ):
        make_scheduler(Random())  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="or an object with suggest"):
        make_sampler(Random)  # type: ignore[arg-type]
