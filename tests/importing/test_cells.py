"""Cells as people fill them become the values that fields take, or a sentence that says why not."""

from contextlib import suppress
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.directory.schemas import ProcedureEntry
from app.events.types import TYPES
from app.importing.cells import Cell, CellError, Reading, fields, happened, text, value

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
READING = Reading(ZONE)
RECEIVED = fields(TYPES["dossier.received"].model_json_schema())
PAID = fields(TYPES["dossier.paid_online"].model_json_schema())


@pytest.mark.parametrize(
    ("cell", "instant"),
    [
        ("2026-03-20T16:30:00.000+07:00", "2026-03-20T16:30:00.000+07:00"),
        ("2026-03-20T16:30", "2026-03-20T16:30:00+07:00"),
        ("2026-03-20 16:30:05", "2026-03-20T16:30:05+07:00"),
        ("20/03/2026 16:30", "2026-03-20T16:30:00+07:00"),
        ("20260320163005", "2026-03-20T16:30:05+07:00"),
        ("20/03/2026", "2026-03-20T12:00:00+07:00"),
        ("20260320", "2026-03-20T12:00:00+07:00"),
        (datetime(2026, 3, 20, 16, 30), "2026-03-20T16:30:00+07:00"),  # noqa: DTZ001 - as a workbook has it
        (datetime(2026, 3, 20), "2026-03-20T12:00:00+07:00"),  # noqa: DTZ001 - as a workbook has it
        (date(2026, 3, 20), "2026-03-20T12:00:00+07:00"),
    ],
)
def test_an_instant_is_read_in_every_common_form(cell: Cell, instant: str) -> None:
    assert happened(cell, READING) == instant


@pytest.mark.parametrize(
    "cell", ["30/02/2026", "2026-02-30", "hôm qua", "2026032", "20/03/26", "1774000000", 46101.0]
)
def test_a_date_that_cannot_be_read_is_told_with_the_forms_that_were_tried(cell: Cell) -> None:
    with pytest.raises(CellError, match="%d/%m/%Y"):
        happened(cell, READING)


@pytest.mark.parametrize(
    ("cell", "due"),
    [
        ("2026-03-20", "2026-03-20"),
        ("20/03/2026", "2026-03-20"),
        (datetime(2026, 3, 20), "2026-03-20"),  # noqa: DTZ001 - as a workbook has it
        ("2010-12-16T00:00:00.000+01:00", "2010-12-16T00:00:00.000+01:00"),
        ("20/03/2026 16:30", "2026-03-20T16:30:00+07:00"),
    ],
)
def test_a_due_date_stays_a_bare_date_where_no_time_is_told(cell: Cell, due: str) -> None:
    assert value(cell, RECEIVED["due_at"], READING) == due


@pytest.mark.parametrize(
    ("name", "cell", "meant"),
    [
        ("unit", 22945, "22945"),
        ("unit", 22945.0, "22945"),
        ("unit", " H10.25 ", "H10.25"),
        ("fee_required", "Có", True),
        ("fee_required", False, False),
        ("duration_value", "10", 10),
        ("duration_value", 10.0, 10),
    ],
)
def test_values_follow_the_field_s_type(name: str, cell: Cell, meant: object) -> None:
    assert value(cell, RECEIVED[name], READING) == meant


@pytest.mark.parametrize(
    ("cell", "amount"),
    [("150.000", 150000), ("1,500,000", 1500000), ("150000", 150000), (150000.0, 150000), ("12.5", 12.5)],
)
def test_an_amount_may_have_its_thousands_set_apart(cell: Cell, amount: float) -> None:
    assert value(cell, PAID["amount"], READING) == amount


@pytest.mark.parametrize(("name", "cell"), [("fee_required", "maybe"), ("duration_value", "10 ngày")])
def test_what_is_no_value_of_the_field_is_told(name: str, cell: Cell) -> None:
    with pytest.raises(CellError):
        value(cell, RECEIVED[name], READING)


def test_an_object_inside_an_object_makes_two_columns() -> None:
    made = fields(ProcedureEntry.model_json_schema())
    assert {"code", "name", "sector", "duration_value", "duration_unit"} <= made.keys()
    assert "duration" not in made


def test_lists_are_written_with_semicolons_and_their_objects_with_colons() -> None:
    link = {"type": "object", "properties": {"code": {"type": "string"}, "kind": {"type": "string"}}}
    schema = {
        "anyOf": [{"type": "array", "items": {"$ref": "#/$defs/Link"}}, {"type": "null"}],
        "$defs": {"Link": link},
    }
    merged = [{"code": "22945", "kind": "merge"}, {"code": "22924"}]
    assert value("22945:merge; 22924", schema, READING) == merged
    assert value('[{"code": "22945"}]', schema, READING) == [{"code": "22945"}]
    assert value("A; B", {"type": "array", "items": {"type": "string"}}, READING) == ["A", "B"]
    for broken in ("a:b:c", "[1"):
        with pytest.raises(CellError):
            value(broken, schema, READING)


@given(st.datetimes(datetime(1900, 1, 1), datetime(2199, 12, 31)), st.sampled_from(READING.dates))  # noqa: DTZ001 - local
def test_what_a_form_writes_it_reads_back(moment: datetime, form: str) -> None:
    told = datetime.fromisoformat(happened(moment.strftime(form), READING))
    expected = datetime.strptime(moment.strftime(form), form)  # noqa: DTZ007 - the zone follows
    if "%H" not in form:
        expected = datetime.combine(expected.date(), time(12))
    assert told.replace(tzinfo=None) == expected
    assert told.utcoffset() == expected.replace(tzinfo=ZONE).utcoffset()


@given(st.one_of(st.text(max_size=40), st.integers(), st.floats(), st.booleans(), st.datetimes(), st.dates()))
def test_whatever_stands_in_a_cell_is_a_value_or_a_sentence(cell: Cell) -> None:
    for schema in (*RECEIVED.values(), *PAID.values()):
        with suppress(CellError):
            value(cell, schema, READING)
    assert isinstance(text(cell), str)
