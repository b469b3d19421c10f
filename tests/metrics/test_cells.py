"""The cells that cover a period: every day once, in its place, by cells that nest, and none when an edge lies inside one."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.metrics import periods
from app.metrics.cells import SPANS, Piece, Span, begins, cover, family, follows, spans
from app.metrics.periods import TimeGroup, midnight

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
DAY = timedelta(days=1)
BY_UNIT = SPANS["unit"]

days = st.dates(date(2019, 1, 1), date(2028, 12, 31))
halves = days.map(lambda day: begins("half", day))
instants = st.integers(0, 10 * 365 * 86_400).map(
    lambda s: datetime(2018, 6, 1, tzinfo=UTC) + timedelta(seconds=s)
)
groups = st.sampled_from(periods.TIME_GROUPS)


def period(first: date, last: date) -> periods.Period:
    return periods.Period(min(first, last), max(first, last))


def places(pieces: Sequence[Piece], begin: date, end: date) -> dict[date, int]:
    """Day → place, of the days in [begin, end), and a check that no day is held twice."""
    held: dict[date, int] = {}
    for piece in pieces:
        day = max(piece.begin, begin)
        while day < min(piece.end, end):
            assert day not in held
            held[day] = piece.place
            day += DAY
    return held


@settings(deadline=None)
@given(days, days, groups, instants)
def test_every_day_until_the_end_lies_in_the_place_of_its_bucket(
    first: date, last: date, by: TimeGroup, now: datetime
) -> None:
    buckets = period(first, last).split(by)
    found = cover(BY_UNIT, buckets, HANOI, now)
    assert found is not None, "cells by day cover everything"
    today = now.astimezone(HANOI).date()
    running = midnight(buckets[-1].to + DAY, HANOI) > now
    end = today if running else buckets[-1].to + DAY
    begun = [bucket.from_ for bucket in buckets]
    for pieces in (found.facts, found.deadlines):
        held = places(pieces, date(2018, 1, 1), end)
        assert len(held) == (end - date(2018, 1, 1)).days
        for day, place in held.items():
            assert place == bisect_right(begun, day)
    if not running:
        assert found.cut is None
        assert max(piece.end for piece in found.facts) == end
        return
    assert found.cut is not None
    assert found.cut.due_from == midnight(today, HANOI), "the deadlines of today are in no cell asked for"
    assert all(piece.end <= today for piece in found.deadlines)
    assert found.cut.end == midnight(found.facts[-1].end, HANOI) > now
    assert found.cut.place == found.facts[-1].place == bisect_right(begun, today)
    if found.cut.place:
        assert found.cut.begin == midnight(begun[found.cut.place - 1], HANOI)


@given(days, days, instants, st.sampled_from(sorted(SPANS.values())))
def test_pieces_follow_one_another_and_hold_whole_cells(
    first: date, last: date, now: datetime, usable: tuple[Span, ...]
) -> None:
    found = cover(usable, [period(first, last)], HANOI, now)
    if found is None:
        return
    for pieces in (found.facts, found.deadlines):
        for one, other in pairwise(pieces):
            assert one.end == other.begin
        for piece in pieces:
            assert piece.span in usable
            assert begins(piece.span, piece.begin) == piece.begin < piece.end == begins(piece.span, piece.end)
        assert pieces[0].begin == date.min


@given(st.dates(date(2019, 1, 1), date(2028, 12, 31)))
def test_a_year_to_date_is_one_cell_of_a_year(today: date) -> None:
    now = midnight(today, HANOI) + timedelta(hours=9)
    for usable in SPANS.values():
        found = cover(usable, [periods.to_date(today)], HANOI, now)
        assert found is not None
        assert [piece for piece in found.facts if piece.place] == [
            Piece("year", date(today.year, 1, 1), date(today.year + 1, 1, 1), 1)
        ]


@given(days, days, groups, instants)
def test_what_was_learnt_is_told_where_every_bucket_begins_with_a_half(
    first: date, last: date, by: TimeGroup, now: datetime
) -> None:
    buckets = period(first, last).split(by)
    found = cover(BY_UNIT, buckets, HANOI, now)
    assert found is not None
    assert found.learns() is all(bucket.from_.day in {1, 15} for bucket in buckets)
    assert found.begins == {place: bucket.from_ for place, bucket in enumerate(buckets, 1)}


@given(halves, days, days)
def test_halves_cover_whole_periods_of_both_calendars_and_what_runs_until_now(
    first: date, second: date, today: date
) -> None:
    first, second = min(first, begins("half", second)), max(first, begins("half", second))
    now = midnight(today, HANOI) + timedelta(hours=9)
    past = midnight(follows("half", second), HANOI) <= now
    whole = periods.Period(first, follows("half", second) - DAY)
    assert cover(("year", "half"), [whole], HANOI, now) is not None
    odd = periods.Period(first, second)  # ends on the first day of a half
    assert (cover(("year", "half"), [odd], HANOI, now) is None) is (
        past or midnight(second + DAY, HANOI) <= now
    )


@pytest.mark.parametrize("name", ["2024", "2024-H1", "2024-9M", "2024-02", "report:2024", "report:2024-Q1"])
def test_a_named_period_takes_few_pieces(name: str) -> None:
    found = cover(BY_UNIT, [periods.parse(name)], HANOI, datetime(2026, 5, 20, 3, tzinfo=UTC))
    assert found is not None
    assert len(found.facts) <= 4
    assert {piece.span for piece in found.facts} <= {"year", "half"}


def test_halves_begin_on_the_1st_and_the_15th() -> None:
    assert [begins("half", date(2024, 2, day)).day for day in (1, 14, 15, 29)] == [1, 1, 15, 15]
    assert follows("half", date(2024, 12, 31)) == date(2025, 1, 1)
    assert follows("half", date(2024, 12, 3)) == date(2024, 12, 15)
    assert follows("year", date(2024, 2, 29)) == date(2025, 1, 1)


def test_the_fewest_cells_that_know_the_keys_are_asked() -> None:
    assert family(frozenset()) == "all"
    assert family(frozenset({"unit"})) == "unit"
    assert family(frozenset({"channel"})) == family(frozenset({"channel", "unit"})) == "unit channel"
    assert family(frozenset({"sector"})) == "sector"
    assert family(frozenset({"sector", "unit"})) == "unit sector"
    assert family(frozenset({"procedure"})) == family(frozenset({"procedure", "sector"})) == "procedure"
    assert family(frozenset({"procedure", "unit"})) == "unit procedure"
    assert family(frozenset({"channel", "procedure"})) is None


def test_days_of_procedures_tell_how_many_procedures_there_were_and_nothing_else() -> None:
    assert spans("procedure", ["paid_online"]) == spans("procedure", ["received", "paid_online"])
    assert "day" in spans("procedure", ["received"])
    assert "day" not in spans("procedure", ["received", "ended_late"])
