"""Statements that are written and compiled once for each shape, and then only given values.

To build and compile a long statement takes longer than the database takes to answer it. What a statement asks it does
not know; whoever names a shape says all of the statement that is not a value.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

_KEPT: Final = 512
_DIALECT: Final[sa.Dialect] = postgresql.asyncpg.dialect()  # type: ignore[no-untyped-call]


class Prepared:
    """A compiled statement. Its text is the same at every call, so that the driver prepares it once a connection.

    Raises ValueError for a statement whose text depends on its values, as that of a list given to `in_` does.
    """

    def __init__(self, statement: sa.Select[*tuple[Any, ...]]) -> None:
        compiled = statement.compile(dialect=_DIALECT)
        self._text = str(compiled)
        if "__[POSTCOMPILE" in self._text:
            raise ValueError("a prepared statement takes lists as arrays: use any_, not in_")
        self._names: Sequence[str] = compiled.positiontup or ()
        self._values: Mapping[str, Any] = compiled.params

    async def rows(self, connection: AsyncConnection, values: Mapping[str, Any]) -> Sequence[sa.RowMapping]:
        """The rows for these values, by the names of the parameters; constants of the statement keep their own."""
        given = tuple(values[name] if name in values else self._values[name] for name in self._names)
        return (await connection.exec_driver_sql(self._text, given)).mappings().all()


class _Shape:
    """A shape, equal to its like, that carries how its statement is written the first time."""

    __slots__ = ("named", "written")

    def __init__(self, named: Hashable, written: Callable[[], sa.Select[*tuple[Any, ...]]]) -> None:
        self.named = named
        self.written = written

    def __hash__(self) -> int:
        return hash(self.named)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Shape) and self.named == other.named


def prepared(named: Hashable, written: Callable[[], sa.Select[*tuple[Any, ...]]]) -> Prepared:
    """The statement of this shape, `written` if it is the first time. Equal names must mean equal statements."""
    return _prepared(_Shape(named, written))


@lru_cache(maxsize=_KEPT)
def _prepared(shape: _Shape) -> Prepared:
    return Prepared(shape.written())
