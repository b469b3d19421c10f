"""Messages about single dossiers and about sources, as receivers get them.

Wire models only.
"""

from datetime import date, datetime

from pydantic import BaseModel, Field

from app.lagging.schemas import CodeAndName


class NoticedDossier(BaseModel):
    """A dossier, by its code alone: no applicant is named."""

    code: str = Field(examples=["H44.100-260609-0012"])
    procedure: str | None = Field(examples=["1.004946"])
    due_at: datetime = Field(description="Until when its result, or its apology, is due; overdue: was due.")


class DossierNotice(BaseModel):
    """Open dossiers of one very unit, those due first in front."""

    unit: CodeAndName
    day: date = Field(description="The local working day it is told of.")
    count: int = Field(description="How many there are.")
    dossiers: list[NoticedDossier] = Field(
        description="The first hundred; one where notices are told singly."
    )


class SourceSilent(BaseModel):
    """A source has sent nothing for some working time."""

    source: str = Field(examples=["/phan-thiet/one-stop-shop"])
    last_recorded_at: datetime = Field(description="When its last event was stored.")
    working_hours: int = Field(description="It has been silent for at least so many.")
