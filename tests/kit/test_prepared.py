"""A statement of one shape is written once, and answers whatever values it is given."""

import pytest
import sqlalchemy as sa

from app.kit.db import Database
from app.kit.prepared import Prepared, prepared


def doubled() -> sa.Select[int, int]:
    number = sa.bindparam("number", type_=sa.Integer)
    return sa.select((number * 2).label("double"), (number + sa.literal(1)).label("next"))


async def test_values_stand_in_the_place_of_names_and_constants_stay(database: Database) -> None:
    async with database.snapshot() as connection:
        for number in (3, 4):
            (row,) = await prepared(("doubled",), doubled).rows(connection, {"number": number})
            assert dict(row) == {"double": 2 * number, "next": number + 1}


async def test_a_shape_that_is_known_is_not_written_again() -> None:
    written: list[str] = []

    def statement(name: str) -> sa.Select[str]:
        written.append(name)
        return sa.select(sa.literal(name))

    first = prepared(("test", 1), lambda: statement("first"))
    assert prepared(("test", 1), lambda: statement("again")) is first
    assert prepared(("test", 2), lambda: statement("other")) is not first
    assert written == ["first", "other"]


def test_a_statement_whose_text_depends_on_its_values_is_refused() -> None:
    with pytest.raises(ValueError, match="any_"):
        Prepared(sa.select(sa.literal(1).in_([1, 2])))
