"""What a written version means, and what is wrong with one that cannot be counted by.

Pure: it knows the wire form and the value that `worktime` counts with, and no storage.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, time
from functools import lru_cache
from itertools import pairwise
from typing import Final

from app.calendars.schemas import DayTerms, SourceTerms, VersionTerms, WindowTerms
from app.kit.problems import Fault
from app.kit.text import Text
from app.worktime.calendar import DAY_OFF, OFFICE_HOURS, ListedDay, Version, Window, Windows

SHIPPED_SOURCE: Final = SourceTerms(title="Lịch đi kèm phần mềm", number="docs/working-time.md")
"""The source of what ships: the page that lists the laws and notices it follows."""

_DEFAULTS: Final[dict[str, Windows]] = {
    "off": DAY_OFF,
    "worked": OFFICE_HOURS,
    "half_day": OFFICE_HOURS[:1],
}
_TOO_EARLY: Final = Text(
    "Ngày này trước ngày hiệu lực {begin}; phiên bản không nói về nó.",
    "This day is before {begin}, from which the version holds; it says nothing of it.",
)
_TWICE: Final = Text("Ngày {day} có hai lần.", "The day {day} stands there twice.")
_OFF_WITH_HOURS: Final = Text("Ngày nghỉ thì không có giờ làm việc.", "A day off has no hours.")
_NO_HOURS: Final = Text("Ngày làm việc phải có giờ làm việc.", "A day that is worked has hours.")
_CLOSED_FIRST: Final = Text("Giờ đóng phải sau giờ mở.", "It must close after it opens.")
_OVERLAP: Final = Text(
    "Các khung giờ phải nối tiếp nhau, không chồng lên nhau.", "Windows follow one another without overlap."
)
_NEVER: Final = Text("Tuần phải có ít nhất một ngày làm việc.", "A week has at least one working day.")


def normal(terms: VersionTerms) -> VersionTerms:
    """The same terms with the hours of every day told."""
    days = [
        day.model_copy(update={"windows": written(_hours(day))})
        for day in sorted(terms.days, key=lambda day: day.day)
    ]
    return terms.model_copy(update={"days": days})


def faults(terms: VersionTerms) -> list[Fault]:
    """Everything that keeps a version from being counted by, each with its place."""
    return list(_faults(terms))


def _faults(terms: VersionTerms) -> Iterator[Fault]:
    seen: set[date] = set()
    for place, day in enumerate(terms.days):
        if day.day < terms.effective_from:
            yield Fault(f"/days/{place}/day", _TOO_EARLY.filled(begin=terms.effective_from))
        if day.day in seen:
            yield Fault(f"/days/{place}/day", _TWICE.filled(day=day.day))
        seen.add(day.day)
        if day.kind == "off" and day.windows:
            yield Fault(f"/days/{place}/windows", _OFF_WITH_HOURS)
        elif day.kind != "off" and day.windows == []:
            yield Fault(f"/days/{place}/windows", _NO_HOURS)
        yield from _misplaced(day.windows or (), f"/days/{place}/windows")
    if terms.week is not None:
        if not any(terms.week):
            yield Fault("/week", _NEVER)
        for place, hours in enumerate(terms.week):
            yield from _misplaced(hours, f"/week/{place}")


def _misplaced(hours: Sequence[WindowTerms], at: str) -> Iterator[Fault]:
    for place, window in enumerate(hours):
        if window.opens >= _end(window):
            yield Fault(f"{at}/{place}/closes", _CLOSED_FIRST)
    for place, (one, following) in enumerate(pairwise(hours), 1):
        if _end(one) > following.opens:
            yield Fault(f"{at}/{place}/opens", _OVERLAP)


def _end(window: WindowTerms) -> time:
    return window.closes if window.closes != time() else time.max


def _hours(day: DayTerms) -> Windows:
    return _windows(day.windows) if day.windows is not None else _DEFAULTS[day.kind]


def _windows(hours: Iterable[WindowTerms]) -> Windows:
    return tuple(Window(window.opens, window.closes) for window in hours)


def written(windows: Windows) -> list[WindowTerms]:
    """Windows on the wire."""
    return [WindowTerms(opens=window.opens, closes=window.closes) for window in windows]


def version(number: int, terms: VersionTerms) -> Version:
    """The value to count with."""
    return Version(
        number,
        terms.effective_from,
        tuple(map(_windows, terms.week)) if terms.week is not None else None,
        {day.day: ListedDay(_hours(day), Text(day.name, day.name_en or day.name)) for day in terms.days},
    )


# A version that is in force never changes, but every portion of dossiers asks for it.
@lru_cache(maxsize=64)
def stored_version(number: int, terms: str) -> Version:
    """The value of stored terms, told as JSON."""
    return version(number, VersionTerms.model_validate_json(terms))


def terms_of(version: Version) -> tuple[list[DayTerms], list[list[WindowTerms]] | None]:
    """Days and week of a shipped version as they would have been written."""
    days = [
        DayTerms.model_validate(
            {
                "day": day.isoformat(),
                "kind": "worked" if listed.windows else "off",
                "windows": written(listed.windows),
                "name": listed.name.vi,
                "name_en": listed.name.en,
            }
        )
        for day, listed in version.days.items()
    ]
    return days, [written(hours) for hours in version.week] if version.week is not None else None
