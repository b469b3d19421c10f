"""How numbers, rates, days and instants are written for a reader of either language.

Pure: exact ratios come in, text goes out; the zone of an instant is an argument.
"""

from datetime import date, datetime, tzinfo
from fractions import Fraction
from typing import Final

from app.kit.text import Language
from app.targets.scoring import rounded

NOTHING: Final = "–"
"""Stands where there is no number: an empty denominator is no 0 % and no 100 %."""

_SIZES: Final = ((86_400, "ngày", "d"), (3_600, "giờ", "h"), (60, "phút", "min"), (1, "giây", "s"))
_HUNDREDTHS: Final = 10_000
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def number(value: int, spoken: Language) -> str:
    """A whole number with the thousands set apart: 12.345 in Vietnamese, 12,345 in English."""
    text = f"{value:,}".replace("-", "−")
    return text if spoken == "en" else text.replace(",", ".")


def rate(numerator: int, denominator: int, spoken: Language) -> str:
    """The ratio in percent, rounded half up to two decimals; a dash when the denominator is 0."""
    if denominator == 0:
        return NOTHING
    hundredths = (2 * _HUNDREDTHS * numerator + denominator) // (2 * denominator)
    return _percent(hundredths, spoken)


def percent(share: float | None, spoken: Language) -> str:
    """A share between 0 and 1, such as a target, in percent without needless zeros."""
    if share is None:
        return NOTHING
    text = f"{share * 100:.4f}".rstrip("0").rstrip(".")
    return f"{text if spoken == 'en' else text.replace('.', ',')} %"


def points(share: float | None, spoken: Language) -> str:
    """A difference of shares, in percentage points with its sign."""
    if share is None:
        return NOTHING
    text = f"{share * 100:+.2f}".replace("-", "−")
    return text if spoken == "en" else text.replace(".", ",")


def score(value: Fraction | None, spoken: Language) -> str:
    """Points, rounded half up to two decimals; a dash for none."""
    if value is None:
        return NOTHING
    text = f"{rounded(value, 2):f}"
    return text if spoken == "en" else text.replace(".", ",")


def change(value: Fraction, spoken: Language) -> str:
    """A difference of shares, in percentage points with its sign, rounded half up to two decimals."""
    text = f"{rounded(100 * value, 2):+f}".replace("-", "−")
    return text if spoken == "en" else text.replace(".", ",")


def day(value: date, spoken: Language) -> str:
    """20/03/2026 in Vietnamese, 20 Mar 2026 in English."""
    if spoken == "en":
        return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"
    return value.strftime("%d/%m/%Y")


def instant(value: datetime | None, zone: tzinfo, spoken: Language) -> str:
    """An instant on the clocks of `zone`, to the minute; a dash for none."""
    if value is None:
        return NOTHING
    local = value.astimezone(zone)
    return f"{local:%H:%M} {day(local.date(), spoken)}"


def duration(seconds: float | None, spoken: Language) -> str:
    """A length of time in the coarsest of days, hours, minutes and seconds that it fills; a dash for none."""
    if seconds is None:
        return NOTHING
    size, vi, en = next((one for one in _SIZES if seconds >= one[0]), _SIZES[-1])
    amount = f"{rounded(Fraction(seconds) / size, 1):f}".removesuffix(".0")
    return f"{amount} {en}" if spoken == "en" else f"{amount.replace('.', ',')} {vi}"


def due(value: str | None, zone: tzinfo, spoken: Language) -> str:
    """A due date as the slip has it: a bare local date, or an instant; a dash for none."""
    if value is None:
        return NOTHING
    if "T" in value:
        return instant(datetime.fromisoformat(value), zone, spoken)
    return day(date.fromisoformat(value), spoken)


def month(label: str) -> str:
    """`2026-03` as 3/2026, which both languages read."""
    year, _, of_year = label.partition("-")
    return f"{int(of_year)}/{year}"


def _percent(hundredths: int, spoken: Language) -> str:
    text = f"{hundredths // 100}.{hundredths % 100:02}"
    return f"{text if spoken == 'en' else text.replace('.', ',')} %"
