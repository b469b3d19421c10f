"""How far a unit is from its target: what it still needs, how many misses it can bear, and when that runs out.

Pure, and exact. It refuses to know units, calendars and what time it is; days are counted, not named.
"""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal, NamedTuple

Grows = Literal["both", "numerator"]
"""What one more success adds: a dossier above and below the line, or above it alone."""

GROWS: Final[Mapping[str, Grows]] = {
    "apology": "numerator",
    "online_payment": "numerator",
    "online_payment_procedures": "numerator",
    "online_with_result": "numerator",
}
"""Metrics whose denominator holds already what can still succeed: late dossiers without an apology, fees not yet paid,
results not yet issued. Every other rate grows by new dossiers."""

AT_ONE_INSTANT: Final = frozenset(
    {"on_time_of_workload", "apology", "apology_in_time", "online_payment_procedures"}
)
"""Metrics that count what stands at E or what is distinct: the figure of some days is no pace of the whole period."""


class Pace(NamedTuple):
    """What came in the last `days` working days: `counted` dossiers in the denominator, `missed` not in the numerator."""

    counted: int
    missed: int
    days: int


def needed(ratio: tuple[int, int], target: Decimal, grows: Grows = "both") -> int | None:
    """The least number of further successes that brings numerator / denominator to the target; 0 when it is reached.

    By `both`: (numerator + n) / (denominator + n) ≥ target; by `numerator`: (numerator + n) / denominator ≥ target.
    None where no number does: a target of 1 with one dossier late.
    """
    numerator, denominator = ratio
    share = Fraction(target)
    short = share * denominator - numerator
    if short <= 0:
        return 0
    if grows == "numerator":
        return -(-short // 1)
    return -(-short // (1 - share)) if share < 1 else None


def bearable(ratio: tuple[int, int], target: Decimal) -> int | None:
    """How many further dossiers that miss the rate can bear and still be at the target: the late budget.

    The greatest k with numerator / (denominator + k) ≥ target, and 0 when it is below. None: any number, a target of 0.
    """
    numerator, denominator = ratio
    share = Fraction(target)
    if not share:
        return None
    return max(0, numerator * share.denominator // share.numerator - denominator)


def runs_out(ratio: tuple[int, int], target: Decimal, pace: Pace) -> int | None:
    """In how many working days, at this pace, the rate falls below the target; 0 when it is below, None for never.

    After w days it is (numerator + w·hits) / (denominator + w·counted), with what came a day; w is the least whole
    number for which that is below.
    """
    numerator, denominator = ratio
    share = Fraction(target)
    room = numerator - share * denominator
    if room < 0:
        return 0
    if pace.days <= 0:
        return None
    lost = (share * pace.counted - (pace.counted - pace.missed)) / pace.days
    return None if lost <= 0 else room // lost + 1
