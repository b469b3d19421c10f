"""`dunghen`: thin commands over the functions that the service itself uses.

It reads options and prints results; no rule stands here. Exit codes: 0 done, 1 the check failed, 2 wrong usage.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import asdict
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

import typer
from pydantic import SecretStr, ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from app import __version__
from app.keys import queries as keys
from app.keys.caller import SCOPES
from app.keys.terms import KeyTermsError
from app.kit import logs
from app.kit.deployment import Deployment
from app.kit.postgres import EmbeddedPostgresError
from app.kit.problems import Problem
from app.kit.text import Text
from app.settings import Settings

if TYPE_CHECKING:
    from app.kit.db import Database
    from app.ops.archive import Manifest

T = TypeVar("T")

cli: Final = typer.Typer(
    name="dunghen",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,  # its tracebacks show values, and values may be secrets
)
keys_cli: Final = typer.Typer(no_args_is_help=True, help="API keys.")
cli.add_typer(keys_cli, name="keys")

out: Final = Console(highlight=False, soft_wrap=True)
err: Final = Console(stderr=True, highlight=False, soft_wrap=True)

DataDir = Annotated[
    Path | None, typer.Option(help="Where the embedded database and the secret key live.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")]

DEMO_KEY: Final = "dunghen-demo-key"
"""The demo's key, printed and documented: the demo holds generated data and listens on loopback only."""


def _settings(data_dir: Path | None, **changes: Any) -> Settings:
    try:
        settings = Settings()
    except ValidationError as error:
        wrong = {str(fault["loc"][0]).upper(): fault["msg"] for fault in error.errors(include_url=False)}
        for name, reason in wrong.items():
            err.print(f"DUNGHEN_{name}: giá trị không hợp lệ / not a valid value ({reason})", markup=False)
        raise typer.Exit(2) from None
    if data_dir is not None:
        changes["data_dir"] = data_dir.absolute()
    settings = settings.model_copy(update=changes)
    logs.configure(settings.log_level, settings.log_format)
    return settings


def _run(settings: Settings, name: str, task: Callable[[Deployment], Awaitable[T]]) -> T:
    """Run one task on the deployment's database, started for it if nothing runs it yet."""
    from app.serving import deployed, located  # noqa: PLC0415 - keeps --help and the small commands quick

    async def run(url: str) -> T:
        async with deployed(settings, url, name) as here:
            return await task(here)

    with located(settings) as (url, _):
        return asyncio.run(run(url))


def _bar(what: str) -> Progress:
    return Progress(
        TextColumn(what),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        console=err,
    )


@cli.command()
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    data_dir: DataDir = None,
    worker: Annotated[bool, typer.Option(help="Do the background work too.")] = True,
) -> None:
    """Run the API and the background work, on an embedded PostgreSQL unless DUNGHEN_DATABASE_URL is set."""
    from app import serving  # noqa: PLC0415 - keeps --help and the small commands quick

    serving.serve(_settings(data_dir), host, port, with_worker=worker, announce=_announce)


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
    from app import serving  # noqa: PLC0415 - keeps --help and the small commands quick

    serving.work(_settings(data_dir), with_parent=with_parent)


@cli.command()
def demo(host: Host = "127.0.0.1", port: Port = 8000, data_dir: DataDir = None) -> None:
    """Serve a generated sample city. Nothing in it is real."""
    from app import serving  # noqa: PLC0415 - keeps --help and the small commands quick
    from app.demo.city import load  # noqa: PLC0415 - keeps --help and the small commands quick
    from app.settings import default_data_dir  # noqa: PLC0415 - keeps --help and the small commands quick

    base = default_data_dir()
    settings = _settings(data_dir or base.with_name(f"{base.name}-demo"))
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

    async def prepare(here: Deployment) -> None:
        with _bar("Sample city") as bar:
            task = bar.add_task("", total=None)
            await load(here, lambda done, total: bar.update(task, completed=done, total=total))

    def announce(address: str) -> None:
        _announce(address)
        shown = DEMO_KEY if own_key else "DUNGHEN_BOOTSTRAP_KEY"
        out.print(f"SAMPLE DATA, nothing in it is real. Key with every scope: {shown}", markup=False)

    serving.serve(settings, host, port, with_worker=True, announce=announce, prepare=prepare)


@keys_cli.command("create")
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
    settings = _settings(data_dir)
    ends = _end_of(expires.date(), settings) if expires is not None else None

    async def create(here: Deployment) -> tuple[str, str]:
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

    key_id, text = _run(settings, "keys", create)
    if as_json:
        _print_json({"id": key_id, "key": text})
    else:
        err.print(f"{key_id}: keep this key, it is not shown again.", markup=False)
        out.print(text, markup=False)


def _end_of(day: date, settings: Settings) -> datetime:
    return datetime.combine(day, time.max, settings.zone).astimezone(UTC)


