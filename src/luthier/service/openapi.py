"""The OpenAPI 3.1 document, written from the table of routes."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from luthier import __version__
from luthier.service.archive import FILE, FOLDER
from luthier.service.problems import MEDIA_TYPE
from luthier.service.route import Route
from luthier.service.routes import ROUTES

__all__ = ["document"]

_ALWAYS: Final = (400, 401, 403, 429, 500, 503)
_WITH_BODY: Final = (408, 413, 415, 422)
_PARTS: Final = {
    "{study}": {"type": "string", "description": "A study's name, percent-encoded."},
    "{number}": {"type": "integer", "minimum": 0, "description": "A trial's number."},
}
_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    "description": "The same for every try of one request, so that it counts once.",
}
_BYTES: Final = {"schema": {"type": "string", "format": "binary"}}
_CONTENT: Final = {FILE: _BYTES, FOLDER: _BYTES}
_HEADERS: Final = {
    "Luthier-Step": {"schema": {"type": "integer", "minimum": 0}, "description": "The step."},
    "ETag": {"schema": {"type": "string"}, "description": "The content's key."},
}
_PROBLEM: Final = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "error"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "The rule, the place, the value, what to do."},
        "error": {"type": "string", "description": "The name of the error in luthier.errors."},
        "running": {"type": "integer", "description": "How many trials are running."},
    },
}


def document() -> dict[str, Any]:
    """Return the document, as JSON data.

    Example:
        >>> document()["openapi"]
        '3.1.0'
    """
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Luthier",
            "version": __version__,
            "summary": "Ask, tell and report: hyperparameter optimisation for any language.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": {"Problem": _PROBLEM},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": _parameters(route),
        "responses": _responses(route),
    }
    if route.body is not None:
        operation["requestBody"] = {
            "required": "required" in route.body,
            "content": {"application/json": {"schema": route.body}},
        }
    if route.carries == "up":
        operation["requestBody"] = {"required": True, "content": _CONTENT}
    if route.open:
        operation["security"] = []
    return operation


def _parameters(route: Route) -> list[dict[str, Any]]:
    found = [
        {"name": part[1:-1], "in": "path", "required": True, "schema": _PARTS[part]}
        for part in route.parts
        if part in _PARTS
    ]
    found += [
        {"name": name, "in": "query", "required": name in route.needs, "schema": schema}
        for name, schema in route.query.items()
    ]
    return [*found, _KEY] if route.body is not None else found


def _responses(route: Route) -> dict[str, Any]:
    statuses = {*_ALWAYS, *route.refusals}
    if route.body is not None or route.carries == "up":
        statuses |= {*_WITH_BODY}
    elif route.query or "{number}" in route.parts:
        statuses |= {422}
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    responses: dict[str, Any] = {
        "200": {
            "description": "Done.",
            "content": {"application/json": {"schema": route.answer}},
        }
    }
    if route.carries == "down":
        responses["200"] |= {"content": _CONTENT, "headers": _HEADERS}
    for status in sorted(statuses):
        responses[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: problem},
        }
    return responses
