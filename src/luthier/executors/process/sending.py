"""What is sent to worker processes: works, and what is the same in all of them only once.

Functions and classes travel by value where a worker couldn't import them: lambdas, closures, those
of ``__main__`` and of notebooks, and those of modules that were loaded from a file by hand.
For other machines also those of files that belong to no installed package.
"""

from __future__ import annotations

import functools
import inspect
import io
import itertools
import pickle
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, Final, final

import cloudpickle

from luthier.core.protocols import Work
from luthier.errors import UnsendableError

if TYPE_CHECKING:
    from luthier.core.jobs import Outcome
    from luthier.core.protocols import Channel

__all__ = ["Parcel", "Parcels", "unpack"]

_PACKAGES: Final = tuple(
    f"{place}/" for name, place in sysconfig.get_paths().items() if name.endswith("lib")
)
_DEPTH: Final = 4  # how far the search for what can't be sent goes


@final
@dataclass(frozen=True, slots=True)
class Parcel:
    """A work, pickled. It is a work itself: called, it is unpacked and run.

    Attributes:
        content: The work, without what is shared.
        shared: What it refers to that other works refer to as well, pickled, by token.
    """

    content: bytes
    shared: Mapping[int, bytes]

    def __call__(self, channel: Channel) -> Outcome:
        """Unpack and run it."""
        shared: dict[int, object] = {}
        for token, pickled in self.shared.items():
            shared[token] = unpack(pickled, shared)
        outcome: Outcome = unpack(self.content, shared)(channel)
        return outcome


@final
class Parcels:
    """Packs the works of a run. What they share, by identity, is pickled once.

    Args:
        elsewhere: Whether they go to other machines, which have what is installed here, but not
            the user's own files.
    """

    def __init__(self, *, elsewhere: bool = False) -> None:
        self._can_import = _is_installed if elsewhere else _can_import
        self._tokens: dict[int, int] = {}
        self._shared: dict[int, tuple[object, bytes]] = {}
        self._next = itertools.count()
        self._importable: dict[str, bool] = {}

    def pack(self, work: Work) -> Parcel:
        """Pickle a work; one that is a parcel already stays as it is.

        Raises:
            UnsendableError: It can't be; the message names the part.
        """
        if isinstance(work, Parcel):
            return work
        used = [self._token(part) for part in getattr(work, "shared", ())]
        content = self._dumps(work, "A trial")
        return Parcel(content, {token: self._shared[token][1] for token in used})

    def _token(self, part: object) -> int:
        token = self._tokens.get(id(part))
        if token is None:
            pickled = self._dumps(part, "The objective")
            token = self._tokens[id(part)] = next(self._next)
            self._shared[token] = (part, pickled)  # held, so that its id stays its own
        return token

    def _dumps(self, value: object, what: str) -> bytes:
        pickler = _Pickler(self._tokens, self._importable, self._can_import)
        try:
            return pickler.pickled(value)
        except Exception as error:
            part = _unsendable(value, "it", 0)
            raise UnsendableError(
                f"{what} must be sendable to another process, but {part} can't be pickled: "
                f"{error}. Make that inside the objective, or run trials in threads of this "
                'process: executor="thread:4".',
            ) from error


@final
class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Leaves tokens for what is shared, and sends by value what can't be imported."""

    def __init__(
        self,
        tokens: Mapping[int, int],
        importable: dict[str, bool],
        can_import: Callable[[str | None], bool],
    ) -> None:
        self._file = io.BytesIO()
        super().__init__(self._file)
        self._shared = tokens
        self._known = importable
        self._can_import = can_import
        self._by_value: list[ModuleType] = []

    def pickled(self, value: object) -> bytes:
        """Return a value pickled."""
        try:
            self.dump(value)
        finally:
            for module in self._by_value:
                cloudpickle.unregister_pickle_by_value(module)
        return self._file.getvalue()

    def persistent_id(self, value: object) -> int | None:
        return self._shared.get(id(value))

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, type | FunctionType):
            name = value.__module__
            if name not in self._known:
                self._known[name] = self._can_import(name)
            if not self._known[name]:
                self._send_by_value(sys.modules[name])
        return super().reducer_override(value)

    def _send_by_value(self, module: ModuleType) -> None:
        if module.__name__ not in cloudpickle.list_registry_pickle_by_value():
            cloudpickle.register_pickle_by_value(module)
            self._by_value.append(module)


def unpack(content: bytes, shared: Mapping[int, object]) -> Any:
    """Rebuild a value in a worker.

    Args:
        content: The value, pickled.
        shared: What it refers to by token.
    """
    unpickler = pickle.Unpickler(io.BytesIO(content))  # noqa: S301  from our own driver
    unpickler.persistent_load = shared.__getitem__  # type: ignore[method-assign]
    return unpickler.load()


def _can_import(name: str | None) -> bool:
    """Whether another process finds this module by its name; True for those without a file."""
    module = sys.modules.get(name or "")
    if (
        name is None
        or module is None
        or not (getattr(module, "__file__", None) or "").endswith(".py")
    ):
        return True
    spec = _spec(name)
    return spec is not None and spec.origin in (module.__file__, "frozen")


def _is_installed(name: str | None) -> bool:
    """Whether another machine with the same packages finds this module by its name."""
    module = sys.modules.get(name or "")
    file = getattr(module, "__file__", None) or ""
    ours = (name or "").partition(".")[0] == "luthier"  # also if it was installed to be edited
    return _can_import(name) and (ours or not file.endswith(".py") or file.startswith(_PACKAGES))


def _spec(name: str) -> Any:
    """Look a module up as a fresh process would."""
    parent = name.rpartition(".")[0]
    above = _spec(parent) if parent else None
    path = above.submodule_search_locations if above else None
    if parent and path is None:
        return None
    for finder in sys.meta_path:
        try:
            spec = finder.find_spec(name, path)
        except Exception:  # noqa: BLE001  a finder of someone else's
            spec = None
        if spec is not None:
            return spec
    return None


def _unsendable(value: object, name: str, depth: int) -> str:
    """Name the part of a value that can't be pickled, as "its variable 'lock' (a lock)"."""
    ours = depth > 0 and type(value).__module__.startswith("luthier.")  # a study, say: enough said
    for part_name, part in () if ours or depth == _DEPTH else _parts(value):
        try:
            cloudpickle.dumps(part)
        except Exception:  # noqa: BLE001  this is what was looked for
            inner = part_name if name == "it" else f"{part_name} of {name}"
            return _unsendable(part, inner, depth + 1)
    return f"{name} (of type {type(value).__module__}.{type(value).__qualname__})"


def _parts(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, functools.partial):
        yield "its function", value.func
        yield from ((f"its argument {i}", part) for i, part in enumerate(value.args))
        yield from ((f"its argument {n!r}", part) for n, part in value.keywords.items())
    elif isinstance(value, MethodType):
        yield "its object", value.__self__
    elif isinstance(value, FunctionType):
        known = inspect.getclosurevars(value)
        for variables in (known.nonlocals, known.globals):
            yield from ((f"its variable {n!r}", part) for n, part in variables.items())
    elif isinstance(value, dict):
        yield from ((f"its item {n!r}", part) for n, part in value.items())
    elif isinstance(value, list | tuple | set):
        yield from ((f"its item {i}", part) for i, part in enumerate(value))
    else:
        yield from ((f"its attribute {n!r}", part) for n, part in _attributes(value).items())


def _attributes(value: object) -> dict[str, object]:
    slots = {n: getattr(value, n) for n in getattr(value, "__slots__", ()) if hasattr(value, n)}
    return slots | getattr(value, "__dict__", {})
