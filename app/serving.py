"""The processes of a deployment: the embedded database if there is one, the API, and a supervised worker beside it.

It starts, watches and stops; what API and worker do is theirs, and each is imported in its own process alone.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, Final

import structlog
import uvicorn
import uvloop

from app.kit.clock import system_clock
from app.kit.collector import settle
from app.kit.db import Database
from app.kit.deployment import Deployment
from app.kit.migrating import upgrade
from app.kit.postgres import EmbeddedPostgres, serve_lock
from app.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI

log = structlog.get_logger("serving")

LOOPBACK: Final = [ip_network("127.0.0.0/8"), ip_network("::1/128")]
_WATCH_EVERY: Final = 1.0
_STOP_SECONDS: Final = 20
_LONGEST_BACKOFF: Final = 10.0

Announce = Callable[[str], None]
Prepare = Callable[[Deployment], Awaitable[None]]


class AddressTakenError(OSError):
    """The address cannot be listened on."""


@contextmanager
def located(settings: Settings) -> Iterator[tuple[str, EmbeddedPostgres | None]]:
    """The database's address; without one in the settings, that of the embedded server, which runs meanwhile."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value(), None
        return
    with EmbeddedPostgres.open(settings.data_dir) as postgres:
        yield postgres.url, postgres


@asynccontextmanager
async def deployed(settings: Settings, url: str, name: str) -> AsyncIterator[Deployment]:
    """A deployment on a database that has this release's migrations."""
    # Whoever answers people has short statements, of which many are the same; whoever works, long ones.
    database = Database(url, application_name=f"dunghen {name}", custom_plans=name != "api")
    try:
        await upgrade(database)
        yield Deployment(settings, database, system_clock)
    finally:
        await database.close()


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Of several `serve` on one data directory, the first; on a server of its own, any number may run."""
    with serve_lock(settings.data_dir) if settings.database_url is None else contextlib.nullcontext():
        yield


def serve(
    settings: Settings,
    host: str,
    port: int,
    *,
    with_worker: bool,
    announce: Announce,
    prepare: Prepare | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT. `prepare` runs once the database is there and before anything listens."""
    signal.signal(signal.SIGTERM, _leave)
    with (
        _alone(settings),
        _bound(host, port) as listener,
        located(settings) as (url, postgres),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_serve(settings, url, postgres, listener, with_worker, announce, prepare))


def work(settings: Settings, *, with_parent: bool) -> None:
    """Do the background work until SIGTERM or SIGINT; `with_parent`, also until standard input ends."""
    signal.signal(signal.SIGTERM, _leave)
    with located(settings) as (url, _), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_work(settings, url, with_parent=with_parent))


def _leave(_signal: int, _frame: object) -> None:
    """Unwind instead of dying, so that an embedded database that was just started is let go of."""
    raise SystemExit(0)


@contextmanager
def _bound(host: str, port: int) -> Iterator[socket.socket]:
    """The address, claimed before anything else is started; nobody is answered yet."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise AddressTakenError(f"{host}:{port}: {error.strerror}") from error
        yield listener


async def _serve(
    settings: Settings,
    url: str,
    postgres: EmbeddedPostgres | None,
    listener: socket.socket,
    with_worker: bool,  # noqa: FBT001 - handed on by `serve`
    announce: Announce,
    prepare: Prepare | None,
) -> None:
    async with deployed(settings, url, "api") as here:
        if prepare is not None:
            await prepare(here)
        async with _beside(_supervised(settings) if with_worker else None, _kept_running(postgres)):
            # While the worker's process starts on another core; the loop meanwhile sees to it and to the database.
            app = await asyncio.to_thread(_application, here)
            server = _Server(
                uvicorn.Config(
                    app,
                    http="httptools",
                    ws="none",
                    log_config=None,
                    access_log=False,
                    server_header=False,
                    timeout_graceful_shutdown=_STOP_SECONDS,
                ),
                announce,
            )
            # uvicorn takes the signals over, and hands them back after its clean stop: by then they mean nothing.
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: None)
            settle()
            await server.serve([listener])


def _application(here: Deployment) -> "FastAPI":
    from app.main import create_app

    return create_app(here)


@asynccontextmanager
async def _beside(*companions: Coroutine[Any, Any, None] | None) -> AsyncIterator[None]:
    """Run these as long as the block runs, and let them end themselves when it is over."""
    tasks = [asyncio.create_task(companion) for companion in companions if companion is not None]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Server(uvicorn.Server):
    """Says where it answers as soon as it does."""

    def __init__(self, config: uvicorn.Config, announce: Announce) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        if self.started and sockets:
            host, port = sockets[0].getsockname()[:2]
            self._announce(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")


async def _kept_running(postgres: EmbeddedPostgres | None) -> None:
    """Start the embedded server again whenever it died."""
    while postgres is not None:
        await asyncio.sleep(_WATCH_EVERY)
        try:
            if await asyncio.to_thread(postgres.ensure_running):
                log.warning("embedded database restarted")
        except Exception as error:  # noqa: BLE001 - whatever keeps it down, it is tried again
            log.error("embedded database is down", error=type(error).__name__)  # noqa: TRY400 - a stack would name paths, not causes


async def _supervised(settings: Settings) -> None:
    """Keep a worker process alive; a worker that dies is started again."""
    backoff = 0.1
    while True:
        # Its standard input is a pipe of ours: however we end, it ends, and the worker with it.
        worker = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-m",
                "app.cli",
                "worker",
                "--with-parent",
                "--data-dir",
                str(settings.data_dir),
            ),
            stdin=asyncio.subprocess.PIPE,
            env=os.environ | settings.variables(),
            start_new_session=True,
        )
        started = asyncio.get_running_loop().time()
        try:
            code = await worker.wait()
        finally:
            await _ended(worker)
        lived = asyncio.get_running_loop().time() - started
        backoff = 0.1 if lived > _LONGEST_BACKOFF else min(backoff * 2, _LONGEST_BACKOFF)
        log.error("worker ended; starting it again", exit_code=code, in_seconds=backoff)
        await asyncio.sleep(backoff)


async def _ended(worker: asyncio.subprocess.Process) -> None:
    """Ask the worker to finish what it has in hand, and end it if it does not."""
    if worker.returncode is None:
        worker.terminate()
        try:
            await asyncio.wait_for(worker.wait(), _STOP_SECONDS)
        except TimeoutError:
            worker.kill()
            await worker.wait()


async def _work(settings: Settings, url: str, *, with_parent: bool) -> None:
    from app.worker import Worker

    async with deployed(settings, url, "worker") as here:
        worker = Worker(here)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, worker.stop)
        if with_parent:
            loop.add_reader(sys.stdin.fileno(), worker.stop)
        await worker.run()
