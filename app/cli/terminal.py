"""The terminal's side of every command: settings, one task on the database, progress, and how a result is printed.

It knows no command; each noun's commands stand in their own file.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from app.kit import logs
from app.settings import Settings

if TYPE_CHECKING:
    from app.kit.db import Database
    from app.kit.deployment import Deployment

T = TypeVar("T")

out: Final = Console(highlight=False, soft_wrap=True)
err: Final = Console(stderr=True, highlight=False, soft_wrap=True)

DataDir = Annotated[
    Path | None, typer.Option(help="Where the embedded database and the secret key live.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def settled(data_dir: Path | None, **changes: Any) -> Settings:
    """The settings of this command, logging included; a wrong one is told, and the command ends with code 2."""
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


def on_deployment(settings: Settings, name: str, task: "Callable[[Deployment], Awaitable[T]]") -> T:
    """Run one task on the deployment's database, started for it if nothing runs it yet."""
    from app.serving import deployed, located

    async def run(url: str) -> T:
        async with deployed(settings, url, name) as here:
            return await task(here)

    with located(settings) as (url, _):
        return asyncio.run(run(url))


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Shows how much (done, of all) is done, on standard error, so that what is printed can be piped."""
    columns = TextColumn(what), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn()
    with Progress(*columns, console=err) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def on_database(settings: Settings, name: str, task: "Callable[[Database], Awaitable[T]]") -> T:
    """Run one task on the database without bringing its schema up to date first."""
    from app.kit.db import Database
    from app.serving import located

    async def run(url: str) -> T:
        database = Database(url, application_name=f"dunghen {name}")
        try:
            return await task(database)
        finally:
            await database.close()

    with located(settings) as (url, _):
        return asyncio.run(run(url))


def print_json(value: Any) -> None:
    """The result as JSON, in its own letters."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")
