"""Every route, once: its path, what it takes and what it answers.

The service finds its way by this table and checks bodies and queries against it; the OpenAPI
document is written from it.
"""

from __future__ import annotations

from typing import Final

from luthier.core.trial import TrialState
from luthier.service.route import Route
from luthier.service.schemas import flag, integer, items, number, record, text, values

__all__ = ["MOST_LEASE", "ROUTES"]

MOST_LEASE: Final = 7 * 86_400.0

_NAME = text("The study's name.", least=1, most=500)
_DEFINITION = {"type": "object", "description": "A parameter, as in a space's JSON."}
_DEFINITIONS = values(
    _DEFINITION,
    'Definitions by name, as in a space\'s JSON: {"lr": {"kind": "float", "low": 0.001, '
    '"high": 1, "scale": "log"}}.',
    most=1_000,
)
_METRIC = {
    "type": ["number", "object"],
    "description": 'A number, or {"$float": "inf"} (also "-inf" and, in reports, "nan").',
}
_METRICS = {
    "type": ["number", "object"],
    "description": "A number (the first objective), or metrics by name.",
}
_VALUES = {
    "type": ["number", "array", "object"],
    "description": "The result: a number, a list with one for each objective, or metrics by name.",
    "items": _METRIC,
}
_ATTEMPT = integer("Which run of the trial this is, as ask answered.", 1)
_ERROR = text("Why the run ended so, in words.", most=8_000)
_WAYS = {"type": "string", "enum": ["minimize", "maximize"]}
_METHOD = {
    "type": ["string", "object"],
    "description": 'A name, or a name with settings: {"name": "tpe", ...}.',
}
_JSON_OBJECT = {"type": "object"}
_TEXT = {"type": "string"}
_NUMBER = {"type": "number"}
_COUNT = {"type": "integer", "minimum": 0}
_STATE = {"type": "string", "enum": [state.name for state in TrialState]}

_TRIAL = {
    "type": "object",
    "description": "A trial. Members that have nothing to say may be missing.",
    "required": ["number", "state", "params", "attempt", "version", "origin"],
    "properties": {
        "number": _COUNT,
        "state": _STATE,
        "params": _JSON_OBJECT,
        "attempt": _COUNT,
        "version": _COUNT,
        "origin": _JSON_OBJECT,
        "metrics": _JSON_OBJECT,
        "reports": {"type": "array", "description": "Pairs of a step and its metrics."},
        "user_attrs": _JSON_OBJECT,
        "error": _TEXT,
        "budget": {**_COUNT, "description": "The step up to which the present run may go."},
    },
}
_SUMMARY = {
    "type": "object",
    "required": ["name", "created", "version", "n_trials", "states", "objective"],
    "properties": {
        "name": _TEXT,
        "created": _NUMBER,
        "version": _COUNT,
        "n_trials": _COUNT,
        "states": {"type": "object", "additionalProperties": _COUNT},
        "objective": _JSON_OBJECT,
    },
}
_DECISION = {
    "type": "object",
    "required": ["decision", "should_stop"],
    "properties": {
        "decision": {"type": "string", "enum": ["continue", "pause", "stop"]},
        "should_stop": flag("Whether this run should end now."),
    },
}
_LEASE = {
    "type": "object",
    "required": ["lease"],
    "properties": {"lease": number("Seconds until it lapses, from now on.")},
}
_CHECKPOINT = {
    "type": "object",
    "required": ["step", "key", "size"],
    "properties": {
        "step": _COUNT,
        "key": {**_TEXT, "description": "The digest of the content: of a file, its SHA-256."},
        "size": {**_COUNT, "description": "Bytes."},
    },
}
_TRIALS = {
    "type": "object",
    "required": ["trials", "version"],
    "properties": {
        "trials": {"type": "array", "items": _TRIAL},
        "version": {**_COUNT, "description": "The study's version; ask for changes since then."},
    },
}


_STUDY: Final = "/v1/studies/{study}"
_ONE: Final = _STUDY + "/trials/{number}"
_RUN: Final = (404, 409)

