"""What importing Luthier costs, and who may import whom."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import luthier

ROOT = Path(__file__).parents[2]
HEAVY = {
    "anyio",
    "click",
    "cloudpickle",
    "dask",
    "distributed",
    "hypothesis",
    "optuna",
    "pandas",
    "plotly",
    "psutil",
    "pytest",
    "ray",
    "rich",
    "scipy.optimize",
    "scipy.stats",
    "sklearn",
    "starlette",
    "torch",
    "uvicorn",
}
WATCH = "import sys, {module}; print('\\n'.join(sys.modules))"


def modules_after(module: str) -> set[str]:
    command = [sys.executable, "-c", WATCH.format(module=module)]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    "module", ["luthier", "luthier.optuna", "luthier.service", "luthier.storages"]
)
def test_import_pulls_in_nothing_heavy(module: str) -> None:
    assert modules_after(module) & HEAVY == set()


def test_import_needs_no_more_of_scipy_than_its_face() -> None:
    """NumPy is the whole price of admission; SciPy waits until a function needs it."""
    assert {name for name in modules_after("luthier") if name.startswith("scipy")} == set()


def test_estimators_are_at_hand_but_not_loaded_before_they_are_used() -> None:
    code = (
        "import luthier, sys; assert 'luthier.numerics' not in sys.modules; luthier.numerics; "
        "assert 'luthier.numerics.gp' not in sys.modules; "
        "print(luthier.numerics.gp.fit([[0.0], [1.0]], [3.0, 3.0]).mean([[0.5]])); "
        "[getattr(luthier.numerics, name) for name in luthier.numerics.__all__]"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[3.]\n"
    with pytest.raises(AttributeError, match=r"'luthier.numerics' has no attribute 'nothing'"):
        _ = luthier.numerics.nothing


def test_layers_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
