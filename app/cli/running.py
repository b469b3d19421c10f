"""The commands that stay: the service, its background work alone, and the sample city.

They choose settings; what runs is in `serving`.
"""

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from pydantic import SecretStr

from app import __version__
from app.cli.terminal import DataDir, err, out, progress, settled

if TYPE_CHECKING:
    from app.kit.deployment import Deployment

cli: Final = typer.Typer()

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")]

DEMO_KEY: Final = "dunghen-demo-key"
"""The demo's key, printed and documented: the demo holds generated data and listens on loopback only."""


@cli.command()
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    data_dir: DataDir = None,
    worker: Annotated[bool, typer.Option(help="Do the background work too.")] = True,
) -> None:
    """Run the API and the background work, on an embedded PostgreSQL unless DUNGHEN_DATABASE_URL is set."""
    from app import serving

    serving.serve(settled(data_dir), host, port, with_worker=worker, announce=_announce)


def _announce(address: str) -> None:
    out.print(
        f"Đúng Hẹn {__version__}: {address}  (docs: {address}/docs, ready: {address}/health/ready)",
        markup=False,
    )


@cli.command()
def worker(
    data_dir: DataDir = None,
    with_parent: Annotated[
        bool, typer.Option("--with-parent", hidden=True, help="End with standard input.")
    ] = False,
) -> None:
    """Do the background work alone: fold dossiers, watch units, deliver webhooks."""
    from app import serving

    serving.work(settled(data_dir), with_parent=with_parent)


@cli.command()
def demo(host: Host = "127.0.0.1", port: Port = 8000, data_dir: DataDir = None) -> None:
    """Serve a generated sample city. Nothing in it is real."""
    from app import serving
    from app.demo.city import load
    from app.settings import default_data_dir

    base = default_data_dir()
    settings = settled(data_dir or base.with_name(f"{base.name}-demo"))
    own_key = settings.bootstrap_key is None
    if own_key and host not in {"127.0.0.1", "::1", "localhost"}:
        err.print(
            "Khóa mẫu ai cũng biết: ngoài máy này, hãy đặt DUNGHEN_BOOTSTRAP_KEY. / "
            "The demo's key is known to everyone: to listen beyond this machine, set DUNGHEN_BOOTSTRAP_KEY.",
            markup=False,
        )
        raise typer.Exit(2)
    changes: dict[str, Any] = {"bootstrap_key": SecretStr(DEMO_KEY)} if own_key else {}
    if own_key and not settings.webhook_allow_networks:
        changes["webhook_allow_networks"] = serving.LOOPBACK
    settings = settings.model_copy(update=changes)

    async def prepare(here: "Deployment") -> None:
        with progress("Sample city") as show:
            await load(here, show)

    def announce(address: str) -> None:
        _announce(address)
        shown = DEMO_KEY if own_key else "DUNGHEN_BOOTSTRAP_KEY"
        out.print(f"SAMPLE DATA, nothing in it is real. Key with every scope: {shown}", markup=False)

    serving.serve(settings, host, port, with_worker=True, announce=announce, prepare=prepare)
