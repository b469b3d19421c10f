"""Figures from cells against one direct scan of the dossier table, and the same figures as dossiers grow tenfold.

Goals: P4, year to date by unit at least 100 times as fast as the scan, p95 over HTTP at most 25 ms, 50 with a filter by procedure
or sector; P5, at most 1.2 times the time for ten times the dossiers, up to ten million. The dossiers are written directly: skewed
units and procedures, seasons, pauses, late ones and open ones, fees, results and apologies.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from statistics import median, quantiles
from typing import Final
from unittest.mock import patch
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.engine import make_url

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
from benchmarks.client import Connection as Http
from benchmarks.product import BOOTSTRAP, served

NOW: Final = datetime.now(UTC)
"""The product that is asked over HTTP goes by the clock on the wall, and so does everything here."""

ZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")
ROUNDS: Final = 25
SCANS: Final = 3
REQUESTS: Final = 100
_SIZES: Final = ("small", "large")
_QUICKLY: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "max_wal_size": "8GB",
    "shared_buffers": "1GB",
}
_YEAR: Final = periods.to_date(NOW.astimezone(ZONE).date())
_RATES: Final = {rate.key: rate.needs for rate in RATES}
_ON_TIME: Final = _RATES["on_time"]

QUESTIONS: Final = {
    "on_time by unit": Question(_ON_TIME, _YEAR, ("unit",)),
    "counts by unit": Question(COUNTS.needs, _YEAR, ("unit",)),
    "counts by month": Question(COUNTS.needs, _YEAR, ("month",)),
    "apology by unit": Question(_RATES["apology"], _YEAR, ("unit",)),
    "online_payment by unit": Question(_RATES["online_payment"], _YEAR, ("unit",)),
    "on_time by unit of a procedure": Question(_ON_TIME, _YEAR, ("unit",), procedures=["1.000007"]),
    "on_time by unit of a sector": Question(_ON_TIME, _YEAR, ("unit",), sectors=["sector 3"]),
    "on_time by procedure of a unit": Question(_ON_TIME, _YEAR, ("procedure",), units=["unit 12"]),
}
"""Asked in the database; the first is that of goals P4 and P5."""

PATHS: Final = {
    "on_time by unit": "on_time?group_by=unit",
    "counts by unit": "counts?group_by=unit",
    "on_time by unit of a procedure": "on_time?group_by=unit&procedure=1.000007",
    "on_time by unit of a sector": "on_time?group_by=unit&sector=sector%203",
    "apology by unit": "apology?group_by=unit",
    "online_payment by unit": "online_payment?group_by=unit",
}
"""Asked over HTTP, each for the year to date."""

# Units and procedures follow a power of an even random number, so that the first few have most dossiers; days follow
# the week and the year, hours the office. One in eight waits for a supplement, one in fourteen ends late.
_WRITE: Final = sa.text("""
INSERT INTO dossier (
    code, voided, state, unit, procedure, channel, sector, service_level, full_eligible, document_result, submitted_at,
    submitted_unit, received_at, ended_at, end_kind, counted_at, outcome, due_original, due_original_is_date, due_current,
    due_current_is_date, overdue_from, portal_due, portal_overdue_from, repeat_waits, supplement_waits, fee_waits,
    intake_answered_at, intake_deadline, fee_bearing, paid_online_at, online_payments, electronic_result_at, apology_at,
    apology_deadline, reappointments, findings, late_in_data_only
)
SELECT
    'B-' || n, random() < 0.002, CASE WHEN ended < :now THEN 'returned' ELSE 'in_progress' END, 'unit ' || unit,
    '1.' || lpad(procedure::text, 6, '0'), channel, 'sector ' || procedure % 20,
    (ARRAY['full', 'partial', 'none', NULL])[1 + procedure % 4], procedure % 4 = 0, procedure % 5 > 0,
    CASE WHEN channel = 'online' THEN received - interval '2 hours' END,
    CASE WHEN channel = 'online' THEN 'unit ' || unit END, received, done.at, done.kind, done.at,
    CASE WHEN done.at IS NULL THEN NULL WHEN done.at > due THEN 'late' WHEN done.at < due - interval '1 day' THEN 'early'
         ELSE 'on_time' END,
    due, true, due, true, due, due, due, '{}', waits, '{}',
    CASE WHEN channel = 'online' THEN received END,
    CASE WHEN channel = 'online' THEN received + (random() * 8 - 0.5) * interval '1 hour' END, procedure % 3 = 0, paid,
    CASE WHEN paid IS NULL THEN '{}' ELSE ARRAY[paid] END, CASE WHEN random() < 0.6 THEN done.at END,
    CASE WHEN least(ended, :now) > due AND due < :now AND random() < 0.5 THEN due - interval '1 day' * random() END,
    due - interval '1 day', 0, '{}', false
