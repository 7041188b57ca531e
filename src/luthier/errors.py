"""Every error Luthier raises on purpose, in one tree.

    LuthierError
    ├── SpaceError (ValueError)                a parameter or space that can't be built
    │   ├── IncompatibleParamError             the same name defined twice in different ways
    │   └── InfeasibleSpaceError               constraints leave (nearly) nothing
    ├── ParamValueError (ValueError)           a value outside its parameter's domain
    ├── UnknownParamError (KeyError)           a parameter name the space doesn't have
    ├── ArgumentError (ValueError)             a bad argument to a public function
    ├── ObjectiveError (ValueError)            an objective returned what can't be used
    │   └── CommandError                       a command that is the objective failed
    ├── MissingExtraError (ImportError)        an optional dependency isn't installed
    ├── UnsupportedError (NotImplementedError) a name of another library we can't honour
    ├── ServiceError (OSError)                 a service can't be reached, or refuses to work
    ├── StudyError (RuntimeError)
    │   ├── StudyExistsError (ValueError)      the name is taken
    │   ├── StudyNotFoundError (KeyError)      no study of that name
    │   ├── StudyMismatchError (ValueError)    stored and given settings contradict each other
    │   ├── TrialNotFoundError (KeyError)      no trial of that number
    │   ├── TrialStateError (ValueError)       not possible in the trial's present state
    │   │   ├── NumberTakenError               another driver added that trial number first
    │   │   └── TrialLostError                 another worker has taken the trial up
    │   ├── NoTrialError (ValueError)          nothing has completed yet
    │   └── AllTrialsFailedError (ValueError)  nothing but failures
    ├── ExecutorError (RuntimeError)           a process that was to run a trial didn't
    │   ├── UnsendableError (TypeError)        what can't be pickled for another process
    │   ├── WorkerDiedError                    the process died in mid-trial
    │   ├── WorkerLostError                    the worker, or its machine, went away
    │   ├── TimeLimitError (TimeoutError)      ended, since it ran for too long
    │   ├── MemoryLimitError (MemoryError)     ended, since it took too much memory
    │   └── TrialCancelledError                ended, since someone said so
    └── StorageError
        ├── StorageCorruptError                the file is damaged
        ├── StorageForeignError                the file isn't Luthier's
        ├── StorageVersionError                written by a newer Luthier
        ├── StorageReadOnlyError               can't be written
        ├── StorageFullError                   no space left on the device
        ├── StorageBusyError                   locked by others for too long
        ├── StorageConnectionError             no server, or it refuses the user
        ├── CheckpointMissingError (KeyError)  deleted, or never saved there
        └── CheckpointCorruptError             its content isn't what was saved

    TrialPruned is not an error: an objective raises it to end its trial early.

A message says the rule, the place, the value got and what to do next. Data that a program
may want stands in ``error.fields``.
"""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = [
    "AllTrialsFailedError",
    "ArgumentError",
    "CheckpointCorruptError",
    "CheckpointMissingError",
    "CommandError",
    "ExecutorError",
    "IncompatibleParamError",
    "InfeasibleSpaceError",
    "LuthierError",
    "MemoryLimitError",
    "MissingExtraError",
    "NoTrialError",
    "NumberTakenError",
    "ObjectiveError",
    "ParamValueError",
    "ServiceError",
    "SpaceError",
    "StorageBusyError",
    "StorageConnectionError",
    "StorageCorruptError",
    "StorageError",
    "StorageForeignError",
    "StorageFullError",
    "StorageReadOnlyError",
    "StorageVersionError",
    "StudyError",
    "StudyExistsError",
    "StudyMismatchError",
    "StudyNotFoundError",
    "TimeLimitError",
    "TrialCancelledError",
    "TrialLostError",
    "TrialNotFoundError",
    "TrialPruned",
    "TrialStateError",
    "UnknownParamError",
    "UnsendableError",
    "UnsupportedError",
    "WorkerDiedError",
    "WorkerLostError",
    "require_extra",
]


class LuthierError(Exception):
    """Root of all errors that Luthier raises on purpose.

    Args:
        message: The rule, the place, the value got, the next step.
        **fields: The data behind the message, for programs.

    Example:
        >>> LuthierError("low must be below high", low=2, high=1).fields
        {'low': 2, 'high': 1}
    """

    def __init__(self, message: str, **fields: object) -> None:
        super().__init__(message)
        self.message = message
        self.fields = fields

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.fields))


def _rebuild(kind: type[LuthierError], message: str, fields: dict[str, object]) -> LuthierError:
    return kind(message, **fields)


class SpaceError(LuthierError, ValueError):
    """A parameter or space that can't be built."""


