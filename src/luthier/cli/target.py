"""The objective that a user names: ``FILE.py:objective`` or ``package.module:objective``.

A file is imported as a module, with its directory on the path, so it may import its siblings.
What goes wrong in it is told with the user's own lines of the traceback only.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, final

from luthier.errors import ArgumentError

if TYPE_CHECKING:
    from luthier.space import Space

__all__ = ["Target"]

_FOREIGN = ("<frozen importlib", str(Path(__file__).parent), str(Path(importlib.__file__).parent))


@final
@dataclass(frozen=True, slots=True)
class Target:
    """An objective, and the module it was found in.

    Attributes:
        function: The objective.
        module: Where it was found.
        name: What a study of it is called if the user doesn't say.
    """

    function: Callable[[Any], object]
    module: ModuleType
    name: str

    @classmethod
    def load(cls, text: str) -> Target:
        """Import an objective.

        Args:
            text: ``FILE.py:objective`` or ``module:objective``. A class is called without
                arguments to make the objective.

        Raises:
            ArgumentError: No such file, module or objective, or its code fails when imported.
        """
        place, _, name = text.rpartition(":")
        if not place or not name:
            raise ArgumentError(
                "The objective must be given as FILE.py:objective or module:objective, "
                f"got {text!r}."
            )
        is_file = place.endswith(".py") or "/" in place
        module = _import_file(Path(place).expanduser()) if is_file else _import_module(place)
        found = _attribute(module, name, place)
        if isinstance(found, type):
            found = _instance(found, text)
        if not callable(found):
            raise ArgumentError(
                f"The objective {name!r} in {place} must be callable with a trial, got "
                f"{type(found).__name__}."
            )
        return cls(found, module, Path(place).stem if is_file else place.rpartition(".")[2])

    def space(self, name: str | None) -> Space | None:
        """Return the declared space that stands beside the objective.

        Args:
            name: What it is called there; None takes ``space`` if there is such a Space.

        Raises:
            ArgumentError: There is nothing of that name.
            SpaceError: What is there isn't a space.
        """
        from luthier.space import Space

        if name is not None:
            return Space.of(_attribute(self.module, name, self.module.__name__))
        found = getattr(self.module, "space", None)
        return found if isinstance(found, Space) else None


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ArgumentError(
            f"There is no file {str(path)!r}. Give the objective as FILE.py:objective."
        )
    directory = str(path.resolve().parent)
    if directory not in sys.path:
        sys.path.insert(0, directory)
    name = path.stem if path.stem not in sys.modules else f"{path.stem}_of_the_user"
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise ArgumentError(f"The file of an objective must be Python, ending in .py, got {path}.")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise _failed(f"Importing {path}", error) from error
    return module


def _import_module(name: str) -> ModuleType:
    if "" not in sys.path:
        sys.path.insert(0, "")  # as ``python -m`` does: the current directory
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise _failed(f"Importing {name}", error) from error
        raise ArgumentError(
            f"There is no module {name!r}. Run from the directory that holds it, or give the "
            "objective as FILE.py:objective."
        ) from error
    except (Exception, SystemExit) as error:
        raise _failed(f"Importing {name}", error) from error


def _attribute(module: ModuleType, name: str, place: str) -> Any:
    from luthier.space.values import hint

    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            known = [n for n in getattr(found, "__dict__", ()) if not n.startswith("_")]
            raise ArgumentError(f"There is no {name!r} in {place}. {hint(part, known)}")
        found = getattr(found, part)
    return found


def _instance(kind: type, text: str) -> Any:
    try:
        return kind()
    except (Exception, SystemExit) as error:
        raise _failed(f"Calling the class {text} without arguments", error) from error


def _failed(what: str, error: BaseException) -> ArgumentError:
    users = _users_part(error.__traceback__)
    lines = ["Traceback (most recent call last):\n", *traceback.format_tb(users)] if users else []
    told = "".join([*lines, *traceback.format_exception_only(error)]).rstrip()
    return ArgumentError(f"{what} failed:\n{told}")


def _users_part(tb: TracebackType | None) -> TracebackType | None:
    while tb is not None and tb.tb_frame.f_code.co_filename.startswith(_FOREIGN):
        tb = tb.tb_next
    return tb
