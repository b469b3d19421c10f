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

from app.kit.deployment import Deployment
from app.metrics.rollup import roll_up
from app.settings import Settings
from tests.figures import rates, recount
from tests.figures.conftest import Wall
from tests.figures.makers import (
    FEE_REQUIRED,
    PARENTS,
    PROCEDURES,
    UNITS,
    describe,
    random_dossiers,
    random_events,
    record,
    store,
)
from tests.figures.recount import Bucket, Row

FIRST = date(2025, 11, 20)
DAYS = 220
TIMES = ("day", "month", "quarter", "year")
RATES = (
    "on_time",
    "on_time_of_due",
    "on_time_of_received",
    "on_time_of_workload",
    "online",
    "full_online",
    "full_online_of_all",
    "full_online_of_eligible",
    "online_with_result",
    "online_payment",
    "online_payment_procedures",
    "apology",
    "apology_in_time",
    "intake_on_time",
)
EXCLUDED = {
    "on_time": ["undated"],
    "on_time_of_received": ["undated"],
    "full_online": ["service_level_unknown"],
    "online_payment": ["fee_unknown"],
}
NUMBERS = [
    *("received", "received_online", "received_counter", "received_post"),
    *(f"received_level_{level}" for level in ("full", "partial", "none", "unknown")),
    *("carried_over", "resolved", "resolved_early", "resolved_on_time", "resolved_late", "resolved_undated"),
    *("withdrawn", "stopped", "late_in_data_only"),
    *("in_progress", "in_progress_not_due", "in_progress_overdue", "waiting_supplement", "waiting_fee"),
    "residual",
]
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


def child_of(root: str, code: str | None) -> str | None:
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
    metric = random.choice(("counts", *RATES, *rates.UNITS))
    if metric in RATES:
        parameters["order"] = random.choice(("code", "rate", "-rate"))
    if metric == "reporting_delay" and by and random.random() < 0.7:
        by[0] = "source"
        parameters["group_by"] = by
    now = datetime(2026, 5, 20, 3, tzinfo=UTC) - random.choice((0, 0, 40, 90)) * timedelta(days=1)
    return Query(metric, parameters | filters, first, last, str(name).startswith("report"), by, now, filters)


def unit_of(query: Query, row: Row) -> Any:
    """Intake figures count for the unit that a dossier was submitted to."""
    if query.metric == "reporting_delay":
        return row["unit"] or row["submitted_unit"]
    return row["submitted_unit"] if query.metric == "intake_on_time" else row["unit"]


def value_of(query: Query, row: Row, dimension: str) -> Any:
    if dimension == "unit":
        return unit_of(query, row)
    if dimension == "channel" and query.metric == "intake_on_time":
        return "online"
    return row[dimension]


def key_of(query: Query, dimension: str) -> Callable[[Row, Bucket], str | None]:
    if dimension in TIMES:
        return lambda _, bucket: bucket.labels[dimension]
    if dimension == "child":
        return lambda row, _: child_of(query.filters["unit"][0], unit_of(query, row))
    return lambda row, _: value_of(query, row, dimension)


def passes(query: Query, row: Row) -> bool:
    units = set().union(*(below(code) for code in query.filters.get("unit", ())))
    if "unit" in query.filters and unit_of(query, row) not in units:
        return False
    return all(
        value_of(query, row, name) in allowed for name, allowed in query.filters.items() if name != "unit"
    )


@dataclass
class World:
    """All there is: dossiers, and the events of which delays are measured."""

    dossiers: list[Row]
    events: list[Row]

    def rows(self, metric: str) -> list[Row]:
        return self.events if metric == "reporting_delay" else self.dossiers

    def figure(self, metric: str, rows: list[Row], bucket: Bucket) -> dict[str, Any] | None:
        """The figure over these rows; None if it is about none of them."""
        if metric == "counts":
            counts = recount.count(rows, bucket)
            return None if recount.is_empty(counts) else {name: counts[name] for name in NUMBERS}
        if metric in rates.UNITS:
            found = rates.statistic(metric, rates.durations(metric, rows, bucket))
            return found if found["count"] else None
        parts = self.parts(metric, rows, bucket)
        if not parts.denominator and not any(parts.excluded.values()):
            return None
        assert parts.numerator <= parts.denominator
        return rate_figure(parts)

    def parts(self, metric: str, rows: list[Row], bucket: Bucket) -> rates.Parts:
        return rates.parts(metric, self.dossiers, rows, bucket, FEE_REQUIRED)


def rate_figure(parts: rates.Parts) -> dict[str, Any]:
    numbers = len(parts.numerator), len(parts.denominator)
    ratio = recount.decimals(*numbers)
    return {
        **dict(zip(("numerator", "denominator"), numbers, strict=True)),
        "rate": ratio,
        **dict.fromkeys(("target", "gap", "status")),
        "excluded": parts.excluded,
    }


def nothing(metric: str) -> dict[str, Any]:
    if metric == "counts":
        return dict.fromkeys(NUMBERS, 0)
    if metric in rates.UNITS:
        return rates.statistic(metric, [])
    return rate_figure(rates.Parts(set(), set(), dict.fromkeys(EXCLUDED.get(metric, ()), 0)))


Groups = dict[recount.Key, tuple[Bucket, list[Row]]]


