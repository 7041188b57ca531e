"""``luthier serve``: what it refuses to start with. What it serves: tests/service."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Luthier


def test_off_loopback_a_token_is_required(luthier: Luthier) -> None:
    told = luthier("serve", "--host", "0.0.0.0", "--no-token", exit_code=2).stderr
    assert "must have a token, got --no-token with '0.0.0.0'" in told
    assert not Path("runs.db").exists()


def test_a_port_that_is_taken(luthier: Luthier) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        told = luthier("serve", "--port", port, exit_code=2).stderr
    assert f"must listen on a free address of this machine, got 127.0.0.1:{port}" in told


def test_an_address_of_another_machine(luthier: Luthier) -> None:
    told = luthier("serve", "--host", "192.0.2.1", exit_code=2).stderr
    assert "Choose another --host or --port" in told


def test_a_bad_token_file(luthier: Luthier) -> None:
    Path("luthier.token").write_text("short")
    assert "at least 16" in luthier("serve", exit_code=2).stderr


@pytest.mark.parametrize("lease", ["0", "-1", "nan", "1e9"])
def test_a_bad_lease(luthier: Luthier, lease: str) -> None:
    assert "A lease must be above 0" in luthier("serve", "--lease", lease, exit_code=2).stderr


def test_without_the_extra(luthier: Luthier, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert "pip install 'luthier[serve]'" in luthier("serve", exit_code=2).stderr
