"""The command that takes files: events, status tables, units and procedures.

It reads options and prints the report; reading and checking are in `importing`.
"""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from app.cli.terminal import DataDir, Json, on_deployment, out, print_json, progress, settled

if TYPE_CHECKING:
    from app.importing.report import Report
    from app.kit.deployment import Deployment

cli: Final = typer.Typer()


def _list_mappings(asked: bool) -> None:  # noqa: FBT001 - typer hands an option over
    if asked:
        from app.importing import mapping

        for name in mapping.shipped():
            found = mapping.load(name)
            out.print(f"{name:<16}{found.title} / {found.title_en}", markup=False)
        raise typer.Exit


def _print_mapping(name: str | None) -> None:
    if name is not None:
        from app.importing import mapping

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
    from app.importing import importer
    from app.importing.mapping import load

    settings = settled(data_dir)
    options = importer.Options(
        load(mapping) if mapping else None, kind, source, encoding, delimiter, sheet, dry_run
    )
    size = sum(path.stat().st_size for path in files)

    async def run(here: "Deployment") -> "Report":
        told = faults.open("w", encoding="utf-8", newline="") if faults else nullcontext()
        with progress("Import") as show, told as file:
            return await importer.import_files(
                here, files, options, faults=file, progress=lambda done: show(done, size)
            )

    report = on_deployment(settings, "import", run)
    if as_json:
        print_json(report.document())
    else:
        for line in report.told(settings.language):
            out.print(line, markup=False)
    if report.rejected or any(described.rejected for described in report.directory):
        raise typer.Exit(1)
