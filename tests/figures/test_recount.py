"""Every count, rate, filter, group and period over HTTP against a recount in plain Python."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from app.kit.db import Database
from app.settings import Settings
from tests.figures import recount
from tests.figures.conftest import Wall
from tests.figures.makers import PARENTS, PROCEDURES, UNITS, describe, random_dossiers, store
from tests.figures.recount import Bucket, Counts, Row

FIRST = date(2025, 11, 20)
DAYS = 220
TIMES = ("day", "month", "quarter", "year")
PERIODS = {
    "2025": (date(2025, 1, 1), date(2025, 12, 31)),
    "2026": (date(2026, 1, 1), date(2026, 12, 31)),
    "2026-H1": (date(2026, 1, 1), date(2026, 6, 30)),
    "2026-Q1": (date(2026, 1, 1), date(2026, 3, 31)),
    "2026-9M": (date(2026, 1, 1), date(2026, 9, 30)),
    "2026-03": (date(2026, 3, 1), date(2026, 3, 31)),
    "2027-01": (date(2027, 1, 1), date(2027, 1, 31)),
    "report:2026-01": (date(2025, 12, 15), date(2026, 1, 14)),
    "report:2026-Q2": (date(2026, 3, 15), date(2026, 6, 14)),
    "report:2026": (date(2025, 12, 15), date(2026, 12, 14)),
}


@dataclass
class Query:
    metric: str
    parameters: dict[str, Any]
    first: date
    last: date
    report: bool
    by: list[str]
    now: datetime
    filters: dict[str, list[str]] = field(default_factory=dict)


def below(root: str) -> set[str]:
    return {root}.union(*(below(code) for code, parent in PARENTS.items() if parent == root))


def child_of(root: str, code: str) -> str:
    """The direct child of `root` that `code` lies in, or `root` itself."""
    return next((child for child, parent in PARENTS.items() if parent == root and code in below(child)), code)


def random_query(random: Random) -> Query:
    keys = random.choice((0, 1, 1, 2, 2))
    by = random.sample(("unit", "procedure", "sector", "channel", "child", *TIMES), keys)
    parameters: dict[str, Any] = {"group_by": by if random.random() < 0.5 else ",".join(by)} if by else {}
    name = random.choice([*PERIODS, None, None])
    if name:
        first, last = PERIODS[name]
        parameters["period"] = name
    else:
        first = FIRST + timedelta(days=random.randint(-10, DAYS))
        last = first + timedelta(days=random.choice((0, 0, 1, 20, 100)))
        parameters |= {"from": str(first), "to": str(last)}
    filters = {
        "procedure": random.sample([*PROCEDURES, "1.000004"], 2),
        "sector": random.sample(["land", "construction", "unheard"], 1),
        "channel": random.sample(["online", "counter", "post"], 2),
    }
    filters = {name: values for name, values in filters.items() if random.random() < 0.2}
    if "child" in by:
        filters["unit"] = [random.choice("AAABCG")]
    elif random.random() < 0.3:
        filters["unit"] = random.sample(UNITS, random.choice((1, 2)))
    metric = random.choice(("counts", "counts", "on_time", "online", "on_time_of_workload"))
    if metric != "counts":
        parameters["order"] = random.choice(("code", "rate", "-rate"))
    now = datetime(2026, 5, 20, 3, tzinfo=UTC) - random.choice((0, 0, 40, 90)) * timedelta(days=1)
    return Query(metric, parameters | filters, first, last, str(name).startswith("report"), by, now, filters)


def key_of(query: Query, dimension: str) -> Callable[[Row, Bucket], str | None]:
    if dimension in TIMES:
        return lambda _, bucket: bucket.labels[dimension]
    if dimension == "child":
        return lambda row, _: child_of(query.filters["unit"][0], row["unit"])
    return lambda row, _: row[dimension]


def passes(query: Query, row: Row) -> bool:
    units = set().union(*(below(code) for code in query.filters.get("unit", ())))
    if "unit" in query.filters and row["unit"] not in units:
        return False
    return all(row[name] in allowed for name, allowed in query.filters.items() if name != "unit")


def expected(
    query: Query, rows: list[Row], zone: ZoneInfo
) -> tuple[Counts, dict[tuple[str | None, ...], Counts]]:
    chosen = [row for row in rows if passes(query, row)]
    (whole,) = recount.buckets(query.first, query.last, [], zone, query.now, report=query.report)
    times = [by for by in query.by if by in TIMES]
    periods = recount.buckets(query.first, query.last, times, zone, query.now, report=query.report)
    keys = [key_of(query, dimension) for dimension in query.by]
    groups = recount.grouped(chosen, periods, keys) if query.by else {}
    return recount.count(chosen, whole), {
        key: counts for key, counts in groups.items() if not recount.is_empty(query.metric, counts)
    }


def answered_key(query: Query, row: dict[str, Any]) -> tuple[str | None, ...]:
    return tuple(row[by]["code"] if isinstance(row[by], dict) else row[by] for by in query.by)


def check_figure(metric: str, figure: dict[str, Any], counts: Counts) -> None:
    if metric == "counts":
        numbers = {name: value for name, value in figure.items() if isinstance(value, int) and name != "self"}
        assert numbers == {name: counts[name] for name in numbers}
        assert len(numbers) == 22
        assert numbers["residual"] == 0
        return
    numerator, denominator = recount.rate(metric, counts)
    assert (figure["numerator"], figure["denominator"]) == (numerator, denominator)
    assert figure["rate"] == recount.decimals(numerator, denominator)
    assert figure["excluded"] == ({"undated": counts["resolved_undated"]} if metric == "on_time" else {})


def check_order(query: Query, rows: list[dict[str, Any]]) -> None:
    codes = [tuple((key is None, key or "") for key in answered_key(query, row)) for row in rows]
    if query.parameters.get("order", "code") == "code":
        assert codes == sorted(codes)
        return
    sign = -1 if query.parameters["order"] == "-rate" else 1
    places = [
        (row["rate"] is None, sign * Fraction(row["numerator"], row["denominator"] or 1), code)
        for row, code in zip(rows, codes, strict=True)
    ]
    assert places == sorted(places)


async def check(client: httpx.AsyncClient, query: Query, rows: list[Row], zone: ZoneInfo) -> int:
    """The answer to `query` equals the recount; how many rows it had."""
    answer = await client.get(f"/v1/metrics/{query.metric}", params=query.parameters)
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document["period"] == {"from": str(query.first), "to": str(query.last)}
    total, groups = expected(query, rows, zone)
    check_figure(query.metric, document["total"], total)
    assert len(document["rows"]) == len(groups)
    assert {answered_key(query, row) for row in document["rows"]} == groups.keys()
    for row in document["rows"]:
        check_figure(query.metric, row, groups[answered_key(query, row)])
        own = "child" in query.by and row["child"]["code"] == query.filters["unit"][0]
        assert row.get("self", False) is own
    check_order(query, document["rows"])
    return len(groups)


async def compare(
    client: httpx.AsyncClient, database: Database, wall: Wall, zone: ZoneInfo, seed: int, queries: int
) -> None:
    random = Random(f"{seed} {zone}")  # noqa: S311 - repeatable rows and queries, no secret
    rows = random_dossiers(random, zone, FIRST, DAYS, 250)
    await describe(database)
    await store(database, rows)
    seen = 0
    for _ in range(queries):
        query = random_query(random)
        wall.now = query.now
        seen += await check(client, query, rows, zone)
    assert seen > queries


@pytest.fixture(params=["Asia/Ho_Chi_Minh", "Europe/Amsterdam"])
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """Clocks that never change, and clocks that do within the periods asked for."""
    return settings.model_copy(update={"timezone": request.param})


@pytest.mark.parametrize("seed", [1, 2])
async def test_any_figure_equals_a_plain_recount(
    client: httpx.AsyncClient, database: Database, wall: Wall, settings: Settings, seed: int
) -> None:
    await compare(client, database, wall, settings.zone, seed, queries=50)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 110))
async def test_very_many_figures_equal_a_plain_recount(
    client: httpx.AsyncClient, database: Database, wall: Wall, settings: Settings, seed: int
) -> None:
    await compare(client, database, wall, settings.zone, seed, queries=300)
