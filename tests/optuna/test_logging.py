"""Logging switches."""

from __future__ import annotations

import io
import logging

import pytest

import luthier.optuna as optuna
from luthier.errors import ArgumentError


@pytest.fixture(autouse=True)
def _silent_before() -> None:
    logger = logging.getLogger("luthier")
    logger.setLevel(logging.NOTSET)
    logger.handlers = []


def one_trial() -> None:
    optuna.create_study().optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)


def test_a_script_hears_of_every_trial(capsys: pytest.CaptureFixture[str]) -> None:
    one_trial()
    assert "Trial 0 finished" in capsys.readouterr().err
    assert optuna.logging.get_verbosity() == optuna.logging.INFO


def test_verbosity_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    one_trial()
    assert capsys.readouterr().err == ""
    assert optuna.logging.get_verbosity() == logging.WARNING


def test_default_handler_goes_and_comes(capsys: pytest.CaptureFixture[str]) -> None:
    optuna.logging.disable_default_handler()
    optuna.logging.set_verbosity(optuna.logging.INFO)
    optuna.logging.disable_propagation()
    one_trial()
    assert capsys.readouterr().err == ""
    optuna.logging.enable_default_handler()
    one_trial()
    assert "Trial 0 finished" in capsys.readouterr().err


def test_handlers_of_the_script_hear_as_well() -> None:
    stream = io.StringIO()
    logger = optuna.logging.get_logger("optuna")
    logger.addHandler(logging.StreamHandler(stream))
    one_trial()
    assert "Trial 0 finished" in stream.getvalue()


def test_propagation() -> None:
    optuna.logging.disable_propagation()
    assert not logging.getLogger("luthier").propagate
    optuna.logging.enable_propagation()
    assert logging.getLogger("luthier").propagate


def test_loggers_of_others_are_left_alone() -> None:
    assert optuna.logging.get_logger("optuna.study").name == "luthier.study"
    assert optuna.logging.get_logger("optunas").name == "optunas"


def test_bad_verbosity_is_refused() -> None:
    with pytest.raises(ArgumentError, match="level must be one of debug"):
        optuna.logging.set_verbosity("loud")  # type: ignore[arg-type]
