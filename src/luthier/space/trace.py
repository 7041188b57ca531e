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

from luthier.errors import IncompatibleParamError
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

    __slots__ = (
        "_declared",
        "_params",
        "_review_at",
        "_runs",
        "_space",
        "_unexplained",
        "moving",
        "version",
    )

    def __init__(self, declared: Space | None = None) -> None:
        self._declared = declared if declared is not None else Space()
        self._params: dict[str, Param] = dict(self._declared)
        self._runs: dict[Signature, Run] = {}
        self._unexplained: frozenset[str] = frozenset()
        self._review_at = 0
        self._space = self._declared
        self.version = 0
        self.moving = False

    @property
    def space(self) -> Space:
        """The space learnt so far; the same object until something new is learnt."""
        return self._space

    @property
    def definitions(self) -> Mapping[str, Param]:
        """The latest definition of every parameter, as it was declared or asked for."""
        return self._params

    def redeclared(self, declared: Space) -> Trace:
        """Return a trace that starts from another declared space and knows the same runs.

        Args:
            declared: The new space. What was learnt of parameters beside it stays.
        """
        trace = Trace(declared)
        trace._params |= {n: p for n, p in self._params.items() if n not in trace._params}
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
            declares: Definitions that are new or changed in this run; the latest one counts.
            complete: Whether the run came to its end. One that crashed or was pruned shows when
                parameters are asked for, but not when they aren't.

        Raises:
            SpaceError: A changed definition contradicts a declared condition or relation.
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
            if self._params.get(name) != param:
                self.moving |= name in self._params or isinstance(param, Constant)
                self._params[name] = param
                changed = True
        return changed

    def _predicts(self, asked: Mapping[str, Any], complete: bool) -> bool:
        """Whether the space expects these parameters; unexplained ones may be missing."""
        active = self._space.active(asked)
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
        if not surprising and len(self._runs) >= _MAX_RUNS:
            return
        values = {
            n: v for n, v in asked.items() if n in self._params and is_parent(self._params[n])
        }
        signature = (tuple(asked), tuple(map(value_key, values.values())))
        known = self._runs.get(signature)
        if known is not None and (known.complete or not complete):
            return
        if known is None and len(self._runs) >= _MAX_RUNS:
            self._forget()
        self._runs[signature] = Run(frozenset(asked), values, complete)

    def _forget(self) -> None:
        """Drop the oldest run of the kind of which there are most."""
        counts = Counter(names for names, _ in self._runs)
        commonest = counts.most_common(1)[0][0]
        del self._runs[next(signature for signature in self._runs if signature[0] == commonest)]

    def _relearn(self) -> None:
        lessons = learn(self._params, self._declared, list(self._runs.values()))
        params = {
            name: param.with_when(lessons.conditions[name]) if name in lessons.conditions else param
            for name, param in self._params.items()
        }
        self._unexplained = lessons.unexplained
        self._review_at = min(2 * len(self._runs), _MAX_RUNS + 1)
        space = self._declared.with_params(params)
        if space != self._space:
            self._space = space
            self.version += 1


def merge_definition(name: str, old: Param, new: Param) -> Param:
    """Return the definition that holds when a name is asked for twice in one run.

    Args:
        name: The parameter's name.
        old: The definition it was asked for with before.
        new: The definition now; it may differ in prior, condition and default.

    Returns:
        The old definition.

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
