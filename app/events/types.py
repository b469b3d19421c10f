"""The eighteen event types: what each carries, and their place when events of one dossier share an instant.

It knows the shape of a fact and nothing of what follows from it. Names and meanings are the contract's.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.events.instants import due
from app.kit.codes import CODE_PATTERN, Code

# Control characters are refused everywhere; lines may break in prose.
_PROSE: Final = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"

MAX_AMOUNT: Final = 10**15
"""Dong; a thousand times the largest fee there is, and exact in every JSON reader."""


def _due(text: str) -> str:
    try:
        due(text)
    except ValueError:
        raise PydanticCustomError("due_date", "") from None
    return text


def _amount(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_AMOUNT:
        raise PydanticCustomError("amount", "")
    return value


Prose = Annotated[str, Field(max_length=1000, pattern=_PROSE)]
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=CODE_PATTERN)]
EventId = Annotated[str, Field(min_length=1, max_length=128, pattern=CODE_PATTERN)]
Source = Annotated[str, Field(min_length=1, max_length=255, pattern=CODE_PATTERN)]
DueDate = Annotated[
    str,
    AfterValidator(_due),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}],
            "description": "An RFC 3339 instant with offset, or a bare date: the end of that local day.",
            "examples": ["2026-03-20", "2026-03-20T16:30:00+07:00"],
        }
    ),
]
Amount = Annotated[
    float,
    BeforeValidator(_amount),
    WithJsonSchema(
        {"type": "number", "minimum": 0, "maximum": MAX_AMOUNT, "description": "Dong.", "examples": [150000]}
    ),
]
Channel = Literal["online", "counter", "post"]
ServiceLevel = Literal["full", "partial", "none"]


class Data(BaseModel):
    """What an event carries; unknown fields are refused, so that a typo never loses a fact."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Duration(Data):
    """How long the procedure may take, in the unit that the slip names."""

    value: Annotated[int, Field(ge=0, le=10_000)]
    unit: Literal["working_day", "working_hour", "calendar_day"]


class Submitted(Data):
    """Filed online, waiting to be received."""

    unit: Code
    procedure: Code


class Received(Data):
    """Received at the one-stop shop: the processing clock starts."""

    unit: Code
    procedure: Code
    channel: Channel
    due_at: DueDate | None = None
    duration: Duration | None = None
    service_level: ServiceLevel | None = None
    fee_required: bool | None = None


class Reasoned(Data):
    """A step with an optional reason."""

    reason: Prose | None = None


class Supplemented(Data):
    """The applicant brought what was missing; the slip may carry a new date."""

    due_at: DueDate | None = None


class FeeRequested(Data):
    """The applicant was told to pay."""

    amount: Amount | None = None


class PaidOnline(Data):
    """Paid through the national or a local payment gateway."""

    amount: Amount | None = None
    gateway: Literal["national", "local"] | None = None
    reference: Line | None = None


class PaidInPerson(Data):
    """Paid at the counter or to the bearer."""

    amount: Amount | None = None
    reference: Line | None = None


class Transferred(Data):
    """Handed to another unit, which is accountable from now on."""

    unit: Code


class Rescheduled(Data):
    """The citizen was told another date; it never cures lateness."""

    due_at: DueDate
    reason: Prose | None = None


class Late(Data):
    """The source's own verdict, compared with ours."""

    due_at: DueDate | None = None
    reason: Prose | None = None


class ApologyIssued(Data):
    """A letter of apology with a new appointment; `signed_by` is an office, not a person."""

    new_due_at: DueDate | None = None
    reason: Prose | None = None
    letter_no: Line | None = None
    signed_by: Line | None = None


class Processed(Data):
    """The result exists: the end of work."""

    outcome: Literal["approved", "refused"] | None = None
    electronic_result: bool | None = None


class Returned(Data):
    """The result was handed to the applicant."""

    channel: Channel | None = None


class Voided(Data):
    """Entered by mistake: leaves every figure, stays in the log."""

    reason: Prose


class Retracted(Data):
    """Takes one event of the same dossier back, whether it came earlier or comes later."""

    event_id: EventId
    reason: Prose
    event_source: Source | None = None


TYPES: Final[Mapping[str, type[Data]]] = {
    "dossier.submitted": Submitted,
    "dossier.received": Received,
    "dossier.intake_refused": Reasoned,
    "dossier.supplement_requested": Reasoned,
    "dossier.supplemented": Supplemented,
    "dossier.fee_requested": FeeRequested,
    "dossier.paid_online": PaidOnline,
    "dossier.paid_in_person": PaidInPerson,
    "dossier.transferred": Transferred,
    "dossier.rescheduled": Rescheduled,
    "dossier.late": Late,
    "dossier.apology_issued": ApologyIssued,
    "dossier.processed": Processed,
    "dossier.returned": Returned,
    "dossier.withdrawn": Reasoned,
    "dossier.stopped": Reasoned,
    "dossier.voided": Voided,
    "event.retracted": Retracted,
}
"""The data of every type, in the order in which events of one instant are folded."""

PLACE: Final[Mapping[str, int]] = {name: place for place, name in enumerate(TYPES)}

EXAMPLES: Final[Mapping[str, Mapping[str, Any]]] = {
    "dossier.submitted": {"unit": "H10.25", "procedure": "1.004946"},
    "dossier.received": {
        "unit": "H10.25",
        "procedure": "1.004946",
        "channel": "online",
        "due_at": "2026-03-20",
        "service_level": "full",
        "fee_required": True,
    },
    "dossier.intake_refused": {"reason": "Không thuộc thẩm quyền"},
    "dossier.supplement_requested": {"reason": "Thiếu bản vẽ hiện trạng"},
    "dossier.supplemented": {"due_at": "2026-03-25"},
    "dossier.fee_requested": {"amount": 150000},
    "dossier.paid_online": {"amount": 150000, "gateway": "national", "reference": "PG-0001"},
    "dossier.paid_in_person": {"amount": 150000, "reference": "BL-0001"},
    "dossier.transferred": {"unit": "H10.12"},
    "dossier.rescheduled": {"due_at": "2026-03-27", "reason": "Chờ ý kiến cơ quan phối hợp"},
    "dossier.late": {"reason": "Chậm thẩm định"},
    "dossier.apology_issued": {
        "new_due_at": "2026-03-27",
        "reason": "Chậm thẩm định",
        "letter_no": "12/TXL",
        "signed_by": "Văn phòng UBND phường",
    },
    "dossier.processed": {"outcome": "approved", "electronic_result": True},
    "dossier.returned": {"channel": "counter"},
    "dossier.withdrawn": {"reason": "Người nộp xin rút"},
    "dossier.stopped": {"reason": "Không đủ điều kiện"},
    "dossier.voided": {"reason": "Nhập nhầm"},
    "event.retracted": {"event_id": "e-16", "reason": "Gửi nhầm"},
}
"""A worked example of every type, shown in the documents and posted by the tests."""
