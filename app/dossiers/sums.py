"""How a due date was counted, in words: the day of reception, hours, days off by their names, the calendar's version.

Pure. It shows the sum of what the fold computed, so that anybody can do it again by hand; it computes no due date.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from app.dossiers.dossier import Dossier, Reckoning
from app.dossiers.facts import Policy
from app.kit.text import Text
from app.worktime.calendar import Calendar, Windows
from app.worktime.deadline import Due, day_of_reception, intake_hours, worked_between
from app.worktime.versions import name_of, version_used

MOST: Final = 12
"""Days that a sentence names; how many more there are, it says."""

_ONE_DAY: Final = timedelta(days=1)

_AFTER_CUTOFF: Final = Text(
    "Tiếp nhận sau {cutoff}: tính là tiếp nhận ngày {day}.",
    "Received after {cutoff}: it counts as received on {day}.",
)
_ON_DAY_OFF: Final = Text(
    "Tiếp nhận vào ngày nghỉ{name}: tính là tiếp nhận ngày {day}.",
    "Received on a day off{name}: it counts as received on {day}.",
)
_AT_THE_SHOP: Final = Text(
    "Ngày {day} là ngày nghỉ nhưng Bộ phận Một cửa nhận hồ sơ ({hours}): đó là ngày tiếp nhận.",
    "On {day}, a day off, the one-stop shop takes in dossiers ({hours}): that is the day of reception.",
)
_SUMS: Final = {
    "working_day": Text(
        "{n} ngày làm việc sau ngày {begin}: đến hết ngày {due}.",
        "Working days after {begin}: {n}, until the end of {due}.",
    ),
    "calendar_day": Text(
        "{n} ngày, kể cả ngày nghỉ, sau ngày {begin}: đến hết ngày {due}.",
        "Days after {begin}, days off included: {n}, until the end of {due}.",
    ),
    "working_hour": Text(
        "{n} giờ làm việc từ {begin} đến {due}: {pieces}.",
        "Working hours from {begin}: {n}, until {due}: {pieces}.",
    ),
}
_PIECE: Final = Text("{day} ({windows}) {hours} giờ", "{day} ({windows}) {hours} h")
_OFF: Final = Text("Không tính: {days}.", "Not counted: {days}.")
_WEEKLY: Final = Text("ngày nghỉ hằng tuần ({n})", "days off of the week ({n})")
_MADE_UP: Final = Text("Có tính: {days}.", "Counted: {days}.")
_MORE: Final = Text("… (và {n} ngày nữa)", "… (and {n} days more)")
_VERSION: Final = Text("Theo lịch {key}, phiên bản {version}.", "By the calendar {key}, version {version}.")


def reckoned(dossier: Dossier, policy: Policy) -> Iterator[Text]:
    """The sum of the due date before any pause; nothing where it was told."""
    if dossier.reckoning is None or dossier.base_due is None or dossier.received_at is None:
        return
    calendar, due = policy.calendar, dossier.base_due
    if dossier.reckoning.unit == "working_hour":
        yield _hours_sum(calendar, dossier.received_at, due, dossier.reckoning.value)
        begin = dossier.received_at.astimezone(calendar.zone).date()
    else:
        begin = day_of_reception(calendar, dossier.received_at, policy.cutoff, dossier.reckoning.intake)
        yield from _reception(dossier.received_at, begin, dossier.reckoning, policy)
        yield _SUMS[dossier.reckoning.unit].filled(
            n=dossier.reckoning.value, begin=shown(begin), due=shown(due.day(calendar.zone))
        )
    if dossier.reckoning.unit != "calendar_day":
        yield from _exceptions(calendar, begin + _ONE_DAY, due.day(calendar.zone))


def rests_on(dossier: Dossier, policy: Policy) -> int | None:
    """The calendar version that the due date was counted by; None when it was only told, or is unknown.

    It is the latest version that really changed one of the days from the reception to the due date and the last pause.
    """
    due, ran = dossier.clock.due, dossier.clock
    ended = [stretch.end for stretch in ran.counted if stretch.end is not None]
    if due is None or dossier.received_at is None or (dossier.reckoning is None and not ended):
        return None
    zone = policy.calendar.zone
    first = dossier.received_at.astimezone(zone).date()
    last = max(moment.astimezone(zone).date() for moment in (due.at, dossier.received_at, *ended))
    return version_used(policy.calendar, first, last)


def version(dossier: Dossier, policy: Policy) -> Iterator[Text]:
    """By which calendar and version the due date was counted, where it was."""
    if (number := rests_on(dossier, policy)) is not None:
        yield _VERSION.filled(key=policy.calendar.key, version=number)


def _reception(received: datetime, counted: date, reckoning: Reckoning, policy: Policy) -> Iterator[Text]:
    """Why another day than that of the calendar, or a day off, is the day of reception."""
    calendar = policy.calendar
    day = received.astimezone(calendar.zone).date()
    if counted != day and calendar.windows(day):
        yield _AFTER_CUTOFF.filled(cutoff=f"{policy.cutoff:%H:%M}", day=shown(counted))
    elif counted != day:
        name = name_of(calendar, day)
        vi, en = (f" ({name.vi})", f" ({name.en})") if name is not None else ("", "")
        yield Text(
            _ON_DAY_OFF.vi.format(name=vi, day=shown(counted)),
            _ON_DAY_OFF.en.format(name=en, day=shown(counted)),
        )
    if reckoning.intake is not None and not calendar.windows(counted):
        hours = intake_hours(calendar, reckoning.intake, counted)
        yield _AT_THE_SHOP.filled(day=shown(counted), hours=_windows(hours))


def _hours_sum(calendar: Calendar, start: datetime, due: Due, hours: int) -> Text:
    """Working hours day by day, with the windows of each day."""
    pieces = []
    for day in _days(start.astimezone(calendar.zone).date(), due.day(calendar.zone)):
        begin, end = (
            max(start, _midnight(day, calendar.zone)),
            min(due.at, _midnight(day + _ONE_DAY, calendar.zone)),
        )
        if worked := worked_between(calendar, begin, end):
            piece = {"day": f"{day:%d/%m}", "windows": _windows(calendar.windows(day))}
            pieces.append(
                _PIECE.filled(**piece, hours=f"{worked / timedelta(hours=1):.2f}".rstrip("0").rstrip("."))
            )
    listed = _listed(pieces)
    told = {"n": hours, "begin": moment(start, calendar.zone), "due": moment(due.at, calendar.zone)}
    template = _SUMS["working_hour"]
    return Text(template.vi.format(pieces=listed.vi, **told), template.en.format(pieces=listed.en, **told))


def _exceptions(calendar: Calendar, first: date, last: date) -> Iterator[Text]:
    """Days off between, by their names where they have one, and days that are worked though their week is not."""
    weekly = 0
    off: list[Text] = []
    made_up: list[Text] = []
    for day in _days(first, last):
        name = name_of(calendar, day)
        if name is not None:
            listed = made_up if calendar.windows(day) else off
            listed.append(Text(f"{shown(day)} {name.vi}", f"{shown(day)} {name.en}"))
        elif not calendar.windows(day):
            weekly += 1
    if weekly:
        off.insert(0, _WEEKLY.filled(n=weekly))
    for template, days in ((_OFF, off), (_MADE_UP, made_up)):
        if days:
            listing = _listed(days)
            yield Text(template.vi.format(days=listing.vi), template.en.format(days=listing.en))


def _listed(parts: Sequence[Text]) -> Text:
    told = [*parts[:MOST], *([_MORE.filled(n=len(parts) - MOST)] if len(parts) > MOST else [])]
    return Text(", ".join(part.vi for part in told), ", ".join(part.en for part in told))


def _windows(windows: Windows) -> str:
    return ", ".join(f"{window.opens:%H:%M}–{window.closes:%H:%M}" for window in windows)


def shown(day: date) -> str:
    """A local day as people here write it."""
    return f"{day:%d/%m/%Y}"


def moment(at: datetime, zone: ZoneInfo) -> str:
    """An instant as people here write it; seconds only where there are some."""
    return at.astimezone(zone).strftime("%H:%M:%S %d/%m/%Y").replace(":00 ", " ", 1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += _ONE_DAY
