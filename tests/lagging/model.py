"""What each unit is to be told on which evening: a plain model of the rules, written from docs/lagging.md.

It counts dossiers one by one, walks the days one by one, and works in fractions. The verdict on a single dossier it takes
as given, since the fold has models of its own; of the product it shares the declaration of a rule and nothing else.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from app.lagging.rules import Rule

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
DAY = timedelta(days=1)


class Known(NamedTuple):
    """A dossier as it is known on an evening; `late` is None while it is open, and where nobody can tell."""

    unit: str
    ended: datetime | None
    late: bool | None
    overdue_from: datetime | None


class Told(NamedTuple):
    """A message."""

    day: date
    rule: str
    type: str
    unit: str


class Step(NamedTuple):
    """An alert that was raised or closed, and the figure that raised it or showed that the unit had recovered."""

    day: date
    rule: str
    level: str
    unit: str
    what: str
    numerator: int | None
    denominator: int | None


@dataclass
class Alert:
    """An open alert."""

    begins: date
    told: date
    escalated: date
    levels: int = 0
    acknowledged: bool = False
    muted_until: date = date.min


Place = tuple[str, str, str]
"""Level, rule and unit of an alert."""


@dataclass
class Model:
    """Two levels of units: `top`, and those below it. `promised`: unit → what it owes in `year`, from which day on."""

    rules: Sequence[Rule]
    top: str
    year: int
    promised: Mapping[str, Sequence[tuple[date, Fraction]]]
    open: dict[Place, Alert] = field(default_factory=dict)
    since: dict[tuple[str, str], tuple[str, date, date]] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def evening(self, now: datetime, dossiers: Iterable[Known]) -> None:
        """Judge every unit by every rule."""
        today = now.astimezone(HANOI).date()
        of: defaultdict[str, list[Known]] = defaultdict(list)
        for one in dossiers:
            for unit in {one.unit, self.top}:
                of[unit].append(one)
        for rule in self.rules:
            for unit in sorted(of):
                _Judgement(self, rule, unit, now, today, of[unit]).run()


@dataclass
class _Judgement:
    model: Model
    rule: Rule
    unit: str
    now: datetime
    today: date
    dossiers: Sequence[Known]

    def run(self) -> None:
        self.begins = begins(self.rule, self.today)
        self._expire()
        target = self._target()
        if target is not None:
            self.target = target
            self._judge()

    def _expire(self) -> None:
        if self._window_ends:
            for level in ("lagging", "at_risk"):
                alert = self.model.open.get((level, self.rule.key, self.unit))
                if alert and alert.begins != self.begins:
                    self._close(level, "expired")

    def _judge(self) -> None:
        self.healthy = min(self.target + Fraction(self.rule.margin), Fraction(1))
        self.late = self._late_since(self.begins)
        self.figure = (self.late.count(False), len(self.late))
        self.enough = len(self.late) >= max(1, self.rule.min_denominator)
        self.behind = self.enough and Fraction(*self.figure) < self.target
        self._lagging()
        if self._window_ends and self.rule.warns and self.enough:
            self._at_risk()

    @property
    def _window_ends(self) -> bool:
        return self.rule.window != "rolling_30d"

    def _target(self) -> Fraction | None:
        if self.rule.target is not None:
            return Fraction(self.rule.target)
        if self.begins.year != self.model.year:
            return None  # no commitment covers the window
        owed = self.model.promised.get(self.unit, self.model.promised[self.model.top])
        return [target for signed, target in owed if signed <= self.today][-1]

    def _late_since(self, first: date) -> list[bool]:
        begin = datetime.combine(first, time(), HANOI)
        return [
            one.late
            for one in self.dossiers
            if one.late is not None and one.ended and begin <= one.ended < self.now
        ]

    def _lagging(self) -> None:
        alert = self.model.open.get(("lagging", self.rule.key, self.unit))
        healed = self.enough and Fraction(*self.figure) >= self.healthy
        wish = "raise" if self.behind and not alert else "recover" if healed and alert else None
        if not self._stood(wish):
            if alert and self.behind:
                self._remind(alert)
        elif alert:
            self._close("lagging", "recovered")
            if self.today > alert.muted_until:
                self._tell("unit.recovered")
        else:
            self._raise("lagging")
            self._tell("unit.lagging")

    def _stood(self, wish: str | None) -> bool:
        """Whether every evening of the last `hold` working days wished it, in one window."""
        place = (self.rule.key, self.unit)
        if wish is None:
            self.model.since.pop(place, None)
            return False
        if not self.rule.hold:
            return True
        noted = self.model.since.get(place)
        if noted is None or noted[0] != wish or noted[2] != self.begins:
            self.model.since[place] = (wish, self.today, self.begins)
            return False
        if weekdays(noted[1], self.today) < self.rule.hold:
            return False
        del self.model.since[place]
        return True

    def _remind(self, alert: Alert) -> None:
        if alert.acknowledged or self.today <= alert.muted_until:
            return
        repeat, escalate = self.rule.repeat_after, self.rule.escalate_after
        if repeat and weekdays(alert.told, self.today) >= repeat:
            alert.told = self.today
            self._tell("unit.lagging")
        above = 0 if self.unit == self.model.top else 1
        if escalate and alert.levels < above and weekdays(alert.escalated, self.today) >= escalate:
            alert.levels, alert.escalated = alert.levels + 1, self.today
            self._tell("unit.escalated")

    def _at_risk(self) -> None:
        share = self._projected()
        if ("at_risk", self.rule.key, self.unit) in self.model.open:
            if share >= self.healthy:
                self._close("at_risk", "recovered")
        elif (
            not self.behind
            and share < self.target
            and ("lagging", self.rule.key, self.unit) not in self.model.open
        ):
            self._raise("at_risk")
            self._tell("unit.at_risk")

    def _projected(self) -> Fraction:
        last = _last(self.rule, self.today)
        recent = self._late_since(_after_the_21st_last_working_day(self.today))
        midnight = datetime.combine(last + DAY, time(), HANOI)
        waiting = [one.overdue_from for one in self.dossiers if one.ended is None and one.overdue_from]
        overdue = sum(due < self.now for due in waiting)
        more = max(
            Fraction(len(recent), 20) * weekdays(self.today, last),
            Fraction(sum(due < midnight for due in waiting)),
        )
        share = Fraction(recent.count(False), len(recent)) if recent else Fraction(1)
        return (self.figure[0] + (more - overdue) * share) / (self.figure[1] + more)

    def _raise(self, level: str) -> None:
        self.model.open[level, self.rule.key, self.unit] = Alert(self.begins, self.today, self.today)
        self._note(level, "raised", *self.figure)

    def _close(self, level: str, how: str) -> None:
        del self.model.open[level, self.rule.key, self.unit]
        self._note(level, how, *(self.figure if how == "recovered" else (None, None)))

    def _note(self, level: str, what: str, numerator: int | None, denominator: int | None) -> None:
        step = Step(self.today, self.rule.key, level, self.unit, what, numerator, denominator)
        self.model.steps.append(step)

    def _tell(self, kind: str) -> None:
        self.model.told.append(Told(self.today, self.rule.key, kind, self.unit))


def begins(rule: Rule, today: date) -> date:
    return {
        "month_to_date": today.replace(day=1),
        "quarter_to_date": today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1),
        "year_to_date": today.replace(month=1, day=1),
        "rolling_30d": today - timedelta(days=29),
    }[rule.window]


@cache
def _last(rule: Rule, today: date) -> date:
    """The last day of the window: the day before it turns."""
    following = today
    while begins(rule, following) == begins(rule, today):
        following += DAY
    return following - DAY


@cache
def weekdays(since: date, today: date) -> int:
    """Monday to Friday, after `since` up to `today`."""
    return sum((since + timedelta(days=n)).weekday() < 5 for n in range(1, (today - since).days + 1))


@cache
def _after_the_21st_last_working_day(today: date) -> date:
    """So that twenty working days lie from here up to `today`."""
    first = today
    while weekdays(first - DAY, today) <= 20:
        first -= DAY
    return first + DAY
