"""The commands for API keys.

They print a key's text once, when it is made; what a key may is in `keys`.
"""

from dataclasses import asdict
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from app.cli.terminal import DataDir, Json, err, on_deployment, out, print_json, settled
from app.keys.caller import SCOPES
from app.settings import Settings

if TYPE_CHECKING:
    from app.keys import queries as keys
    from app.kit.deployment import Deployment

cli: Final = typer.Typer(no_args_is_help=True, help="API keys.")


@cli.command("create")
def create_key(
    name: Annotated[str, typer.Option(help="What the key is for.")],
    scope: Annotated[list[str], typer.Option(help=f"One of {', '.join(SCOPES)}; repeatable.")],
    unit: Annotated[str | None, typer.Option(help="Limit the key to this unit and all below it.")] = None,
    source: Annotated[
        list[str] | None, typer.Option(help="Bind the key to this event source; repeatable.")
    ] = None,
    expires: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day (local) on which the key works.")
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Make a key and print it: it is shown this once and stored only as a hash."""
    from app.keys import queries as keys

    settings = settled(data_dir)
    ends = _end_of(expires.date(), settings) if expires is not None else None

    async def create(here: "Deployment") -> tuple[str, str]:
        async with here.database.transaction() as connection:
            return await keys.create(
                connection,
                name=name,
                scopes=scope,
                unit=unit,
                sources=source or (),
                expires_at=ends,
                now=here.clock(),
            )

    key_id, text = on_deployment(settings, "keys", create)
    if as_json:
        print_json({"id": key_id, "key": text})
    else:
        err.print(f"{key_id}: keep this key, it is not shown again.", markup=False)
        out.print(text, markup=False)


def _end_of(day: date, settings: Settings) -> datetime:
    return datetime.combine(day, time.max, settings.zone).astimezone(UTC)


@cli.command("list")
def list_keys(data_dir: DataDir = None, as_json: Json = False) -> None:
    """List keys, never their text."""
    from app.keys import queries as keys

    async def listed(here: "Deployment") -> "list[keys.StoredKey]":
        async with here.database.transaction() as connection:
            return await keys.listed(connection)

    found = on_deployment(settled(data_dir), "keys", listed)
    if as_json:
        print_json([asdict(key) for key in found])
        return
    for key in found:
        limits = [*key.scopes, *([f"unit {key.unit}"] if key.unit else []), *(key.sources or ())]
        state = (
            "revoked" if key.revoked_at else f"expires {key.expires_at:%Y-%m-%d}" if key.expires_at else ""
        )
        out.print(f"{key.id}  {key.name}  {' '.join(limits)}  {state}".rstrip(), markup=False)


@cli.command("revoke")
def revoke_key(key_id: Annotated[str, typer.Argument(metavar="ID")], data_dir: DataDir = None) -> None:
    """Revoke a key; it is refused from the next request on."""
    from app.keys import queries as keys

    async def revoke(here: "Deployment") -> bool:
        async with here.database.transaction() as connection:
            return await keys.revoke(connection, key_id, here.clock())

    if not on_deployment(settled(data_dir), "keys", revoke):
        err.print(f"There is no valid key {key_id}.", markup=False)
        raise typer.Exit(1)
