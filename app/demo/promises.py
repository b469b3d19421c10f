"""What the wards of the sample city signed, and the rules by which their people are told that they fall behind.

Invented, as everything of the sample city. It refuses to know how a promise is kept.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple

from app.demo.places import BACKLOG, BEHIND, PROVINCE, REFORM, WARDS
from app.lagging.rules import Rule

RULES: Final = (
    Rule(
        key="sample-on-time",
        metric="on_time",
        window="rolling_30d",  # always full, so that there is an alert to see on the first of a month too
        target=Decimal("0.95"),
        min_denominator=15,
        margin=Decimal("0.01"),
    ),
    Rule(
        key="sample-committed",
        metric="on_time",
        window="year_to_date",
        target=None,  # each ward's own
        min_denominator=30,
        margin=Decimal("0.005"),
        hold=1,
        escalate_after=5,
        warns=True,
    ),
    Rule(
        key="sample-apology",
        metric="apology",
        window="year_to_date",
        target=None,
        min_denominator=10,
        margin=Decimal("0.02"),
        repeat_after=10,
    ),
)


class Signed(NamedTuple):
    """One version of a commitment, in the order of versions under its `id`."""

    id: str
    unit: str
    metric: str
    period: str
    target: Decimal
    signed_by: str
    signed_on: date
    document: str

    def row(self) -> dict[str, Any]:
        """As the register takes it."""
        return self._asdict()


# Owed by the province, and so by each ward that signed nothing of its own.
_COMMON: Final = (
    ("on_time", "0.95"),
    ("full_online", "0.68"),
    ("online_payment", "0.45"),
    ("online_payment_procedures", "0.90"),
    ("apology", "0.80"),
)
_OWN: Final = {ward.unit.code: "0.97" for ward in WARDS[:3]} | {BEHIND: "0.95", BACKLOG: "0.96"}
_MID_YEAR: Final = "0.93"
"""What the ward that is behind was let off to, when a new head signed."""


def signed(through: date) -> Iterator[Signed]:
    """Every version signed on a day up to and including `through`, first versions first."""
    for year in range(REFORM.year, through.year + 1):
        is_first = year == REFORM.year
        period = f"{year}-H2" if is_first else str(year)
        on = date(year, 7, 15) if is_first else date(year, 1, 12)
        found = [*_at_the_top(period, on), *_of_wards(period, on)]
        if not is_first:
            found.append(_of_ward(BEHIND, period, date(year, 7, 6), _MID_YEAR))
        yield from (one for one in found if one.signed_on <= through)


def _at_the_top(period: str, on: date) -> Iterator[Signed]:
    for metric, target in _COMMON:
        name = f"mau-{PROVINCE.code}-{metric}-{period}"
        office = "Chủ tịch UBND tỉnh (mẫu)"
        yield Signed(
            name, PROVINCE.code, metric, period, Decimal(target), office, on, f"01/CK-UBND-{period} (mẫu)"
        )


def _of_wards(period: str, on: date) -> Iterator[Signed]:
    for unit, target in _OWN.items():
        yield _of_ward(unit, period, on, target)


def _of_ward(unit: str, period: str, on: date, target: str) -> Signed:
    name = f"mau-{unit}-on_time-{period}"
    office = "Chủ tịch UBND phường (mẫu)"
    return Signed(
        name, unit, "on_time", period, Decimal(target), office, on, f"{on:%d%m}/CK-UBND-{period} (mẫu)"
    )
