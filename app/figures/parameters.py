"""Figures as they are asked for over HTTP: the query parameters.

It says how parameters look; how they fit together, `asked` checks.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from app.figures.schemas import Wire
from app.kit.codes import Code
from app.metrics.periods import Comparison
from app.metrics.question import Dimension


def _parts(values: Any) -> Any:
    """`group_by=unit&group_by=month` and `group_by=unit,month` are the same."""
    if not isinstance(values, list):
        return values
    return [part for value in values for part in (value.split(",") if isinstance(value, str) else [value])]


Codes = Annotated[list[Code], Field(max_length=1000)]
GroupBy = Annotated[list[Dimension], BeforeValidator(_parts)]


class Whole(Wire):
    """Which units, in which period."""

    period: str | None = Field(
        None,
        description="`2024`, `2024-H1`, `2024-Q1`, `2024-9M` or `2024-03`; with `report:` before it, the reporting period of that name. Absent, and without `from` and `to`: this year to date.",
        examples=["2024-Q1", "report:2024-Q1"],
    )
    from_: str | None = Field(
        None, alias="from", description="First local date, together with `to`.", examples=["2024-01-01"]
    )
    to: str | None = Field(None, description="Last local date, inclusive.", examples=["2024-03-31"])
    unit: Codes = Field(
        [], description="These units with all below them; repeatable. Absent: all that the key may see."
    )
    structure: Literal["then", "now"] = Field(
        "then",
        description="`then`: dossiers under the unit they name, rolled up as on the last day of the period. `now`: under the unit that has taken it over by today, rolled up as today; one that was split stays under its code.",
    )
    lang: Literal["vi", "en"] | None = Field(None, description="Language of names; else `Accept-Language`.")


class Within(Whole):
    """Which dossiers, in which period."""

    procedure: Codes = Field([], description="These procedures, as published or canonical; repeatable.")
    sector: Codes = Field(
        [], description="Procedures of these sectors, as the directory has them; repeatable."
    )
    channel: list[Literal["online", "counter", "post"]] = Field(
        [], max_length=1000, description="These channels; repeatable."
    )


class SummaryAsked(Within):
    """The query parameters of the summary."""

    compare: Comparison | None = Field(
        None,
        description="Sets beside each figure that of the period of the same kind before, or of the same one a year before; while the period runs, cut at as many days as have begun.",
    )


class Asked(SummaryAsked):
    """The query parameters of every figure."""

    group_by: GroupBy = Field(
        [],
        description="Up to two keys, repeated or separated by commas. `unit`: dossiers of that very unit. `child`: the direct children of `unit=`, each with all below it, and the unit's own dossiers as a row with `self`. Times follow the calendar of the period. `source`, of reporting_delay only: who sent the events.",
        examples=[["unit", "month"]],
    )


class RateAsked(Asked):
    """The query parameters of a rate or a statistic; statistics have no rate to order by."""

    order: Literal["rate", "-rate", "code"] = Field(
        "code", description="By rate, rising or falling, rows without a rate last; or by the keys' codes."
    )


class CountsAsked(Asked):
    """The query parameters of the counts."""

    order: Literal["code"] = Field("code", description="By the keys' codes.")


class BehindAsked(Within):
    """The query parameters of the dossiers behind a figure."""

    part: str | None = Field(
        None,
        max_length=64,
        description="`numerator` (also when absent), `denominator`, or `difference`: those of the denominator that are not in the numerator. Of `counts`: the name of a count other than `residual`.",
        examples=["difference"],
    )
    own: bool = Field(
        False,
        description="Only dossiers of the units named by `unit=`, without those below: a row by `unit`, or the row with `self` by `child`.",
    )
    sector_unknown: bool = Field(
        False,
        description="Only dossiers whose procedure has no known sector: the row by `sector` without a code.",
    )
    cursor: str | None = Field(None, max_length=512, description="`next_cursor` of the page before.")
    limit: int = Field(100, ge=1, le=1000, description="Items a page.")
