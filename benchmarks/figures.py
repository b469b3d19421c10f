"""Figures from cells against one direct scan of the dossier table, and the same figures as dossiers grow tenfold.

Goals: P4, year to date by unit at least 100 times as fast as the scan; P5, at most 1.2 times the time for ten times the
dossiers. The dossiers are written directly: skewed units and procedures, seasons, pauses, late ones and open ones.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final
from unittest.mock import patch
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from app.kit.db import Database
from app.kit.deployment import Deployment
from app.kit.migrating import upgrade
from app.kit.postgres import EmbeddedPostgres
from app.metrics import cell_queries, periods
from app.metrics.catalogue import COUNTS, RATES
from app.metrics.queries import tally
from app.metrics.question import Question
from app.metrics.rollup import differing, recount
from app.settings import Settings

NOW: Final = datetime(2026, 5, 20, 3, 30, tzinfo=UTC)
"""A Wednesday, 10:30 in Hanoi: in the middle of a day, of a half and of a year."""

ZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")
ROUNDS: Final = 15
SCANS: Final = 3
_YEAR: Final = periods.to_date(NOW.astimezone(ZONE).date())
_ON_TIME: Final = next(rate for rate in RATES if rate.key == "on_time").needs

QUESTIONS: Final = {
    "on_time by unit": Question(_ON_TIME, _YEAR, ("unit",)),
    "counts by unit": Question(COUNTS.needs, _YEAR, ("unit",)),
    "counts by month": Question(COUNTS.needs, _YEAR, ("month",)),
    "on_time by unit of a procedure": Question(_ON_TIME, _YEAR, ("unit",), procedures=["1.000007"]),
    "on_time by unit of a sector": Question(_ON_TIME, _YEAR, ("unit",), sectors=["sector 3"]),
    "on_time by procedure of a unit": Question(_ON_TIME, _YEAR, ("procedure",), units=["unit 12"]),
}

# Units and procedures follow a power of an even random number, so that the first few have most dossiers; days follow
# the week and the year, hours the office. One in eight waits for a supplement, one in fourteen ends late.
_WRITE: Final = sa.text("""
INSERT INTO dossier (
    code, voided, state, unit, procedure, channel, sector, service_level, full_eligible, document_result, received_at,
    ended_at, end_kind, counted_at, outcome, due_original, due_original_is_date, due_current, due_current_is_date,
    overdue_from, repeat_waits, supplement_waits, fee_waits, online_payments, reappointments, findings, late_in_data_only
)
SELECT
    'B-' || n, random() < 0.002, CASE WHEN ended < :now THEN 'returned' ELSE 'in_progress' END, 'unit ' || unit,
    '1.' || lpad(procedure::text, 6, '0'), (ARRAY['online', 'counter', 'post'])[1 + floor(3 * random() ^ 1.6)::int],
    'sector ' || procedure % 20, (ARRAY['full', 'partial', 'none', NULL])[1 + procedure % 4], false, true, received,
    done.at, done.kind, done.at,
    CASE WHEN done.at IS NULL THEN NULL WHEN done.at > due THEN 'late' WHEN done.at < due - interval '1 day' THEN 'early'
         ELSE 'on_time' END,
    due, true, due, true, due, '{}', waits, '{}', '{}', 0, '{}', false
