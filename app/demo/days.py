"""What happens in the sample city: the events of all dossiers that are filed on one local day.

Pure and repeatable: a day gives the same events whenever it is asked for, so that a city can grow day by day.
It refuses to know the present, where events are kept, and any person.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import cache
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

from app.demo.places import SERVICES, WARDS, Service, Ward
from app.events.samples import SOURCE
from app.worktime.calendar import Calendar
from app.worktime.deadline import (
    Due,
    add_working_days,
    add_working_hours,
    last_working_day_before,
    shift,
)
from app.worktime.vietnam import named_days, national

_FILED: Final = 14
"""Dossiers of an ordinary working day; a Monday has more, a day off only what is filed online."""

_MONDAY: Final = 20
_DAY_OFF: Final = 3
_AROUND_TET: Final = 0.4
_TET_NEAR: Final = timedelta(days=7)
_GIVEN_UP: Final = 30
"""Working days after which a dossier whose applicant does not answer is stopped."""

_MINUTES_A_DAY: Final = 480

# Shares of the dossiers that can come to it.
_BY_POST: Final = 0.15
_REFUSED_AT_INTAKE: Final = 0.02
_NEVER_SUPPLEMENTED: Final = 0.06
_NEVER_PAID: Final = 0.01
_PAID_ONLINE_OF_OTHERS: Final = 0.4
_WITHDRAWN: Final = 0.015
_APOLOGY_IN_TIME: Final = 0.7
_APPROVED: Final = 0.97
_ELECTRONIC: Final = 0.85
_VOIDED: Final = 0.002


def events_of(day: date, zone: ZoneInfo) -> list[dict[str, Any]]:
    """Every event, whenever it happens, of the dossiers filed on `day` in `zone`; CloudEvents envelopes."""
    random = Random(f"dunghen {day}")  # noqa: S311 - a sample, not a secret
    calendar = national(zone)
    events: list[dict[str, Any]] = []
    for number in range(_volume(random, day, calendar)):
        dossier = _Dossier(random, day, number, calendar)
        events.extend(dossier.events())
    return events


def _volume(random: Random, day: date, calendar: Calendar) -> int:
    usual = (_FILED if day.weekday() else _MONDAY) if calendar.windows(day) else _DAY_OFF
    return round(usual * random.uniform(0.8, 1.2) * (_AROUND_TET if day in _around_tet() else 1))


@cache
def _around_tet() -> frozenset[date]:
    """The days within a week of the Lunar New Year holidays, when offices and applicants are away."""
    return frozenset(
        named.day + timedelta(days=away)
        for named in named_days()
        if "Tết Nguyên Đán" in named.vi
        for away in range(-_TET_NEAR.days, _TET_NEAR.days + 1)
    )


class _Dossier:
    """One dossier in the making: what it is, and the instant up to which its story is told."""

    def __init__(self, random: Random, day: date, number: int, calendar: Calendar) -> None:
        self._random = random
        self._calendar = calendar
        self._is_off = not calendar.windows(day)
        self._ward: Ward = random.choices(WARDS, [ward.weight for ward in WARDS])[0]
        self._service: Service = self._asked_for()
        self._channel = self._chosen_channel()
        self._code = f"MAU-{self._ward.unit.code}-{day:%y%m%d}-{number:04}"
        self._told = 0
        self._is_over = False
        self._now = self._filed(day)
        self._due = day

    def events(self) -> Iterator[dict[str, Any]]:
        """The whole story, in the order of the events."""
        if self._channel == "online":
            yield self._event("submitted", **self._what())
            self._later(hours=self._random.triangular(0.2, 9, 2))
            if self._chance(_REFUSED_AT_INTAKE):
                yield self._event("intake_refused", reason="Không thuộc thẩm quyền (mẫu)")
                return
        self._due = add_working_days(self._calendar, self._now, self._service.days)
        yield self._event("received", **self._what(), channel=self._channel, due_at=self._due.isoformat())
        yield from self._supplement()
        if not self._is_over:
            yield from self._fee()
        if not self._is_over:
            yield from self._end()

    def _asked_for(self) -> Service:
        services = [one for one in SERVICES if not self._is_off or one.procedure.service_level != "none"]
        return self._random.choices(services, [one.weight for one in services])[0]

    def _chosen_channel(self) -> str:
        if self._service.procedure.service_level == "none":
            return "counter"
        if self._is_off or self._chance(self._ward.online):
            return "online"
        return "post" if self._chance(_BY_POST) else "counter"

    def _what(self) -> dict[str, str]:
        return {"unit": self._ward.unit.code, "procedure": self._service.procedure.code}

    def _supplement(self) -> Iterator[dict[str, Any]]:
        if not self._chance(self._service.supplement):
            return
        self._on_day(self._some_days_on(self._random.randint(0, self._service.days // 3)))
        yield self._event("supplement_requested", reason="Thiếu thành phần hồ sơ (mẫu)")
        begin = self._now
        if self._chance(_NEVER_SUPPLEMENTED):
            yield from self._give_up("Người nộp không bổ sung (mẫu)")
            return
        self._on_day(self._some_days_on(self._random.randint(1, 8)))
        self._paused_since(begin)
        yield self._event("supplemented", due_at=self._due.isoformat())

    def _fee(self) -> Iterator[dict[str, Any]]:
        amount = self._service.fee
        if not amount:
            return
        begin = self._now
        if self._service.procedure.fee_stops_clock:
            self._later(hours=self._random.uniform(1, 6))
            begin = self._now
            yield self._event("fee_requested", amount=amount)
            if self._chance(_NEVER_PAID):
                yield from self._give_up("Người nộp không thực hiện nghĩa vụ tài chính (mẫu)")
                return
            self._on_day(self._some_days_on(self._random.randint(0, 4)))
            self._paused_since(begin)
        likely = self._ward.pays_online * (1 if self._channel == "online" else _PAID_ONLINE_OF_OTHERS)
        if self._chance(likely):
            gateway = self._random.choice(("national", "national", "local"))
            yield self._event("paid_online", amount=amount, gateway=gateway)
        else:
            yield self._event("paid_in_person", amount=amount)

    def _end(self) -> Iterator[dict[str, Any]]:
        if self._chance(_WITHDRAWN):
            self._later(hours=self._random.uniform(1, 8))
            yield self._event("withdrawn", reason="Người nộp xin rút (mẫu)")
            return
        if self._chance(self._service.late * self._ward.late):
            yield from self._late()
        else:
            self._on_day(self._some_day_until_due())
        outcome = "approved" if self._chance(_APPROVED) else "refused"
        yield self._event("processed", outcome=outcome, electronic_result=self._chance(_ELECTRONIC))
        self._on_day(self._some_days_on(self._random.choice((0, 0, 1, 2, 5))))
        yield self._event("returned", channel=self._channel)
        if self._chance(_VOIDED):
            yield self._event("voided", reason="Nhập nhầm (mẫu)")

    def _late(self) -> Iterator[dict[str, Any]]:
        """Work ends after the due date; the apology comes in time, afterwards, or never."""
        days = self._calendar.working_days
        over = 1 + min(20, int(self._random.expovariate(3 / self._service.days)))
        done = days.nth(days.count_to(self._due) + over)
        if self._chance(self._ward.apologises):
            in_time = last_working_day_before(self._calendar, self._due)
            self._on_day(in_time if self._chance(_APOLOGY_IN_TIME) else done)
            yield self._event(
                "apology_issued",
                new_due_at=done.isoformat(),
                reason="Chậm thẩm định (mẫu)",
                signed_by=self._ward.unit.name,
            )
        self._on_day(done)

    def _give_up(self, reason: str) -> Iterator[dict[str, Any]]:
        self._on_day(self._some_days_on(_GIVEN_UP))
        yield self._event("stopped", reason=reason)
        self._is_over = True

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _event(self, kind: str, **data: Any) -> dict[str, Any]:
        self._told += 1
        return {
            "id": f"{self._code}-{self._told:02}",
            "source": SOURCE,
            "type": f"dossier.{kind}",
            "subject": self._code,
            "time": self._now.isoformat(),
            "data": data,
        }

    def _filed(self, day: date) -> datetime:
        """An instant of the day: any hour that people are awake online, office hours at the counter."""
        if self._channel == "online":
            hours = self._random.triangular(7, 22.5, 10)
            return self._at(day, time(7)) + timedelta(seconds=round((hours - 7) * 3600))
        return self._working_instant(day)

    def _on_day(self, day: date) -> None:
        """Go on to a working instant of `day`, or a few minutes on if that is behind us."""
        self._now = max(self._working_instant(day), self._now + timedelta(minutes=5))

    def _later(self, *, hours: float) -> None:
        """Go on by so many working hours."""
        minutes = Fraction(round(hours * 60), 60)
        self._now = add_working_hours(self._calendar, self._now, minutes).replace(microsecond=0)

    def _paused_since(self, begin: datetime) -> None:
        """Move the due date by the pause that ends now."""
        zone = self._calendar.zone
        self._due = shift(Due.on(self._due, zone), self._calendar, [(begin, self._now)]).day(zone)

    def _some_days_on(self, working_days: int) -> date:
        days = self._calendar.working_days
        return days.nth(days.count_to(self._today) + working_days)

    def _some_day_until_due(self) -> date:
        days = self._calendar.working_days
        first, last = days.count_to(self._today), days.count_to(self._due)
        return days.nth(first + max(0, round((last - first) * self._random.triangular(0.2, 1, 0.8))))

    @property
    def _today(self) -> date:
        return self._now.astimezone(self._calendar.zone).date()

    def _working_instant(self, day: date) -> datetime:
        """An instant in the office hours of a working day."""
        minute = Fraction(self._random.randrange(1, _MINUTES_A_DAY), 60)
        return add_working_hours(self._calendar, self._at(day, time()), minute)

    def _at(self, day: date, clock: time) -> datetime:
        return datetime.combine(day, clock, self._calendar.zone).astimezone(UTC)
