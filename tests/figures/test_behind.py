"""The dossiers behind a figure: what the recount does not ask for."""

import httpx
import pytest

from app.kit.db import Database
from tests.directory.makers import key
from tests.figures.makers import FEE_REQUIRED, MIDNIGHT, a_dossier, describe, ended, figures, store


async def codes(client: httpx.AsyncClient, path: str) -> list[str]:
    found: list[str] = []
    cursor = ""
    while True:
        answer = await client.get(f"/v1/metrics/{path}{cursor and f'&cursor={cursor}'}")
        assert answer.status_code == 200, answer.text
        found += [item["code"] for item in answer.json()["items"]]
        if (cursor := answer.json()["next_cursor"]) is None:
            return found


async def test_every_count_lists_as_many_dossiers_as_it_tells(
    client: httpx.AsyncClient, database: Database
) -> None:
    outcomes = ("early", "on_time", "late", "late", "undated")
    await store(database, [ended(str(number), outcome) for number, outcome in enumerate(outcomes)])
    waiting = [(MIDNIGHT, None)]
    await store(database, [a_dossier("open", received_at=MIDNIGHT, supplement_pauses=waiting)])
    total = (await figures(client, period="2026-03"))["total"]
    assert total.pop("residual") == 0
    for name, number in total.items():
        listed = await codes(client, f"counts/dossiers?period=2026-03&part={name}&limit=1000")
        assert len(listed) == number, name


async def test_pages_of_dossiers_and_of_procedures_follow_each_other(
    client: httpx.AsyncClient, database: Database
) -> None:
    await describe(database)
    rows = [ended(f"{n}", "late", procedure=f"1.00000{n % 4}", fee_bearing=True) for n in range(9)]
    await store(database, rows)
    path = "on_time/dossiers?period=2026-03&part=difference&limit=2"
    assert sorted(await codes(client, path)) == [str(n) for n in range(9)]
    path = "online_payment_procedures/dossiers?period=2026-03&part=difference&limit=3"
    assert await codes(client, path) == ["1.000000", "1.000001", "1.000002", "1.000003"]


async def test_a_procedure_bears_a_fee_by_its_entry_or_by_any_dossier_received_by_then(
    client: httpx.AsyncClient, database: Database
) -> None:
    await describe(database)
    rows = [
        a_dossier("by entry", procedure=min(FEE_REQUIRED), received_at=MIDNIGHT),
        a_dossier("by another unit's", procedure="1.000004", received_at=MIDNIGHT, unit="D"),
        a_dossier("bears it", procedure="1.000004", received_at=MIDNIGHT, fee_bearing=True, unit="E"),
        a_dossier("bears none", procedure="1.000003", received_at=MIDNIGHT, fee_bearing=False),
    ]
    await store(database, rows)
    answer = await figures(client, "online_payment_procedures", period="2026-03", group_by="unit")
    assert [(row["unit"]["code"], row["denominator"]) for row in answer["rows"]] == [
        ("A", 1),
        ("D", 1),
        ("E", 1),
    ]
    assert answer["total"]["denominator"] == 2


async def test_dossiers_are_shown_to_those_who_may_read_them_within_their_unit(
    client: httpx.AsyncClient, database: Database
) -> None:
    await describe(database)
    await store(database, [ended(code, "late", unit=code) for code in "ABCDEFG"])
    path = "/v1/metrics/on_time/dossiers?part=denominator&period=2026-03"
    assert (await client.get(path, headers=await key(database, "metrics:read"))).status_code == 403
    client.headers.update(await key(database, "dossiers:read", unit="B"))
    assert sorted(await codes(client, path.removeprefix("/v1/metrics/"))) == ["B", "D", "E"]
    assert await codes(client, f"{path.removeprefix('/v1/metrics/')}&own=true") == ["B"]
    assert (await client.get(f"{path}&unit=C")).status_code == 403


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("processing_time/dossiers", 404),
        ("reporting_delay/dossiers?part=numerator", 404),
        ("nothing/dossiers", 404),
        ("on_time/dossiers?part=received", 422),
        ("counts/dossiers", 422),
        ("counts/dossiers?part=residual", 422),
        ("on_time/dossiers?group_by=unit", 422),
        ("on_time/dossiers?closing=1", 422),
        ("on_time/dossiers?cursor=x", 422),
    ],
)
async def test_what_has_no_dossiers_is_refused(client: httpx.AsyncClient, path: str, status: int) -> None:
    assert (await client.get(f"/v1/metrics/{path}")).status_code == status