class IncompatibleParamError(SpaceError):
    """The same parameter name was defined twice, in ways that contradict each other."""


class InfeasibleSpaceError(SpaceError):
    """The constraints of a space leave nothing, or too little to be found by sampling."""


class ParamValueError(LuthierError, ValueError):
    """A value outside its parameter's domain."""


class UnknownParamError(LuthierError, KeyError):
    """A parameter name the space doesn't have."""


class ArgumentError(LuthierError, ValueError):
    """A bad argument to a public function."""


class ObjectiveError(LuthierError, ValueError):
    """An objective returned something that can't be used as its result."""


class CommandError(ObjectiveError):
    """A command that is the objective failed, or left no result."""


class MissingExtraError(LuthierError, ImportError):
    """An optional dependency isn't installed; the message names the extra to install."""


class UnsupportedError(LuthierError, NotImplementedError):
    """A name of another library that Luthier knows but can't honour."""


class ServiceError(LuthierError, OSError):
    """A service can't be reached, or refuses what a client asks for by its HTTP."""


class StudyError(LuthierError, RuntimeError):
    """Root of the errors about studies and their trials."""


class StudyExistsError(StudyError, ValueError):
    """A study of that name exists already."""


class StudyNotFoundError(StudyError, KeyError):
    """No study of that name exists."""


class StudyMismatchError(StudyError, ValueError):
    """The stored study and the settings given contradict each other."""


class TrialNotFoundError(StudyError, KeyError):
    """No trial of that number exists."""


class TrialStateError(StudyError, ValueError):
    """What was asked isn't possible in the trial's present state."""


class NumberTakenError(TrialStateError):
    """Another driver added a trial of that number first: look at the history and ask again."""


class TrialLostError(TrialStateError):
    """Another worker has taken the trial up: what this one says of it counts no more."""


class NoTrialError(StudyError, ValueError):
    """The study has no completed (feasible) trial yet."""


class AllTrialsFailedError(StudyError, ValueError):
    """Every trial so far has failed; the message carries the first error."""


class ExecutorError(LuthierError, RuntimeError):
    """Root of the errors about processes that run trials."""


class UnsendableError(ExecutorError, TypeError):
    """Something can't be pickled, so it can't be sent to or from another process."""


class WorkerDiedError(ExecutorError):
    """The process that ran a trial died: a crash, a kill, ``os._exit``, lack of memory."""


class WorkerLostError(ExecutorError):
    """The worker that ran a trial went away, with its machine maybe. The trial is run again."""


class TimeLimitError(ExecutorError, TimeoutError):
    """A trial ran for longer than its time limit, and was ended."""


class MemoryLimitError(ExecutorError, MemoryError):
    """A trial's processes took more memory than their limit, and were ended."""


class TrialCancelledError(ExecutorError):
    """A running trial was cancelled, and its process ended."""


class StorageError(LuthierError):
    """Root of the errors about where studies are kept."""


class StorageCorruptError(StorageError):
    """The file is damaged."""


class StorageForeignError(StorageError):
    """The file is not a Luthier storage."""


class StorageVersionError(StorageError):
    """The file was written by a newer version of Luthier."""


class StorageReadOnlyError(StorageError):
    """The storage can't be written."""


class StorageFullError(StorageError):
    """No space is left on the device."""


class StorageBusyError(StorageError):
    """The storage stayed locked by other processes for too long."""


class StorageConnectionError(StorageError):
    """The database's server can't be reached, or doesn't accept who asks."""


class CheckpointMissingError(StorageError, KeyError):
    """The store has no such checkpoint: it was deleted, or saved elsewhere."""


class CheckpointCorruptError(StorageError):
    """A checkpoint's content isn't what was saved."""


class TrialPruned(LuthierError):
    """Raised by an objective to end its trial early; the trial's state becomes PRUNED."""

    def __init__(self, message: str = "the trial was pruned", **fields: object) -> None:
        super().__init__(message, **fields)


def require_extra(module: str, extra: str, purpose: str) -> ModuleType:
    """Import an optional dependency, or say which extra to install.

    Args:
        module: The module to import, as in ``import`` statements.
        extra: The extra of Luthier that brings it.
        purpose: What needs it, as the start of the message.

    Returns:
        The imported module.

    Raises:
        MissingExtraError: The module isn't installed.

    Example:
        >>> require_extra("json", "none", "An example").__name__
        'json'
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{purpose} needs {module.split('.')[0]!r}, which isn't installed. "
            f"Install it with: pip install 'luthier[{extra}]'",
            module=module,
            extra=extra,
        ) from error