ROUTES: Final = (
    Route(
        "openapi",
        "GET",
        "/openapi.json",
        "This document.",
        answer=_JSON_OBJECT,
        open=True,
    ),
    Route(
        "health",
        "GET",
        "/health",
        "Whether the service is up.",
        answer={"type": "object", "required": ["status"], "properties": {"status": _TEXT}},
        open=True,
    ),
    Route(
        "list_studies",
        "GET",
        "/v1/studies",
        "All studies, oldest first.",
        answer={
            "type": "object",
            "required": ["studies"],
            "properties": {"studies": {"type": "array", "items": _SUMMARY}},
        },
    ),
    Route(
        "create_study",
        "POST",
        "/v1/studies",
        "Create a study, or go on with the one of that name.",
        answer=_SUMMARY,
        body=record(
            "name",
            name=_NAME,
            space={
                "type": "object",
                "description": 'What to search, as a space\'s JSON: {"params": {...}, "relations": '
                "[...]}. Without it asks bring their own definitions.",
            },
            direction={**_WAYS, "description": "For one objective; minimize if not given."},
            directions=items(_WAYS, "For several objectives.", most=100),
            metrics=values(_WAYS, "Directions of named objectives.", most=100),
            constraints=items(_TEXT, 'Bounds on metrics, such as "size_mb <= 10".', most=100),
            strategy=text("A sampler and a scheduler by one name.", most=100),
            sampler=_METHOD,
            scheduler=_METHOD,
            seed=integer("Root of all randomness; drawn if not given."),
            max_attempts=integer(
                "A trial fails after so many runs in a row whose client or worker fell silent.", 1
            ),
            load_if_exists=flag("Go on with the study of that name if there is one."),
        ),
        refusals=(409,),
    ),
    Route(
        "get_study",
        "GET",
        _STUDY,
        "A study at a glance, with its space.",
        answer={
            **_SUMMARY,
            "required": [*_SUMMARY["required"], "space"],
            "properties": {**_SUMMARY["properties"], "space": _JSON_OBJECT},  # type: ignore[dict-item]
        },
        refusals=(404,),
    ),
    Route(
        "ask",
        "POST",
        _STUDY + "/ask",
        "Start a trial, or take up one that waits. It is the client's under a lease.",
        answer={
            "type": "object",
            "required": ["number", "attempt", "params", "budget", "lease", "trial"],
            "properties": {
                "number": _COUNT,
                "attempt": {**_COUNT, "description": "To be sent with all that is said of it."},
                "params": {"type": "object", "description": "The values to be tried."},
                "budget": {"type": ["integer", "null"], "description": "Train up to this step."},
                "lease": number("Seconds; every call about the trial renews it."),
                "trial": _TRIAL,
                "ticket": _JSON_OBJECT,
            },
        },
        body=record(
            params=_DEFINITIONS,
            total=integer("Start nothing new where the study has so many trials."),
            lease=number(
                "Seconds after which a silent client has lost the trial.",
                exclusiveMinimum=0,
                maximum=MOST_LEASE,
            ),
            ticket=flag("Also answer what a client needs to answer suggest calls itself."),
        ),
        refusals=_RUN,
    ),
    Route(
        "tell",
        "POST",
        _ONE + "/tell",
        "End a trial's run with its result. The same again changes nothing.",
        answer=_TRIAL,
        body=record(
            "attempt",
            attempt=_ATTEMPT,
            values=_VALUES,
            state={
                "type": "string",
                "enum": ["COMPLETE", "PRUNED", "PAUSED", "FAILED"],
                "description": "COMPLETE with values if not given. PRUNED if the run was ended "
                "early: paused instead where the scheduler wants that.",
            },
            error=_ERROR,
            params=_DEFINITIONS,
            cost=number("Seconds of work; since the ask if not given.", minimum=0, maximum=1e12),
        ),
        refusals=_RUN,
    ),
    Route(
        "report",
        "POST",
        _ONE + "/report",
        "Report intermediate metrics; the first report of a step counts.",
        answer=_DECISION,
        body=record(
            "attempt step metrics",
            attempt=_ATTEMPT,
            step=integer("The step, such as an epoch."),
            metrics=_METRICS,
        ),
        refusals=_RUN,
    ),
    Route(
        "should_stop",
        "GET",
        _ONE + "/should-stop",
        "Whether a trial's run should end now, by what it has reported.",
        answer=_DECISION,
        query={"attempt": _ATTEMPT},
        needs=("attempt",),
        refusals=_RUN,
    ),
    Route(
        "set_attrs",
        "POST",
        _ONE + "/attrs",
        "Note something about a trial.",
        answer=_TRIAL,
        body=record(
            "attempt attrs",
            attempt=_ATTEMPT,
            attrs=values({}, "Any JSON values by name.", most=1_000),
        ),
        refusals=_RUN,
    ),
    Route(
        "save_checkpoint",
        "PUT",
        _ONE + "/checkpoint",
        "Save a trial's state: a file, or a folder as a tar archive. The same again changes "
        "nothing.",
        answer=_CHECKPOINT,
        query={
            "attempt": _ATTEMPT,
            "step": integer("The step that the state belongs to."),
            "sha256": text("The SHA-256 of the body, 64 hex digits.", least=64, most=64),
        },
        needs=("attempt", "step", "sha256"),
        carries="up",
        refusals=_RUN,
    ),
    Route(
        "load_checkpoint",
        "GET",
        _ONE + "/checkpoint",
        "What a trial last saved, or its parent did before it was cloned; or what it saved before "
        "that, by its key. The header Luthier-Step says at which step, ETag the content's key.",
        answer={"type": "string", "format": "binary"},
        query={"key": text("The content's key, 64 hex digits.", least=64, most=64)},
        carries="down",
        refusals=_RUN,
    ),
    Route(
        "heartbeat",
        "POST",
        _ONE + "/heartbeat",
        "Renew the lease of a trial.",
        answer=_LEASE,
        body=record("attempt", attempt=_ATTEMPT),
        refusals=_RUN,
    ),
    Route(
        "release",
        "POST",
        _ONE + "/release",
        "Give a trial back unfinished, to be run again under its own number.",
        answer=_TRIAL,
        body=record("attempt", attempt=_ATTEMPT, error=_ERROR),
        refusals=_RUN,
    ),
    Route(
        "list_trials",
        "GET",
        _STUDY + "/trials",
        "Trials by number.",
        answer=_TRIALS,
        query={
            "state": {**_STATE, "description": "Only trials in this state."},
            "since": integer("Only trials that changed after this version."),
            "start": integer("Only trials from this number on."),
            "limit": integer("So many at most; 1,000 if not given.", 1, 1_000),
        },
        refusals=(404,),
    ),
    Route(
        "get_trial",
        "GET",
        _ONE,
        "One trial.",
        answer=_TRIAL,
        refusals=(404,),
    ),
    Route(
        "best",
        "GET",
        _STUDY + "/best",
        "The best feasible trial; with several objectives, the Pareto front.",
        answer=_TRIALS,
        refusals=(404,),
    ),
)
