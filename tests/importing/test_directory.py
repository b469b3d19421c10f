from importlib.resources import files
from pathlib import Path

import httpx

from app.directory.sample import phan_thiet
from app.kit.deployment import Deployment
from tests.directory.makers import put
from tests.importing.makers import imported


async def test_the_sample_area_is_a_table_that_can_be_imported_again_and_again(
    client: httpx.AsyncClient, deployment: Deployment, tmp_path: Path
) -> None:
    table = tmp_path / "phan_thiet.csv"
    table.write_bytes(files("app.directory").joinpath("phan_thiet.csv").read_bytes())
    units = phan_thiet()
    (described,) = (await imported(deployment, table)).directory
    assert (described.kind, described.created, described.rejected) == ("units", len(units), 0)
    assert await put(client, [unit.model_dump(mode="json") for unit in units]) == {
        "created": 0,
        "changed": 0,
        "unchanged": len(units),
    }
    (again,) = (await imported(deployment, table)).directory
    assert (again.created, again.changed, again.unchanged) == (0, 0, len(units))
