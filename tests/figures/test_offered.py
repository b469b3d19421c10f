"""What units offer, against its definition over plain rows: told by cells, and by dossiers alone."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from app.kit.db import Database
from app.kit.deployment import Deployment
from app.metrics import offered as module
from app.metrics import pairs, periods
from app.metrics.offered import Offered, offered
from app.metrics.periods import Period, midnight
from app.metrics.rollup import roll_up
from app.settings import Settings
from tests.figures.makers import DAY, FEE_REQUIRED, UNITS, Row, describe, random_dossiers, store

FIRST = date(2023, 11, 20)
DAYS = 900
NAMES = ("2024", "2025", "2026", "2025-Q3", "2026-03", "report:2025", "report:2026")


def defined(rows: Sequence[Row], period: Period, settings: Settings, now: datetime) -> dict[str, Offered]:
    """Unit → what it offers (domain note §7), told dossier by dossier."""
    begin = midnight(period.from_, settings.zone)
    end = min(now, midnight(period.to + DAY, settings.zone))
    last = (end - timedelta(microseconds=1)).astimezone(settings.zone).date()
    since = min(midnight(last.replace(year=last.year - 1) + DAY, settings.zone), begin)
    received = [
        row
        for row in rows
        if not row["voided"] and row["received_at"] is not None and row["received_at"] < end
    ]
    charged = FEE_REQUIRED | {row["procedure"] for row in received if row["fee_bearing"]}
    found: dict[str, tuple[set[str], set[str], set[str]]] = {}
    for row in received:
        paid = any(begin <= at < end for at in row["online_payments"])
        alive = row["counted_at"] is None or row["counted_at"] >= since
        if row["procedure"] in charged and (alive or paid):
            sets = found.setdefault(row["unit"], (set(), set(), set()))
            for held, is_so in zip(
                sets, (True, paid, row["fee_bearing"] and row["received_at"] >= begin), strict=True
            ):
                held.update({row["procedure"]} if is_so else ())
    return {unit: Offered(*sets) for unit, sets in found.items()}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("cells", ["asked", "asked for pairs", "not counted"])
async def test_what_units_offer_is_what_their_dossiers_of_twelve_months_were_of(
    deployment: Deployment,
    database: Database,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    cells: str,
) -> None:
    random = Random(seed)  # noqa: S311 - repeatable rows and questions, no secret
    rows = random_dossiers(random, settings.zone, FIRST, DAYS, 150)
    await describe(database)
    await store(database, rows[:120])
    if cells != "not counted":
        await roll_up(deployment)
    await store(database, rows[120:])
    if cells == "asked for pairs":

        async def nothing(*_: object) -> None:
            return None

        monkeypatch.setattr(module, "_by_cells", nothing)
    for _ in range(25):
        period = periods.parse(random.choice(NAMES))
        begin = midnight(period.from_, settings.zone)
        now = begin + timedelta(days=random.choice((0.5, 1, 10, 45, 100, 200, 365, 366, 600)))
        units = random.choice((None, random.sample(UNITS, 3)))
        async with database.snapshot() as connection:
            told = await offered(connection, period, units, zone=settings.zone, now=now)
        expected = defined(rows, period, settings, now)
        assert told == {unit: one for unit, one in expected.items() if units is None or unit in units}, (
            period,
            now,
        )


async def test_cells_tell_whole_years_and_the_year_until_now(
    deployment: Deployment, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = random_dossiers(Random(9), settings.zone, FIRST, DAYS, 40)  # noqa: S311 - repeatable rows, no secret
    await store(database, rows)
    await roll_up(deployment)

    async def never(*_: object) -> None:
        pytest.fail("dossiers are read")

    monkeypatch.setattr(pairs, "handled", never)
    for name in ("2025", "2026"):
        async with database.snapshot() as connection:
            now = datetime(2026, 5, 20, 3, tzinfo=UTC)
            assert await offered(connection, periods.parse(name), None, zone=settings.zone, now=now)
