"""The cells that cover a period: every day once, in its place, by cells that nest, and none when an edge lies inside one."""

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.metrics import periods
from app.metrics.cells import GRAINS, Cover, Grain, begins, cover, follows, grains
from app.metrics.periods import TimeGroup, midnight

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
DAY = timedelta(days=1)
BY_UNIT = grains(frozenset({"unit", "channel", "month"}))

days = st.dates(date(2019, 1, 1), date(2028, 12, 31))
halves = days.map(lambda day: begins("half", day))
instants = st.integers(0, 10 * 365 * 86_400).map(
    lambda s: datetime(2018, 6, 1, tzinfo=UTC) + timedelta(seconds=s)
)
groups = st.sampled_from(periods.TIME_GROUPS)


def period(first: date, last: date) -> periods.Period:
    return periods.Period(min(first, last), max(first, last))


def places(found: Cover) -> dict[date, int]:
    """Day → place, of the days since 2018, and a check that no day is held twice."""
    held: dict[date, int] = {}
    for piece in found.pieces:
        day = max(piece.begin, date(2018, 1, 1))
        while day < piece.end:
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
    held = places(found)
    today = now.astimezone(HANOI).date()
    end = min(buckets[-1].to, today if midnight(today, HANOI) < now else today - DAY)
    assert max(held) == end
    begun = [bucket.from_ for bucket in buckets]
    for day, place in held.items():
        assert place == bisect_right(begun, day)
    if buckets[-1].to >= today and midnight(today, HANOI) < now:
        assert found.cut is not None
        assert (found.cut.begin, found.cut.end) == (midnight(today, HANOI), midnight(today + DAY, HANOI))
        assert found.cut.place == held[today]
    else:
        assert found.cut is None


@given(days, days, instants, st.sampled_from([BY_UNIT, ("sector",), ("procedure",)]))
def test_pieces_follow_one_another_and_hold_whole_cells(
    first: date, last: date, now: datetime, usable: tuple[Grain, ...]
) -> None:
    found = cover(usable, [period(first, last)], HANOI, now)
    if found is None:
        return
    for one, other in zip(found.pieces, found.pieces[1:], strict=False):
        assert one.end == other.begin
    for piece in found.pieces:
        unit = GRAINS[piece.grain]
        assert begins(unit, piece.begin) == piece.begin < piece.end == begins(unit, piece.end)
    assert found.pieces[0].begin == date.min
    assert [piece.whole for piece in found.pieces if not piece.whole] == [False] * (found.cut is not None)


@given(halves, days, days)
def test_halves_cover_whole_periods_of_both_calendars_and_what_runs_until_now(
    first: date, second: date, today: date
) -> None:
    first, second = min(first, begins("half", second)), max(first, begins("half", second))
    now = midnight(today, HANOI) + timedelta(hours=9)
    past = midnight(follows("half", second), HANOI) <= now
    whole = periods.Period(first, follows("half", second) - DAY)
    assert cover(("procedure",), [whole], HANOI, now) is not None
    odd = periods.Period(first, second)  # ends on the first day of a half
    assert (cover(("procedure",), [odd], HANOI, now) is None) is (
        past or midnight(second + DAY, HANOI) <= now
    )


@pytest.mark.parametrize("name", ["2024", "2024-H1", "2024-9M", "2024-02", "report:2024", "report:2024-Q1"])
def test_a_named_period_takes_few_pieces(name: str) -> None:
    found = cover(BY_UNIT, [periods.parse(name)], HANOI, datetime(2026, 5, 20, 3, tzinfo=UTC))
    assert found is not None
    assert len(found.pieces) <= 4
    assert {piece.grain for piece in found.pieces} <= {"year", "half"}


def test_halves_begin_on_the_1st_and_the_15th() -> None:
    assert [begins("half", date(2024, 2, day)).day for day in (1, 14, 15, 29)] == [1, 1, 15, 15]
    assert follows("half", date(2024, 12, 31)) == date(2025, 1, 1)
    assert follows("half", date(2024, 12, 3)) == date(2024, 12, 15)
    assert follows("year", date(2024, 2, 29)) == date(2025, 1, 1)
