"""The trace of define-by-run: a space learnt from what objectives asked for.

Finished runs are folded in one by one. The union of all parameters asked for is the space; the
conditions under which they are asked for are learnt from runs with and without them. While the
space predicts a run's parameters, nothing changes. When it doesn't, conditions are learnt anew
from a bounded set of distinct runs. The same sequence of runs gives the same space everywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from typing import Any, final

from luthier.errors import IncompatibleParamError, SpaceError
from luthier.space.learning import Run, is_parent, learn
from luthier.space.params import Constant, Param, same_domain
from luthier.space.space import Space
from luthier.space.values import value_key

__all__ = ["Trace", "merge_definition"]

_MAX_RUNS = 512

Signature = tuple[tuple[str, ...], tuple[Hashable, ...]]
"""The names a run asked for, and the values of those that may be parents."""


@final
class Trace:
    """Folds finished runs into a space.

    Args:
        declared: The space to start from. Its conditions and relations stay; parameters that
            runs ask for besides are added after its own.

    Attributes:
        space: The space learnt so far; the same object until something new is learnt.
        definitions: The latest definition of every parameter, as it was declared or asked for.
        version: How often the space has changed.
        moving: Whether the objective computes its definitions: one differed from an earlier
            run's, or its bounds met. Then there may always be more than is known.

    Example:
        >>> from luthier.space import Categorical, Float
        >>> optimizer, momentum = Categorical(["adam", "sgd"]), Float(0, 0.99)
        >>> trace = Trace()
        >>> trace.observe({"optimizer": "adam"}, {"optimizer": optimizer})
        >>> trace.observe({"optimizer": "sgd", "momentum": 0.9}, {"momentum": momentum})
        >>> trace.space.active({"optimizer": "adam"})
        ('optimizer',)
    """

    def __init__(self, declared: Space | None = None) -> None:
        self._declared = declared if declared is not None else Space()
        self._runs: dict[Signature, Run] = {}
        self._unexplained: frozenset[str] = frozenset()
        self._review_at = 0
        self.space = self._declared
        self.definitions: dict[str, Param] = dict(self._declared)
        self.version = 0
        self.moving = False

    def redeclared(self, declared: Space) -> Trace:
        """Return a trace that starts from another declared space and knows the same runs.

        What was learnt of parameters beside the declared ones stays; what runs have changed of
        those stays only if the space is the one declared before.
        """
        trace = Trace(declared)
        same = declared == self._declared
        for name, param in self.definitions.items():
            # equal definitions may differ in the objects of choices: the new ones are at hand
            if name not in declared or (same and param != declared[name]):
                trace.definitions[name] = param
        trace._runs = dict(self._runs)
        trace.version = self.version + 1
        trace.moving = self.moving
        trace._relearn()
        return trace

    def observe(
        self, asked: Mapping[str, Any], declares: Mapping[str, Param], *, complete: bool = True
    ) -> None:
        """Fold in a finished run.

        Args:
            asked: The values, in the order in which they were asked for.
            declares: Definitions that are new or changed in this run; the latest one counts,
                unless it contradicts a declared condition or relation.
            complete: Whether the run came to its end. One that crashed or was pruned shows when
                parameters are asked for, but not when they aren't.
        """
        surprising = self._define(declares) or not self._predicts(asked, complete)
        self._remember(asked, surprising, complete)
        if surprising:
            self._relearn()

    def _define(self, declares: Mapping[str, Param]) -> bool:
        """Take over definitions; return whether any was new."""
        changed = False
        for name, param in declares.items():
            if name in self._declared:
                param = param.with_when(self._declared[name].when)
            if self.definitions.get(name) != param:
                self.moving |= name in self.definitions or isinstance(param, Constant)
                self.definitions[name] = param
                changed = True
        return changed

    def _predicts(self, asked: Mapping[str, Any], complete: bool) -> bool:
        """Whether the space expects these parameters; unexplained ones may be missing."""
        active = self.space.active(asked)
        if active == tuple(asked):
            return True
        missing = [name for name in active if name not in asked]
        if len(active) - len(missing) != len(asked):
            return False
        if not missing or not complete:
            return True
        # what couldn't be explained is looked at again when there are twice as many runs
        return self._unexplained.issuperset(missing) and len(self._runs) < self._review_at

    def _remember(self, asked: Mapping[str, Any], surprising: bool, complete: bool) -> None:
        """Keep a run unless it's known, or expected when there are enough."""
        full = len(self._runs) >= _MAX_RUNS
        if full and not surprising:
            return
        known = self.definitions
        values = {n: v for n, v in asked.items() if n in known and is_parent(known[n])}
        signature = (tuple(asked), tuple(map(value_key, values.values())))
        same = self._runs.get(signature)
        if same is not None and (same.complete or not complete):
            return
        if full and same is None:  # forget the oldest run of the kind of which there are most
            [(commonest, _)] = Counter(names for names, _ in self._runs).most_common(1)
            del self._runs[next(kept for kept in self._runs if kept[0] == commonest)]
        self._runs[signature] = Run(frozenset(asked), values, complete)

    def _relearn(self) -> None:
        lessons = learn(self.definitions, self._declared, list(self._runs.values()))
        params = {
            name: param.with_when(lessons.conditions[name]) if name in lessons.conditions else param
            for name, param in self.definitions.items()
        }
        self._unexplained = lessons.unexplained
        self._review_at = min(2 * len(self._runs), _MAX_RUNS + 1)
        try:
            space = self._declared.with_params(params)
        except SpaceError:  # what runs asked for contradicts what is declared, which stands
            self.definitions = {n: p.with_when(None) for n, p in self.definitions.items()}
            self.definitions |= self._declared
            space = self._declared.with_params(self.definitions)
        if space != self.space:
            self.space = space
            self.version += 1


def merge_definition(name: str, old: Param, new: Param) -> Param:
    """Return the definition that holds when a name is asked for twice in one run: the old one.

    The new one may differ in prior, condition and default.

    Raises:
        IncompatibleParamError: The two have different domains.

    Example:
        >>> from luthier.space import Float
        >>> merge_definition("x", Float(0, 1), Float(0, 1))
        Float(0.0, 1.0)
    """
    if same_domain(old, new):
        return old
    raise IncompatibleParamError(
        f"{type(new).__name__} {name!r}: a name must mean the same all through one trial, got "
        f"{old!r} first and {new!r} now. Use another name for the second.",
        name=name,
        old=old,
        new=new,
    )
