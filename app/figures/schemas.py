"""Figures as they are asked for and answered over HTTP.

It says how parameters and documents look; what they mean is the catalogue's.
"""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.kit.codes import Code
from app.metrics.question import Dimension


class Wire(BaseModel):
    """What stands in a request or an answer; a field of another name is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _parts(values: Any) -> Any:
    """`group_by=unit&group_by=month` and `group_by=unit,month` are the same."""
    if not isinstance(values, list):
        return values
    return [part for value in values for part in (value.split(",") if isinstance(value, str) else [value])]


Codes = Annotated[list[Code], Field(max_length=1000)]


class Asked(Wire):
    """The query parameters of every figure."""

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
    procedure: Codes = Field([], description="These procedures, as published or canonical; repeatable.")
    sector: Codes = Field(
        [], description="Procedures of these sectors, as the directory has them; repeatable."
    )
    channel: list[Literal["online", "counter", "post"]] = Field(
        [], max_length=1000, description="These channels; repeatable."
    )
    group_by: Annotated[list[Dimension], BeforeValidator(_parts)] = Field(
        [],
        description="Up to two keys, repeated or separated by commas. `unit`: dossiers of that very unit. `child`: the direct children of `unit=`, each with all below it, and the unit's own dossiers as a row with `self`. Times follow the calendar of the period.",
        examples=[["unit", "month"]],
    )
    structure: Literal["then", "now"] = Field(
        "then",
        description="`then`: dossiers under the unit they name, rolled up as on the last day of the period. `now`: under the unit that has taken it over by today, rolled up as today; one that was split stays under its code.",
    )
    lang: Literal["vi", "en"] | None = Field(None, description="Language of names; else `Accept-Language`.")


class RateAsked(Asked):
    """The query parameters of a rate."""

    order: Literal["rate", "-rate", "code"] = Field(
        "code", description="By rate, rising or falling, rows without a rate last; or by the keys' codes."
    )


class CountsAsked(Asked):
    """The query parameters of the counts."""

    order: Literal["code"] = Field("code", description="By the keys' codes.")


class Named(Wire):
    """A unit, procedure or sector. The name is the code where the directory has none."""

    code: str | None = Field(description="null: the data do not say.", examples=["H10.25"])
    name: str | None = Field(examples=["UBND phường Mũi Né"])


class Keys(Wire):
    """The keys of a row: those that were asked for, no others."""

    unit: Named | None = None
    child: Named | None = None
    self_: bool = Field(False, alias="self", description="true: the own dossiers of the unit asked for.")
    procedure: Named | None = None
    sector: Named | None = None
    channel: str | None = None
    day: date | None = None
    month: str | None = Field(None, examples=["2024-03"])
    quarter: str | None = Field(None, examples=["2024-Q1"])
    year: str | None = Field(None, examples=["2024"])


class Comparable(Wire):
    """Whether a figure can be compared over time; told for `structure=now` only."""

    comparable: bool | None = Field(
        None,
        description="`structure=now` only. false: a unit was split between this and others, in unknown shares.",
    )


class Ratio(Comparable):
    """A rate with what it is made of."""

    numerator: int = Field(examples=[951])
    denominator: int = Field(examples=[1003])
    rate: float | None = Field(
        description="Rounded half up to six decimals; null when the denominator is 0.", examples=[0.948156]
    )
    target: float | None = Field(description="null: no commitment covers it.", examples=[None])
    gap: float | None = Field(description="rate − target.", examples=[None])
    status: str | None = Field(description="null: there is no target.", examples=[None])
    excluded: dict[str, int] = Field(
        description="Dossiers left out of the denominator, by reason.", examples=[{"undated": 12}]
    )


class RateRow(Ratio, Keys):
    """One group of a rate."""


class Counts(Comparable):
    """Numbers of dossiers; E is the earlier of now and the end of the period."""

    received: int
    received_online: int
    received_counter: int
    received_post: int
    received_level_full: int
    received_level_partial: int
    received_level_none: int
    received_level_unknown: int
    carried_over: int = Field(description="Received before the period and not ended before it.")
    resolved: int
    resolved_early: int
    resolved_on_time: int
    resolved_late: int
    resolved_undated: int
    withdrawn: int = Field(description="Of the resolved.")
    stopped: int = Field(description="Of the resolved.")
    in_progress: int = Field(description="At E.")
    in_progress_not_due: int
    in_progress_overdue: int
    waiting_supplement: int = Field(description="Of those in progress.")
    waiting_fee: int = Field(description="Of those in progress.")
    residual: int = Field(description="received + carried_over − resolved − in_progress; 0 when all is well.")


class CountsRow(Counts, Keys):
    """One group of the counts."""


class Dates(Wire):
    """Local dates, both inclusive."""

    from_: date = Field(alias="from", examples=["2024-01-01"])
    to: date = Field(examples=["2024-03-31"])


class _Answer(Wire):
    metric: str
    definition_version: int
    period: Dates
    as_of: datetime = Field(description="When it was answered.")
    computed_through: datetime = Field(description="Every event acknowledged before this is included.")
    final: bool = Field(description="true: answered from a closing.")


class Rates(_Answer):
    """A rate: in total and by group."""

    total: Ratio
    rows: list[RateRow]


class CountsAnswer(_Answer):
    """The counts: in total and by group. Open and carried-over dossiers do not add up over time."""

    total: Counts
    rows: list[CountsRow]


class Said(Wire):
    """A text in both languages."""

    vi: str
    en: str


class Entry(Wire):
    """One metric of the catalogue."""

    key: str = Field(examples=["on_time"])
    kind: Literal["rate", "counts"]
    version: int = Field(description="Version of the definition.")
    names: Said
    definition: Said
    legal_basis: Said
    parts: dict[str, Said] = Field(
        description="What it is made of: `numerator` and `denominator` of a rate, every number of the counts."
    )


class Catalogue(Wire):
    """Every metric that is answered."""

    items: list[Entry]
    next_cursor: None = None
