from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.kit.db import Database
from app.targets.tables import commitment
from tests.directory.makers import key
from tests.figures.makers import describe
from tests.lagging.conftest import Wall
from tests.lagging.makers import HOUR, end
from tests.targets.makers import commit, got


async def test_a_commitment_is_shown_with_its_progress_and_its_late_budget(
    client: httpx.AsyncClient, database: Database, wall: Wall
) -> None:
    await describe(database)
    # January: 150 of 150. The last twenty working days, from 23 February to 20 March: 46 of 50.
    await end(database, datetime(2026, 1, 20, 3, tzinfo=UTC), in_time=150, unit="D")
    await end(database, wall.now - HOUR, in_time=46, late=4, unit="E")
    await end(database, wall.now - HOUR, late=50, unit="F")  # not below B
    shown = await commit(client, target=0.95, document="12/CK-UBND", document_sha256="ab" * 32)
    assert shown == {
        "id": "b-2026",
        "unit": {"code": "B", "name": "Đơn vị B"},
        "metric": "on_time",
        "period": {"name": "2026", "from": "2026-01-01", "to": "2026-12-31"},
        "version": 1,
        "target": 0.95,
        "versions": [
            {
                "version": 1,
                "target": 0.95,
                "signed_by": "Chủ tịch UBND B",
                "signed_on": "2026-01-10",
                "document": "12/CK-UBND",
                "document_sha256": "ab" * 32,
                "recorded_at": "2026-03-20T03:00:00Z",
            }
        ],
        "applies_to": {"code": "B", "name": "Đơn vị B"},
        "progress": {
            "as_of": "2026-03-20T03:00:00Z",
            "numerator": 196,
            "denominator": 200,
            "rate": 0.98,
            "gap": 0.03,
            "status": "reached",
            "needed": 0,
            "late_budget": {
                "bearable": 6,
                "breaks_at": 7,
                "pace": {
                    "from": "2026-02-21",
                    "to": "2026-03-20",
                    "working_days": 20,
                    "counted": 50,
                    "missed": 4,
                },
                # A day brings 2.3 in time and 0.2 late: (196 + 2.3 w) / (200 + 2.5 w) < 0.95 first at w = 81.
                "runs_out_on": "2026-07-13",
            },
        },
    }
    assert (await got(client, "commitments"))["items"] == [shown]
    assert await got(client, "commitments/b-2026") == shown


async def test_a_version_is_never_changed_only_superseded_and_the_same_again_changes_nothing(
    client: httpx.AsyncClient, database: Database
) -> None:
    await commit(client)
    await commit(client)
    await commit(client, target=0.92, signed_on="2026-06-01", signed_by="Chủ tịch mới")
    shown = await got(client, "commitments/b-2026")
    assert [(one["version"], one["target"]) for one in shown["versions"]] == [(1, 0.9), (2, 0.92)]
    assert (shown["version"], shown["target"]) == (1, 0.9)  # the second is signed after today
    async with database.snapshot() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(commitment)) == 2


@pytest.mark.parametrize(
    ("changes", "status", "pointer"),
    [
        ({"unit": "C"}, 409, None),
        ({"metric": "online"}, 409, None),
        ({"period": "2026-Q1"}, 409, None),
        ({"signed_on": "2026-01-09", "target": 0.8}, 422, "/signed_on"),
        ({"metric": "counts"}, 422, "/metric"),
        ({"period": "2026-13"}, 422, "/period"),
        ({"target": 1.1}, 422, "/target"),
        ({"target": 0.1234567}, 422, "/target"),
        ({"signed_on": 1_767_225_600}, 422, "/signed_on"),
        ({"signed_on": "2026-02-30"}, 422, "/signed_on"),
        ({"document_sha256": "xyz"}, 422, "/document_sha256"),
        ({"head": "Nguyễn Văn A"}, 422, "/head"),
    ],
)
async def test_what_does_not_fit_is_refused_and_changes_nothing(
    client: httpx.AsyncClient, changes: dict[str, Any], status: int, pointer: str | None
) -> None:
    before = await commit(client)
    problem = await commit(client, status=status, **changes)
    assert [fault["pointer"] for fault in problem.get("errors", [])] == ([pointer] if pointer else [])
    assert await got(client, "commitments/b-2026") == before


async def test_a_unit_has_one_commitment_for_a_metric_and_a_period(client: httpx.AsyncClient) -> None:
    await commit(client)
    assert "b-2026" in (await commit(client, "again", status=409))["detail"]
    await commit(client, "quarter", period="2026-Q1")
    await commit(client, "other", unit="C")


async def test_one_unit_asked_for_is_shown_what_it_inherits_with_its_own_progress(
    client: httpx.AsyncClient, database: Database, wall: Wall
) -> None:
    await describe(database)
    await end(database, wall.now - HOUR, in_time=9, late=1, unit="D")
    await end(database, wall.now - HOUR, in_time=20, unit="E")
    await commit(client)
    await commit(client, "a-2026", unit="A", metric="online")
    (inherited, own) = (await got(client, "commitments", unit="D"))["items"]
    assert (inherited["id"], inherited["applies_to"]["code"]) == ("a-2026", "D")
    assert (own["unit"]["code"], own["applies_to"]["code"]) == ("B", "D")
    assert (own["progress"]["numerator"], own["progress"]["denominator"]) == (9, 10)
    listed = await got(client, "commitments", metric="on_time", on="2026-07-01")
    assert [one["progress"]["denominator"] for one in listed["items"]] == [30]
    assert (await got(client, "commitments", on="2027-01-01"))["items"] == []


async def test_a_limited_key_writes_and_reads_inside_its_unit_and_sees_what_it_inherits(
    client: httpx.AsyncClient, database: Database
) -> None:
    await describe(database)
    await commit(client)
    await commit(client, "c-2026", unit="C")
    client.headers.update(await key(database, "targets:write", "metrics:read", unit="D"))
    await commit(client, "d-2026", unit="D")
    await commit(client, "mine", unit="B", status=403)
    items = (await got(client, "commitments"))["items"]
    assert [(one["id"], one["applies_to"]["code"]) for one in items] == [("b-2026", "D"), ("d-2026", "D")]
    await got(client, "commitments/c-2026", status=404)
    await got(client, "commitments/d-2026")


async def test_pages_follow_one_another(client: httpx.AsyncClient) -> None:
    for number in range(5):
        await commit(client, f"c-{number}", unit=f"U{number}")
    seen, cursor = [], None
    while True:
        page = await got(client, "commitments", limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"c-{number}" for number in range(5)]


async def test_a_closed_period_and_one_that_has_not_begun_have_no_pace(client: httpx.AsyncClient) -> None:
    for period in ("2025", "2026-Q3"):
        shown = await commit(client, period, period=period)
        assert shown["progress"]["late_budget"] == {
            "bearable": 0,
            "breaks_at": 1,
            "pace": None,
            "runs_out_on": None,
        }
