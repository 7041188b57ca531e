"""``luthier serve``: studies over HTTP, for objectives in any language and on any machine."""

from __future__ import annotations

import click

from luthier.cli.options import allow_host_option, host_option, port_option, storage_option

__all__ = ["serve"]


@click.command(
    epilog="""\b
Examples:
  luthier serve --storage runs.db
  luthier serve --storage runs.db --host 0.0.0.0 --token-file /etc/luthier/token
"""
)
@storage_option
@host_option
@port_option(8470)
@click.option(
    "--token-file",
    default="luthier.token",
    envvar="LUTHIER_TOKEN_FILE",
    show_default=True,
    show_envvar=True,
    metavar="FILE",
    help="Holds the token that clients must show; made on the first start.",
)
@click.option("--no-token", is_flag=True, help="Let in whoever is on this machine.")
@allow_host_option
@click.option(
    "--lease",
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a silent client keeps its trial, if it doesn't say.",
)
@click.option(
    "--max-checkpoint",
    default="10GB",
    show_default=True,
    metavar="SIZE",
    help="How large a checkpoint may be that a client sends.",
)
def serve(
    storage: str,
    host: str,
    port: int,
    token_file: str,
    no_token: bool,
    allow_hosts: tuple[str, ...],
    lease: float,
    max_checkpoint: str,
) -> None:
    """Serve studies over HTTP: ask, tell and report.

    Without --host it can be reached from this machine only. Trials of clients that fall silent
    go to others; after a restart clients go on.
    """
    from luthier.service.server import serve as run_server

    run_server(
        storage,
        host=host,
        port=port,
        token_file=None if no_token else token_file,
        allow_hosts=allow_hosts,
        lease=lease,
        max_checkpoint=max_checkpoint,
        tell=click.echo,
    )
