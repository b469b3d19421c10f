"""The one way to PostgreSQL: the engine, the only commit, and what counts as "the database is away".

It knows nothing of any table; features bring their statements and are handed a connection inside a transaction.
"""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, Final, TypeVar

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

metadata: Final = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every feature's tables register here, so that Alembic sees one schema."""

STATEMENT_TIMEOUT: Final = "60s"
"""No statement of a request or a task may hold the database longer; migrations set their own."""

_WAIT_SECONDS: Final = 10
"""For a connection: to be made, or to be given back by whoever has it."""

_STRAIGHT: Final = 4
"""Straight connections: with more, appends only wait for each other inside the server."""

T = TypeVar("T")

# 40P01 deadlock detected, 40001 serialization failure: the statement is right, its moment was not.
_TRANSIENT: Final = frozenset({"40P01", "40001"})
_ATTEMPTS: Final = 6

# A server that is down leaves no socket to connect to; other errors of the operating system are not the database's.
# The driver's internal error is what a statement meets that is begun while the end of its connection is being read.
_UNREACHABLE: Final = (
    *(ConnectionError, TimeoutError, FileNotFoundError, socket.gaierror),
    *(sa.exc.TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError),
)


def normalised(url: str) -> URL:
    """A PostgreSQL address as people write it (libpq's), as SQLAlchemy and asyncpg read it."""
    parsed = make_url(url)
    if parsed.get_backend_name() not in {"postgresql", "postgres"}:
        raise ValueError("the database address must begin with postgresql://")
    query = dict(parsed.query)
    if "sslmode" in query:
        query["ssl"] = query.pop("sslmode")
    return parsed.set(drivername="postgresql+asyncpg", query=query)


class Database:
    """A pool of connections to one PostgreSQL database.

    `custom_plans`: every statement is planned for the values that it has, every time. For work in batches: a plan made
    for any array, or while a queue was empty, reads a queue of thousands thousands of times.
    """

    def __init__(
        self, url: str, *, application_name: str, pool_size: int = 10, custom_plans: bool = False
    ) -> None:
        self.url = normalised(url)
        arguments: dict[str, Any] = {
            "timeout": _WAIT_SECONDS,
            "server_settings": {
                "application_name": application_name,
                "statement_timeout": STATEMENT_TIMEOUT,
                "idle_in_transaction_session_timeout": STATEMENT_TIMEOUT,
                "timezone": "UTC",
                "jit": "off",
                "plan_cache_mode": "force_custom_plan" if custom_plans else "auto",
            },
        }
        self.engine = create_async_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=_WAIT_SECONDS,
            connect_args=arguments,
        )
        self._arguments = arguments
        self._straight: asyncpg.Pool[asyncpg.Record] | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed when the block ends, rolled back when it raises. The only commit there is."""
        async with self.engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """A read-only transaction in which every statement sees the same instant (REPEATABLE READ)."""
        async with self.engine.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            async with connection.begin():
                yield connection

    async def exported(self, connection: AsyncConnection) -> str:
        """The name under which others can see what this snapshot sees, while its transaction lasts."""
        return str(await connection.scalar(sa.text("SELECT pg_export_snapshot()")))

    @asynccontextmanager
    async def same_snapshot(self, exported: str) -> AsyncIterator[AsyncConnection]:
        """A read-only transaction that sees the very instant of another one's snapshot."""
        async with self.snapshot() as connection:
            # The name is PostgreSQL's own; this statement takes no parameters.
            await connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{exported}'")
            yield connection

    def to_spare(self) -> int:
        """How many connections may be taken besides those that callers wait for: what is idle of half the pool."""
        pool = self.engine.pool
        assert isinstance(pool, sa.AsyncAdaptedQueuePool)  # noqa: S101 - the engine's default, for mypy
        return pool.size() // 2 - pool.checkedout()

    @asynccontextmanager
    async def straight(self) -> AsyncIterator["Straight"]:
        """A connection of the driver without SQLAlchemy around it, each statement in a transaction of its own.

        For the few statements that run thousands of times a second: the way through SQLAlchemy costs ten times the
        processor time of a small statement itself (docs/decisions/0015-speed.md).
        """
        if self._straight is None:
            _, address = self.engine.dialect.create_connect_args(self.url)
            self._straight = asyncpg.create_pool(
                min_size=0, max_size=_STRAIGHT, reset=_left_as_it_is, **address, **self._arguments
            )
        await self._straight
        async with self._straight.acquire(timeout=_WAIT_SECONDS) as connection:
            yield Straight(connection)

    async def close(self) -> None:
        """Close every connection."""
        if self._straight is not None:
            await self._straight.close()
        await self.engine.dispose()


async def _left_as_it_is(_connection: object) -> None:
    """What is done to a straight connection before its next use: nothing, for no statement of ours changes a session."""


class Straight:
    """A connection of the driver that takes the same statements as SQLAlchemy's."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        async with self._connection.transaction():
            yield

    async def rows(
        self, statement: sa.ClauseElement, parameters: Mapping[str, Any]
    ) -> Sequence[asyncpg.Record]:
        """The rows that a statement gives; what it is written with is compiled once."""
        text, names = _compiled(statement)
        rows: Sequence[asyncpg.Record] = await self._connection.fetch(
            text, *[parameters[name] for name in names]
        )
        return rows


@cache
def _compiled(statement: sa.ClauseElement) -> tuple[str, Sequence[str]]:
    """A constant of a module as the driver takes it, and the names of its parameters in their order."""
    compiled: Any = statement.compile(dialect=asyncpg_dialect())  # type: ignore[no-untyped-call] # so in SQLAlchemy
    return str(compiled), compiled.positiontup


def sqlstate(error: BaseException) -> str | None:
    """The SQLSTATE behind an error of SQLAlchemy or asyncpg, if there is one."""
    origin = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    state = getattr(origin, "sqlstate", None) or getattr(origin, "pgcode", None)
    return str(state) if state else None


def is_away(error: BaseException) -> bool:
    """Whether the error says that the database cannot be reached or cannot take work now.

    Connection failures (class 08), lack of resources such as a full disk (53), and shutdown or start-up (57P).
    """
    if isinstance(error, _UNREACHABLE):
        return True
    if isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated:
        return True
    state = sqlstate(error) or ""
    return (
        state[:2] in {"08", "53"} or state[:3] in {"57P", "58P"} or isinstance(error, sa.exc.InterfaceError)
    )


def took_too_long(error: BaseException) -> bool:
    """Whether a statement was broken off because it took longer than any may (`STATEMENT_TIMEOUT`)."""
    return sqlstate(error) == "57014"


def has_collided(error: BaseException) -> bool:
    """Whether PostgreSQL broke a transaction off only because of another one."""
    return sqlstate(error) in _TRANSIENT


async def retried(task: Callable[[], Awaitable[T]]) -> T:
    """Run a whole transaction again when PostgreSQL broke it off only because of another one."""
    for attempt in range(1, _ATTEMPTS):
        try:
            return await task()
        except (sa.exc.DBAPIError, asyncpg.PostgresError) as error:
            if not has_collided(error):
                raise
            await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - spreads retries, guards nothing
    return await task()
