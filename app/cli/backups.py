"""The commands that write a backup and fill a database from one.

They say where the secret key is; what a backup holds is in `ops.backup`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from app.cli.terminal import DataDir, Json, err, on_database, out, print_json, progress, settled
from app.kit.text import Text

if TYPE_CHECKING:
    from app.kit.db import Database
    from app.ops.archive import Manifest

cli: Final = typer.Typer()

BackupFile = Annotated[Path, typer.Argument(metavar="FILE")]


@cli.command()
def backup(
    file: BackupFile,
    with_secret_key: Annotated[
        bool,
        typer.Option(
            "--with-secret-key", help="Put the key that encrypts webhook secrets into the file too."
        ),
    ] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Write everything, as it stands at one instant, into a new file; the service may run meanwhile."""
    from app.kit.clock import system_clock
    from app.ops import backup as backing

    settings = settled(data_dir)

    async def run(database: "Database") -> "Manifest":
        with progress("Backup") as show:
            return await backing.backup(
                database,
                settings,
                file,
                with_secret_key=with_secret_key,
                clock=system_clock,
                progress=show,
            )

    manifest = on_database(settings, "backup", run)
    if manifest.rows("endpoint") and not manifest.secret_key_included:
        err.print(_KEY_APART.said(settings.language), markup=False)
    _print_manifest(manifest, file, as_json=as_json)


@cli.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True)],
    replace: Annotated[bool, typer.Option("--replace", help="Replace all that the database holds.")] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Fill an empty database from a backup and bring it to this release: all of it, or nothing."""
    from app.ops import backup as backing

    settings = settled(data_dir)

    async def run(database: "Database") -> "backing.Restored":
        with progress("Restore") as show:
            return await backing.restore(
                database,
                settings,
                file,
                replace=replace,
                progress=show,
            )

    restored = on_database(settings, "restore", run)
    if restored.secret_key in {"missing", "different"}:
        err.print(_KEY_LOST.said(settings.language), markup=False)
    _print_manifest(restored.manifest, file, as_json=as_json, secret_key=restored.secret_key)


_KEY_APART: Final = Text(
    "Bản sao lưu không có khóa bí mật: hãy giữ secret.key (hoặc DUNGHEN_SECRET_KEY) ở nơi khác; thiếu nó phải cấp lại mọi bí mật webhook.",
    "The backup is without the secret key: keep secret.key (or DUNGHEN_SECRET_KEY) elsewhere; without it every webhook secret must be rotated.",
)
_KEY_LOST: Final = Text(
    "Khóa bí mật ở đây không phải khóa của bản sao lưu: đặt lại secret.key hoặc DUNGHEN_SECRET_KEY, nếu không phải cấp lại mọi bí mật webhook.",
    "The secret key here is not the backup's: put secret.key or DUNGHEN_SECRET_KEY back, or rotate every webhook secret.",
)


def _print_manifest(manifest: "Manifest", file: Path, *, as_json: bool, **more: str) -> None:
    rows = {kept.name: kept.rows for kept in manifest.tables if kept.rows}
    if as_json:
        told = {"version": manifest.version, "revision": manifest.revision, "made_at": manifest.made_at}
        print_json({"file": str(file), **told, "rows": rows, **more})
        return
    for name, count in rows.items():
        out.print(f"  {name:<24}{count:>12}", markup=False)
    out.print(f"{file}: {sum(rows.values())} rows, schema {manifest.revision}", markup=False)
