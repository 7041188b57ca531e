"""What scikit-learn's own tests expect of a test run."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "thread_unsafe: a mark in scikit-learn's own tests")
