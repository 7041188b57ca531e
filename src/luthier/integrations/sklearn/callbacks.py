"""scikit-learn's callbacks, as searches tell them how far they are (scikit-learn 1.9 and later).

A search is a tree of tasks: the search itself, its rounds if it has some, each fit of a candidate
to a split, and the last fit of the best. Callbacks set with ``set_callbacks`` hear of the beginning
and end of each, and go on into estimators that know callbacks themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, final

__all__ = ["Telling", "telling"]


@final
class _Nobody:
    """Stands for scikit-learn's context where there are no callbacks."""

    def subcontext(self, **task: Any) -> _Nobody:
        return self

    def call_on_fit_task_begin(self, **task: Any) -> None: ...

    def call_on_fit_task_end(self, **task: Any) -> None: ...

    def propagate_callback_context(self, estimator: Any) -> AbstractContextManager[None]:
        return nullcontext()


@final
@dataclass(frozen=True, slots=True)
class Telling:
    """One task of a search, whose beginning and end are told.

    Attributes:
        search: The search.
        context: scikit-learn's context of the task.
    """

    search: Any
    context: Any

    def part(
        self, name: str, n_parts: int = 0, *, place: int | None = None, ordered: bool = False
    ) -> Telling:
        """A part of the task.

        Args:
            name: What it is called.
            n_parts: How many parts it has itself.
            place: Which part of this task it is; None where they come one after the other.
            ordered: Whether its own parts come one after the other.
        """
        context = self.context.subcontext(
            task_name=name, task_id=place, max_subtasks=n_parts, sequential_subtasks=ordered
        )
        return Telling(self.search, context)

    def begin(self, X: Any = None, y: Any = None, params: Mapping[str, Any] | None = None) -> None:
        """Tell that it begins."""
        self.context.call_on_fit_task_begin(
            estimator=self.search, X=X, y=y, metadata=_weights(params)
        )

    def end(self, X: Any = None, y: Any = None, params: Mapping[str, Any] | None = None) -> None:
        """Tell that it has ended."""
        self.context.call_on_fit_task_end(
            estimator=self.search, X=X, y=y, metadata=_weights(params)
        )

    @contextmanager
    def fit(self, model: Any, X: Any, y: Any, params: Mapping[str, Any]) -> Iterator[None]:
        """Tell of a fit, and let the model's own tasks be parts of it."""
        try:
            with self.context.propagate_callback_context(model):
                self.begin(X, y, params)
                yield
        finally:
            self.end(X, y, params)


def telling(search: Any) -> Telling:
    """The task that a whole ``fit`` is."""
    if not (hasattr(search, "_skl_callbacks") or hasattr(search, "_parent_callback_ctx")):
        return Telling(None, _Nobody())  # so that a fit in another process isn't sent the search
    return Telling(search, search._init_callback_context(max_subtasks=2 if search.refit else 1))


def _weights(params: Mapping[str, Any] | None) -> dict[str, Any] | None:
    weights = (params or {}).get("sample_weight")
    return None if weights is None else {"sample_weight": weights}
