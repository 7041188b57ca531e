"""All views of a dashboard: opened when they are asked for, kept up, let go of.

Work is done in threads. Where somebody listens to a study it is looked at four times a second; what
nobody has asked for in a while is dropped, with all its caches.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, final

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from luthier.core.protocols import Storage
from luthier.dashboard.figures import Figures
from luthier.dashboard.view import View
from luthier.errors import StudyNotFoundError
from luthier.service.problems import RefusedError
from luthier.service.views import study_view

__all__ = ["Listener", "Views"]

logger = logging.getLogger("luthier")
T = TypeVar("T")
_THREADS: Final = 6
_LOOK_SECONDS: Final = 0.25
_REPORTS_SECONDS: Final = 1.0
_LIST_SECONDS: Final = 2.0
_KEPT_SECONDS: Final = 60.0
_MOST_IDLE: Final = 4
_MOST_LISTENERS: Final = 64
_MOST_NUMBERS: Final = 200


@final
class Listener:
    """A client that wants to hear of changes. It holds what is new, once, however slow it is."""

    def __init__(self) -> None:
        self.news = asyncio.Event()
        self.gone = False
        self.trouble: str | None = None
        self._numbers: dict[int, None] | None = None
        self._n_changed = 0
        self._told = -1.0

    def fear(self, trouble: str) -> None:
        """Take in that changes can't be seen now."""
        if self.trouble is None:
            self.trouble = trouble
            self.news.set()

    def hear(self, numbers: Sequence[int], *, urgent: bool) -> None:
        """Take in that trials have changed."""
        if self._numbers is not None:
            self._numbers.update(dict.fromkeys(numbers))
            if len(self._numbers) > _MOST_NUMBERS:
                self._numbers = None
        self._n_changed += len(numbers)
        if urgent:
            self.news.set()

    def is_due(self, now: float) -> bool:
        """Whether reports, which may wait, have waited for long enough."""
        return self._n_changed > 0 and now - self._told >= _REPORTS_SECONDS

    def take(self) -> dict[str, Any]:
        """Return what is new, and forget it."""
        numbers = None if self._numbers is None else list(self._numbers)
        found = {"changed": numbers, "n_changed": self._n_changed}
        self._numbers, self._n_changed, self._told = {}, 0, time.monotonic()
        self.news.clear()
        return found


@final
@dataclass(slots=True)
class _Place:
    view: View
    figures: Figures
    used: float
    listeners: set[Listener] = field(default_factory=set)


