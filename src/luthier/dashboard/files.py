"""The files of the pages: a fixed list, made at the start, so that no path reaches beyond it."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final, final

from starlette.responses import Response

from luthier.service.problems import RefusedError

__all__ = ["POLICY", "Files", "answer"]

POLICY: Final = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""What browsers are told with every answer."""

_KINDS: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".txt": "text/plain; charset=utf-8",
}
_PACKED: Final = {".html", ".css", ".js", ".json", ".svg", ".txt"}
_LEAST_PACKED: Final = 2_000


@final
@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    packed: bytes | None
    kind: str
    etag: str
    changed: int


@final
class Files:
    """Pages, scripts and styles, by path as it stands in a request.

    Args:
        folder: Where they are; the package's own if None.

    Example:
        >>> "/static/plotly.js" in Files().paths
        True
    """

    def __init__(self, folder: Path | None = None) -> None:
        own = Path(str(files("luthier.dashboard"))) / "static" if folder is None else folder
        plotly = Path(str(files("luthier.plots"))) / "static" / "plotly-cartesian.min.js"
        found = (path for path in sorted(own.rglob("*")) if path.suffix in _KINDS)
        self._places = {f"/static/{path.relative_to(own).as_posix()}": path for path in found}
        self._places["/static/plotly.js"] = plotly
        if (own / "index.html").is_file():
            self._places["/"] = own / "index.html"
        self._read: dict[str, _File] = {}

    @property
    def paths(self) -> frozenset[str]:
        """All paths there are."""
        return frozenset(self._places)

    def answer(self, path: str, headers: Mapping[str, str]) -> Response:
        """Return the answer to a request for a file.

        Args:
            path: As it stands in the request, without the query.
            headers: The request's, by lower-case name.

        Raises:
            RefusedError: 404: no such file.
        """
        place = self._places.get(path)
        if place is None:
            raise RefusedError(404, f"There is no page {path[:200]!r}.")
        changed = place.stat().st_mtime_ns
        file = self._read.get(path)
        if file is None or file.changed != changed:
            file = self._read[path] = _load(place, changed)
        return answer(file.content, file.packed, file.kind, file.etag, headers)


def answer(
    content: bytes, packed: bytes | None, kind: str, etag: str, headers: Mapping[str, str]
) -> Response:
    """Return content as an answer: 304 if the client has it, packed if it takes that.

    Args:
        content: The body.
        packed: The same by gzip, if there is such.
        kind: Its media type.
        etag: What identifies it, in quotes.
        headers: The request's, by lower-case name.
    """
    own = {**POLICY, "ETag": etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if etag in headers.get("if-none-match", ""):
        return Response(b"", 304, own)
    if packed is not None and "gzip" in headers.get("accept-encoding", ""):
        return Response(packed, 200, {**own, "Content-Encoding": "gzip"}, kind)
    return Response(content, 200, own, kind)


def _load(place: Path, changed: int) -> _File:
    content = place.read_bytes()
    is_packed = place.suffix in _PACKED and len(content) >= _LEAST_PACKED
    packed = gzip.compress(content, 6, mtime=0) if is_packed else None
    etag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
    return _File(content, packed, _KINDS[place.suffix], etag, changed)
