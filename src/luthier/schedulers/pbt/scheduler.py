"""The scheduler: who trains on, who waits, and who makes room for a copy of a better one.

Both modes are functions of the history:

    synchronous   all members pause at each step b = ready_every, 2 ready_every, ...; when all are
                  there, those to be replaced are stopped, then cloned from their donors, then the
                  others are resumed, in order of their numbers
    asynchronous  a member that gets to such a step is compared with all that have been there, and
                  stopped, or goes on at once; it only pauses if another that is behind waits

A round is decided from what members were at its step, so it is decided alike however much of it
has been done already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import Any, Final, final

import numpy as np

from luthier.core.filling import filled_params
from luthier.core.history import History
from luthier.core.jobs import NEW, Clone, Decision, Job, Resume, Stop
from luthier.core.lineage import step_from
from luthier.core.settings import Choice, Flag, Number, Rule, settle, spec_of
from luthier.core.trial import FrozenTrial, TrialState
from luthier.errors import ArgumentError
from luthier.schedulers.pbt.bandit import promising
from luthier.schedulers.pbt.exploit import EXPLOITS, Copy, any_of_the_best, replacement
from luthier.schedulers.pbt.explore import explored
from luthier.schedulers.pbt.members import Member, Population, compared_at
from luthier.schedulers.stopping import paused_at_budget

__all__ = ["PBT"]

_IDLE: Final = (TrialState.WAITING, TrialState.PAUSED)
_DEAD: Final = {TrialState.FAILED, TrialState.PRUNED}
_RULES: Final[Mapping[str, Rule]] = {
    "steps": Number(1, whole=True),
    "population": Number(2, whole=True),
    "ready_every": Number(1, whole=True),
    "warmup": Number(0, whole=True),
    "exploit": Choice(EXPLOITS),
    "share": Number(0, 0.5, open="low"),
    "explore": Choice(("perturb", "pb2", "none")),
    "perturbation": Number(0),
    "resample": Number(0, 1, open=""),
    "synchronous": Flag(),
}


@final
@dataclass(frozen=True, slots=True)
class PBT:
    """Train a population, and let good members take the places of bad ones, with other settings.

    Finds a schedule of the hyperparameters in the time of one training run, on as many slots as
    there are members; fewer slots take turns. The objective must call ``trial.save_checkpoint``
    after ``trial.report``, and go on from ``trial.load_checkpoint()``.

    Args:
        steps: The step at which training ends.
        population: How many members there are, at least 2.
        ready_every: After so many steps members are compared, and may be replaced.
        warmup: Nobody is replaced before this step.
        exploit: Who copies whom: "truncation", "tournament" or "pairs".
        share: Of "truncation": which share is replaced by a copy of one of the same share of the
            best, above 0 and at most 0.5.
        explore: How a copy's hyperparameters are chosen: "perturb" moves them a little, "pb2"
            asks a Gaussian process what promises the most progress, "none" leaves them.
        perturbation: How far "perturb" moves: log-scaled numbers by a factor of 1 + p, others by
            p / 2 of their range.
        resample: The probability with which "perturb" draws a parameter anew.
        synchronous: Whether members wait for each other, so that a run can be repeated exactly.
        frequencies: Sub-populations, each compared at its own multiple of ``ready_every``: (1, 4)
            lets half of the members be judged by what they have become after four times as long.
        metric: The reported metric to compare by; the objectives if None.

    Raises:
        ArgumentError: A setting is out of range.

    Example:
        >>> PBT(steps=100, population=8, ready_every=5, frequencies=(1, 4)).spec["frequencies"]
        [1, 4]

    References:
        Jaderberg et al., Population Based Training of Neural Networks, arXiv:1711.09846.
        Parker-Holder et al., arXiv:2002.02518: PB2. Doulazmi et al., arXiv:2506.03225: MF-PBT.
    """

    steps: int
    population: int = 8
    ready_every: int = 5
    warmup: int = 0
    exploit: str = "truncation"
    share: float = 0.25
    explore: str = "perturb"
    perturbation: float = 0.2
    resample: float = 0.25
    synchronous: bool = False
    frequencies: tuple[int, ...] = (1,)
    metric: str | None = None

    def __post_init__(self) -> None:
        settle(self, _RULES)
        given = self.frequencies
        factors = tuple(given) if isinstance(given, tuple | list) else ()
        rule = Number(1, whole=True)
        if not factors or any(rule.read(f) is None for f in factors):
            raise ArgumentError(
                f"PBT: frequencies must be whole numbers of at least 1, got {given!r}. (1,) is a "
                "single population.",
                frequencies=given,
            )
        if self.population < 2 * len(factors):
            raise ArgumentError(
                f"PBT: a sub-population must have at least 2 members, got population="
                f"{self.population} for {len(factors)} frequencies.",
                population=self.population,
                frequencies=given,
            )
        object.__setattr__(self, "frequencies", factors)

    @property
    def spec(self) -> dict[str, Any]:
        """Its name and settings as JSON values."""
        return spec_of("pbt", self) | {"frequencies": list(self.frequencies)}

    def budget(self, history: History, number: int) -> int | None:
        """Up to the first comparison, where members pause; to the end where they don't."""
        return min(self.ready_every, self.steps) if self.synchronous else self.steps

    def next(self, history: History, rng: np.random.Generator) -> Job | None:
        """Start a member, replace one, or resume one that waits; None if there is nothing due."""
        population = Population.of(history, self.metric)
        if self._wants_more(population, history):
            return NEW
        scene = _Scene(self, population, history, rng)
        return scene.round() if self.synchronous else scene.turn()

    def decide(self, history: History, trial: FrozenTrial, step: int) -> Decision:
        """Pause, stop or continue a trial that has just reported."""
        if self.synchronous:
            return paused_at_budget(trial, step, self.ready_every, self.steps)
        if step >= self.steps or not self._crossed(trial, step):
            return Decision.CONTINUE
        population = Population.of(history, self.metric)
        member = population.member_of(trial)
        if member is None:
            return Decision.CONTINUE
        if _Scene(self, population, history, None).replacement_now(member) is not None:
            return Decision.STOP
        waits = self._wants_more(population, history) or any(
            m.position < step and (m.vacant or m.head.state in _IDLE) for m in population.members
        )
        return Decision.PAUSE if waits else Decision.CONTINUE

    def _wants_more(self, population: Population, history: History) -> bool:
        """Whether there are fewer members than there should be, and than there can be.

        Where the first must show what the space is, synchronous ones wait for it: so how they
        begin doesn't depend on how many begin at once. If it ended before it did, for the next.
        """
        n = len(population.members)
        if not history.space:
            states = {member.head.state for member in population.members}
            return n < self.population and (not self.synchronous or states <= _DEAD)
        return n < self.population and n < (history.space.cardinality or self.population)

    def _crossed(self, trial: FrozenTrial, step: int) -> bool:
        """Whether this report is the first at or after a step where members are compared."""
        items = trial.reports.items_in_order(max(len(trial.reports) - 2, 0))
        before = items[0][0] if len(items) > 1 else _since(trial)
        return step // self.ready_every > before // self.ready_every


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """A population at one moment, and what is due in it."""

    how: PBT
    population: Population
    history: History
    rng: np.random.Generator | None
    orders: dict[int, list[int]] = field(default_factory=dict)

    def round(self) -> Job | None:
        """What is due of the earliest open round; None while members are on their way."""
        open_ = [m for m in self.population.members if m.head.state is not TrialState.COMPLETE]
        for step in sorted({self._target(m) for m in open_}):
            here = [m for m in open_ if self._target(m) == step]
            if any(m.head.state in (TrialState.RUNNING, TrialState.WAITING) for m in here):
                return None
            job = self._due(here, step)
            if job is not None:
                return job
        return None

    def turn(self) -> Job | None:
        """What is due of whoever is furthest behind: first replacements, then resumptions."""
        waiting = [
            m for m in self.population.members if m.vacant or m.head.state is TrialState.PAUSED
        ]
        for position in sorted({m.position for m in waiting}):
            here = [m for m in waiting if m.position == position]
            jobs: Iterator[Job | None] = map(self._replaced, here)
            paused = (m for m in here if m.head.state is TrialState.PAUSED)
            resumed = (Resume(m.head.number, self.how.steps) for m in paused)
            job = next((job for job in chain(jobs, resumed) if job is not None), None)
            if job is not None:
                return job
        return None

    def _replaced(self, member: Member) -> Stop | Clone | None:
        """What is to be done to replace a member, if it should be."""
        step = self._compared(member)
        copy = None if step is None else self._copy(member, step)
        at = member.position if step is None else step
        if member.vacant:
            return self._clone(member, at, copy or self._any(member, at))
        return None if copy is None else self._stop(member, at, copy)

    def replacement_now(self, member: Member) -> Copy | None:
        """What becomes of a member by the latest step where enough can be compared."""
        step = self._compared(member)
        return None if step is None else self._copy(member, step)

    def _due(self, here: list[Member], step: int) -> Job | None:
        """Of a round: first all stops, then all clones, then all resumptions."""
        copies = {m.number: self._copy(m, step) for m in here}
        for member in here:
            copy = copies[member.number]
            if member.head.state is TrialState.PAUSED and copy is not None:
                return self._stop(member, step, copy)
        for member in here:
            if member.vacant:
                copy = copies[member.number] or self._any(member, step)
                job = self._clone(member, step, copy)
                if job is not None:
                    return job
        for member in here:
            if member.head.state is TrialState.PAUSED:
                return Resume(member.head.number, self._after(step))
        return None

    def _target(self, member: Member) -> int:
        """The step of the round that a member is in."""
        head, end = member.head, self.how.steps
        if head.budget is not None:
            return min(head.budget, end)
        return min(self._after(compared_at(head)), end)

    def _after(self, step: int) -> int:
        every = self.how.ready_every
        return min((step // every + 1) * every, self.how.steps)

    def _compared(self, member: Member) -> int | None:
        """The latest step since a member's trial began where half of its like have been."""
        n, interval = len(self.how.frequencies), self._interval(member.number)
        like = [m for m in self.population.members if m.number % n == member.number % n]
        since = _since(member.head)
        for step in range(member.position // interval * interval, since, -interval):
            if 2 * self.population.reached(step, like) >= len(like):
                return step
        return None

    def _copy(self, member: Member, step: int) -> Copy | None:
        """What becomes of a member: a donor that is replaced itself gives way to its own donor."""
        copy = self._wanted(member.number, step)
        if copy is None:
            return None
        donor = copy.donor
        while (further := self._wanted(donor, step)) is not None:
            donor = further.donor
        return replace(copy, donor=donor) if self._usable(donor, step) else None

    def _wanted(self, number: int, step: int) -> Copy | None:
        """What a member would become if its sub-population is compared at a step."""
        how, key = self.how, (self.history.seed, step)
        if step % self._interval(number) or not how.warmup <= step < how.steps:
            return None
        order = self._order(step)
        usable = partial(self._usable, step=step)
        return replacement(how.exploit, how.share, how.frequencies, order, number, key, usable)

    def _interval(self, number: int) -> int:
        """After how many steps a member's sub-population is compared."""
        return self.how.ready_every * self.how.frequencies[number % len(self.how.frequencies)]

    def _any(self, member: Member, step: int) -> Copy | None:
        """Whom to copy where a trial failed, or ended itself."""
        how, key = self.how, (self.history.seed, step)
        order = [k for k in self._order(step) if self._usable(k, step)]
        return any_of_the_best(how.share, how.frequencies, order, member.number, key)

    def _order(self, step: int) -> list[int]:
        if step not in self.orders:
            self.orders[step] = self.population.order(step)
        return self.orders[step]

    def _usable(self, donor: int, step: int) -> bool:
        """Whether a donor's saved state is kept, and there is something left to train from it.

        So members that have finished are donors, too, unless what they saved last is the end.
        """
        member = self.population.members[donor]
        saved = member.head.checkpoint
        gone = member.at(step).state in (TrialState.PRUNED, TrialState.FAILED)
        return not gone and (saved is None or saved.step < self.how.steps)

    def _stop(self, member: Member, step: int, copy: Copy) -> Stop:
        donor = self.population.members[copy.donor].head.number
        return Stop(member.head.number, f"trial {donor} is better at step {step}: it is copied")

    def _clone(self, member: Member, step: int, copy: Copy | None) -> Clone | None:
        members = self.population.members
        if copy is None or _has_yet_to_save(members[copy.donor].head):
            return None
        donor, model = members[copy.donor].head, members[copy.model].head
        params, words = self._params(donor, model, step, copy.explore)
        return Clone(
            donor.number,
            params,
            self._after(step) if self.how.synchronous else self.how.steps,
            f"member {member.number} copies member {copy.donor} (trial {donor.number}) at step "
            f"{step}, {words}",
            {
                "member": member.number,
                "generation": len(member.line),
                "step": step,
                "donor": copy.donor,
            },
        )

    def _params(
        self, donor: FrozenTrial, model: FrozenTrial, step: int, explore: bool
    ) -> tuple[dict[str, Any], str]:
        how, space, seed = self.how, self.history.space, self.history.seed
        params = filled_params(model, seed, space)
        if not explore or how.explore == "none":
            return params, f"with the hyperparameters of trial {model.number}"
        assert self.rng is not None
        if how.explore == "pb2":
            end, every = how.steps, how.ready_every
            chosen = promising(self.population, space, seed, donor, step, every, end, self.rng)
            if chosen is not None:
                return {**params, **chosen}, "with hyperparameters that promise progress"
        near = explored(space, params, how.perturbation, how.resample, self.rng)
        return near, "with hyperparameters near its own"


def _since(trial: FrozenTrial) -> int:
    """Up to which step a trial is what its donor was, or was compared already."""
    return max(compared_at(trial), step_from(trial))


def _has_yet_to_save(trial: FrozenTrial) -> bool:
    """Whether a trial is between its first report and the state that it saves after it."""
    running = trial.state is TrialState.RUNNING
    return running and trial.checkpoint is None and len(trial.reports) < 2
