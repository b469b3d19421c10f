"""What happens to one dossier of the sample city, from its filing to its result, and when its software tells of it.

It refuses to know the present, where events are kept, and any person.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from random import Random
from typing import Any, Final, NamedTuple

from app.demo.places import (
    BELATED,
    CITY,
    REFORM,
    SERVICES,
    WARDS,
    Service,
    Ward,
    wards_before,
)
from app.demo.seasons import habit, strain
from app.worktime.calendar import Calendar
from app.worktime.deadline import (
    Due,
    add_working_days,
    add_working_hours,
    last_working_day_before,
    shift,
)

_GIVEN_UP: Final = 30
"""Working days after which a dossier whose applicant does not answer is stopped."""

_MINUTES_A_DAY: Final = 480
_BELATED_BY: Final = timedelta(days=3)
_FRIDAY: Final = 4
_HANDED_OVER: Final = time(8)
"""Local time on the day of the reform at which the wards took over what was open."""

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
_MISREPORTED: Final = 0.006
_TOLD_TWICE: Final = 0.002
_VOIDED: Final = 0.002


class Told(NamedTuple):
    """An event, and the instant from which its software has it to send."""

    at: datetime
    event: dict[str, Any]


class Dossier:
    """One dossier in the making: what it is, and the instant up to which its story is told."""

    def __init__(self, random: Random, day: date, number: int, calendar: Calendar) -> None:
        self._random = random
        self._calendar = calendar
        self._is_off = not calendar.windows(day)
        self._ward: Ward = random.choices(WARDS, [ward.weight for ward in WARDS])[0]
        self._service: Service = self._asked_for()
        self._filed_on = day
        self._channel = self._chosen_channel()
        self._office = self._accountable(day)
        self._code = f"MAU-{self._office}-{day:%y%m%d}-{number:04}"
        self._told = 0
        self._is_received = False
        self._is_over = False
        self._now = self._filed(day)
        self._due = day

    def story(self) -> Iterator[Told]:
        """The whole story, in the order in which things happen."""
        reform = self._at(REFORM, _HANDED_OVER)
        for fact in self._facts():
            if self._is_received and self._office != self._ward.unit.code and self._now >= reform:
                self._office = self._ward.unit.code
                yield self._told_of("transferred", reform, unit=self._office)
            self._is_received |= fact.event["type"] == "dossier.received"
            yield fact

    def _facts(self) -> Iterator[Told]:
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
        if self._is_off or self._chance(self._ward.online * habit(self._filed_on)):
            return "online"
        return "post" if self._chance(_BY_POST) else "counter"

    def _accountable(self, day: date) -> str:
        """Who answers for the dossier on the day of its filing."""
        if day >= REFORM:
            return self._ward.unit.code
        if self._service.of_city:
            return CITY.code
        return self._random.choice(wards_before(self._ward.unit.code)).code

    def _what(self) -> dict[str, str]:
        if self._now >= self._at(REFORM, time()):
            self._office = self._ward.unit.code
        return {"unit": self._office, "procedure": self._service.procedure.code}

    def _supplement(self) -> Iterator[Told]:
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

    def _fee(self) -> Iterator[Told]:
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
        likely = self._ward.pays_online * habit(self._filed_on)
        if self._channel != "online":
            likely *= _PAID_ONLINE_OF_OTHERS
        if self._chance(likely):
            gateway = self._random.choice(("national", "national", "local"))
            yield self._event("paid_online", amount=amount, gateway=gateway)
        else:
            yield self._event("paid_in_person", amount=amount)

    def _end(self) -> Iterator[Told]:
        if self._chance(_WITHDRAWN):
            self._later(hours=self._random.uniform(1, 8))
            yield self._event("withdrawn", reason="Người nộp xin rút (mẫu)")
            return
        if self._chance(self._service.late * self._ward.late * strain(self._filed_on)):
            yield from self._late()
        else:
            self._on_day(self._some_day_until_due())
        if self._chance(_MISREPORTED):
            yield from self._corrected()
        else:
            yield self._processed("approved" if self._chance(_APPROVED) else "refused")
        if self._chance(_TOLD_TWICE):
            yield self._event("received", **self._what(), channel=self._channel)
        self._on_day(self._some_days_on(self._random.choice((0, 0, 1, 2, 5))))
        yield self._event("returned", channel=self._channel)
        if self._chance(_VOIDED):
            yield self._event("voided", reason="Nhập nhầm (mẫu)")

    def _processed(self, outcome: str) -> Told:
        return self._event("processed", outcome=outcome, electronic_result=self._chance(_ELECTRONIC))

    def _corrected(self) -> Iterator[Told]:
        """The wrong outcome is told, taken back on the next working day, and the right one told in its place."""
        wrong = self._processed("refused")
        yield wrong
        right = self._processed("approved").event
        self._on_day(self._some_days_on(1))
        yield self._event("event.retracted", event_id=wrong.event["id"], reason="Ghi nhầm kết quả (mẫu)")
        yield Told(self._sent(self._now), right)

    def _late(self) -> Iterator[Told]:
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

    def _give_up(self, reason: str) -> Iterator[Told]:
        self._on_day(self._some_days_on(_GIVEN_UP))
        yield self._event("stopped", reason=reason)
        self._is_over = True

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _event(self, kind: str, **data: Any) -> Told:
        return self._told_of(kind, self._now, **data)

    def _told_of(self, kind: str, at: datetime, **data: Any) -> Told:
        self._told += 1
        event = {
            "id": f"{self._code}-{self._told:02}",
            "source": self._ward.source,
            "type": kind if "." in kind else f"dossier.{kind}",
            "subject": self._code,
            "time": at.isoformat(),
            "data": data,
        }
        return Told(self._sent(at), event)

    def _sent(self, at: datetime) -> datetime:
        """When the software of the office has it to send: at once, or with the list of some Friday."""
        if self._ward.source != BELATED:
            return at
        day = at.astimezone(self._calendar.zone).date() + _BELATED_BY
        return self._at(day + timedelta(days=(_FRIDAY - day.weekday()) % 7), time(16))

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
