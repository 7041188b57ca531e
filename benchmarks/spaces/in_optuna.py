"""A configuration, asked of a trial of Optuna's."""

from __future__ import annotations

from benchmarks.spaces.conditions import is_active


def suggested(trial, parameters):
    """Return the configuration that a trial suggests: of the parameters that count."""
    config = {}
    for item in parameters:
        if is_active(item, config):
            config[item["name"]] = _suggest(trial, item)
    return config


def _suggest(trial, item):
    if item["type"] == "cat":
        return trial.suggest_categorical(item["name"], item["choices"])
    log = item.get("log", False)
    if item["type"] == "int":
        step = item.get("step", 1)
        return trial.suggest_int(item["name"], item["low"], item["high"], step=step, log=log)
    return trial.suggest_float(item["name"], item["low"], item["high"], log=log)
