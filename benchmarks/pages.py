"""How long the dashboard's pages take on the sample city, from the request to the last byte, one after the other.

Goal: under 100 ms each. The pages are asked in the process that makes them, on the embedded database, by a signed-in
reader; sockets and browsers are not measured.
"""

import asyncio
import re
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Final

import httpx
import sqlalchemy as sa
from pydantic import SecretStr

from app.demo.city import load
from app.kit.db import Database
from app.kit.deployment import Deployment
from app.kit.migrating import upgrade
from app.kit.postgres import EmbeddedPostgres
from app.main import create_app
from app.settings import Settings

KEY: Final = "benchmark-key-of-the-pages"
PAGES: Final = {
    "overview": "/",
    "units": "/units",
    "unit": "/unit?code=22918",
    "dossiers": "/dossiers",
    "overdue dossiers": "/dossiers?list=overdue",
    "alerts": "/alerts",
    "reports": "/reports",
    "data quality": "/data-quality",
}
ROUNDS: Final = 21
WARM: Final = 3


def run(quick: bool) -> dict[str, float]:  # noqa: FBT001 - the runner of all benchmarks calls it so
    return asyncio.run(_measured(ROUNDS // 3 if quick else ROUNDS))


async def _measured(rounds: int) -> dict[str, float]:
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres.open(Path(folder)) as postgres:
        database = Database(postgres.dsn, application_name="benchmark")
        await upgrade(database)
        settings = Settings(_env_file=None, data_dir=Path(folder), bootstrap_key=SecretStr(KEY))
        here = Deployment(settings, database)
        began = time.perf_counter()
        await load(here, lambda _done, _total: None)
        figures["city loaded, s"] = time.perf_counter() - began
        async with database.transaction() as connection:
            figures["dossiers"] = await connection.scalar(sa.text("SELECT count(*) FROM dossier")) or 0
        async with database.transaction() as connection:
            await connection.execute(sa.text("ANALYZE"))
        transport = httpx.ASGITransport(app=create_app(here))
        async with httpx.AsyncClient(transport=transport, base_url="http://bench", timeout=60) as reader:
            await _enter(reader)
            for name, path in PAGES.items():
                figures |= await _page(reader, name, path, rounds)
        await database.close()
    return figures


async def _enter(reader: httpx.AsyncClient) -> None:
    found = re.search(r'name="token" value="([0-9a-f]+)"', (await reader.get("/sign-in")).text)
    if found is None:
        raise RuntimeError("the sign-in has no form")
    answer = await reader.post("/sign-in", data={"token": found[1], "key": KEY})
    if answer.status_code != httpx.codes.SEE_OTHER:
        raise RuntimeError(f"the sign-in answered {answer.status_code}")


async def _page(reader: httpx.AsyncClient, name: str, path: str, rounds: int) -> dict[str, float]:
    """Milliseconds of wall and of this process, and the size; what is compiled once is compiled before."""
    taken, own, size = [], [], 0
    for number in range(WARM + rounds):
        began, busy = time.perf_counter(), time.process_time()
        answer = await reader.get(path)
        if answer.status_code != httpx.codes.OK:
            raise RuntimeError(f"{path} answered {answer.status_code}")
        if number >= WARM:
            taken.append(1_000 * (time.perf_counter() - began))
            own.append(1_000 * (time.process_time() - busy))
        size = len(answer.content)
    return {
        f"{name}: median, ms": median(taken),
        f"{name}: best, ms": min(taken),
        f"{name}: of this process, ms": median(own),
        f"{name}: KiB": size / 1024,
    }
