from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.kit.db import Database
from tests.directory.makers import key
from tests.figures.makers import a_dossier, describe, store
from tests.lagging.conftest import Wall
from tests.lagging.makers import HOUR, end
from tests.targets.makers import got

FEBRUARY = datetime(2026, 2, 10, 3, tzinfo=UTC)
OWN: dict[str, Any] = {
    "names": {"vi": "Đúng hạn và trực tuyến", "en": "On time and online"},
    "legal_basis": {"vi": "Kế hoạch 5/KH-UBND", "en": "Plan 5/KH-UBND"},
    "criteria": [
        {
            "key": "on-time",
            "names": {"vi": "Đúng hạn", "en": "On time"},
            "parts": [
                {
                    "metric": "on_time",
                    "maximum": 80,
                    "segments": [{"from": 0, "points": 0}, {"from": 0.5, "points": 0, "slope": 160}],
                    "empty": "not_applicable",
                }
            ],
        },
        {
            "key": "online",
            "names": {"vi": "Trực tuyến", "en": "Online"},
            "parts": [
                {
                    "metric": "online",
                    "maximum": 20,
                    "segments": [{"from": 0, "points": 0, "slope": 20}],
                    "empty": "zero",
                }
            ],
        },
    ],
    "grades": [{"grade": "good", "from": 0.8}, {"grade": "weak", "from": 0}],
    "min_received": 5,
}


async def write(client: httpx.AsyncClient, status: int = 200, name: str = "own", **changes: Any) -> Any:
    answer = await client.put(f"/v1/schemes/{name}", json=OWN | changes)
    assert answer.status_code == status, answer.text
    return answer.json()


async def fill(database: Database, wall: Wall) -> None:
    """In March B has 18 of 20 in time and C 6 of 8, A itself 1 of 1; in February B had 5 of 10 and C 10 of 10."""
    await describe(database)
    for at, of in (
        (wall.now - HOUR, {"D": (10, 2), "E": (8, 0), "F": (6, 2), "A": (1, 0)}),
        (FEBRUARY, {"E": (5, 5), "C": (10, 0)}),
    ):
        for unit, (in_time, late) in of.items():
            await end(
                database, at, in_time=in_time, late=late, unit=unit, received_at=at - timedelta(hours=1)
            )


async def test_the_children_of_a_unit_are_scored_ranked_and_compared(
    client: httpx.AsyncClient, database: Database, wall: Wall
) -> None:
    await fill(database, wall)
    await write(client)
    cards = await got(client, "scorecards", scheme="own", unit="A", period="2026-03", group_by="child")
    assert (cards["scheme"], cards["version"], cards["unknown"], cards["total"]) == ("own", 1, [], None)
    rows = {row["unit"]["code"]: row for row in cards["rows"]}
    assert list(rows) == ["B", "C", "A"]
    shown = {
        code: [
            row[name] for name in ("points", "maximum", "percent", "grade", "received", "rank", "unranked")
        ]
        for code, row in rows.items()
    }
    assert shown == {
        "B": [84, 100, 84, "good", 20, 1, None],  # 160 × (0.9 − 0.5) + 20
        "C": [60, 100, 60, "weak", 8, 2, None],
        "A": [100, 100, 100, "good", 1, None, "own_dossiers"],
    }
    assert [row["self"] for row in rows.values()] == [False, False, True]
    assert {row["of"] for row in rows.values()} == {2}
    part = rows["B"]["criteria"][0]["parts"][0]
    assert (part["figure"]["numerator"], part["figure"]["denominator"], part["points"]) == (18, 20, 64.0)
    assert part["figure"]["interval"][0] < 0.9 < part["figure"]["interval"][1]
    assert rows["B"]["previous"] == {
        "from": "2026-02-01",
        "to": "2026-02-20",
        "percent": 20.0,
        "percent_change": 64.0,
        "rank": 2,
        "rank_change": 1,
    }
    assert rows["C"]["previous"]["rank_change"] == -1
    assert rows["B"]["last_year"] is None


