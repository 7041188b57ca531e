"""The command line: what a person does with studies from a terminal.

One file for each group of commands, put together in ``program.py``. NumPy and the rest of the
library are imported inside the commands that need them, so that ``luthier --help`` is quick.
"""

from luthier.cli.program import main

__all__ = ["main"]
