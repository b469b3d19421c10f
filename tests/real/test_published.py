"""Published tables: our figures of as many dossiers are theirs to the printed digit, and what does not balance is named."""

import csv
from collections import defaultdict
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from app.dossiers.tables import dossier
from app.kit.db import Database
from app.metrics.balances import percent, residuals
from tests.figures.conftest import deployment, wall
from tests.figures.makers import MIDNIGHT, a_dossier, store

__all__ = ["deployment", "wall"]

Table = dict[str, str]


FIRST = {"totalDossierOnlinePaymentSuccess", "authorityCount"}
"""The measures with which another table of the same unit begins."""


@pytest.fixture
def published(real: Callable[[str], Path]) -> dict[tuple[str, str], list[Table]]:
    """Period and unit → its tables, each as measure → value."""
    found: dict[tuple[str, str], list[Table]] = defaultdict(lambda: [{}])
    with real("published_figures.csv").open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            tables = found[row["period"], row["unit"]]
            if row["measure"] in FIRST:
                tables.append({})
            tables[-1][row["measure"]] = row["value"]
    return found


def same(numerator: int, denominator: int, printed: str) -> bool:
    """Whether this is the percent that was printed; 0 stands for nothing too."""
    exact = percent(numerator, denominator, 2)
    return (exact or Fraction()) == Fraction(printed)


def points(part: Fraction) -> Fraction:
    return Fraction(int(part * 100 + Fraction(1, 2)), 100)


OTHERS = [column for column in dossier.c if column.name != "code"]
CHUNK = 20_000


async def fill(database: Database, kinds: list[tuple[dict[str, Any], int]]) -> None:
    """As many dossiers of each kind."""
    kept = [(row, many) for row, many in kinds if many]
    await store(database, [row for row, _ in kept])
    for row, many in kept:
        for first in range(2, many + 1, CHUNK):
            series = sa.func.generate_series(first, min(first + CHUNK - 1, many))
            number = series.table_valued("value", name="number").render_derived()
            code = sa.func.concat(dossier.c.code, " ", number.c.value)
            copies = (
                sa.select(code, *OTHERS)
                .select_from(dossier.join(number, sa.true()))
                .where(dossier.c.code == row["code"])
            )
            async with database.transaction() as connection:
                await connection.execute(
                    sa.insert(dossier).from_select(["code", *(c.name for c in OTHERS)], copies)
                )


async def by_unit(client: httpx.AsyncClient, metric: str) -> dict[str, dict[str, Any]]:
    answer = await client.get(f"/v1/metrics/{metric}", params={"period": "2026-03", "group_by": "unit"})
    assert answer.status_code == 200, answer.text
    return {row["unit"]["code"]: row for row in answer.json()["rows"]}


def h44(published: dict[tuple[str, str], list[Table]], measure: str) -> dict[str, Table]:
    """Unit → the table that has this measure: of a period by time, or by payment."""
    merged: dict[str, Table] = {}
    for (_, unit), tables in published.items():
        for table in tables if unit.startswith("H44") else ():
            if measure in table:
                merged[unit] = table
    return merged


async def test_dossiers_on_time_of_those_received_are_what_the_portal_prints(
    client: httpx.AsyncClient, database: Database, published: dict[tuple[str, str], list[Table]]
) -> None:
    tables = h44(published, "totalOnTime")
    assert len(tables) == 11
    kinds: list[tuple[dict[str, Any], int]] = []
    for unit, table in tables.items():
        kept, received = int(table["totalOnTime"]), int(table["totalReceived"])
        common = {"unit": unit, "received_at": MIDNIGHT, "portal_due": MIDNIGHT}
        kinds.append((a_dossier(f"{unit} kept", **common), kept))
        kinds.append((a_dossier(f"{unit} late", **common, portal_overdue_from=MIDNIGHT), received - kept))
    await fill(database, kinds)
    rows = await by_unit(client, "on_time_of_received")
    for unit, table in tables.items():
        numbers = rows[unit]["numerator"], rows[unit]["denominator"]
        assert numbers == (int(table["totalOnTime"]), int(table["totalReceived"]))
        assert same(*numbers, table["ratio"]), unit
        assert points(20 * Fraction(*numbers)) == Fraction(table.get("score") or table["totalScore"]), unit


