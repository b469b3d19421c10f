"""Who is behind a target, who has recovered, and what an open alert becomes: one rule against one figure.

Pure, and exact: whole numbers and fractions, never floats. It refuses to know units, where figures and alerts are kept,
and what time it is.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal, NamedTuple, cast

from app.metrics.periods import Period, TimeGroup, to_date

Window = Literal["month_to_date", "quarter_to_date", "year_to_date", "rolling_30d"]
"""The days that a rule looks at, today included."""

_ROLLING: Final = "rolling_30d"
_ROLLING_DAYS: Final = 30


class Figure(NamedTuple):
    """A rate as what it is made of."""

    numerator: int
    denominator: int


@dataclass(frozen=True, slots=True)
class Rule:
    """`target` and `margin` are shares from 0 to 1; below `min_denominator` dossiers nobody is judged."""

    key: str
    metric: str
    window: Window
    target: Decimal
    min_denominator: int
    margin: Decimal


class Decision(NamedTuple):
    """What becomes of the open alert, and whether a new one is raised; both when a window has turned."""

    closes_as: Literal["recovered", "expired"] | None = None
    raises: bool = False


def period(window: Window, today: date) -> Period:
    """The local days of the window on the local day `today`, which is its last."""
    if window == _ROLLING:
        return Period(today - timedelta(days=_ROLLING_DAYS - 1), today)
    return to_date(today, cast("TimeGroup", window.removesuffix("_to_date")))


def decide(rule: Rule, figure: Figure, *, begins: date, alerted: date | None) -> Decision:
    """What follows for a unit from its `figure` in the window that begins on the day `begins`.

    `alerted` is the first day of the window in which the unit's open alert was raised, None without one. An alert of
    a window that has turned expires, and the unit is judged afresh. Otherwise it stays open until the unit has
    recovered: from the target up to the margin above it, and while too few dossiers are left to judge by, nothing
    changes, so that a rate that sways around the target raises and clears no row of alerts.
    """
    if alerted is None:
        return Decision(raises=is_behind(rule, figure))
    if rule.window != _ROLLING and alerted != begins:
        return Decision("expired", raises=is_behind(rule, figure))
    return Decision("recovered" if has_recovered(rule, figure) else None)


def is_behind(rule: Rule, figure: Figure) -> bool:
    """Whether there is enough to judge by, and the rate is below the target; equality is enough."""
    return _is_judged(rule, figure) and Fraction(*figure) < Fraction(rule.target)


def has_recovered(rule: Rule, figure: Figure) -> bool:
    """Whether there is enough to judge by, and the rate has reached the target with its margin, or 1."""
    enough = min(Fraction(rule.target) + Fraction(rule.margin), Fraction(1))
    return _is_judged(rule, figure) and Fraction(*figure) >= enough


def needed(figure: Figure, target: Decimal) -> int | None:
    """The least number of further dossiers, all in time, that brings the rate to the target.

    They count above and below the line: (numerator + n) / (denominator + n). None where no number does: a target
    of 1 with one dossier late.
    """
    share = Fraction(target)
    short = share * figure.denominator - figure.numerator
    if short <= 0:
        return 0
    # (numerator + n) >= share * (denominator + n), solved for n and rounded up.
    return -(-short // (1 - share)) if share < 1 else None


def _is_judged(rule: Rule, figure: Figure) -> bool:
    return figure.denominator >= max(1, rule.min_denominator)
