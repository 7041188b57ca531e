"""Notes and tags of people, kept among the user attributes of studies and trials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from luthier.errors import ArgumentError

__all__ = ["NOTE", "TAGS", "checked_note", "checked_tags", "note_in", "tags_in"]

NOTE: Final = "note"
TAGS: Final = "tags"


def note_in(attrs: Mapping[str, Any]) -> str:
    """The note among user attributes; "" if there is none.

    Example:
        >>> note_in({"note": "odd"}), note_in({"note": 3})
        ('odd', '')
    """
    note = attrs.get(NOTE)
    return note if isinstance(note, str) else ""


def tags_in(attrs: Mapping[str, Any]) -> list[str]:
    """The tags among user attributes.

    Example:
        >>> tags_in({"tags": ["paper", 3]}), tags_in({})
        (['paper'], [])
    """
    tags = attrs.get(TAGS)
    return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []


def checked_note(note: object) -> str:
    """Return a note.

    Raises:
        ArgumentError: It isn't text.
    """
    if not isinstance(note, str):
        raise ArgumentError(f"A note must be text, got {note!r:.200}.")
    return note


def checked_tags(tags: object) -> list[str]:
    """Return tags, each once, without blanks around them.

    Raises:
        ArgumentError: They aren't a list of texts, or one is empty.

    Example:
        >>> checked_tags(["paper", " baseline", "paper"])
        ['paper', 'baseline']
    """
    given = [] if isinstance(tags, str) or not isinstance(tags, Iterable) else list(tags)
    bad = [tag for tag in given if not isinstance(tag, str) or not tag.strip()]
    if bad or isinstance(tags, str) or not isinstance(tags, Iterable):
        raise ArgumentError(f"Tags must be texts such as ['paper', 'baseline'], got {tags!r:.200}.")
    return list(dict.fromkeys(tag.strip() for tag in given))
