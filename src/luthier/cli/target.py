"""The objective that a user names: ``FILE.py:objective``, ``package.module:objective``, a command.

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
        module: Where it was found; None for a command.
        name: What a study of it is called if the user doesn't say.
    """

    function: Callable[[Any], object]
    module: ModuleType | None
    name: str

    @classmethod
    def of(cls, objective: str | None, command: str | None) -> Target:
        """Import an objective, or make one of a command.

        Args:
            objective: What ``load`` takes.
            command: What ``luthier.integrations.command.Command`` takes.

        Raises:
            ArgumentError: Both or neither of them, or what they name can't be used.
        """
        if (objective is None) == (command is None):
            raise ArgumentError(
                "There must be one objective, FILE.py:OBJECTIVE or --command, got "
                f"{'neither' if command is None else f'{objective!r} and {command!r}'}."
            )
        if objective is not None:
            return cls.load(objective)
        from luthier.integrations.command import Command

        made = Command(str(command))
        return cls(made, None, Path(made.program).stem)

    @classmethod
    def load(cls, text: str) -> Target:
        """Import an objective.

        Args:
            text: ``FILE.py:objective`` or ``module:objective``. A class is called without
                arguments to make the objective.

        Raises:
            ArgumentError: No such file, module or objective, or its code fails when imported.
        """
        place, name, module = _imported(text, "The objective", "objective")
        found = _attribute(module, name, place)
        if isinstance(found, type):
            found = _instance(found, text)
        if not callable(found):
            raise ArgumentError(
                f"The objective {name!r} in {place} must be callable with a trial, got "
                f"{type(found).__name__}."
            )
        stem = Path(place).stem if _is_file(place) else place.rpartition(".")[2]
        return cls(found, module, stem)

    def space(self, name: str | None) -> Space | None:
        """Return the declared space that stands beside the objective, or elsewhere.

        Args:
            name: What it is called there, ``FILE.py:NAME`` or ``FILE.json``; None takes ``space``
                beside the objective if there is such a Space.

        Raises:
            ArgumentError: There is nothing of that name, or a command needs more of it.
            SpaceError: What is there isn't a space.
        """
        from luthier.integrations.command import Command
        from luthier.space import Space

        if name is None:
            beside = getattr(self.module, "space", None)
            found = beside if isinstance(beside, Space) else None
        else:
            found = self._named_space(name)
        if isinstance(self.function, Command):
            self.function.check(Space() if found is None else found)
        return found

    def _named_space(self, name: str) -> Space:
        from luthier.space import Space

        if name.endswith(".json"):
            return Space.from_json(_content(Path(name).expanduser()))
        if ":" in name:
            place, name, module = _imported(name, "--space", "NAME")
            return Space.of(_attribute(module, name, place))
        if self.module is None:
            raise ArgumentError(
                f"A command's space must be given as FILE.py:NAME or FILE.json, got {name!r}."
            )
        return Space.of(_attribute(self.module, name, self.module.__name__))


def _imported(text: str, what: str, word: str) -> tuple[str, str, ModuleType]:
    """The place and the name in ``PLACE:NAME``, and the module there."""
    place, _, name = text.rpartition(":")
    if not place or not name:
        raise ArgumentError(
            f"{what} must be given as FILE.py:{word} or module:{word}, got {text!r}."
        )
    if _is_file(place):
        return place, name, _import_file(Path(place).expanduser())
    return place, name, _import_module(place)


def _is_file(place: str) -> bool:
    return place.endswith(".py") or "/" in place


def _content(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ArgumentError(f"--space: {str(path)!r} can't be read: {error}.") from error


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
