"""Events taken in over HTTP against the bare work of the same server: batches (P1), with figures (P2), single posts (P3).

Goals: batches at least 0.6 of bare inserts of the same rows; 20,000 events a second until figures include them; single posts, each answered after a durable commit, at least
as fast as a route that parses the same body and does nothing, p99 within 30 ms. Everything is real: the product runs as its own
processes on an embedded PostgreSQL, with a key of its own, and the clients speak HTTP over sockets.
"""

import asyncio
import json
import multiprocessing
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from statistics import median, quantiles
from typing import Any, Final

import asyncpg
import psutil  # type: ignore[import-untyped]  # its release carries no types
import uvicorn
from fastapi import FastAPI, Response
from pydantic import BaseModel

from app.events.envelope import Event, check
from app.keys import queries as keys
from app.kit.clock import system_clock
from benchmarks.client import Connection as Http
from benchmarks.load import body, lives
from benchmarks.product import Product, a_database, a_server, served

ROUNDS: Final = 5
CLIENTS: Final = 4
SINGLE_CLIENTS: Final = 32
PER_REQUEST: Final = 1_000


def run(quick: bool) -> dict[str, float]:  # noqa: FBT001 - the runner of all benchmarks calls it so
    with a_server() as url:
        return asyncio.run(_measured(url, 10 if quick else 40, 2_000 if quick else 10_000))


async def _measured(url: str, requests: int, posts: int) -> dict[str, float]:
    batch, bare, full, single, idle, p99 = [], [], [], [], [], []
    used: dict[str, float] = defaultdict(float)
    key = await _a_key(url)
    with served(url, "--no-worker") as product, _bare_route() as nothing:
        for _ in range(ROUNDS):
            # In turns, so that a neighbour's work falls on all alike.
            events = [lives(PER_REQUEST) for _ in range(requests)]
            bare.append(await _inserted(url, events))
            with _used(product, "batch", used):
                batch.append(await _posted(product.port, key, events))
            bodies = [body(event) for event in lives(posts)]
            with _used(nothing, "bare", used):
                rate, _ = await _singles(nothing.port, key, "/nothing", bodies)
            idle.append(rate)
            with _used(product, "single", used):
                rate, waits = await _singles(product.port, key, "/v1/events", bodies)
            single.append(rate)
            p99.append(quantiles(waits, n=100)[98] * 1000)
    with served(url) as product:
        await _until_current(product.port, key)
        for _ in range(ROUNDS):
            events = [lives(PER_REQUEST) for _ in range(requests)]
            began = time.perf_counter()
            await _posted(product.port, key, events)
            await _until_current(product.port, key)
            full.append(requests * PER_REQUEST / (time.perf_counter() - began))
    return {
        "bare_insert_events_per_second": median(bare),
        "batch_events_per_second": median(batch),
        "P1_batch_ratio": median(ours / its for ours, its in zip(batch, bare, strict=True)),
        "P2_events_per_second_until_figures_include_them": median(full),
        "bare_route_posts_per_second": median(idle),
        "single_posts_per_second": median(single),
        "P3_single_ratio": median(ours / its for ours, its in zip(single, idle, strict=True)),
        "P3_single_p99_ms": median(p99),
        "batch_api_microseconds_an_event": 1e6 * used["batch"] / (ROUNDS * requests * PER_REQUEST),
        "single_api_microseconds_a_post": 1e6 * used["single"] / (ROUNDS * posts),
        "bare_route_microseconds_a_post": 1e6 * used["bare"] / (ROUNDS * posts),
    }


@contextmanager
def _used(product: Product, name: str, used: dict[str, float]) -> Iterator[None]:
    """Add what a process uses of a core while the block runs."""
    before = product.processor_seconds()
    yield
    used[name] += product.processor_seconds() - before


async def _a_key(url: str) -> str:
    """A stored key, which is looked up for every request as any source's."""
    async with a_database(url) as database, database.transaction() as connection:
        key = await keys.create(
            connection, name="benchmark", scopes=["events:write", "metrics:read"], now=system_clock()
        )
    return key.text


