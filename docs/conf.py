"""Sphinx settings: Markdown pages, API text from docstrings, warnings are errors."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")  # to be imported for its docstrings
_project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))

project = "Luthier"
author = "The Luthier developers"
copyright = "The Luthier developers"
version = release = _project["project"]["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build", "benchmarks/*"]  # the latter are parts of a page
myst_enable_extensions = ["deflist", "fieldlist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True}
# Several modules have a Report: Sphinx can't tell which of them an annotation means.
suppress_warnings = ["ref.python"]
napoleon_google_docstring = True
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = f"Luthier {version}"
