"""All desks of a service: studies opened when they are asked for, work done in threads.

Each study has one lock, waited for on the event loop, so that a slow sampler of one study holds
up neither the loop nor another study.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, final

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from luthier.core.protocols import Storage
from luthier.core.trial import TrialState
from luthier.errors import ArgumentError, StudyNotFoundError
from luthier.service.desk import Desk
from luthier.service.leases import AwakeClock, Clock
from luthier.service.problems import RefusedError
from luthier.service.views import read_space, study_view
from luthier.study.create import create_study, load_study

__all__ = ["Desks"]

logger = logging.getLogger("luthier")
T = TypeVar("T")
_THREADS: Final = 8
_LOOK_SECONDS: Final = 1.0


@final
@dataclass(slots=True)
class _Place:
    desk: Desk
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@final
class Desks:
    """The desks of a service.

    Args:
        storage: Where the studies are.
        worker: The service's name as a worker, the same after a restart.
        lease: Seconds of a lease for which a client names none.
        patience: Seconds that a request may wait for its turn.
        clock: Tells seconds, for leases.
    """

    def __init__(
        self, storage: Storage, worker: str, lease: float, patience: float, clock: Clock
    ) -> None:
        self._storage = storage
        self._worker = worker
        self._lease = lease
        self._patience = patience
        self._clock = AwakeClock(clock)
        self._places: dict[str, _Place] = {}
        self._opening = asyncio.Lock()
        self._threads = CapacityLimiter(_THREADS)

    async def at(self, name: str, work: Callable[[Desk], T]) -> T:
        """Do something at a study's desk, when it is its turn.

        Args:
            name: The study.
            work: Gets the desk; runs in a thread.

        Raises:
            StudyNotFoundError: There is no such study.
            RefusedError: 503: it wasn't its turn in time.
        """
        place = self._places.get(name)
        if place is not None:
            try:
                return await self._turn(place, work)
            except StudyNotFoundError:  # deleted; perhaps there is a new one
                self._places.pop(name, None)
        return await self._turn(await self._opened(name), work)

    async def beside(self, name: str, work: Callable[[Desk], T]) -> T:
        """Do something at a study's desk without waiting for a turn, nor holding up others."""
        place = self._places.get(name) or await self._opened(name)
        return await self._in_thread(lambda: work(place.desk))

    async def renew(self, name: str, number: int, attempt: int) -> float | None:
        """Renew a lease without waiting for a turn; return its seconds, or None."""
        place = self._places.get(name) or await self._opened(name)
        return place.desk.leases.renew(number, attempt)

    async def studies(self) -> list[dict[str, Any]]:
        """All studies at a glance."""
        found = await self._in_thread(self._storage.studies)
        return [study_view(summary) for summary in found]

    async def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create a study, or go on with the one of that name."""
        options = dict(body)
        name = options.pop("name")
        async with self._opening:
            study = await self._in_thread(lambda: self._created(name, options))
            place = self._places.get(name)
            if place is None:
                desk = await self._in_thread(
                    lambda: Desk(study, self._worker, self._clock, self._lease)
                )
                place = self._places[name] = _Place(desk)
            else:
                await self._turn(place, lambda desk: desk.use(study))
        return await self._turn(place, Desk.summary)

    async def keep_watch(self) -> None:
        """Open what was left running, then put back trials whose leases have lapsed, for ever."""
        await self._resume()
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self._clock()
            for name, place in list(self._places.items()):
                if place.desk.leases:
                    await self._looked_after(name)

    async def _looked_after(self, name: str) -> None:
        try:
            await self.at(name, Desk.lapse)
        except Exception as error:  # noqa: BLE001  the next look may succeed
            logger.warning("The leases of study %r can't be looked after now: %s", name, error)

    async def _resume(self) -> None:
        try:
            found = await self._in_thread(self._storage.studies)
            for summary in found:
                if summary.states.get(TrialState.RUNNING):
                    await self._opened(summary.record.name)
        except Exception as error:  # noqa: BLE001  it is opened when it is asked for
            logger.warning("What ran before can't be looked at now: %s", error)

    async def _opened(self, name: str) -> _Place:
        async with self._opening:
            place = self._places.get(name)
            if place is None:
                desk = await self._in_thread(lambda: self._open(name))
                place = self._places[name] = _Place(desk)
            return place

    def _open(self, name: str) -> Desk:
        study = load_study(study_name=name, storage=self._storage)
        return Desk(study, self._worker, self._clock, self._lease)

    def _created(self, name: str, options: dict[str, Any]) -> Any:
        if (given := options.get("space")) is not None:
            options["space"] = read_space(given)
        try:
            return create_study(study_name=name, storage=self._storage, **options)
        except (TypeError, AttributeError) as error:  # settings of the wrong kind
            raise ArgumentError(
                f"The sampler and the scheduler must be names, or names with settings that fit, "
                f"got {options.get('sampler')!r:.100} and {options.get('scheduler')!r:.100} "
                f"({error})."
            ) from None

    async def _turn(self, place: _Place, work: Callable[[Desk], T]) -> T:
        try:
            async with asyncio.timeout(self._patience):
                await place.lock.acquire()
        except TimeoutError:
            raise RefusedError(
                503,
                f"The study was busy for {self._patience:g} seconds with requests before this "
                "one. Try again later.",
                {"Retry-After": "5"},
            ) from None
        try:
            return await self._in_thread(lambda: work(place.desk))
        finally:
            place.lock.release()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await run_sync(work, limiter=self._threads)
