"""Rules and alerts as they stand in requests, answers and messages.

Wire models only. Shares are JSON numbers here and exact decimals everywhere else.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.directory.schemas import Wire
from app.lagging.rules import Figure, Rule, Window
from app.metrics.metric import share
from app.targets.budget import GROWS, needed
from app.targets.schemas import Day
from app.targets.shares import Share, exact

KEY_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"


Days = Annotated[int, Field(ge=0, le=250)]
DaysOrNever = Annotated[int, Field(ge=1, le=250)] | None


class _Terms(Wire):
    metric: str = Field(
        min_length=1, max_length=64, description="A rate of `GET /v1/metrics`.", examples=["on_time"]
    )
    window: Window = Field(
        description="Which local days are judged, today included: since the first of this month, quarter or year, or the last thirty.",
        examples=["month_to_date"],
    )
    target: Share | None = Field(
        None,
        description="Below this share a unit is behind; equality is enough. At most six decimals. Absent: each unit's own or inherited commitment that covers the window; a unit without one is not judged.",
        examples=[0.95],
    )
    min_denominator: int = Field(
        20,
        ge=0,
        le=1_000_000_000,
        description="Units with fewer dossiers in the window are not judged, and their open alerts stay as they are.",
    )
    margin: Share = Field(
        0.01,
        description="A unit has recovered when it reaches the target and this above it, or 1; so a rate that sways around the target does not raise alert after alert.",
    )
    hold: Days = Field(
        0,
        description="Working days for which a unit must have been behind, or recovered, on every judgement before its alert is raised or closed.",
    )
    repeat_after: DaysOrNever = Field(
        None,
        description="Working days after which an alert that nobody acknowledged is told again; null: never.",
    )
    escalate_after: DaysOrNever = Field(
        None,
        description="Working days after which an alert that nobody acknowledged is told to the unit above, then after as many to the one above that; null: never.",
    )
    at_risk: bool = Field(
        True,
        description="Whether units are told that they will be behind at the end of the window, if the days left are like the last twenty working days.",
    )


class RuleTerms(_Terms):
    """What a rule says, as it is written."""


class LaggingRule(_Terms):
    """A rule with its key."""

    key: str = Field(examples=["on-time-this-month"])

    @classmethod
    def of(cls, rule: Rule) -> Self:
        """A rule as it is shown."""
        return cls(
            key=rule.key,
            metric=rule.metric,
            window=rule.window,
            target=None if rule.target is None else float(rule.target),
            min_denominator=rule.min_denominator,
            margin=float(rule.margin),
            hold=rule.hold,
            repeat_after=rule.repeat_after,
            escalate_after=rule.escalate_after,
            at_risk=rule.warns,
        )


Sentence = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$")]
"""Free text in lines; no other control characters."""


class CodeAndName(BaseModel):
    """A unit or a procedure. The name is the code where the directory has none."""

    code: str | None = Field(description="null: the data do not say.", examples=["H10.25"])
    name: str | None = Field(examples=["UBND phường Mũi Né"])


class WindowDays(BaseModel):
    """Local dates, both inclusive."""

    from_: date = Field(alias="from", examples=["2026-03-01"])
    to: date = Field(examples=["2026-03-20"])


class ExactFigure(BaseModel):
    """A figure that can be counted again: which definition, which days, which dossiers, and how far facts were in."""

    definition_version: int = Field(description="Version of the metric's definition.")
    period: WindowDays
    numerator: int = Field(examples=[88])
    denominator: int = Field(examples=[100])
    rate: float = Field(description="Rounded half up to six decimals.", examples=[0.88])
    target: float = Field(examples=[0.95])
    gap: float = Field(description="rate − target.", examples=[-0.07])
    needed: int | None = Field(
        description="How many more dossiers, all counting for the unit, would bring the rate to the target; null: no number would.",
        examples=[140],
    )
    computed_through: datetime = Field(description="Every event acknowledged before this is included.")


def figure_members(columns: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The members of an ExactFigure, from the columns of an alert under this prefix."""
    figure = Figure(columns[f"{prefix}numerator"], columns[f"{prefix}denominator"])
    target: Decimal = columns[f"{prefix}target"]
    rate = share(*figure)
    assert rate is not None  # noqa: S101 - nobody is judged by nothing
    return {
        "definition_version": columns[f"{prefix}definition_version"],
        "period": {"from": columns[f"{prefix}period_from"], "to": columns[f"{prefix}period_to"]},
        **figure._asdict(),
        "rate": rate,
        "target": float(target),
        "gap": float(exact(rate) - target),
        "needed": needed(figure, target, GROWS.get(columns["metric"], "both")),
        "computed_through": columns[f"{prefix}computed_through"],
    }


class _About(BaseModel):
    unit: CodeAndName = Field(description="Judged with all units below it.")
    rule: str = Field(description="Key of the rule.", examples=["on-time-this-month"])
    metric: str = Field(examples=["on_time"])
    window: Window


class CommitmentUsed(BaseModel):
    """The version of a commitment whose target it was."""

    id: str
    version: int


class Acknowledgement(BaseModel):
    """Who took note of an alert, and what is to be done."""

    at: datetime
    by: str = Field(description="Id of the key.")
    note: str
    action_plan: str | None


