"""Fitting what candidates share once: the first steps of pipelines, on the same split.

Two candidates that differ in the last step of a pipeline fit the same transformers to the same
data. scikit-learn's pipelines ask their ``memory`` before they fit a transformer; so candidates
get one that keeps fitted transformers with what they made of the data, by the digest of all that
the fit depends on: the transformer with its parameters, the data, and what was passed along.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, final

import joblib
from sklearn.pipeline import Pipeline

from luthier.errors import ArgumentError
from luthier.integrations.sklearn.scratch import Scratch, scratch

__all__ = ["PrefixMemory", "prefix_memory", "remembering"]


@final
@dataclass(frozen=True, slots=True)
class PrefixMemory:
    """A pipeline's ``memory`` over a scratch folder, with the part of joblib's face that it uses.

    Attributes:
        place: Where results are kept.
        location: The same as a path, as in joblib.

    Example:
        >>> from sklearn.preprocessing import StandardScaler
        >>> with scratch() as place:
        ...     double = PrefixMemory(place).cache(lambda x: 2 * x)
        ...     double(2), double(2)
        (4, 4)
    """

    place: Scratch

    @property
    def location(self) -> str:
        """The folder."""
        return self.place.folder

    def cache(self, func: Callable[..., Any], ignore: Collection[str] = ()) -> Callable[..., Any]:
        """Return a function that looks for a result before it computes it.

        Args:
            func: The function.
            ignore: Names of arguments on which the result doesn't depend.
        """
        return partial(_remembered, self.place, func, tuple(ignore or ()))


@contextlib.contextmanager
def prefix_memory(cache: Any) -> Iterator[Any]:
    """Open what a search's setting ``cache`` stands for, for as long as the search takes.

    Args:
        cache: None or False for nothing; True for a temporary folder, or the path of the folder
            to make it in; or an object with ``cache``, such as a ``joblib.Memory``.

    Returns:
        Something for pipelines' ``memory``, or None.

    Raises:
        ArgumentError: Anything else.
    """
    if cache is None or cache is False:
        yield None
    elif hasattr(cache, "cache"):
        yield cache
    elif cache is True or isinstance(cache, str | os.PathLike):
        with scratch(None if cache is True else cache) as place:
            yield PrefixMemory(place)
    else:
        raise ArgumentError(
            "SearchCV: cache must be True, the path of a folder, a joblib.Memory or None, "
            f"got {cache!r}.",
            cache=cache,
        )


def remembering(candidate: Any, memory: Any) -> Any:
    """Give a memory to all pipelines of a candidate that have none of their own.

    Args:
        candidate: An estimator; it is changed.
        memory: The memory, or None to leave it as it is.

    Returns:
        The candidate.
    """
    if memory is None:
        return candidate
    parts = {"": candidate, **candidate.get_params(deep=True)}
    pipelines = {name: part for name, part in parts.items() if isinstance(part, Pipeline)}
    forgetful = [name for name, part in pipelines.items() if part.memory is None]
    return candidate.set_params(
        **{f"{name}__memory" if name else "memory": memory for name in forgetful}
    )


def _remembered(
    place: Scratch, func: Callable[..., Any], ignore: Collection[str], *args: Any, **named: Any
) -> Any:
    began = time.thread_time()  # looking is this thread's work alone, fitting may not be
    given = inspect.signature(func).bind(*args, **named).arguments
    needed = [(name, value) for name, value in given.items() if name not in ignore]
    try:
        key = joblib.hash([func.__module__, func.__qualname__, needed])
    except Exception:  # noqa: BLE001  what can't be pickled has no digest
        return func(*args, **named)
    found = place.get(key)
    if found is not None:
        return found[0]
    looking = time.thread_time() - began
    began = time.perf_counter()
    result = func(*args, **named)
    if time.perf_counter() - began > looking:
        place.put(key, (result,))
    return result