@keys_cli.command("list")
def list_keys(data_dir: DataDir = None, as_json: Json = False) -> None:
    """List keys, never their text."""

    async def listed(here: Deployment) -> list[keys.StoredKey]:
        async with here.database.transaction() as connection:
            return await keys.listed(connection)

    found = _run(_settings(data_dir), "keys", listed)
    if as_json:
        _print_json([asdict(key) for key in found])
        return
    for key in found:
        limits = [*key.scopes, *([f"unit {key.unit}"] if key.unit else []), *(key.sources or ())]
        state = (
            "revoked" if key.revoked_at else f"expires {key.expires_at:%Y-%m-%d}" if key.expires_at else ""
        )
        out.print(f"{key.id}  {key.name}  {' '.join(limits)}  {state}".rstrip(), markup=False)


@keys_cli.command("revoke")
def revoke_key(key_id: Annotated[str, typer.Argument(metavar="ID")], data_dir: DataDir = None) -> None:
    """Revoke a key; it is refused from the next request on."""

    async def revoke(here: Deployment) -> bool:
        async with here.database.transaction() as connection:
            return await keys.revoke(connection, key_id, here.clock())

    if not _run(_settings(data_dir), "keys", revoke):
        err.print(f"There is no valid key {key_id}.", markup=False)
        raise typer.Exit(1)


def _list_mappings(asked: bool) -> None:  # noqa: FBT001 - typer hands an option over
    if asked:
        from app.importing import mapping  # noqa: PLC0415 - keeps --help and the small commands quick

        for name in mapping.shipped():
            found = mapping.load(name)
            out.print(f"{name:<16}{found.title} / {found.title_en}", markup=False)
        raise typer.Exit


def _print_mapping(name: str | None) -> None:
    if name is not None:
        from app.importing import mapping  # noqa: PLC0415 - keeps --help and the small commands quick

        mapping.load(name)
        sys.stdout.write(mapping.shipped().get(name) or Path(name).read_text(encoding="utf-8"))
        raise typer.Exit


@cli.command("import")
def import_files(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", exists=True, dir_okay=False, readable=True)],
    mapping: Annotated[
        str | None,
        typer.Option(help="How a status table tells facts: a shipped mapping's name, or a TOML file."),
    ] = None,
    kind: Annotated[
        Literal["events", "units", "procedures"] | None,
        typer.Option("--as", help="What the files hold, where their headings leave it open."),
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="The events' source, such as urn:ward-a-one-stop.")
    ] = None,
    encoding: Annotated[
        Literal["utf-8", "utf-16", "utf-16-le", "utf-16-be", "windows-1258", "windows-1252"] | None,
        typer.Option(help="Of a CSV file; UTF-8 and UTF-16 are found without asking."),
    ] = None,
    delimiter: Annotated[str | None, typer.Option(help="Of a CSV file; else found by its headings.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Of a workbook; else the first.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything and store nothing.")] = False,
    faults: Annotated[
        Path | None, typer.Option(help="Write what was refused, with row and column, here: NDJSON, or .csv.")
    ] = None,
    list_mappings: Annotated[  # noqa: ARG001 - its callback answers
        bool,
        typer.Option("--mappings", is_eager=True, callback=_list_mappings, help="List the shipped mappings."),
    ] = False,
    print_mapping: Annotated[  # noqa: ARG001 - its callback answers
        str | None,
        typer.Option(
            "--print-mapping", is_eager=True, callback=_print_mapping, help="Print a mapping, to adapt it."
        ),
    ] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Take events, status tables, units or procedures from CSV, XLSX or NDJSON files (CSV and NDJSON also .gz).

    Run it again after an interruption: it goes on where it stopped, and nothing is counted twice.
    """
    from app.importing import importer  # noqa: PLC0415 - keeps --help and the small commands quick
    from app.importing.mapping import load  # noqa: PLC0415 - keeps --help and the small commands quick
    from app.importing.report import Report  # noqa: PLC0415 - keeps --help and the small commands quick

    settings = _settings(data_dir)
    options = importer.Options(
        load(mapping) if mapping else None, kind, source, encoding, delimiter, sheet, dry_run
    )

    async def run(here: Deployment) -> Report:
        told = faults.open("w", encoding="utf-8", newline="") if faults else nullcontext()
        with _bar("Import") as bar, told as file:
            task = bar.add_task("", total=sum(path.stat().st_size for path in files))
            return await importer.import_files(
                here, files, options, faults=file, progress=lambda done: bar.update(task, completed=done)
            )

    report = _run(settings, "import", run)
    if as_json:
        _print_json(report.document())
    else:
        for line in report.told(settings.language):
            out.print(line, markup=False)
    if report.rejected or any(described.rejected for described in report.directory):
        raise typer.Exit(1)


@cli.command()
def rebuild(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Derive everything again from the log, and drop what no fact speaks of."""
    from app.ops import proof  # noqa: PLC0415 - keeps --help and the small commands quick

    async def run(here: Deployment) -> int:
        with _bar("Rebuild") as bar:
            task = bar.add_task("", total=None)
            return await proof.rebuild(
                here, lambda done, total: bar.update(task, completed=done, total=total)
            )

    dossiers = _run(_settings(data_dir), "rebuild", run)
    if as_json:
        _print_json({"dossiers": dossiers})
    else:
        out.print(f"{dossiers} dossiers derived again", markup=False)


