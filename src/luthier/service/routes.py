"""Every route, once: its path, what it takes and what it answers.

The service finds its way by this table and checks bodies and queries against it; the OpenAPI
document is written from it. Paths are matched part by part as they came, before any ``%2F`` is
read, so that a study may be called ``a/b`` or ``..`` and no name reaches beyond its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, final
from urllib.parse import unquote

from luthier.core.trial import TrialState
from luthier.service.problems import RefusedError
from luthier.service.schemas import Schema, flag, integer, items, number, record, text, values

__all__ = ["MOST_LEASE", "ROUTES", "Route", "match"]

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
_TRIALS = {
    "type": "object",
    "required": ["trials", "version"],
    "properties": {
        "trials": {"type": "array", "items": _TRIAL},
        "version": {**_COUNT, "description": "The study's version; ask for changes since then."},
    },
}


@final
@dataclass(frozen=True, slots=True)
class Route:
    """One thing that can be asked of the service.

    Attributes:
        name: What it is called, in code and in the OpenAPI document.
        method: GET or POST.
        path: Its path; ``{study}`` and ``{number}`` stand for parts.
        summary: What it does, in a sentence.
        answer: The schema of what it answers.
        body: The schema of what it takes; None where it takes nothing.
        query: Schemas of the parameters in its query.
        refusals: Statuses beside those that every route may answer with.
        open: Whether it needs no token.
    """

    name: str
    method: str
    path: str
    summary: str
    answer: Schema
    body: Schema | None = None
    query: Mapping[str, Schema] = field(default_factory=dict)
    refusals: tuple[int, ...] = ()
    open: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        """The path's parts."""
        return tuple(self.path.strip("/").split("/"))


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


def match(method: str, raw_path: str) -> tuple[Route, dict[str, str]]:
    """Return the route of a request, and the parts of its path that are names.

    Args:
        method: In capitals.
        raw_path: As it was sent, percent signs and all, without the query.

    Raises:
        RefusedError: 404 where there is no such path, 405 where it takes other methods.

    Example:
        >>> route, names = match("GET", "/v1/studies/a%2Fb/best")
        >>> route.name, names
        ('best', {'study': 'a/b'})
    """
    parts = raw_path.removeprefix("/").split("/")
    found = [route for route in ROUTES if _fits(route.parts, parts)]
    for route in found:
        if route.method == method:
            pairs = zip(route.parts, parts, strict=True)
            return route, {part[1:-1]: _read(got) for part, got in pairs if part[0] == "{"}
    if found:
        allowed = ", ".join(sorted({route.method for route in found}))
        raise RefusedError(
            405, f"{raw_path[:200]} takes {allowed}, got {method[:20]}.", {"Allow": allowed}
        )
    raise RefusedError(
        404, f"There is no path {raw_path[:200]!r}. /openapi.json lists those that there are."
    )


def _fits(wanted: tuple[str, ...], got: list[str]) -> bool:
    return len(wanted) == len(got) and all(
        bool(g) if w[0] == "{" else w == g for w, g in zip(wanted, got, strict=True)
    )


def _read(part: str) -> str:
    try:
        text = unquote(part, errors="strict")
    except UnicodeDecodeError:
        raise RefusedError(400, f"A name in a path must be UTF-8, got {part[:60]!r}.") from None
    if "\0" in text:
        raise RefusedError(400, "A name in a path must not hold NUL.")
    return text
