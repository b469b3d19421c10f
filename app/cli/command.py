"""`dunghen`: thin commands over the functions that the service itself uses.

It gathers the commands and gives every expected error its words; no rule stands here.
Exit codes: 0 done, 1 the check failed, 2 wrong usage.
"""

import sys
from typing import Final

import typer

from app.cli import backups, importing, keys, proving, running, telling
from app.cli.terminal import err
from app.keys.terms import KeyTermsError
from app.kit.collector import quieten
from app.kit.postgres import EmbeddedPostgresError
from app.kit.problems import Problem
from app.settings import Settings

cli: Final = typer.Typer(
    name="dunghen",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,  # its tracebacks show values, and values may be secrets
)
for commands in (running, importing, proving, backups, telling):
    cli.add_typer(commands.cli)
cli.add_typer(keys.cli, name="keys")


def main() -> None:
    """The `dunghen` command."""
    quieten()  # before a command imports what it needs, hundreds of thousands of objects that stay
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