async def test_one_unit_is_ranked_among_its_siblings_and_a_limited_key_learns_their_number_alone(
    client: httpx.AsyncClient, database: Database, wall: Wall
) -> None:
    await fill(database, wall)
    await write(client)
    asked: dict[str, Any] = {"scheme": "own", "period": "2026-03"}
    whole = await got(client, "scorecards", unit="C", **asked)
    assert (whole["total"]["rank"], whole["total"]["of"], whole["rows"]) == (2, 2, [])
    client.headers.update(await key(database, "metrics:read", unit="C"))
    limited = await got(client, "scorecards", **asked)
    assert limited["total"] == whole["total"]
    assert limited["rows"] == []
    below = await got(client, "scorecards", group_by="unit", **asked)
    assert [row["unit"]["code"] for row in below["rows"]] == ["F"]
    await got(client, "scorecards", status=403, unit="B", **asked)


async def test_a_unit_with_few_dossiers_or_none_takes_no_place(
    client: httpx.AsyncClient, database: Database, wall: Wall
) -> None:
    await fill(database, wall)
    await write(client, min_received=9)
    asked: dict[str, Any] = {"scheme": "own", "period": "2026-03"}
    rows = (await got(client, "scorecards", unit="A", group_by="child", **asked))["rows"]
    assert [(row["unit"]["code"], row["rank"], row["unranked"]) for row in rows] == [
        ("B", 1, None),
        ("A", None, "own_dossiers"),
        ("C", None, "too_few"),
    ]
    nobody = (await got(client, "scorecards", unit="NOBODY", **asked))["total"]
    assert (nobody["points"], nobody["maximum"], nobody["percent"]) == (0.0, 20.0, 0.0)
    assert (nobody["rank"], nobody["unranked"], nobody["grade"]) == (None, "too_few", "weak")


async def test_decision_766_counts_the_fee_bearing_procedures_that_a_unit_offers(
    client: httpx.AsyncClient, database: Database, wall: Wall
) -> None:
    await describe(database)
    rows: list[tuple[str, str, str, dict[str, Any]]] = [
        # Offered and paid online in March, by two units below B: one procedure.
        ("1", "D", "1.000001", {"fee_bearing": True, "online_payments": [wall.now - HOUR]}),
        ("2", "E", "1.000001", {"fee_bearing": True, "online_payments": [wall.now - HOUR]}),
        # Fee-bearing by another dossier; this one bears none.
        ("3", "D", "1.000004", {"fee_bearing": False}),
        ("4", "F", "1.000004", {"fee_bearing": True}),
        # Bears a fee, and was paid before March.
        ("5", "E", "1.000002", {"fee_bearing": True, "online_payments": [FEBRUARY]}),
        # Long ago.
        ("6", "D", "1.000003", {"fee_bearing": True, "received_at": FEBRUARY - timedelta(days=500)}),
    ]
    await store(
        database,
        [
            a_dossier(
                code,
                unit=unit,
                procedure=procedure,
                **{
                    "online_payments": [],
                    "received_at": wall.now - HOUR,
                    "counted_at": FEBRUARY - timedelta(days=400) if code == "6" else None,
                }
                | columns,
            )
            for code, unit, procedure, columns in rows
        ],
    )
    cards = await got(client, "scorecards", unit="A", period="2026-03", group_by="child")
    (row,) = (row for row in cards["rows"] if row["unit"]["code"] == "B")
    parts = {part["metric"]: part["figure"] for part in row["criteria"][1]["parts"] if part["figure"]}
    told = {name: (figure["numerator"], figure["denominator"]) for name, figure in parts.items()}
    fee_required = {"1.000001", "1.000002", "1.000004"}
    assert told["online_payment_of_offered"] == (1, len(fee_required))
    assert told["fee_procedures_of_offered"] == (2, len(fee_required))


