"""A route: one thing that can be asked over HTTP, and how a request finds its route.

Paths are matched part by part as they came, before any ``%2F`` is read, so that a study may be
called ``a/b`` or ``..`` and no name reaches beyond its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import final
from urllib.parse import unquote

from luthier.service.problems import RefusedError
from luthier.service.schemas import Schema

__all__ = ["Route", "match"]


@final
@dataclass(frozen=True, slots=True)
class Route:
    """One thing that can be asked of the service.

    Attributes:
        name: What it is called, in code and in the OpenAPI document.
        method: GET, POST or PUT.
        path: Its path; ``{study}`` and ``{number}`` stand for parts.
        summary: What it does, in a sentence.
        answer: The schema of what it answers.
        body: The schema of what it takes; None where it takes nothing.
        query: Schemas of the parameters in its query.
        needs: Those of them that must be there.
        carries: "up" if its body is a file, "down" if its answer is one.
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
    needs: tuple[str, ...] = ()
    carries: str = ""
    refusals: tuple[int, ...] = ()
    open: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        """The path's parts."""
        return tuple(self.path.strip("/").split("/"))


def match(
    routes: Iterable[Route], method: str, raw_path: str, hint: str = ""
) -> tuple[Route, dict[str, str]]:
    """Return the route of a request, and the parts of its path that are names.

    Args:
        routes: All that there are.
        method: In capitals.
        raw_path: As it was sent, percent signs and all, without the query.
        hint: A sentence for who asks for a path that there isn't.

    Raises:
        RefusedError: 404 where there is no such path, 405 where it takes other methods.

    Example:
        >>> route = Route("best", "GET", "/v1/studies/{study}/best", "The best.", {})
        >>> match([route], "GET", "/v1/studies/a%2Fb/best")[1]
        {'study': 'a/b'}
    """
    parts = raw_path.removeprefix("/").split("/")
    found = [route for route in routes if _fits(route.parts, parts)]
    for route in found:
        if route.method == method:
            pairs = zip(route.parts, parts, strict=True)
            return route, {part[1:-1]: _read(got) for part, got in pairs if part[0] == "{"}
    if found:
        allowed = ", ".join(sorted({route.method for route in found}))
        raise RefusedError(
            405, f"{raw_path[:200]} takes {allowed}, got {method[:20]}.", {"Allow": allowed}
        )
    raise RefusedError(404, f"There is no path {raw_path[:200]!r}. {hint}".rstrip())


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