FROM (
    SELECT
        *, date_trunc('day', received + promised * interval '1 day', :zone) + interval '1 day -1 microsecond' AS due,
        received + promised * least(1 + 6 * greatest(0, random() - 0.93) * 10, 5) * (0.3 + 0.7 * random())
            * interval '1 day' AS ended,
        CASE WHEN random() < 0.12 THEN tstzmultirange(tstzrange(
            received + interval '1 day', received + interval '1 day' + random() * interval '6 days', '(]'
        )) ELSE '{}' END AS waits
    FROM (
        SELECT
            n, 1 + floor(200 * random() ^ 2)::int AS unit, floor(300 * random() ^ 3)::int AS procedure,
            2 + floor(28 * random())::int AS promised,
            -- Twenty-nine months until now; fewer at weekends and around the turn of the year.
            timestamptz '2024-01-02 00:00+07' + floor(869 * random() ^ 0.9) * interval '1 day'
                + (8 + 8 * random()) * interval '1 hour' AS received
        FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n
    ) AS filed
    WHERE extract(isodow FROM received AT TIME ZONE :zone) < 6 OR random() < 0.1
) AS told
CROSS JOIN LATERAL (
    SELECT
        CASE WHEN ended < :now THEN ended END AS at,
        CASE WHEN ended < :now THEN CASE WHEN random() < 0.03 THEN 'withdrawn' ELSE 'processed' END END AS kind
) AS done
WHERE received < :now
""")


def run(quick: bool) -> dict[str, float]:  # noqa: FBT001 - the runner of all benchmarks calls it so
    return asyncio.run(_measured(100_000 if quick else 1_000_000))


async def _measured(small: int) -> dict[str, float]:
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        quickly = {
            "fsync": "off",
            "synchronous_commit": "off",
            "max_wal_size": "8GB",
            "shared_buffers": "1GB",
        }
        with EmbeddedPostgres.open(Path(folder), settings=quickly) as postgres:
            database = Database(postgres.dsn, application_name="benchmark")
            await upgrade(database)
            settings = Settings(_env_file=None, data_dir=Path(folder), calendar="plain")
            here = Deployment(settings, database, lambda: NOW)
            few = await _at(here, 1, small, figures, "small")
            many = await _at(here, small + 1, 10 * small, figures, "large")
            for name in QUESTIONS:
                figures[f"{name}: tenfold dossiers, times"] = many[name] / few[name]
            await database.close()
    return figures


async def _at(
    here: Deployment, first: int, last: int, figures: dict[str, float], size: str
) -> dict[str, float]:
    """Milliseconds of every question when the dossiers up to `last` are there."""
    figures[f"{size}: written, s"] = await _timed(lambda: _write(here.database, first, last))
    figures[f"{size}: cells counted, s"] = await _timed(lambda: recount(here))
    async with here.database.transaction() as connection:
        figures[f"{size}: dossiers"] = await connection.scalar(sa.text("SELECT count(*) FROM dossier")) or 0
        figures[f"{size}: cells"] = await connection.scalar(sa.text("SELECT count(*) FROM cell")) or 0
        await connection.execute(sa.text("ANALYZE"))
    async with here.database.snapshot() as connection:
        if await differing(connection, here.settings.timezone):
            raise RuntimeError("the cells are not what a recount of the dossiers finds")
    found: dict[str, float] = {}
    for name, question in QUESTIONS.items():
        ask = partial(_ask, here, question)
        cells = [await _timed(ask) for _ in range(ROUNDS)]
        with patch.object(cell_queries, "MEASURES", {}):  # so that the dossiers are asked
            scans = [await _timed(ask) for _ in range(SCANS)]
        found[name] = 1_000 * median(cells)
        figures[f"{size}: {name}, ms"] = found[name]
        figures[f"{size}: {name}, times faster than a scan"] = median(scans) / median(cells)
    return found


async def _ask(here: Deployment, question: Question) -> None:
    async with here.database.snapshot() as connection:
        await tally(connection, question, zone=ZONE, now=NOW)


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def _write(database: Database, first: int, last: int) -> None:
    """Indexes are made afterwards, which is several times as fast."""
    async with database.transaction() as connection:
        await connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
        await connection.execute(sa.text("SET LOCAL maintenance_work_mem = '512MB'"))
        await connection.execute(sa.text("DELETE FROM cell_rules"))
        indexes = (
            await connection.execute(
                sa.text(
                    "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'dossier' AND indexname <> 'pk_dossier'"
                )
            )
        ).all()
        for name, _ in indexes:
            await connection.execute(sa.text(f"DROP INDEX {name}"))
        await connection.execute(sa.text("SELECT setseed(0.5)"))
        values = {"first": first, "last": last, "now": NOW, "zone": ZONE.key}
        await connection.execute(_WRITE, values)
        for _, definition in indexes:
            await connection.exec_driver_sql(definition)
