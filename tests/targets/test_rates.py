import httpx

from app.kit.db import Database
from tests.figures.makers import a_dossier, describe, store
from tests.lagging.conftest import Wall
from tests.lagging.makers import HOUR
from tests.targets.makers import commit


async def test_a_procedure_that_two_units_below_have_counts_once(
    client: httpx.AsyncClient, database: Database, wall: Wall
) -> None:
    await describe(database)
    at = wall.now - HOUR
    paid = {"fee_bearing": True, "received_at": at, "online_payments": [at]}
    await store(
        database,
        [
            a_dossier("1", unit="D", procedure="1.000001", **paid),
            a_dossier("2", unit="E", procedure="1.000001", **paid),
            a_dossier("3", unit="E", procedure="1.000002", **(paid | {"online_payments": []})),
        ],
    )
    told = (await commit(client, metric="online_payment_procedures"))["progress"]
    assert (told["numerator"], told["denominator"]) == (1, 2)
