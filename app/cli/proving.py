"""The commands that derive everything again from the log, and that check it.

They print a verdict; how it is found is in `ops.proof`.
"""

from typing import TYPE_CHECKING, Final

import typer

from app.cli.terminal import DataDir, Json, on_deployment, out, print_json, progress, settled

if TYPE_CHECKING:
    from app.kit.deployment import Deployment

cli: Final = typer.Typer()


@cli.command()
def rebuild(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Derive everything again from the log, and drop what no fact speaks of."""
    from app.ops import proof

    async def run(here: "Deployment") -> int:
        with progress("Rebuild") as show:
            return await proof.rebuild(here, show)

    dossiers = on_deployment(settled(data_dir), "rebuild", run)
    if as_json:
        print_json({"dossiers": dossiers})
    else:
        out.print(f"{dossiers} dossiers derived again", markup=False)


@cli.command()
def verify(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Recount everything from the log and report any difference (exit code 1)."""
    from app.ops import proof

    async def run(here: "Deployment") -> "proof.Verdict":
        with progress("Verify") as show:
            return await proof.verify(here, show)

    verdict = on_deployment(settled(data_dir), "verify", run)
    if as_json:
        print_json(
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