async def test_what_a_unit_offers_is_what_the_directory_says_and_else_what_its_dossiers_show(
    client: httpx.AsyncClient, database: Database, wall: Wall
) -> None:
    """D is named by two procedures with a fee and one without; nobody names E, so that its dossiers tell."""
    await describe(database)
    entry = {"name": "Thủ tục", "sector": "land", "service_level": "full"}
    offers: list[tuple[str, bool, dict[str, Any]]] = [
        ("1.000011", True, {"offered_by": ["D", "F"]}),
        ("1.000012", True, {"offered_by": ["D"]}),
        ("1.000013", False, {"offered_by": ["D"]}),
        ("1.000014", True, {"offered_by": ["D", "E"], "valid_to": "2026-03-15"}),
        ("1.000015", True, {}),
    ]
    for code, fee, more in offers:
        body = {**entry, "fee_required": fee, **more}
        assert (await client.put(f"/v1/procedures/{code}", json=body)).is_success
    paid = {"fee_bearing": True, "online_payments": [wall.now - HOUR]}
    rows: list[tuple[str, str, str, dict[str, Any]]] = [
        ("1", "D", "1.000011", paid),
        ("2", "D", "1.000015", paid),  # D does not offer it by the directory's word
        ("3", "E", "1.000015", paid),
        # The events do not say and the directory did not know it that day: unknown is no fee.
        ("4", "E", "1.000014", {"fee_bearing": None, "online_payments": []}),
    ]
    await store(
        database,
        [
            a_dossier(code, unit=unit, procedure=procedure, received_at=wall.now - HOUR, **columns)
            for code, unit, procedure, columns in rows
        ],
    )
    told = {}
    for unit in ("D", "E", "F"):
        card = (await got(client, "scorecards", unit=unit, period="2026-03"))["total"]
        parts = {part["metric"]: part["figure"] for part in card["criteria"][1]["parts"] if part["figure"]}
        told[unit] = [
            (parts[metric]["numerator"], parts[metric]["denominator"])
            for metric in ("online_payment_of_offered", "fee_procedures_of_offered")
        ]
    assert told == {"D": [(1, 2), (1, 2)], "E": [(1, 2), (1, 2)], "F": [(0, 1), (0, 1)]}


async def test_shipped_schemes_are_listed_and_cannot_be_written(client: httpx.AsyncClient) -> None:
    await write(client)
    await write(client)
    await write(client, min_received=6)
    items = (await got(client, "schemes"))["items"]
    assert [(one["key"], one["version"], one["shipped"], one["template"]) for one in items] == [
        ("decision-766", 1, True, False),
        ("decision-766", 2, True, False),
        ("own", 1, False, False),
        ("own", 2, False, False),
        ("reform-index", 1, True, True),
    ]
    await write(client, status=409, name="decision-766")
    assert (await got(client, "scorecards", scheme="own"))["version"] == 2
    assert (await got(client, "scorecards", scheme="own", version=1))["version"] == 1
    await got(client, "scorecards", scheme="own", version=3, status=404)
    await got(client, "scorecards", scheme="none", status=404)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"metric": "happiness"}, "/criteria/0/parts/0/metric"),
        ({"segments": [{"from": 0.5, "points": 0}]}, "/criteria/0/parts/0"),
        ({"segments": [{"from": 0, "points": 0}] * 2}, "/criteria/0/parts/0"),
        ({"segments": []}, "/criteria/0/parts/0/segments"),
        ({"maximum": -1}, "/criteria/0/parts/0/maximum"),
        ({"empty": "nothing"}, "/criteria/0/parts/0/empty"),
    ],
)
async def test_a_scheme_that_says_nothing_definite_is_refused(
    client: httpx.AsyncClient, change: dict[str, Any], pointer: str
) -> None:
    criterion = OWN["criteria"][0]
    parts = [criterion["parts"][0] | change]
    problem = await write(client, 422, criteria=[criterion | {"parts": parts}])
    assert [fault["pointer"] for fault in problem["errors"]] == [pointer]


async def test_a_limited_key_may_write_no_scheme(client: httpx.AsyncClient, database: Database) -> None:
    client.headers.update(await key(database, "targets:write", unit="D"))
    await write(client, 403)


async def test_children_are_those_of_a_unit(client: httpx.AsyncClient) -> None:
    await got(client, "scorecards", status=422, group_by="child")
    await got(client, "scorecards", status=422, period="2026-5")
