"""Random sets of events: a few dossiers, units and procedures, and instants crowded around the edges of working time."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.properties.model import ICT, TYPES, Event, Procedure

MONDAY = date(2024, 3, 18)
DAYS = 26

CODES = ("H10-1", "hồ sơ 2", "000.00.12.H10-240105-0003")
UNITS = {"city": None, "ward": "city", "office": "ward", "other": None}
"""Described units with their parents; dossiers name one more that nobody described."""
PROCEDURES = {
    "1.000001": Procedure("full"),
    "1.000002": Procedure("partial", (3, "working_day"), fee_stops_clock=True),
    "1.000003": Procedure("none", (20, "working_hour")),
    "1.000004": Procedure("full", (5, "calendar_day"), fee_stops_clock=True),
}

_CLOCKS = [
    *(time(), time(7, 29), time(7, 30), time(10), time(11, 30), time(12, 15), time(13), time(15)),
    *(time(15, 0, 0, 1), time(16, 59, 59, 999_999), time(17), time(20), time(23, 59, 59, 999_999)),
]
MOMENTS = [
    datetime.combine(MONDAY + timedelta(days=day), clock, ICT) for day in range(DAYS) for clock in _CLOCKS
]
_DUES = [
    *(str(MONDAY + timedelta(days=day)) for day in range(DAYS + 5)),
    *(moment.isoformat() for moment in MOMENTS[::3]),
    *(moment.astimezone(UTC).isoformat().replace("+00:00", "Z") for moment in MOMENTS[1::7]),
]
_UNITS = [*UNITS, "nobody described it"]
_PROCEDURES = [*PROCEDURES, "1.000002.000.00.00.H61", "1.999999"]
_DURATIONS = [
    {"value": value, "unit": unit}
    for unit in ("working_day", "working_hour", "calendar_day")
    for value in (0, 1, 4, 9)
]
_AMOUNTS: dict[str, Sequence[Any]] = {"amount": [None, 0, 1000, 0.5]}

# What each type may carry, as every choice of every field; None leaves a field out.
_FIELDS: dict[str, dict[str, Sequence[Any]]] = {
    "dossier.submitted": {"unit": _UNITS, "procedure": _PROCEDURES},
    "dossier.received": {
        "unit": _UNITS,
        "procedure": _PROCEDURES,
        "channel": ["online", "counter", "post"],
        "due_at": [None, *_DUES[: DAYS + 5], None, *_DUES[DAYS + 5 :]],
        "duration": [*[None] * 6, *_DURATIONS],
        "service_level": [None, "full", "partial", "none"],
        "fee_required": [None, True, False],
    },
    "dossier.supplemented": {"due_at": [*[None] * 200, *_DUES]},
    "dossier.fee_requested": _AMOUNTS,
    "dossier.paid_online": {**_AMOUNTS, "gateway": [None, "national", "local"]},
    "dossier.paid_in_person": _AMOUNTS,
    "dossier.transferred": {"unit": _UNITS},
    "dossier.rescheduled": {"due_at": _DUES},
    "dossier.late": {"due_at": [None, *_DUES]},
    "dossier.apology_issued": {"new_due_at": [None, *_DUES]},
    "dossier.processed": {"electronic_result": [None, True, False]},
    "dossier.voided": {"reason": ["nhập nhầm"]},
}
# What moves the clock comes often, what leaves every figure seldom.
_OFTEN = ["supplement_requested", "supplemented", "fee_requested", "paid_online", "transferred", "processed"]
_KINDS = [*TYPES[:-2], *(f"dossier.{kind}" for kind in _OFTEN * 3), "dossier.received"] * 2 + [
    "dossier.voided"
]

moments = st.sampled_from(MOMENTS)
_many = st.integers(0, 2**40)
_told = st.tuples(st.sampled_from(_KINDS), moments, _many)
_reception = st.tuples(st.just("dossier.received"), st.sampled_from(MOMENTS[: len(MOMENTS) // 3]), _many)


def _data(kind: str, number: int) -> dict[str, Any]:
    """One of all choices of a type's fields, by its number."""
    data: dict[str, Any] = {}
    for name, choices in _FIELDS.get(kind, {}).items():
        number, place = divmod(number, len(choices))
        if choices[place] is not None:
            data[name] = choices[place]
    return data


@st.composite
def histories(draw: st.DrawFn, *, retracting: bool = True, most: int = 9) -> list[Event]:
    """Events of up to three dossiers, most of them received early. Ids are used again by another source."""
    events: list[Event] = []
    for code in CODES[: draw(st.integers(1, len(CODES)))]:
        told = draw(st.lists(_told, max_size=most)) + draw(st.lists(_reception, max_size=1))
        own: list[Event] = []
        for kind, moment, number in told:
            n = len(events) + len(own)
            own.append(Event(f"/source/{n % 2}", f"e-{n // 2}", kind, code, moment, _data(kind, number)))
        if retracting and own:
            own += draw(_retractions(own, len(events)))
        events += own
    return events


@st.composite
def _retractions(draw: st.DrawFn, own: list[Event], number: int) -> list[Event]:
    """Retractions of a dossier's events, of each other, and of events that are not there."""
    made: list[Event] = []
    for more in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        target = draw(st.sampled_from([*own, *made]))
        data = draw(
            st.sampled_from(
                [
                    {"event_id": target.id, "event_source": target.source},
                    {"event_id": target.id},
                    {"event_id": "nobody"},
                ]
            )
        )
        source, moment = f"/source/{draw(st.integers(0, 1))}", draw(moments)
        told = {**data, "reason": "gửi nhầm"}
        made.append(Event(source, f"r-{number}-{more}", "event.retracted", own[0].subject, moment, told))
    return made
