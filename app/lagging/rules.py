"""Who is behind a target, who has recovered, and what an open alert becomes: one rule against one figure.

Pure, and exact: whole numbers and fractions, never floats. It refuses to know units, where figures and alerts are kept,
and what time it is.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal, NamedTuple, cast

from app.metrics.periods import Period, TimeGroup, containing, to_date
from app.targets.scoring import Ratio

Window = Literal["month_to_date", "quarter_to_date", "year_to_date", "rolling_30d"]
"""The days that a rule looks at, today included."""

_ROLLING: Final = "rolling_30d"
_ROLLING_DAYS: Final = 30


Figure = Ratio
"""A rate as what it is made of."""

Toward = Literal["raise", "recover"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What units owe, and when that is told.

    `target` and `margin` are shares from 0 to 1; a rule without a target takes each unit's from its commitment. Below
    `min_denominator` dossiers nobody is judged. `hold`, `repeat_after` and `escalate_after` are working days; None:
    never. `warns`: whether units are told that they will be behind before they are.
    """

    key: str
    metric: str
    window: Window
    target: Decimal | None
    min_denominator: int
    margin: Decimal
    hold: int = 0
    repeat_after: int | None = None
    escalate_after: int | None = None
    warns: bool = False

    @property
    def owed(self) -> Fraction:
        """The target of a rule that has one, its own or a commitment's."""
        if self.target is None:
            raise ValueError(f"the rule {self.key} is judged by a commitment's target")
        return Fraction(self.target)


class Decision(NamedTuple):
    """What becomes of the open alert, and whether a new one is raised; both when a window has turned."""

    closes_as: Literal["recovered", "expired"] | None = None
    raises: bool = False


class Pending(NamedTuple):
    """What is about to happen to a unit: seen on every judgement since the local day `since`, in one window."""

    toward: Toward
    since: date
    begins: date


class Outlook(NamedTuple):
    """What is known of the days that are left of a window.

    `recent` came in the last `recent_days` working days; `left` working days remain. `overdue` open dossiers are
    overdue, `due` more fall due before the window ends.
    """

    recent: Figure
    recent_days: int
    left: int
    overdue: int
    due: int


def period(window: Window, today: date) -> Period:
    """The local days of the window on the local day `today`, which is its last."""
    if window == _ROLLING:
        return Period(today - timedelta(days=_ROLLING_DAYS - 1), today)
    return to_date(today, cast("TimeGroup", window.removesuffix("_to_date")))


def window_end(window: Window, today: date) -> date | None:
    """The last local day of the window that `today` lies in; a rolling one has none."""
    if window == _ROLLING:
        return None
    return containing(today, cast("TimeGroup", window.removesuffix("_to_date"))).to


def turned(rule: Rule, alerted: date, begins: date) -> bool:
    """Whether an alert raised in the window that began on `alerted` is of an earlier one than that of `begins`."""
    return rule.window != _ROLLING and alerted != begins


def decide(rule: Rule, figure: Figure, *, begins: date, alerted: date | None) -> Decision:
    """What follows for a unit from its `figure` in the window that begins on the day `begins`.

    `alerted` is the first day of the window in which the unit's open alert was raised, None without one. An alert of
    a window that has turned expires, and the unit is judged afresh. Otherwise it stays open until the unit has
    recovered: from the target up to the margin above it, and while too few dossiers are left to judge by, nothing
    changes, so that a rate that sways around the target raises and clears no row of alerts.
    """
    if alerted is None:
        return Decision(raises=is_behind(rule, figure))
    if turned(rule, alerted, begins):
        return Decision("expired", raises=is_behind(rule, figure))
    return Decision("recovered" if has_recovered(rule, figure) else None)


def held(
    decision: Decision, pending: Pending | None, rule: Rule, *, today: date, begins: date, passed: int
) -> tuple[Decision, Pending | None]:
    """The decision once it has stood for `rule.hold` working days; until then what is pending instead.

    `passed` is the number of working days after `pending.since` up to today. A window that turns begins anew, and so
    does a unit that changes its mind in between. An alert that expires never waits.
    """
    toward: Toward | None = (
        "raise" if decision.raises else "recover" if decision.closes_as == "recovered" else None
    )
    if toward is None or not rule.hold:
        return decision, None
    same = pending is not None and pending.toward == toward
    if rule.window != _ROLLING:
        same = same and pending is not None and pending.begins == begins
    if same and passed >= rule.hold:
        return decision, None
    kept = pending if same else Pending(toward, today, begins)
    expires: Decision = Decision("expired" if decision.closes_as == "expired" else None)
    return expires, kept


def projected(figure: Figure, outlook: Outlook) -> tuple[Fraction, Fraction]:
    """Numerator and denominator at the end of the window, if the days that are left are like the recent ones.

    So many more dossiers are counted as the recent pace brings, but no fewer than those that are overdue or fall due.
    The overdue ones miss; of the others the recent share misses, or none where nothing recent is known.
    """
    numerator, denominator = Fraction(figure.numerator), Fraction(figure.denominator)
    hits, counted = outlook.recent
    pace = Fraction(counted, outlook.recent_days) if outlook.recent_days else Fraction(0)
    more = max(pace * outlook.left, Fraction(outlook.overdue + outlook.due))
    share = Fraction(hits, counted) if counted else Fraction(1)
    return numerator + (more - outlook.overdue) * share, denominator + more


def warned(rule: Rule, figure: Figure, end: tuple[Fraction, Fraction], *, alerted: bool) -> bool | None:
    """Whether a unit is at risk: not behind, but projected to be at the window's `end`; None: as it was.

    A warning that is out ends when the projection has reached the target and the margin above it.
    """
    if not _is_judged(rule, figure) or not end[1]:
        return None
    share = end[0] / end[1]
    if alerted:
        return None if share < min(rule.owed + Fraction(rule.margin), Fraction(1)) else False
    return not is_behind(rule, figure) and share < rule.owed


def is_due(after: int | None, passed: int) -> bool:
    """Whether something that is told every `after` working days is due when `passed` have gone since."""
    return after is not None and passed >= after


def is_behind(rule: Rule, figure: Figure) -> bool:
    """Whether there is enough to judge by, and the rate is below the target; equality is enough."""
    return _is_judged(rule, figure) and Fraction(*figure) < rule.owed


def has_recovered(rule: Rule, figure: Figure) -> bool:
    """Whether there is enough to judge by, and the rate has reached the target with its margin, or 1."""
    enough = min(rule.owed + Fraction(rule.margin), Fraction(1))
    return _is_judged(rule, figure) and Fraction(*figure) >= enough


def _is_judged(rule: Rule, figure: Figure) -> bool:
    return figure.denominator >= max(1, rule.min_denominator)
