"""``luthier dashboard``: studies in a browser, to look at and to steer."""

from __future__ import annotations

import click

from luthier.cli.options import (
    allow_host_option,
    host_option,
    open_existing,
    port_option,
    storage_option,
)

__all__ = ["dashboard"]


@click.command(
    epilog="""\b
Examples:
  luthier dashboard --storage runs.db
  luthier dashboard --storage runs.db --host 0.0.0.0 --token-file /etc/luthier/token
"""
)
@storage_option
@host_option
@port_option(8480)
@click.option(
    "--token-file",
    envvar="LUTHIER_TOKEN_FILE",
    show_envvar=True,
    metavar="FILE",
    help="Holds the token that browsers must show; made on the first start. Without it there is "
    "none on this machine, and luthier.token where others can reach it.",
)
@allow_host_option
@click.option("--read-only", is_flag=True, help="Look only: nothing may be changed.")
def dashboard(
    storage: str,
    host: str,
    port: int,
    token_file: str | None,
    allow_hosts: tuple[str, ...],
    read_only: bool,
) -> None:
    """Show studies in a browser while they run, and steer them.

    Without --host it can be reached from this machine only.
    """
    from luthier.dashboard.server import serve
    from luthier.storages.url import without_password

    serve(
        open_existing(storage),
        host=host,
        port=port,
        token_file=token_file,
        allow_hosts=allow_hosts,
        read_only=read_only,
        place=without_password(storage),
        tell=click.echo,
    )
