"""A municipality's permits: every figure that was computed independently from its log comes out over HTTP."""

import gzip
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from app.importing.importer import Options, import_files
from app.importing.mapping import load
from app.kit.db import Database
from app.kit.deployment import Deployment
from app.kit.migrating import upgrade
from app.ops.proof import verify
from app.settings import Settings
from tests.conftest import dropped

LOG = "permits.ndjson.gz"
ALL = {"from": "2010-01-01", "to": "2012-12-31"}
Figures = dict[str, Any]
Real = Callable[[str], Path]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"timezone": "Europe/Amsterdam"})


@pytest.fixture
def expected(real: Real) -> Figures:
    figures: Figures = json.loads(real("permits.expected.json").read_text())
    assert figures["timezone"] == "Europe/Amsterdam"
    return figures


Counts = tuple[int, int, int]
"""Accepted, duplicate, rejected."""


async def imported(here: Deployment, path: Path, mapping: str | None = None) -> Counts:
    options = Options(load(mapping) if mapping else None)
    report = await import_files(here, [path], options, faults=None, progress=lambda _: None)
    return report.accepted, report.duplicate, report.rejected


@pytest.fixture
async def elsewhere(server: str, settings: Settings) -> AsyncIterator[Deployment]:
    """A deployment on a second, empty database."""
    name = f"second_{uuid.uuid4().hex[:16]}"
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    connection = await asyncpg.connect(server)
    await connection.execute(f"CREATE DATABASE {name}")
    database = Database(url, application_name="tests")
    await upgrade(database)
    yield Deployment(settings.model_copy(update={"database_url": url}), database)
    await database.close()
    await dropped(connection, name)
    await connection.close()


@pytest.fixture
def counts(client: httpx.AsyncClient) -> Callable[..., Awaitable[Figures]]:
    """The counts over HTTP, which balance in every answer."""

    async def asked(metric: str = "counts", **parameters: str) -> Figures:
        answer = await client.get(f"/v1/metrics/{metric}", params=ALL | parameters)
        assert answer.status_code == 200, answer.text
        document: Figures = answer.json()
        if metric == "counts":
            assert all(figure["residual"] == 0 for figure in (document["total"], *document["rows"]))
        return document

    return asked


def as_published(told: Figures, names: Figures) -> Figures:
    """Our counts under the names of the published figures."""
    told = told | {"resolved_by_due": told["resolved_early"] + told["resolved_on_time"]}
    return {name: told[name] for name in names}


async def tables(here: Deployment) -> dict[str, list[str]]:
    """Every byte of what was derived, and of the log but for how and when it came."""
    statements = {
        "dossier": "SELECT dossier::text FROM dossier ORDER BY code",
        "event": "SELECT (source, id, type, subject, time, data, digest)::text FROM event ORDER BY source, id",
    }
    async with here.database.snapshot() as connection:
        return {
            name: list(await connection.scalars(sa.text(statement))) for name, statement in statements.items()
        }


async def test_every_published_figure_comes_out(
    deployment: Deployment, real: Real, expected: Figures, counts: Callable[..., Awaitable[Figures]]
) -> None:
    assert await imported(deployment, real(LOG)) == (expected["events"], 0, 0)

    total = (await counts())["total"]
    assert total["received"] == expected["dossiers"]
    assert as_published(total, expected["overall"]) == expected["overall"]
    for key, published in (("unit", expected["by_unit"]), ("procedure", expected["by_procedure"])):
        rows = {row[key]["code"]: row for row in (await counts(group_by=key))["rows"]}
        assert rows.keys() == published.keys()
        assert {code: as_published(row, published[code]) for code, row in rows.items()} == published
        rates = {row[key]["code"]: row for row in (await counts("on_time", group_by=key))["rows"]}
        assert {code: (row["numerator"], row["denominator"]) for code, row in rates.items()} == {
            code: (figures["resolved_by_due"], figures["resolved"])
            for code, figures in published.items()
            if figures["resolved"]
        }

    months = {row["month"]: row for row in (await counts(group_by="month"))["rows"]}
    received = {month: row["received"] for month, row in months.items() if row["received"]}
    assert received == expected["received_by_month"]
    resolved = expected["resolved_by_month"]
    assert {month for month, row in months.items() if row["resolved"]} == resolved.keys()
    assert {month: as_published(months[month], names) for month, names in resolved.items()} == resolved


async def test_what_was_open_and_overdue_at_each_midnight_comes_out(
    deployment: Deployment, real: Real, expected: Figures, counts: Callable[..., Awaitable[Figures]]
) -> None:
    await imported(deployment, real(LOG))
    for midnight, figures in expected["open_at_local_midnight"].items():
        day_before = date.fromisoformat(midnight) - timedelta(days=1)
        for begin in ("2010-01-01", str(day_before)):
            total = (await counts(**{"from": begin, "to": str(day_before)}))["total"]
            assert as_published(total, figures) == figures, midnight


async def test_importing_again_changes_nothing_and_shuffled_into_another_database_gives_the_same_tables(
    deployment: Deployment, elsewhere: Deployment, real: Real, expected: Figures, tmp_path: Path
) -> None:
    await imported(deployment, real(LOG))
    first = await tables(deployment)
    assert await imported(deployment, real(LOG)) == (0, expected["events"], 0)
    assert await tables(deployment) == first
    assert (await verify(deployment, lambda *_: None)).different == 0

    shuffled = tmp_path / "shuffled.ndjson"
    shuffled.write_bytes(b"".join(in_random_order(real(LOG))))
    assert await imported(elsewhere, shuffled) == (expected["events"], 0, 0)
    assert await tables(elsewhere) == first


async def test_the_log_as_published_gives_the_same_facts_through_its_mapping(
    deployment: Deployment, real: Real, expected: Figures, counts: Callable[..., Awaitable[Figures]]
) -> None:
    assert await imported(deployment, real("permits_raw.csv.gz"), "permits-wabo") == (
        expected["events"],
        0,
        0,
    )
    total = (await counts())["total"]
    assert as_published(total, expected["overall"]) == expected["overall"]
    for key, published in (("unit", expected["by_unit"]), ("procedure", expected["by_procedure"])):
        rows = {row[key]["code"]: row for row in (await counts(group_by=key))["rows"]}
        assert {code: as_published(row, published[code]) for code, row in rows.items()} == published
    # Byte for byte the facts of the log in the contract's own form: each is a duplicate, none a conflict.
    assert await imported(deployment, real(LOG)) == (0, expected["events"], 0)


def in_random_order(path: Path) -> list[bytes]:
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    Random(766).shuffle(lines)  # noqa: S311 - any other order, the same every time
    return lines
