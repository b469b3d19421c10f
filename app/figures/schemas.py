"""Figures as they are answered over HTTP.

It says how documents look; what they mean is the catalogue's.
"""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Wire(BaseModel):
    """What stands in a request or an answer; a field of another name is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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
    source: str | None = Field(None, description="Of reporting_delay only.", examples=["/igate/h44"])


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
    target: float | None = Field(
        description="Of the one commitment that covers all of the period; null: there is none, or this is no whole unit.",
        examples=[0.95],
    )
    gap: float | None = Field(description="rate − target.", examples=[-0.001844])
    status: Literal["reached", "lagging"] | None = Field(
        description="By the exact rate; null: no target, or no rate.", examples=["lagging"]
    )
    excluded: dict[str, int] = Field(
        description="Dossiers left out of the denominator, by reason.", examples=[{"undated": 12}]
    )


class Earlier(Wire):
    """A rate in the period it is compared with."""

    numerator: int
    denominator: int
    rate: float | None


class RateTotal(Ratio):
    """A rate without keys."""

    previous: Earlier | None = Field(None, description="Present with `compare`.")


class RateRow(RateTotal, Keys):
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
    late_in_data_only: int = Field(
        description="Of those on time: looked late, since the end was reported after the due date."
    )
    in_progress_not_due: int
    in_progress_overdue: int
    waiting_supplement: int = Field(description="Of those in progress.")
    waiting_fee: int = Field(description="Of those in progress.")
    residual: int = Field(description="received + carried_over − resolved − in_progress; 0 when all is well.")


class CountsTotal(Counts):
    """The counts without keys."""

    previous: Counts | None = Field(None, description="Present with `compare`.")


class CountsRow(CountsTotal, Keys):
    """One group of the counts."""


class Summary(Comparable):
    """How long something took; null of none."""

    count: int = Field(examples=[1003])
    mean: float | None = Field(
        description="As all of these rounded half up to six decimals.", examples=[11.25]
    )
    median: float | None = Field(examples=[8.0])
    p90: float | None = Field(
        description="90th percentile; between two values it lies in proportion.", examples=[24.5]
    )
    unit: Literal["second", "working_hour"]


class SummaryTotal(Summary):
    """A statistic without keys."""

    previous: Summary | None = Field(None, description="Present with `compare`.")


class SummaryRow(SummaryTotal, Keys):
    """One group of a statistic."""

    unit: Named | Literal["second", "working_hour"] | None = Field(  # type: ignore[assignment] # the key, where it is asked for, stands in the place of the unit of measurement
        None,
        description="The key, where it is grouped by unit; else the unit of measurement, as in the total.",
    )


class Dates(Wire):
    """Local dates, both inclusive."""

    from_: date = Field(alias="from", examples=["2024-01-01"])
    to: date = Field(examples=["2024-03-31"])


class Dated(Wire):
    """Which period an answer is of, and how fresh it is."""

    period: Dates
    compared: Dates | None = Field(None, description="Present with `compare`: the other period.")
    as_of: datetime = Field(description="When it was answered.")
    computed_through: datetime = Field(description="Every event acknowledged before this is included.")
    final: bool = Field(description="true: answered from a closing.")


class _Answer(Dated):
    metric: str
    definition_version: int


class Rates(_Answer):
    """A rate: in total and by group."""

    total: RateTotal
    rows: list[RateRow]


class CountsAnswer(_Answer):
    """The counts: in total and by group. Open and carried-over dossiers do not add up over time."""

    total: CountsTotal
    rows: list[CountsRow]


class Summaries(_Answer):
    """A statistic: in total and by group."""

    total: SummaryTotal
    rows: list[SummaryRow]


class Overview(Dated):
    """Every metric of one period in one answer."""

    metrics: dict[str, RateTotal | CountsTotal | SummaryTotal] = Field(
        description="Key of `GET /v1/metrics` → its figure, as the total of its own answer."
    )


class Said(Wire):
    """A text in both languages."""

    vi: str
    en: str


class Entry(Wire):
    """One metric of the catalogue."""

    key: str = Field(examples=["on_time"])
    kind: Literal["rate", "counts", "statistic"]
    version: int = Field(description="Version of the definition.")
    names: Said
    definition: Said
    legal_basis: Said
    parts: dict[str, Said] = Field(
        description="What it is made of: `numerator` and `denominator` of a rate, every number of the counts or of a statistic."
    )
    example: Said | None = Field(description="A worked example; null of the counts.")


class Catalogue(Wire):
    """Every metric that is answered."""

    items: list[Entry]
    next_cursor: None = None
