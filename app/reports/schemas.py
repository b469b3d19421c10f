"""The forms as they are answered over HTTP.

Wire models only.
"""

from datetime import datetime

from pydantic import Field

from app.figures.schemas import Dates, Named, Wire


class ColumnOut(Wire):
    """A column of the printed form."""

    number: int = Field(examples=[3])
    name: str = Field(description="Its member in `rows` and `total`.", examples=["total"])
    heading: str
    formula: str | None


class Line(Wire):
    """The numbered columns of one line: numbers of dossiers."""

    total: int = Field(description="Column 3 = 4 + 5 + 6")
    received_online: int = Field(description="Column 4")
    received_counter_post: int = Field(description="Column 5")
    carried_over: int = Field(description="Column 6")
    resolved: int = Field(description="Column 7 = 8 + 9 + 10")
    resolved_early: int = Field(description="Column 8")
    resolved_on_time: int = Field(
        description="Column 9, with undated ones and those withdrawn, stopped or refused that are not late."
    )
    resolved_late: int = Field(description="Column 10")
    in_progress: int = Field(description="Column 11 = 12 + 13")
    in_progress_not_due: int = Field(description="Column 12")
    in_progress_overdue: int = Field(description="Column 13")
    residual: int = Field(description="Column 3 − 7 − 11; 0 when the line balances.")


class SectorLine(Line):
    """The line of one sector."""

    number: int = Field(description="Column 1")
    sector: Named = Field(description="Column 2; its code is null where the data do not say.")


class FormAnswer(Wire):
    """Form II.06a of one period."""

    report: str = Field(examples=["II.06a/VPCP/KSTT"])
    title: str
    issued: str
    period: Dates
    unit: Named | None = Field(description="Who reports; null: all units together.")
    as_of: datetime
    computed_through: datetime = Field(description="Every event acknowledged before this is included.")
    final: bool = Field(description="true: answered from a closing.")
    columns: list[ColumnOut]
    rows: list[SectorLine]
    total: Line
    notes: list[str] = Field(description="Footnotes with their numbers.")
