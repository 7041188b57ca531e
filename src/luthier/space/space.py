"""Space: named parameters, their conditions, and the relations between them.

A space is an immutable, ordered mapping. It says which configurations exist (``check``,
``active``, ``enumerate``), and carries what is derived from it once: the compiled conditions,
the encoding, the fingerprint, the number of configurations.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Hashable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, final

from luthier.errors import ArgumentError, ParamValueError, SpaceError, UnknownParamError
from luthier.space.activity import Activity
from luthier.space.conditions import clause_of
from luthier.space.encode import Encoding
from luthier.space.enumeration import count, every, walk
from luthier.space.markup import table
from luthier.space.params import Constant, Param, param_from_json
from luthier.space.relations import (
    Check,
    Forbid,
    Function,
    Relation,
    Require,
    Requirement,
    relation_from_json,
)
from luthier.space.values import canonical_json, hint, refused, value_key
from luthier.space.wording import condition_words

__all__ = ["Space"]

_GOOD = 5  # configurations that narrow looks at, at least


@final
class Space(Mapping[str, Param]):
    """The parameters of a study.

    Args:
        params: Parameters by name.
        **named: More of them, where names are identifiers.

    Raises:
        SpaceError: A bad name, something that isn't a parameter, or a condition with an unknown
            parent, an impossible value or a cycle.

    Example:
        >>> from luthier.space import Categorical, Float
        >>> space = Space(
        ...     optimizer=Categorical(["adam", "sgd"]),
        ...     momentum=Float(0.0, 0.99, when={"optimizer": "sgd"}),
        ... )
        >>> space.active({"optimizer": "adam"})
        ('optimizer',)
    """

    activity: Activity
    """The compiled conditions."""
    checks: tuple[Check, ...]
    """The compiled relations."""
    relations: tuple[Relation, ...]
    """What ``forbid`` and ``require`` added."""
    is_finite: bool
    """Whether there is no continuous parameter."""

    def __init__(self, params: Mapping[str, Param] | None = None, /, **named: Param) -> None:
        given = dict(params or {})
        for name in given.keys() & named:
            got = f"{name!r} twice"
            raise refused("Space: every name must be given once", "Remove one", got=got, name=name)
        self._fill({**given, **named}, ())

    def _fill(self, params: dict[str, Param], relations: tuple[Relation, ...]) -> None:
        for name, param in params.items():
            _check_entry(name, param)
        self._params = params
        self.relations = relations
        self.activity = Activity.of(params)
        self.checks = tuple(relation.compile(params) for relation in relations)
        self.is_finite = all(param.size < math.inf for param in params.values())

    @classmethod
    def _with(cls, params: Mapping[str, Param], relations: tuple[Relation, ...]) -> Space:
        space = cls.__new__(cls)
        space._fill(dict(params), relations)
        return space

    @staticmethod
    def of(given: Any) -> Space:
        """Read a space from whatever describes one.

        Args:
            given: A Space, a mapping of names to parameters, a scikit-learn style dict (or list
                of dicts) of lists and distributions, a dict of Optuna distributions, or the
                JSON of a Space or of ConfigSpace.

        Raises:
            SpaceError: It is none of these.

        Example:
            >>> Space.of({"depth": [3, 5, None]})
            Space({'depth': Categorical([3, 5, None])})
        """
        from luthier.space.readers import read

        return read(given)

    @staticmethod
    def from_sklearn(grid: Any) -> Space:
        """Read a parameter grid as scikit-learn's searches take it, or a list of them.

        Example:
            >>> Space.from_sklearn({"C": [1, 10], "kernel": ["rbf", "linear"]}).cardinality
            4
        """
        from luthier.space.readers.sklearn import read_sklearn

        return read_sklearn(grid)

    @staticmethod
    def from_configspace(given: str | Mapping[str, Any]) -> Space:
        """Read the JSON of ConfigSpace 1; what can't be honoured is an error that names it."""
        from luthier.space.readers.configspace import read_configspace

        return read_configspace(given)

    @staticmethod
    def from_optuna(given: Mapping[str, Any]) -> Space:
        """Read a dict of names to distributions of Optuna, as objects or as their JSON.

        Example:
            >>> x = {"name": "IntDistribution", "attributes": {"low": 1, "high": 3}}
            >>> Space.from_optuna({"x": x})
            Space({'x': Int(1, 3)})
        """
        from luthier.space.readers.optuna import read_optuna

        return read_optuna(given)

    @staticmethod
    def from_raytune(config: Mapping[str, Any]) -> Space:
        """Read a search space of Ray Tune: a dict of its domains, of values and of such dicts.

        Parameters in nested dicts get dotted names; of a choice among dicts the number is chosen,
        and what is in each stands under its number, with a condition. ``sample_from`` is code,
        which can't be searched: ``luthier.integrations.raytune`` computes it.

        Raises:
            SpaceError: Not such a dict, or something in it that has no counterpart here.

        Example:
            >>> Space.from_raytune({"optim": {"name": "adam", "betas": {"grid_search": [1, 2]}}})
            Space({'optim.name': Constant('adam'), 'optim.betas': Categorical([1, 2])})
        """
        from luthier.space.readers.raytune import read_raytune

        return read_raytune(config)

    @staticmethod
    def from_json(
        text: str | Mapping[str, Any], *, requirements: Mapping[str, Function] | None = None
    ) -> Space:
        """Read what ``to_json`` wrote, as text or as data; named choices have lost their objects.

        Args:
            text: The JSON.
            requirements: The functions of ``require(function, name=...)``, by name; a missing
                one is an error only when it's needed.
        """
        try:
            data = json.loads(text) if isinstance(text, str) else text
            params = {name: param_from_json(item) for name, item in data["params"].items()}
            items = data.get("relations", ())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, SpaceError):
                raise
            raise refused(
                "Space.from_json: the text must be what to_json wrote",
                "For other formats use from_configspace or from_optuna",
                got=f"{str(text)[:80]!r} ({error})",
                text=text,
            ) from error
        relations = tuple(relation_from_json(item, requirements or {}) for item in items)
        return Space._with(params, relations)

    def to_json(self) -> str:
        """Return the space as JSON text, for ``from_json``.

        Example:
            >>> from luthier.space import Int
            >>> Space(x=Int(1, 3)).to_json()
            '{"params":{"x":{"kind":"int","low":1,"high":3}}}'
        """
        data: dict[str, Any] = {"params": {name: param.to_json() for name, param in self.items()}}
        if self.relations:
            data["relations"] = [relation.to_json() for relation in self.relations]
        return canonical_json(data)

    def forbid(self, clause: Mapping[str, Any]) -> Space:
        """Return a space in which a combination of values is forbidden.

        Args:
            clause: Names with values or predicates; a configuration that meets all of them is
                forbidden.

        Raises:
            SpaceError: An unknown name, or a value that its parameter never takes.

        Example:
            >>> from luthier.space import Int
            >>> Space(a=Int(1, 3), b=Int(1, 3)).forbid({"a": 1, "b": [2, 3]}).cardinality
            7
        """
        return self._with(self._params, (*self.relations, Forbid(clause_of(clause, "forbid"))))

    def require(self, relation: str | Function, *, name: str | None = None) -> Space:
        """Return a space in which a relation must hold.

        Args:
            relation: An expression such as ``"x + y <= 1"``, which applies where all the
                parameters it names are active; or a function of a dict of the active values.
            name: What a function is called in JSON; its own name if not given.

        Raises:
            SpaceError: A bad expression, an unknown name, or a function without a name.

        Example:
            >>> from luthier.space import Float
            >>> space = Space(x=Float(0, 1), y=Float(0, 1)).require("x + y <= 1")
            >>> space.allows({"x": 0.75, "y": 0.5})
            False
        """
        if isinstance(relation, str):
            return self._with(self._params, (*self.relations, Require(relation)))
        name = name or str(getattr(relation, "__name__", "<lambda>"))
        taken = any(isinstance(r, Requirement) and r.name == name for r in self.relations)
        if not callable(relation) or name == "<lambda>" or taken:
            raise refused(
                "require: relation must be an expression, or a function with a name of its own",
                "Example: require(lambda c: c['x'] < c['y'], name='ordered')",
                got=f"{relation!r} with name={name!r}{', which is taken' if taken else ''}",
                relation=relation,
            )
        return self._with(self._params, (*self.relations, Requirement(name, relation)))

    @property
    def requirements(self) -> dict[str, Function]:
        """The functions behind ``require(function)``, by name, for ``from_json``."""
        named = (r for r in self.relations if isinstance(r, Requirement))
        return {r.name: r.function for r in named if r.function is not None}

    def with_params(self, params: Mapping[str, Param] | None = None, /, **named: Param) -> Space:
        """Return a space with parameters replaced in place, or added at the end.

        Raises:
            SpaceError: A condition or relation doesn't fit the new parameters.

        Example:
            >>> from luthier.space import Float
            >>> list(Space(x=Float(0, 1)).with_params(y=Float(0, 1)))
            ['x', 'y']
        """
        return self._with({**self._params, **(params or {}), **named}, self.relations)

    def without(self, *names: str) -> Space:
        """Return a space without some parameters; SpaceError if a condition needs one."""
        self._check_names(names)
        kept = {name: param for name, param in self.items() if name not in names}
        return self._with(kept, self.relations)

    def narrow(
        self, good: Any, around: Mapping[str, Any] | Any | None = None, *, keep: float = 0.2
    ) -> Space:
        """Return the smaller space around the best of a wide search, to search more finely.

        A range becomes what the best configurations span, with as much again around it; choices
        that none of them has go, and so do conditions and relations that can't apply any more.
        ``luthier.space.narrowing`` has the rule. The one searched around always fits.

        Args:
            good: A study, or configurations (or trials), the best first.
            around: A configuration, or a trial; None for the best.
            keep: The share of them that counts, above 0 and at most 1; but at least five.

        Raises:
            ArgumentError: No configuration of this space, or a share that is none.
            ParamValueError: ``around`` isn't of this space.

        Example:
            >>> from luthier.space import Categorical, Float
            >>> space = Space(x=Float(0, 1), y=Float(0, 1), kind=Categorical(["a", "b"]))
            >>> good = [{"x": 0.5 + k / 100, "y": (2 * k % 5) / 4, "kind": "b"} for k in range(5)]
            >>> space.narrow(good, keep=1.0)
            Space({'x': Float(0.4, 0.6), 'y': Float(0.0, 1.0), 'kind': Categorical(['b'])})
        """
        from luthier.space.narrowing import narrowed, ranked_configs

        if not isinstance(keep, int | float) or not 0 < keep <= 1:
            raise ArgumentError(f"narrow: keep must be above 0 and at most 1, got {keep!r}.")
        ranked = [config for config in ranked_configs(good) if self.fits(config)]
        if not ranked:
            raise ArgumentError(
                "narrow needs configurations of this space, best first, or a study that has "
                f"completed trials, got {good!r}."
            )
        best = ranked[: max(math.ceil(keep * len(ranked)), _GOOD)]
        centre = best[0] if around is None else getattr(around, "params", around)
        params = {name: self._params[name] for name in self.activity.order}
        left, relations = narrowed(params, self.relations, best, self.check_partial(centre))
        return self._with(self._ordered(left), relations)

    def active(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the active parameters in their order, given values of at least the parents."""
        return self.activity.active(values)

    def check(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Check a full configuration, and return it in standard form.

        Args:
            values: A value for every active parameter (constants may be left out).

        Returns:
            The values as their parameters write them, in the order of the space.

        Raises:
            UnknownParamError: A name the space doesn't have.
            ParamValueError: A value is missing, inactive, outside of its domain, or the
                configuration breaks a relation.

        Example:
            >>> from luthier.space import Int
            >>> Space(n=Int(1, 9)).check({"n": 3.0})
            {'n': 3}
        """
        self._check_names(values)
        known: dict[str, Any] = {}
        for name in self.activity.order:
            param = self._params[name]
            if not self.activity.holds(name, known):
                if name in values:
                    rule = f"only active parameters may have a value, got {values[name]!r}"
                    raise _unfit(name, param, f"{rule} where not {param.when!r}. Leave it out.")
            elif name in values:
                known[name] = param.check(values[name], name)
            elif isinstance(param, Constant):
                known[name] = param.value_at(0)
            else:
                rule = "every active parameter must have a value, got none"
                raise _unfit(name, param, f"{rule}. Give {param.domain()}.")
        for check in self.checks:
            if not check.passes(known):
                raise ParamValueError(
                    f"A configuration must meet all relations of the space, got {known!r}, which "
                    f"breaks: {check.label}. Change one of its values.",
                    values=known,
                    relation=check.label,
                )
        return self._ordered(known)

    def check_partial(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Check values of any of the parameters, each on its own, and return standard forms."""
        self._check_names(values)
        return self._ordered({n: self._params[n].check(value, n) for n, value in values.items()})

    def allows(self, values: Mapping[str, Any]) -> bool:
        """Whether no relation is broken, as far as the values of active parameters decide it."""
        if not self.checks:
            return True
        known = self._active_values(values)
        return all(check.passes(known) for check in self.checks)

    def fits(self, values: Mapping[str, Any]) -> bool:
        """Whether an earlier configuration still has a place in this space.

        Its values must be in their domains and break no relation. Parameters that the space
        doesn't have (any more) and missing ones don't matter.

        Example:
            >>> from luthier.space import Float
            >>> space = Space(x=Float(0, 1))
            >>> space.fits({"x": 0.5, "removed": 3}), space.fits({"x": 2.0})
            (True, False)
        """
        params = self._params
        known = {name: value for name, value in values.items() if name in params}
        if not all(params[name].contains(value) for name, value in known.items()):
            return False
        return self.allows(known)

    def key(self, values: Mapping[str, Any]) -> tuple[Hashable, ...]:
        """Return what identifies a configuration: equal for equal active values.

        The key is for use within this process.
        """
        known = self._active_values(values)
        return tuple(value_key(known[name]) if name in known else ... for name in self._params)

    def default(self) -> dict[str, Any] | None:
        """Return the configuration of all defaults, or None if an active parameter has none."""
        values: dict[str, Any] = {}
        for name in self.activity.order:
            param = self._params[name]
            if self.activity.holds(name, values):
                if param.default is None and not isinstance(param, Constant):
                    return None
                values[name] = param.default
        return self._ordered(values)

    @cached_property
    def cardinality(self) -> int | None:
        """The number of allowed configurations.

        None if there is no end of them, or if conditions or relations make it necessary to
        count them and there are more than 100,000.
        """
        return count(self)

    def enumerate(self, points: int | None = None) -> Iterator[dict[str, Any]]:
        """Yield every allowed configuration once, the last parameter varying fastest.

        Args:
            points: How many values of each continuous parameter; needed if there is one.

        Example:
            >>> from luthier.space import Float, Int
            >>> list(Space(a=Int(0, 1), x=Float(0, 1)).enumerate(points=2))[-1]
            {'a': 1, 'x': 1.0}
        """
        return walk(self, points)

    def every(self, most: int) -> list[dict[str, Any]] | None:
        """Return all allowed configurations if they are at most so many and easily found.

        None if there are more, or if relations rule out nearly all combinations.

        Example:
            >>> from luthier.space import Int
            >>> Space(a=Int(0, 1)).every(2), Space(a=Int(0, 1)).every(1)
            ([{'a': 0}, {'a': 1}], None)
        """
        return every(self, most)

    @cached_property
    def encoding(self) -> Encoding:
        """The translation between configurations and arrays, prepared once."""
        return Encoding(self._params, self.activity)

    @cached_property
    def fingerprint(self) -> str:
        """A hexadecimal digest of the space, the same in every process and on every machine."""
        return hashlib.blake2b(self.to_json().encode(), digest_size=16).hexdigest()

    def __getitem__(self, name: str) -> Param:
        try:
            return self._params[name]
        except KeyError:
            raise _unknown(name, self._params) from None

    def __contains__(self, name: object) -> bool:
        return name in self._params

    def __iter__(self) -> Iterator[str]:
        return iter(self._params)

    def __len__(self) -> int:
        return len(self._params)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Space):
            return NotImplemented
        return self is other or self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return int(self.fingerprint[:15], 16)

    def _repr_html_(self) -> str:
        rows = [
            (
                name,
                param.kind,
                param.domain(),
                getattr(param, "scale", ""),
                condition_words(param, self),
            )
            for name, param in self.items()
        ]
        caption = f"Space of {len(self)} parameters"
        if self.checks:
            caption += f", {len(self.checks)} relations"
        return table(caption, ("parameter", "kind", "values", "scale", "when"), rows)

    def __repr__(self) -> str:
        relations = "".join(f", {check.label}" for check in self.checks)
        return f"Space({self._params!r}{relations})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (Space._with, (self._params, self.relations))

    def _active_values(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        if not self.activity.rules:
            return values
        return {name: values[name] for name in self.activity.active(values) if name in values}

    def _ordered(self, values: dict[str, Any]) -> dict[str, Any]:
        return {name: values[name] for name in self._params if name in values}

    def _check_names(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._params:
                raise _unknown(name, self._params)


def _check_entry(name: Any, param: Any) -> None:
    if type(name) is not str or not name:
        rule = "Space: a parameter's name must be a non-empty string"
        raise refused(rule, "Write Space({'name': Float(0, 1)})", got=repr(name), name=name)
    if not isinstance(param, Param):
        raise refused(
            f"Space: {name!r} must be a Float, Int, Categorical, Ordinal, Constant or Permutation",
            "Use Categorical([...]) for a list and Constant(...) for a fixed value, or "
            "Space.of(...) for grids of other libraries",
            got=f"{param!r} of type {type(param).__name__}",
            name=name,
            param=param,
        )


def _unknown(name: Any, known: Iterable[str]) -> UnknownParamError:
    return UnknownParamError(
        f"Space: a name must be one of its parameters, got {name!r}. {hint(str(name), known)}",
        name=name,
    )


def _unfit(name: str, param: Param, message: str) -> ParamValueError:
    place = f"{type(param).__name__} {name!r}"
    return ParamValueError(f"{place}: {message}", name=name, param=param)
