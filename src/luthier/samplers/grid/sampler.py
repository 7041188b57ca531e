"""Grid search: every cell of a grid once, in order or shuffled.

Trial n starts to look at cell n and takes the first cell from there that nobody has, so that
neither a cursor nor a lock is needed: several drivers, enqueued trials, lost trials and a space
that grows while the study runs all come out right. Behind the last cell it goes through the
history for what was left out: first the cells never tried, then those that crashed.

A cell is known by its place in the grid. What a trial was proposed for stands in its origin:
``{"cell": place, "grid": digest}``; other trials, such as enqueued ones, are placed by their
values.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, final

import numpy as np

from luthier.core.history import History
from luthier.core.jobs import Proposal
from luthier.core.settings import Flag, Number, Rule, settle, spec_of
from luthier.core.trial import FrozenTrial
from luthier.errors import ArgumentError, InfeasibleSpaceError
from luthier.samplers.grid.cells import DEFAULT_POINTS, Cells, Points, cells_of
from luthier.space import Space

__all__ = ["Grid"]

logger = logging.getLogger("luthier")
_DRAWS: Final = 64
_RULES: Final[Mapping[str, Rule]] = {
    "shuffle": Flag(),
    "retries": Number(0, whole=True),
    "allow_duplicates": Flag(),
}


@final
@dataclass(frozen=True, slots=True)
class Grid:
    """Try every combination of the parameters' values, each exactly once.

    For a few parameters with few values, where the whole table is wanted. Finite parameters
    contribute all their values, continuous ones evenly spaced values in their scale. Cells
    that conditions make equal are tried once, cells that relations forbid aren't tried. With
    ``shuffle=True`` it's random search without replacement: good at any time to stop.

    A cell whose trials have all failed is tried again after all the others, ``retries`` times;
    ``crashed`` tells which ones never succeeded.

    Args:
        points: How many values of each continuous parameter, at least 1; or a mapping of names
            to numbers, 10 for those it leaves out.
        shuffle: Whether to take the cells in random order.
        retries: How often a crashed cell is tried again.
        allow_duplicates: Whether to start again from the first cell when all were tried.

    Raises:
        ArgumentError: A setting is out of range.

    Example:
        >>> from luthier.core.ledger import Ledger
        >>> from luthier.core.objective import Objective
        >>> from luthier.space import Categorical, Int
        >>> ledger = Ledger(Objective(), seed=0)
        >>> ledger.declare(Space(a=Categorical(["x", "y"]), b=Int(1, 3)), version=1)
        >>> history = ledger.snapshot()
        >>> [cell] = Grid().suggest(history.space, history, 1, np.random.default_rng(0))
        >>> dict(cell.params), cell.reason
        ({'a': 'x', 'b': 1}, 'grid cell 1 of 6')
    """

    points: int | Mapping[str, int] = DEFAULT_POINTS
    shuffle: bool = False
    retries: int = 1
    allow_duplicates: bool = False

    def __post_init__(self) -> None:
        per_name = self.points if isinstance(self.points, Mapping) else {"": self.points}
        if not all(_is_count(count) for count in per_name.values()):
            raise ArgumentError(
                "points must be a whole number of at least 1, or a mapping of names to such "
                f"numbers, got {self.points!r}.",
                points=self.points,
            )
        settle(self, _RULES)
        if isinstance(self.points, Mapping):
            object.__setattr__(self, "points", dict(self.points))

    def __hash__(self) -> int:
        return hash((self._points, self.shuffle, self.retries, self.allow_duplicates))

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("grid", self)

    def suggest(
        self, space: Space, history: History, n: int, rng: np.random.Generator
    ) -> list[Proposal]:
        """Return the next n cells; fewer where the grid has no more."""
        if not space:
            return _first_run(history)
        cells = cells_of(space, space.checks, self._points)
        if not cells.has(0):
            raise InfeasibleSpaceError(
                "The relations of a space must leave some cells of its grid, all are ruled out. "
                "Loosen them, or give continuous parameters more points."
            )
        if self.allow_duplicates:
            return [self._repeated(cells, history.next_number + i, rng) for i in range(n)]
        taken = {cells.place(trial) for trial in history.live}
        proposals: list[Proposal] = []
        for i in range(n):
            k = self._fresh(cells, space, history, history.next_number + i, taken, rng)
            found = None if k is None else (k, _reason(cells, k, self.shuffle))
            found = found or self._crashed_cell(cells, history, taken)
            if found is None:
                break
            proposals.append(_proposal(cells, *found))
            taken.add(found[0])
        if not proposals and not history.live:
            self._report(space, history)
        return proposals

    def crashed(self, space: Space, history: History) -> list[dict[str, Any]]:
        """Return the cells that have failed more often than they are retried.

        Args:
            space: The space searched.
            history: What has happened.

        Returns:
            Configurations without a result, in the order of the grid.
        """
        if not space:
            return []
        cells = cells_of(space, space.checks, self._points)
        failures = _failures(cells, history)
        return [cells[k] for k in sorted(failures) if len(failures[k]) > self.retries]

    @property
    def _points(self) -> Points:
        return tuple(sorted(self.points.items())) if isinstance(self.points, dict) else self.points  # type: ignore[return-value]

    def _fresh(
        self,
        cells: Cells,
        space: Space,
        history: History,
        number: int,
        taken: set[int | None],
        rng: np.random.Generator,
    ) -> int | None:
        """Return a cell that was never tried, or None."""

        def is_free(k: int) -> bool:
            return k not in taken and not history.has_seen(space.key(cells[k]))

        if self.shuffle and history.n_trials < cells.size:
            for _ in range(_DRAWS):
                if is_free(k := cells.draw(rng)):
                    return k
        elif not self.shuffle:
            k = number
            while cells.has(k):
                if is_free(k):
                    return k
                k += 1
        tried = taken | set(map(cells.place, _finished(history)))
        left = (k for k in _circle(number, cells.size) if k not in tried)
        if not self.shuffle:
            return next(left, None)
        rest = list(left)
        return rest[int(rng.integers(len(rest)))] if rest else None

    def _crashed_cell(
        self, cells: Cells, history: History, taken: set[int | None]
    ) -> tuple[int, str] | None:
        """Return a cell to be tried again with the reason, or None."""
        for k, trials in _failures(cells, history).items():
            if len(trials) <= self.retries and k not in taken:
                again = f"retry {len(trials)} of {self.retries}: trial {trials[-1]} failed"
                return k, f"{_reason(cells, k, False)}, {again}"
        return None

    def _repeated(self, cells: Cells, number: int, rng: np.random.Generator) -> Proposal:
        k = cells.draw(rng) if self.shuffle else number % cells.size
        return _proposal(cells, k, _reason(cells, k, self.shuffle))

    def _report(self, space: Space, history: History) -> None:
        if crashed := self.crashed(space, history):
            logger.warning(
                "The grid is done, but %d of its cells failed in every trial, among them %s.",
                len(crashed),
                crashed[0],
            )


def _first_run(history: History) -> list[Proposal]:
    """Before the space is known one trial runs alone, through the first value of everything.

    Others have to wait for it: they couldn't know which cell it takes.
    """
    if history.running or history.waiting or history.completed:
        return []
    return [Proposal({}, "grid: the space isn't known yet, first value of everything", "first")]


def _proposal(cells: Cells, k: int, reason: str) -> Proposal:
    return Proposal(cells[k], reason, "first", data={"cell": k, "grid": cells.digest})


def _reason(cells: Cells, k: int, shuffle: bool) -> str:
    drawn = ", drawn at random without replacement" if shuffle else ""
    return f"grid cell {k + 1}{cells.label}{drawn}"


def _finished(history: History) -> Iterator[FrozenTrial]:
    return chain(history.completed, history.pruned, history.failed)


def _failures(cells: Cells, history: History) -> dict[int, list[int]]:
    """The failed trials of each cell that has nothing but failures, first failure first."""
    failures: dict[int, list[int]] = {}
    for trial in history.failed:
        if (k := cells.place(trial)) is not None:
            failures.setdefault(k, []).append(trial.number)
    if failures:
        for trial in chain(history.completed, history.pruned):
            failures.pop(cells.place(trial), None)  # type: ignore[arg-type]
    return failures


def _circle(start: int, size: int) -> Iterable[int]:
    """All of 0 .. size - 1, from start on."""
    start %= size or 1
    return chain(range(start, size), range(start))


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
