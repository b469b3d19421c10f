"""Calendars and moments for the tests of working time.

They know the product's value types and nothing of how it counts.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from app.worktime.calendar import DAY_OFF, MONDAY_TO_FRIDAY, OFFICE_HOURS, Calendar, Window, Windows

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
AMSTERDAM = ZoneInfo("Europe/Amsterdam")

MORNING: Windows = (Window(time(7, 30), time(11, 30)),)
ALL_DAY: Windows = (Window(time(0), time(0)),)
NIGHT: Windows = (Window(time(0), time(6)), Window(time(22), time(0)))


def days(first: str, last: str | None = None) -> list[date]:
    begin, end = date.fromisoformat(first), date.fromisoformat(last or first)
    return [begin + timedelta(days=n) for n in range((end - begin).days + 1)]


OFF = [
    *days("2024-02-08", "2024-02-14"),  # Tết
    *days("2024-04-18"),  # Hùng Kings
    *days("2024-04-29", "2024-05-01"),  # the 29th for Saturday 4 May
    *days("2024-09-02", "2024-09-03"),
    *days("2025-01-01"),
    *days("2025-01-25", "2025-02-02"),  # Tết
    *days("2025-04-07"),
    *days("2025-04-30", "2025-05-02"),  # 2 May for Saturday 26 April
    *days("2025-09-01", "2025-09-02"),
    *days("2026-01-01", "2026-01-02"),  # the 2nd for Saturday 10 January
    *days("2026-02-14", "2026-02-22"),  # Tết
    *days("2026-04-27"),  # for Hùng Kings on Sunday the 26th
    *days("2026-04-30", "2026-05-01"),
    *days("2026-08-31", "2026-09-02"),  # 31 August for Saturday 22 August
]
MADE_UP = [*days("2024-05-04"), *days("2025-04-26"), *days("2026-01-10"), *days("2026-08-22")]

VIETNAM = Calendar(
    key="vn",
    version=1,
    zone=HANOI,
    days=dict.fromkeys(OFF, DAY_OFF) | dict.fromkeys(MADE_UP, OFFICE_HOURS) | {date(2025, 12, 31): MORNING},
)
INTAKE = Calendar(
    key="vn-intake", version=1, zone=HANOI, week=(*MONDAY_TO_FRIDAY[:5], MORNING, DAY_OFF), days=VIETNAM.days
)


def every_day(windows: Windows, zone: ZoneInfo) -> Calendar:
    return Calendar(key="every-day", version=1, zone=zone, week=(windows,) * 7)


# Half an hour of daylight saving, a change at midnight, the usual hour, negative daylight saving in Ramadan, none.
ZONES = [
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Europe/Amsterdam",
    "Africa/Casablanca",
    "Asia/Ho_Chi_Minh",
]
# Around changes of the clocks in one of the zones, and in the midst of nothing.
EVES = [
    datetime(y, m, d, tzinfo=UTC)
    for y, m, d in [
        (2026, 3, 28),
        (2026, 10, 24),
        (2026, 4, 4),
        (2018, 2, 17),
        (2018, 11, 3),
        (2026, 2, 14),
        (2024, 6, 3),
    ]
]

HOURS = [
    OFFICE_HOURS,
    MORNING,
    ALL_DAY,
    NIGHT,
    (Window(time(1, 45), time(2, 15)), Window(time(9), time(12, 30))),
    DAY_OFF,
    DAY_OFF,
]


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Calendars of every kind of hours, with days off and made-up days around the eves."""
    week = draw(st.tuples(*[st.sampled_from(HOURS)] * 7).filter(any))
    near = st.builds(lambda eve, n: eve.date() + timedelta(days=n), st.sampled_from(EVES), st.integers(-3, 9))
    exceptions = draw(st.dictionaries(near, st.sampled_from(HOURS), max_size=6))
    return Calendar(
        key="drawn", version=1, zone=ZoneInfo(draw(st.sampled_from(ZONES))), week=week, days=exceptions
    )


def moments(unit: timedelta = timedelta(microseconds=1)) -> st.SearchStrategy[datetime]:
    """Instants within four days after an eve, in whole units."""
    return st.builds(
        lambda eve, n: eve + n * unit, st.sampled_from(EVES), st.integers(0, timedelta(days=4) // unit)
    )
