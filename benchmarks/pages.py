"""How long the dashboard's pages take, from the request to the last byte, one after the other, over HTTP.

Goal: under 100 ms each on the sample city, and under 300 ms on 10 million dossiers. `dunghen serve` answers a signed-in
reader; browsers are not measured.
"""

import asyncio
import re
import time
from statistics import median, quantiles
from typing import Final

import httpx
import sqlalchemy as sa

from app.demo.city import load
from app.kit.db import Database
from app.kit.deployment import Deployment
from app.metrics.rollup import roll_up
from app.settings import Settings
from benchmarks.product import BOOTSTRAP, Product, a_database, a_server, served

PAGES: Final = {
    "overview": "/",
    "units": "/units",
    "unit": "/unit?code={unit}",
    "dossiers": "/dossiers",
    "overdue dossiers": "/dossiers?list=overdue",
    "alerts": "/alerts",
    "reports": "/reports",
    "data quality": "/data-quality",
}
ROUNDS: Final = 21
WARM: Final = 3
_BUSIEST: Final = sa.text(
    "SELECT unit FROM cell WHERE grain = 'unit year' AND unit IS NOT NULL GROUP BY unit ORDER BY sum(received) DESC, unit LIMIT 1"
)
"""The unit whose page is asked for: the one with the most dossiers."""

_COUNTS: Final = sa.text("SELECT (SELECT count(*) FROM dossier), (SELECT count(*) FROM event)")


def run(quick: bool) -> dict[str, float]:  # noqa: FBT001 - the runner of all benchmarks calls it so
    with a_server() as url:
        return asyncio.run(_city(url)) | pages_on(url, ROUNDS // 3 if quick else ROUNDS)


def pages_on(url: str, rounds: int = ROUNDS) -> dict[str, float]:
    """Each page of the product on a database that there is, with its cells summed up; of its busiest unit."""
    unit = asyncio.run(_busiest(url))
    with served(url, "--no-worker") as product:
        return pages_of(product, unit, rounds)


async def _busiest(url: str) -> str:
    async with a_database(url) as database, database.transaction() as connection:
        return str(await connection.scalar(_BUSIEST))


def pages_of(product: Product, unit: str, rounds: int = ROUNDS, warm: int = WARM) -> dict[str, float]:
    """Each page of a running product, with `unit` as the one unit: milliseconds, those of the API itself, and the size.

    The product's worker should have nothing to do, and the key of `benchmarks.product` must open it.
    """
    figures: dict[str, float] = {}
    with httpx.Client(base_url=f"http://127.0.0.1:{product.port}", timeout=120) as reader:
        _enter(reader)
        for name, path in PAGES.items():
            figures |= _page(product, reader, name, path.format(unit=unit), rounds, warm)
    return figures


async def _city(url: str) -> dict[str, float]:
    """The sample city with its cells summed up, as the worker of `dunghen demo` leaves it."""
    async with a_database(url) as database:
        here = Deployment(Settings(_env_file=None), database)
        began = time.perf_counter()
        await load(here, lambda _done, _total: None)
        loaded = time.perf_counter() - began
        while await roll_up(here):
            pass
        return {"city loaded, s": loaded, **await _sizes(database)}


async def _sizes(database: Database) -> dict[str, float]:
    async with database.transaction() as connection:
        await connection.execute(sa.text("ANALYZE"))
        dossiers, events = (await connection.execute(_COUNTS)).one()
    return {"dossiers": dossiers, "events": events}


def _enter(reader: httpx.Client) -> None:
    found = re.search(r'name="token" value="([0-9a-f]+)"', reader.get("/sign-in").text)
    if found is None:
        raise RuntimeError("the sign-in has no form")
    answer = reader.post("/sign-in", data={"token": found[1], "key": BOOTSTRAP})
    if answer.status_code != httpx.codes.SEE_OTHER:
        raise RuntimeError(f"the sign-in answered {answer.status_code}")


def _page(
    product: Product, reader: httpx.Client, name: str, path: str, rounds: int, warm: int
) -> dict[str, float]:
    """What is compiled once is compiled before."""
    taken, own, size = [], [], 0
    for number in range(warm + rounds):
        began, busy = time.perf_counter(), product.processor_seconds()
        answer = reader.get(path)
        if answer.status_code != httpx.codes.OK:
            raise RuntimeError(f"{path} answered {answer.status_code}")
        if number >= warm:
            taken.append(1_000 * (time.perf_counter() - began))
            own.append(1_000 * (product.processor_seconds() - busy))
        size = len(answer.content)
    return {
        f"{name}: median, ms": median(taken),
        f"{name}: p95, ms": quantiles(taken, n=20, method="inclusive")[-1],
        f"{name}: best, ms": min(taken),
        f"{name}: of the API, ms": sum(own) / len(own),  # its clock ticks by 10 ms
        f"{name}: KiB": size / 1024,
    }