def groups_of(query: Query, world: World, zone: ZoneInfo) -> tuple[Bucket, list[Row], Groups]:
    chosen = [row for row in world.rows(query.metric) if passes(query, row)]
    (whole,) = recount.buckets(query.first, query.last, [], zone, query.now, report=query.report)
    times = [by for by in query.by if by in TIMES]
    periods = recount.buckets(query.first, query.last, times, zone, query.now, report=query.report)
    keys = [key_of(query, dimension) for dimension in query.by]
    return whole, chosen, recount.grouped(chosen, periods, keys) if query.by else {}


def answered_key(query: Query, row: dict[str, Any]) -> tuple[str | None, ...]:
    return tuple(row[by]["code"] if isinstance(row[by], dict) else row[by] for by in query.by)


def figure_in(query: Query, row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in {*query.by, "self"}}


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


async def check(client: httpx.AsyncClient, query: Query, world: World, zone: ZoneInfo) -> int:
    """The answer to `query` equals the recount; how many rows it had."""
    answer = await client.get(f"/v1/metrics/{query.metric}", params=query.parameters)
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document["period"] == {"from": str(query.first), "to": str(query.last)}
    whole, chosen, groups = groups_of(query, world, zone)
    assert document["total"] == (world.figure(query.metric, chosen, whole) or nothing(query.metric))
    figures = {key: world.figure(query.metric, rows, bucket) for key, (bucket, rows) in groups.items()}
    assert {answered_key(query, row): figure_in(query, row) for row in document["rows"]} == {
        key: figure_in(query, figure) for key, figure in figures.items() if figure is not None
    }
    for row in document["rows"]:
        own = "child" in query.by and row["child"]["code"] == query.filters["unit"][0]
        assert row.get("self", False) is own
    check_order(query, document["rows"])
    if query.metric in RATES:
        await check_behind(client, query, world, whole, chosen, query.filters)
        for row in document["rows"][:: max(1, len(document["rows"]) // 3)]:
            bucket, rows = groups[answered_key(query, row)]
            await check_behind(client, query, world, bucket, rows, narrowed(query, row))
    return len(document["rows"])


def narrowed(query: Query, row: dict[str, Any]) -> dict[str, Any]:
    """The parameters that ask for the dossiers of this very row."""
    found: dict[str, Any] = dict(query.filters)
    for by in query.by:
        if by == "unit":
            found |= {"unit": row["unit"]["code"], "own": True}
        elif by == "child":
            if "unit" not in query.by:
                found |= {"unit": row["child"]["code"], "own": row.get("self", False)}
        elif by == "sector" and row["sector"]["code"] is None:
            found["sector_unknown"] = True
        elif by not in TIMES:
            found[by] = row[by]["code"] if isinstance(row[by], dict) else row[by]
    return found


async def check_behind(
    client: httpx.AsyncClient,
    query: Query,
    world: World,
    bucket: Bucket,
    rows: list[Row],
    filters: dict[str, Any],
) -> None:
    """What is listed behind each part of the figure is what the recount finds there, each once."""
    numerator, denominator, _ = world.parts(query.metric, rows, bucket)
    sets = {"numerator": numerator, "denominator": denominator, "difference": denominator - numerator}
    for part, expected in sets.items():
        asked = {**filters, "from": str(bucket.days[0]), "to": str(bucket.days[1]), "limit": 1000}
        answer = await client.get(f"/v1/metrics/{query.metric}/dossiers", params={**asked, "part": part})
        assert answer.status_code == 200, answer.text
        codes = [item["code"] for item in answer.json()["items"]]
        assert len(codes) == len(expected)
        assert set(codes) == expected


async def compare(
    client: httpx.AsyncClient, here: Deployment, wall: Wall, zone: ZoneInfo, seed: int, queries: int
) -> None:
    database = here.database
    random = Random(f"{seed} {zone}")  # noqa: S311 - repeatable rows and queries, no secret
    rows = random_dossiers(random, zone, FIRST, DAYS, 250)
    events = random_events(random, rows)
    await describe(database)
    # Some are summed up in cells, others only noted.
    await store(database, rows[::2])
    await roll_up(here)
    await store(database, rows[1::2])
    await record(database, events)
    dossiers = {row["code"]: row for row in rows}
    stranger = dict.fromkeys(("unit", "submitted_unit", "procedure", "sector", "channel"))
    world = World(rows, [{**dossiers.get(event["subject"], stranger), **event} for event in events])
    seen = 0
    for _ in range(queries):
        query = random_query(random)
        wall.now = query.now
        seen += await check(client, query, world, zone)
    assert seen > queries


@pytest.fixture(params=["Asia/Ho_Chi_Minh", "Europe/Amsterdam"])
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """Clocks that never change, and clocks that do within the periods asked for."""
    return settings.model_copy(update={"timezone": request.param})


async def test_any_figure_equals_a_plain_recount(
    client: httpx.AsyncClient, deployment: Deployment, wall: Wall, settings: Settings
) -> None:
    await compare(client, deployment, wall, settings.zone, seed=1, queries=60)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 110))
async def test_very_many_figures_equal_a_plain_recount(
    client: httpx.AsyncClient, deployment: Deployment, wall: Wall, settings: Settings, seed: int
) -> None:
    await compare(client, deployment, wall, settings.zone, seed, queries=300)
