"""The commands that tell how the service is set and what it offers: settings, and the OpenAPI document.

They need no database.
"""

from typing import Any, Final

import typer

from app.cli.terminal import DataDir, Json, out, print_json, settled
from app.settings import Settings

cli: Final = typer.Typer()


@cli.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    from app.kit.db import Database
    from app.kit.deployment import Deployment
    from app.main import create_app

    unconnected = Database("postgresql://localhost/unused", application_name="openapi")
    print_json(create_app(Deployment(settled(None), unconnected)).openapi())


@cli.command()
def settings(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Print every setting with its value and its default; secrets are masked."""
    found = settled(data_dir)
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
        print_json(shown)
        return
    for line in shown:
        out.print(f"{line['name']}={line['value'] or ''}", style="bold", markup=False)
        out.print(f"    {line['description']} Default: {line['default'] or 'none'}.", markup=False)


def _written(value: Any) -> str | None:
    if value is None:
        return None
    return ",".join(str(part) for part in value) if isinstance(value, list) else str(value)