@final
class Views:
    """The views of a dashboard.

    Args:
        storage: Where the studies are.
        kept: For how many seconds a study stays open that nobody asks for.
    """

    def __init__(self, storage: Storage, kept: float = _KEPT_SECONDS) -> None:
        self.storage = storage
        self._kept = kept
        self._places: dict[str, _Place] = {}
        self._opening: dict[str, asyncio.Lock] = {}
        self._threads = CapacityLimiter(_THREADS)
        self._list: tuple[float, list[dict[str, Any]]] = (-_LIST_SECONDS, [])
        self._listing = asyncio.Lock()
        self._to_list: set[Listener] = set()

    @property
    def open_studies(self) -> list[str]:
        """Names of the studies that are in memory."""
        return list(self._places)

    async def at(self, name: str, work: Callable[[View], T]) -> T:
        """Look at a study, or do something to it.

        Args:
            name: The study.
            work: Gets the view as it stands now; runs in a thread.

        Raises:
            StudyNotFoundError: There is no such study.
        """

        def done(view: View) -> T:
            view.look_again()
            return work(view)

        found: T = await self._with(name, lambda place: self.in_thread(lambda: done(place.view)))
        return found

    async def made(self, name: str, key: str, make: Callable[[View], Any]) -> Any:
        """Return what is costly to make, from the study's cache if it is still good."""

        async def get(place: _Place) -> Any:
            await self.in_thread(place.view.look_again)
            return await place.figures.get(key, lambda: make(place.view), place.view)

        return await self._with(name, get)

    async def studies(self) -> list[dict[str, Any]]:
        """All studies at a glance, as of a moment ago."""
        async with self._listing:
            at, found = self._list
            if time.monotonic() - at > _LIST_SECONDS / 2:
                summaries = await self.in_thread(self.storage.studies)
                found = [study_view(summary) for summary in summaries]
                self._list = (time.monotonic(), found)
            return found

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Do something that may take a while."""
        return await run_sync(work, limiter=self._threads)

    # Listening

    async def listen(self, name: str | None) -> Listener:
        """Begin to hear of changes of a study, or of the list of studies if None.

        Raises:
            RefusedError: 429: too many listen.
            StudyNotFoundError: There is no such study.
        """
        n = len(self._to_list) + sum(len(place.listeners) for place in self._places.values())
        if n >= _MOST_LISTENERS:
            raise RefusedError(
                429,
                f"At most {_MOST_LISTENERS} pages may be open at once. Close one.",
                {"Retry-After": "5"},
            )
        listener = Listener()
        if name is None:
            self._to_list.add(listener)
        else:

            async def join(place: _Place) -> None:
                place.listeners.add(listener)

            await self._with(name, join)
        listener.news.set()
        return listener

    def leave(self, name: str | None, listener: Listener) -> None:
        """End it."""
        self._to_list.discard(listener)
        if name is not None and name in self._places:
            self._places[name].listeners.discard(listener)
            self._places[name].used = time.monotonic()

    async def keep_up(self) -> None:
        """Look at what is listened to, and let go of what isn't asked for, for ever."""
        list_due = 0.0
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            now = time.monotonic()
            await asyncio.gather(
                *(self._look(name, place) for name, place in list(self._places.items()))
            )
            if self._to_list and now >= list_due:
                await self._look_at_list()
                list_due = time.monotonic() + _LIST_SECONDS
            self._let_go(now)

    async def _look(self, name: str, place: _Place) -> None:
        if not place.listeners:
            return
        try:
            change = await self.in_thread(place.view.news)
        except StudyNotFoundError:
            self._drop(name, place)
            return
        except Exception as error:  # noqa: BLE001  the next look may succeed
            logger.warning("Study %r can't be looked at now: %s", name, error)
            for listener in place.listeners:
                listener.fear(f"The storage can't be read now: {error}")
            return
        now = time.monotonic()
        for listener in place.listeners:
            if change is not None:
                listener.hear(change.numbers, urgent=change.urgent)
            if listener.trouble is not None or listener.is_due(now):
                listener.trouble = None
                listener.news.set()

    async def _look_at_list(self) -> None:
        before = self._list[1]
        try:
            found = await self.studies()
        except Exception as error:  # noqa: BLE001  the next look may succeed
            logger.warning("The list of studies can't be looked at now: %s", error)
            for listener in self._to_list:
                listener.fear(f"The storage can't be read now: {error}")
            return
        for listener in self._to_list:
            if found != before or listener.trouble is not None:
                listener.trouble = None
                listener.news.set()

    # Opening

    async def _with(self, name: str, work: Callable[[_Place], Any]) -> Any:
        place = self._places.get(name)
        if place is not None:
            try:
                place.used = time.monotonic()
                return await work(place)
            except StudyNotFoundError:  # deleted; perhaps there is a new one
                self._drop(name, place)
        return await work(await self._opened(name))

    async def _opened(self, name: str) -> _Place:
        lock = self._opening.setdefault(name, asyncio.Lock())
        try:
            async with lock:
                place = self._places.get(name)
                if place is None:
                    view = await self.in_thread(lambda: View(self.storage, name))
                    place = self._places[name] = _Place(view, Figures(), time.monotonic())
                    self._let_go(time.monotonic())
                return place
        finally:
            if not lock.locked():
                self._opening.pop(name, None)

    def _drop(self, name: str, place: _Place) -> None:
        if self._places.get(name) is place:
            del self._places[name]
        for listener in place.listeners:
            listener.gone = True
            listener.news.set()

    def _let_go(self, now: float) -> None:
        idle = sorted(
            (place.used, name) for name, place in self._places.items() if not place.listeners
        )
        surplus = len(idle) - _MOST_IDLE
        for rank, (used, name) in enumerate(idle):
            if now - used > self._kept or rank < surplus:
                del self._places[name]
