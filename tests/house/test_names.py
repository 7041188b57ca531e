"""Everything a user can touch is written about in docs/."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import luthier
from luthier import errors, samplers
from luthier.cli import main
from luthier.strategies import known_samplers, known_schedulers, known_strategies

DOCS = Path(__file__).parents[2] / "docs"
ERRORS = [
    name
    for name in errors.__all__
    if inspect.isclass(getattr(errors, name)) and issubclass(getattr(errors, name), Exception)
]


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def mentions(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", text) is not None


@pytest.mark.parametrize("name", [name for name in luthier.__all__ if not name.startswith("__")])
def test_public_name_is_in_the_reference(name: str) -> None:
    assert mentions(page("reference.md").replace("luthier.", " "), name)


@pytest.mark.parametrize("name", ERRORS)
def test_error_is_explained(name: str) -> None:
    assert f"### `{name}`" in page("errors.md")


@pytest.mark.parametrize("name", sorted(main.commands))
def test_command_is_documented(name: str) -> None:
    assert f"## `luthier {name}`" in page("cli.md")


@pytest.mark.parametrize("name", sorted({*known_samplers(), *known_strategies()}))
def test_sampler_and_strategy_are_documented(name: str) -> None:
    assert f'`"{name}"`' in page("samplers.md")


@pytest.mark.parametrize("name", samplers.__all__)
def test_sampler_has_a_page_with_sources(name: str) -> None:
    pages = [path.read_text("utf-8") for path in sorted((DOCS / "samplers").glob("*.md"))]
    own = [text for text in pages if re.search(rf"(?<!\w){name}(?!\w)", text.split("## ")[0], re.I)]
    assert any(re.search(r"arxiv\.org/abs|doi\.org|jmlr\.org", text) for text in own)


@pytest.mark.parametrize("name", known_schedulers())
def test_scheduler_is_documented(name: str) -> None:
    assert f'`"{name}"`' in page("schedulers.md")