@cli.command()
def verify(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Recount everything from the log and report any difference (exit code 1)."""
    from app.ops import proof  # noqa: PLC0415 - keeps --help and the small commands quick

    async def run(here: Deployment) -> proof.Verdict:
        with _bar("Verify") as bar:
            task = bar.add_task("", total=None)
            return await proof.verify(here, lambda done, total: bar.update(task, completed=done, total=total))

    verdict = _run(_settings(data_dir), "verify", run)
    if as_json:
        _print_json(
            {
                "checked": verdict.checked,
                "pending": verdict.pending,
                "different": verdict.different,
                "differences": verdict.differences,
            }
        )
    else:
        for line in verdict.differences:
            out.print(line, markup=False)
        out.print(
            f"{verdict.checked} dossiers checked, {verdict.different} different, {verdict.pending} not folded yet",
            markup=False,
        )
    if verdict.different:
        raise typer.Exit(1)


BackupFile = Annotated[Path, typer.Argument(metavar="FILE")]


def _run_as_it_is(settings: Settings, name: str, task: "Callable[[Database], Awaitable[T]]") -> T:
    """Run one task on the database without bringing its schema up to date first."""
    from app.kit.db import Database  # noqa: PLC0415 - keeps --help and the small commands quick
    from app.serving import located  # noqa: PLC0415 - keeps --help and the small commands quick

    async def run(url: str) -> T:
        database = Database(url, application_name=f"dunghen {name}")
        try:
            return await task(database)
        finally:
            await database.close()

    with located(settings) as (url, _):
        return asyncio.run(run(url))


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
    from app.kit.clock import system_clock  # noqa: PLC0415 - keeps --help and the small commands quick
    from app.ops import backup as backing  # noqa: PLC0415 - keeps --help and the small commands quick
    from app.ops.archive import Manifest  # noqa: PLC0415 - keeps --help and the small commands quick

    settings = _settings(data_dir)

    async def run(database: "Database") -> Manifest:
        with _bar("Backup") as bar:
            task = bar.add_task("", total=None)
            return await backing.backup(
                database,
                settings,
                file,
                with_secret_key=with_secret_key,
                clock=system_clock,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )

    manifest = _run_as_it_is(settings, "backup", run)
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
    from app.ops import backup as backing  # noqa: PLC0415 - keeps --help and the small commands quick

    settings = _settings(data_dir)

    async def run(database: "Database") -> backing.Restored:
        with _bar("Restore") as bar:
            task = bar.add_task("", total=None)
            return await backing.restore(
                database,
                settings,
                file,
                replace=replace,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )

    restored = _run_as_it_is(settings, "restore", run)
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
        _print_json({"file": str(file), **told, "rows": rows, **more})
        return
    for name, count in rows.items():
        out.print(f"  {name:<24}{count:>12}", markup=False)
    out.print(f"{file}: {sum(rows.values())} rows, schema {manifest.revision}", markup=False)


@cli.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    from app.kit.db import Database  # noqa: PLC0415 - keeps --help and the small commands quick
    from app.main import create_app  # noqa: PLC0415 - keeps --help and the small commands quick

    unconnected = Database("postgresql://localhost/unused", application_name="openapi")
    _print_json(create_app(Deployment(_settings(None), unconnected)).openapi())


@cli.command()
def settings(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Print every setting with its value and its default; secrets are masked."""
    found = _settings(data_dir)
    shown = [
        {
            "name": f"DUNGHEN_{name.upper()}",
            "value": _written(getattr(found, name)),
            "default": _written(field.get_default(call_default_factory=True)),
            "description": field.description,
        }
        for name, field in Settings.model_fields.items()
    ]
    if as_json:
        _print_json(shown)
        return
    for line in shown:
        out.print(f"{line['name']}={line['value'] or ''}", style="bold", markup=False)
        out.print(f"    {line['description']} Default: {line['default'] or 'none'}.", markup=False)


def _written(value: Any) -> str | None:
    if value is None:
        return None
    return ",".join(str(part) for part in value) if isinstance(value, list) else str(value)


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def main() -> None:
    """The `dunghen` command."""
    try:
        cli()
    except Problem as problem:
        language = Settings().language
        err.print(problem.detail.said(language), markup=False)
        for fault in problem.errors:
            err.print(f"  {fault.pointer}: {fault.detail.said(language)}", markup=False)
        sys.exit(2)
    except KeyTermsError as error:
        err.print(error.text.said(Settings().language), markup=False)
        sys.exit(2)
    except EmbeddedPostgresError as error:
        err.print(error.text.said(Settings().language), markup=False)
        sys.exit(1)
    except OSError as error:
        err.print(str(error), markup=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