FROM (
    SELECT
        *, date_trunc('day', received + promised * interval '1 day', :zone) + interval '1 day -1 microsecond' AS due,
        received + promised * least(1 + 6 * greatest(0, random() - 0.93) * 10, 5) * (0.3 + 0.7 * random())
            * interval '1 day' AS ended,
        CASE WHEN procedure % 3 = 0 AND random() < 0.7 THEN received + interval '1 minute' * floor(random() * 30) END AS paid,
        CASE WHEN random() < 0.12 AND received + interval '1 day' < :now THEN tstzmultirange(tstzrange(
            received + interval '1 day',
            -- What has not happened yet lasts.
            nullif(least(received + interval '1 day' + random() * interval '6 days', CAST(:now AS timestamptz)), :now), '(]'
        )) ELSE '{}' END AS waits
    FROM (
        SELECT
            n, 1 + floor(200 * random() ^ 2)::int AS unit, floor(300 * random() ^ 3)::int AS procedure,
            2 + floor(28 * random())::int AS promised,
            (ARRAY['online', 'counter', 'post'])[1 + floor(3 * random() ^ 1.6)::int] AS channel,
            -- Twenty-nine months until now, fewer at weekends and more of late.
            date_trunc('day', CAST(:now AS timestamptz), :zone) + (floor(870 * random() ^ 0.9) - 869) * interval '1 day'
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
WHERE received < :now - interval '30 minutes'
""")


def run(quick: bool) -> dict[str, float]:  # noqa: FBT001 - the runner of all benchmarks calls it so
    """With BENCH_DATA, a folder, the two databases are kept there, and are found there the next time."""
    with tempfile.TemporaryDirectory(prefix="bench", dir="/tmp") as passing:
        folder = Path(os.environ.get("BENCH_DATA", passing))
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)  # the database's own account must enter it
        is_made = (folder / "data").exists()
        with EmbeddedPostgres.open(folder / "data", settings=_QUICKLY) as postgres:
            made = {} if is_made else asyncio.run(_make(postgres.url, 67_500 if quick else 1_350_000))
            return made | asyncio.run(_measured(postgres.url))


async def _measured(url: str) -> dict[str, float]:
    addresses = {size: _named(url, size) for size in _SIZES}
    databases = {
        size: Database(address, application_name="benchmark", custom_plans=True)
        for size, address in addresses.items()
    }
    figures = await _asked(databases)
    for database in databases.values():
        await database.close()
    return figures | await _over_http(addresses["large"])


def _named(url: str, database: str) -> str:
    """The address of another database of the same server."""
    return make_url(url).set(database=database).render_as_string(hide_password=False)


async def _make(url: str, small: int) -> dict[str, float]:
    """Two databases: one with some dossiers, and a copy of it with ten times as many.

    Of what is told to be written, three quarters are: the rest would be filed at weekends, or later than now.
    """
    figures: dict[str, float] = {}
    server = Database(url, application_name="benchmark")
    for size, template, first, last in (
        ("small", "template1", 1, small),
        ("large", "small", small + 1, 10 * small),
    ):
        async with server.engine.connect() as connection:
            outside = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await outside.execute(sa.text(f"CREATE DATABASE {size} TEMPLATE {template}"))
        database = Database(_named(url, size), application_name="benchmark", custom_plans=True)
        await upgrade(database)
        here = Deployment(Settings(_env_file=None, calendar="plain"), database, lambda: NOW)
        figures[f"{size}: written, s"] = await _timed(partial(_write, database, first, last))
        figures[f"{size}: cells counted, s"] = await _timed(partial(recount, here))
        async with database.transaction() as connection:
            await connection.execute(sa.text("ANALYZE"))
        async with database.snapshot() as connection:
            if size == "small" and await differing(connection, ZONE.key):
                raise RuntimeError("the cells are not what a recount of the dossiers finds")
        await database.close()
    await server.close()
    return figures


async def _asked(databases: Mapping[str, Database]) -> dict[str, float]:
    """Milliseconds of every question, asked of both databases in turns, so that a neighbour's work falls on both alike."""
    figures: dict[str, float] = {}
    async with databases["small"].snapshot() as small, databases["large"].snapshot() as large:
        connections = {"small": small, "large": large}
        for size, connection in connections.items():
            for table in ("dossier", "cell"):
                count = await connection.scalar(sa.text(f"SELECT count(*) FROM {table}"))  # noqa: S608 - named above
                figures[f"{size}: {table}s"] = count or 0
        for name, question in QUESTIONS.items():
            asks = {
                size: partial(tally, connection, question, zone=ZONE, now=NOW)
                for size, connection in connections.items()
            }
            for ask in asks.values():
                await ask()  # what is built once, is built before
            found = [{size: await _timed(ask) for size, ask in asks.items()} for _ in range(ROUNDS)]
            with patch.object(cell_queries, "MEASURES", {}):  # so that the dossiers are asked
                scans = {size: [await _timed(ask) for _ in range(SCANS)] for size, ask in asks.items()}
            for size in _SIZES:
                took = median(one[size] for one in found)
                figures[f"{size}: {name}, ms"] = 1_000 * took
                figures[f"{size}: {name}, times faster than a scan"] = median(scans[size]) / took
            figures[f"{name}: tenfold dossiers, times"] = median(one["large"] / one["small"] for one in found)
    return figures


async def _over_http(url: str) -> dict[str, float]:
    """Milliseconds of 95 of a hundred requests, one after the other, of the product in a process of its own."""
    found: dict[str, float] = {}
    with served(url, "--no-worker") as product:
        http = await Http.open(product.port, BOOTSTRAP)
        for name, path in PATHS.items():
            waits = []
            for _ in range(REQUESTS + 10):
                began = time.perf_counter()
                status, answer = await http.get(f"/v1/metrics/{path}")
                waits.append(1_000 * (time.perf_counter() - began))
                if status != HTTPStatus.OK:
                    raise RuntimeError(answer.decode())
            found[f"{name}: over HTTP, p95, ms"] = quantiles(waits[10:], n=20)[18]
        http.close()
    return found


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