_BARE: Final = """
INSERT INTO bare (source, id, type, subject, time, data, digest, recorded_at, receipt)
SELECT source, id, type, subject, time, data::jsonb, digest, now(), gen_random_uuid()
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::bytea[])
     AS t (source, id, type, subject, time, data, digest)
"""


async def _inserted(url: str, requests: Sequence[list[dict[str, Any]]]) -> float:
    """Rows per second of the bare statement, into a table with the log's columns and indexes."""
    connections = [await asyncpg.connect(url.replace("+asyncpg", "")) for _ in range(CLIENTS)]
    await connections[0].execute("DROP TABLE IF EXISTS bare; CREATE TABLE bare (LIKE event INCLUDING ALL)")
    portions = [_columns(events) for events in requests]

    async def work(connection: "asyncpg.Connection[Any]") -> None:
        while portions:
            await connection.execute(_BARE, *portions.pop())

    began = time.perf_counter()
    await asyncio.gather(*(work(connection) for connection in connections))
    took = time.perf_counter() - began
    for connection in connections:
        await connection.close()
    return len(requests) * PER_REQUEST / took


def _columns(events: Sequence[dict[str, Any]]) -> list[list[Any]]:
    names = ("source", "id", "type", "subject", "time", "data", "digest")
    checked = [check(body(event), datetime.now(UTC)) for event in events]
    return [[getattr(one, name) for one in checked if isinstance(one, Event)] for name in names]


async def _posted(port: int, key: str, requests: Sequence[list[dict[str, Any]]]) -> float:
    """Events per second, posted as batches."""
    bodies = [json.dumps(events).encode() for events in requests]

    async def work(http: Http) -> None:
        while bodies:
            status, answer = await http.post("/v1/events", bodies.pop(), "application/cloudevents-batch+json")
            assert status == 202, answer  # noqa: S101 - a benchmark of refusals would be none

    return len(requests) * PER_REQUEST / await _timed(port, key, CLIENTS, work)


async def _singles(port: int, key: str, path: str, bodies: Sequence[bytes]) -> tuple[float, list[float]]:
    """Posts per second, and how many seconds each took."""
    left, waits = list(bodies), list[float]()

    async def work(http: Http) -> None:
        while left:
            sent = left.pop()
            began = time.perf_counter()
            status, answer = await http.post(path, sent, "application/json")
            assert status in {200, 202}, answer  # noqa: S101 - as above
            waits.append(time.perf_counter() - began)

    return len(bodies) / await _timed(port, key, SINGLE_CLIENTS, work), waits


async def _timed(port: int, key: str, clients: int, work: Callable[[Http], Awaitable[None]]) -> float:
    connections = [await Http.open(port, key) for _ in range(clients)]
    began = time.perf_counter()
    await asyncio.gather(*(work(http) for http in connections))
    took = time.perf_counter() - began
    for http in connections:
        http.close()
    return took


async def _until_current(port: int, key: str) -> None:
    """Wait until every figure includes every event that has been acknowledged."""
    http = await Http.open(port, key)
    now = datetime.now(UTC)
    while True:
        status, answer = await http.get("/v1/metrics/counts?period=2026")
        assert status == 200, answer  # noqa: S101 - as above
        if datetime.fromisoformat(json.loads(answer)["computed_through"]) >= now:
            break
        await asyncio.sleep(0.02)
    http.close()


class Envelope(BaseModel):
    """The body of a single post, as any FastAPI route would read it."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    data: dict[str, Any]


@contextmanager
def _bare_route() -> Iterator[Product]:
    """A process with a FastAPI route that parses the same body into a model and does nothing."""
    ours, its = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve_nothing, args=(its,), daemon=True)
    process.start()
    yield Product(int(ours.recv()), psutil.Process(process.pid))
    process.terminate()
    process.join()


def _serve_nothing(tell: "Connection[int, None]") -> None:
    app = FastAPI()

    @app.post("/nothing")
    async def nothing(event: Envelope) -> Response:
        del event
        return Response(b"{}", 202, media_type="application/json")

    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", access_log=False)
    listener = config.bind_socket()
    listener.listen()  # before anybody is told
    tell.send(listener.getsockname()[1])
    uvicorn.Server(config).run([listener])