async def test_dossiers_and_procedures_paid_online_are_what_the_portal_prints(
    client: httpx.AsyncClient, database: Database, published: dict[tuple[str, str], list[Table]]
) -> None:
    tables = h44(published, "totalDossierFinancialObligation")
    assert len(tables) == 11
    kinds: list[tuple[dict[str, Any], int]] = []
    for unit, table in tables.items():
        paid, bearing = (
            int(table[f"totalDossier{name}"]) for name in ("OnlinePaymentSuccess", "FinancialObligation")
        )
        procedures = int(table["totalDossierOnlineFormalityPaymentSuccess"])
        common = {"unit": unit, "received_at": MIDNIGHT, "fee_bearing": True}
        online = {**common, "online_payments": [MIDNIGHT]}
        kinds += [(a_dossier(f"{unit} {n}", procedure=f"p{n}", **online), 1) for n in range(1, procedures)]
        kinds.append((a_dossier(f"{unit} paid", procedure="p0", **online), paid - max(procedures - 1, 0)))
        kinds.append((a_dossier(f"{unit} unpaid", procedure="p0", **common), bearing - paid))
    await fill(database, kinds)
    dossiers = await by_unit(client, "online_payment")
    procedures_of = await by_unit(client, "online_payment_procedures")
    nothing = {"numerator": 0, "denominator": 0}
    for unit, table in tables.items():
        row = dossiers.get(unit, nothing)
        assert row["numerator"] == int(table["totalDossierOnlinePaymentSuccess"])
        assert row["denominator"] == int(table["totalDossierFinancialObligation"])
        with_payment = procedures_of.get(unit, nothing)["numerator"]
        assert with_payment == int(table["totalDossierOnlineFormalityPaymentSuccess"])
        offered = int(table["totalFeeFormality"])
        a = Fraction(row["numerator"], row["denominator"]) if row["denominator"] else Fraction()
        b = Fraction(with_payment, offered)
        c = Fraction(int(table["totalFeeDossierFormality"]), offered)
        two = Fraction(2)
        total = points(6 * a) + points(min(two, b * 5 / 2)) + points(min(two, c * 5 / 2))
        assert total == Fraction(table["totalScore"]), unit
        assert total * 10 == Fraction(table["ratio"]), unit


NAMES = {
    "received_new": "received",
    "total": "received",
    "unresolved": "in_progress",
    "resolved_early_or_on_time": "resolved_kept",
    "due_in_period": "due",
    "due_done_early_or_on_time": "due_kept",
    "late_resolved_or_overdue": "due_missed",
    "totalReceived": "received_dated",
    "totalOnTime": "received_in_time",
    "totalOverdue": "received_late",
    "channelTotalSum": "received",
    "channelOnlineSum": "received_online",
    "channelDirectSum": "received_counter",
    "channelPostalSum": "received_post",
}
"""What tables call our counts."""


def test_tables_that_balance_are_accepted_and_the_others_named_with_their_residual(
    published: dict[tuple[str, str], list[Table]],
) -> None:
    unbalanced: dict[str, dict[str, int]] = {}
    accepted = 0
    for (_, unit), tables in published.items():
        for table in tables:
            counts = {NAMES.get(name, name): int(value) for name, value in table.items() if value.isdecimal()}
            found = residuals(counts)
            accepted += sum(not residual for residual in found.values())
            if wrong := {equation: residual for equation, residual in found.items() if residual}:
                unbalanced[unit] = wrong
    assert accepted == 23
    whole, parts = (
        "received + carried_over = resolved + in_progress",
        "resolved = resolved_early + resolved_on_time + resolved_late + resolved_undated",
    )
    # Lâm Đồng leaves out what was carried over; Huế has dossiers that are neither early, on time nor late.
    assert unbalanced == {
        "Lâm Đồng - toàn tỉnh": {
            whole: 8801,
            "resolved = resolved_kept + resolved_late + resolved_undated": 2,
        },
        "Lâm Đồng - cấp tỉnh": {whole: -5},
        "Lâm Đồng - cấp huyện (12)": {whole: 7059},
        "Thừa Thiên Huế - mức 1,2": {parts: 9612},
        "Thừa Thiên Huế - mức 3": {parts: 2267},
        "Thừa Thiên Huế - mức 4": {parts: 3},
    }
