"""What can be asked of the dashboard, once: its path, what it takes, whether it changes anything.

The contract in words is ``docs/adr/0033-dashboard.md``.
"""

from __future__ import annotations

import re
from typing import Final

from luthier.core.trial import TrialState
from luthier.service.route import Route
from luthier.service.schemas import flag, integer, items, record, text, values

__all__ = ["CHANGES", "OPEN", "ROUTES", "unescaped"]

_ANY: Final = {"type": "object"}
_NAME: Final = text("A name.", least=1, most=20_000)
_STUDY: Final = "/api/studies/{study}"
_ONE: Final = _STUDY + "/trials/{number}"
_PARAMS: Final = values({}, "Values by parameter.", most=10_000)
_NOTE: Final = text("Text.", most=20_000)
_ANNOTATION: Final = record(
    note=_NOTE, tags=items(text("A tag.", least=1, most=200), "Tags.", most=100)
)
_WHERE: Final = record(
    "key op value",
    key=text("number, metric:NAME or param:NAME, ...", least=1, most=20_100),
    op={
        "type": "string",
        "enum": ["=", "!=", "<", "<=", ">", ">="],
        "description": "How they compare.",
    },
    value={
        "type": ["number", "string", "boolean", "null"],
        "description": "With what is compared.",
    },
)
_TABLE: Final = record(
    sort=text("The key by which rows are sorted.", least=1, most=20_100),
    descending=flag("Whether the highest come first."),
    offset=integer("So many are passed over.", most=10**9),
    limit=integer("So many at most.", 1, 500),
    states=items(
        {"type": "string", "enum": [state.name for state in TrialState]}, "Only in these.", most=6
    ),
    numbers=items(integer("A number.", most=10**9), "Only these trials.", most=20_000),
    text=text("Words to look for.", most=1_000),
    tags=items(text("A tag.", most=200), "Only with all of these.", most=20),
    invalid=flag("Only, or without, those that were invalidated."),
    where=items(_WHERE, "Comparisons that must all hold.", most=50),
)


def _get(name: str, path: str, summary: str, **query: dict[str, object]) -> Route:
    return Route(name, "GET", path, summary, _ANY, query=query)


def _post(name: str, path: str, summary: str, body: dict[str, object] | None = None) -> Route:
    return Route(name, "POST", path, summary, _ANY, body=record() if body is None else body)


ROUTES: Final = (
    _get("about", "/api/about", "What this server is."),
    _post("login", "/api/login", "Begin a session.", record("token", token=_NAME)),
    _post("logout", "/api/logout", "End it."),
    _get("studies", "/api/studies", "All studies."),
    _get("list_events", "/api/events", "Changes of the list, as a stream."),
    _post(
        "compare",
        "/api/compare",
        "Studies side by side.",
        record("studies", studies=items(_NAME, "Their names.", most=60)),
    ),
    _get("study", _STUDY, "A study."),
    _get("events", _STUDY + "/events", "Its changes, as a stream."),
    _post("table", _STUDY + "/table", "Some of its trials.", _TABLE),
    _get(
        "figure",
        _STUDY + "/figures/{figure}",
        "A figure of it.",
        options=text("Options as JSON.", most=4_000),
    ),
    _get("front", _STUDY + "/front", "Its trials in the space of their objectives."),
    _get(
        "importance",
        _STUDY + "/importance",
        "What mattered.",
        metric=text("A metric.", most=20_000),
    ),
    _get("diagnosis", _STUDY + "/diagnosis", "Whether it is to be trusted."),
    _get("form", _STUDY + "/form", "The fields of its space."),
    _post("check", _STUDY + "/check", "Check values.", record("params", params=_PARAMS)),
    _get("csv", _STUDY + "/export.csv", "Its trials as a table."),
    _get("json", _STUDY + "/export.json", "All of it."),
    _get("trial", _ONE, "A trial."),
    _get("log", _ONE + "/log", "What it printed.", attempt=integer("Which run.", 1, most=10**6)),
    _post("stop", _STUDY + "/stop", "Start no more trials."),
    _post(
        "goal",
        _STUDY + "/goal",
        "Change how many trials it is to have.",
        record(
            "total",
            total={
                "type": ["integer", "null"],
                "minimum": 0,
                "maximum": 10**9,
                "description": "So many in all, or null for no limit.",
            },
        ),
    ),
    _post("annotate", _STUDY + "/annotate", "Note something.", _ANNOTATION),
    _post(
        "enqueue",
        _STUDY + "/enqueue",
        "Have a configuration tried next.",
        record("params", params=_PARAMS, note=_NOTE),
    ),
    _post("stop_trial", _ONE + "/stop", "End it.", record(reason=_NOTE)),
    _post("retry", _ONE + "/retry", "Try its parameters again."),
    _post("invalidate", _ONE + "/invalidate", "Take it out.", record(reason=_NOTE)),
    _post("annotate_trial", _ONE + "/annotate", "Note something.", _ANNOTATION),
)
"""All routes."""

OPEN: Final = frozenset({"about", "login", "logout"})
"""Names of the routes that need no token."""

CHANGES: Final = frozenset(
    {"stop", "goal", "annotate", "enqueue", "stop_trial", "retry", "invalidate", "annotate_trial"}
)
"""Names of the routes that change a study."""

_DOTS: Final = re.compile(r"~+\.\.?")


def unescaped(part: str) -> str:
    """Return the study that a part of a path names.

    Browsers take the parts "." and ".." out of a path, however they are written; so such a name has
    a "~" before it, and so has a name that would be mistaken for one with it.

    Example:
        >>> unescaped("~.."), unescaped("~~."), unescaped(".."), unescaped("~a")
        ('..', '~.', '..', '~a')
    """
    return part[1:] if _DOTS.fullmatch(part) else part
