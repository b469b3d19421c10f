"""The quality of data as it is answered over HTTP.

Wire models only.
"""

from pydantic import Field

from app.figures.schemas import Dated, Named, Summary, Wire


class FoundOut(Wire):
    """So many dossiers of a unit, told of by a source, show something of a kind."""

    kind: str = Field(examples=["second_reception"])
    says: str
    source: str
    unit: Named
    dossiers: int


class DelayOut(Summary):
    """How late a source tells what happened, in seconds."""

    source: str


class Lateness(Wire):
    """Late in fact against late in the data, of the dossiers resolved in the period."""

    late_in_fact: int = Field(description="Ended after the due date: `resolved_late`.")
    late_in_data_only: int = Field(
        description="Ended in time and reported after the due date: they looked late meanwhile."
    )
    share_in_data_only: float | None = Field(
        description="Of both together, what was late only in the data; null of none.", examples=[0.61]
    )


class Quality(Dated):
    """What does not fit in the data recorded in a period, what is worth a look, and how late it was told."""

    findings: list[FoundOut]
    patterns: list[FoundOut] = Field(description="Worth a look; no verdict, and no figure depends on them.")
    reporting_delay: list[DelayOut]
    late: Lateness