class Acknowledge(BaseModel):
    """What whoever takes note of an alert says."""

    model_config = ConfigDict(extra="forbid", strict=True)

    note: Sentence = Field(examples=["Đã giao tổ một cửa rà soát hồ sơ đất đai."])
    action_plan: Sentence | None = Field(
        None, examples=["Bổ sung một cán bộ địa chính đến 30/4; giải quyết hết hồ sơ quá hạn trước 15/4."]
    )


class Mute(BaseModel):
    """Until when nothing more is to be told about an alert."""

    model_config = ConfigDict(extra="forbid", strict=True)

    until: Day = Field(
        description="Last local day of silence; at most a year ahead. A day in the past ends it."
    )


class Alert(_About):
    """A unit that was found behind, with the figure that said so."""

    id: UUID
    level: Literal["lagging", "at_risk"] = Field(
        description="`at_risk`: not behind yet, but projected to be at the end of the window."
    )
    commitment: CommitmentUsed | None = Field(description="null: the rule's own target.")
    acknowledged: Acknowledgement | None
    muted_until: date | None
    repeats: int = Field(description="Times it was told again.")
    escalations: int = Field(description="Units above that were told.")
    state: Literal["open", "closed"]
    raised_at: datetime
    figure: ExactFigure = Field(description="The figure that raised it.")
    closed_at: datetime | None
    closed_as: Literal["recovered", "expired", "withdrawn"] | None = Field(
        description="`recovered`: the rate reached the target and the margin; `expired`: its window turned; `withdrawn`: its rule was deleted, or judges something else now."
    )
    closing_figure: ExactFigure | None = Field(description="The figure that showed the recovery.")

    @classmethod
    def of(cls, row: Mapping[str, Any], name: str) -> Self:
        """A stored alert as it is shown; `name` is its unit's in the reader's language."""
        recovered = row["closed_as"] == "recovered"
        return cls.model_validate(
            {
                **row,
                "unit": {"code": row["unit"], "name": name},
                "commitment": row["commitment"]
                and {"id": row["commitment"], "version": row["commitment_version"]},
                "acknowledged": row["acknowledged_at"]
                and {
                    "at": row["acknowledged_at"],
                    "by": row["acknowledged_by"],
                    "note": row["note"],
                    "action_plan": row["action_plan"],
                },
                "state": "closed" if row["closed_at"] else "open",
                "figure": figure_members(row),
                "closing_figure": figure_members(row, "closing_") if recovered else None,
            }
        )


class WorstProcedure(CodeAndName):
    """A procedure that pulls the rate down."""

    missed: int = Field(
        description="denominator − numerator; of `on_time` these are the late dossiers.", examples=[7]
    )
    denominator: int = Field(examples=[20])


class Links(BaseModel):
    """Paths of this service, below its own address."""

    alert: str = Field(examples=["/v1/alerts/019d0a4e-5c00-7000-8000-000000000000"])
    figure: str = Field(examples=["/v1/metrics/on_time?from=2026-03-01&to=2026-03-20&unit=H10.25"])
    late_dossiers: str = Field(examples=["/v1/dossiers?unit=H10.25&verdict=late"])
    overdue_dossiers: str = Field(examples=["/v1/dossiers?unit=H10.25&verdict=overdue"])


class UnitLagging(_About, ExactFigure):
    """A unit is behind its target."""

    alert: UUID
    worst_procedures: list[WorstProcedure] = Field(
        description="At most five: those with the most dossiers of the window that do not count for the unit."
    )
    overdue: int = Field(description="Open dossiers of the unit that are overdue now.")
    due_soon: int = Field(description="Open dossiers that will be overdue after `due_soon_until`.")
    due_soon_until: date = Field(description="The end of the second working day after today.")
    links: Links
    repeat: int = Field(0, description="0: it was just raised; else the number of times it was told again.")


class UnitAtRisk(_About, ExactFigure):
    """A unit is not behind yet, but will be if the days left are like the recent ones."""

    alert: UUID
    projected_rate: float = Field(description="At the end of the window, rounded half up to six decimals.")
    window_ends: date
    worst_procedures: list[WorstProcedure] = Field(description="At most five, as for `unit.lagging`.")
    overdue: int = Field(description="Open dossiers of the unit that are overdue now.")
    due_soon: int = Field(description="Open dossiers that will be overdue after `due_soon_until`.")
    due_soon_until: date = Field(description="The end of the second working day after today.")
    links: Links


class UnitEscalated(_About, ExactFigure):
    """Nobody has acknowledged the alert of a unit: the unit above is told."""

    alert: UUID
    raised_at: datetime
    escalated_to: CodeAndName = Field(description="The unit above that is told now.")
    escalation: int = Field(description="1: the unit directly above; 2: the one above that; and so on.")
    worst_procedures: list[WorstProcedure] = Field(description="At most five, as for `unit.lagging`.")
    overdue: int = Field(description="Open dossiers of the unit that are overdue now.")
    due_soon: int = Field(description="Open dossiers that will be overdue after `due_soon_until`.")
    due_soon_until: date = Field(description="The end of the second working day after today.")
    links: Links


class UnitRecovered(_About, ExactFigure):
    """A unit has reached its target and the margin above it."""

    alert: UUID
    raised_at: datetime
    raised_by: ExactFigure = Field(description="The figure that raised the alert.")
    links: Links
