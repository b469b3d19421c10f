"""The events that benchmarks send: the lives of new dossiers, each on its own.

Words only; how they are sent, the benchmarks say.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

_BASE: Final = datetime(2026, 1, 5, 1, 30, tzinfo=UTC)
_LIFE: Final[tuple[tuple[str, dict[str, str]], ...]] = (
    ("dossier.received", {"unit": "H10.{n}", "procedure": "1.9000{n:02}", "channel": "online"}),
    ("dossier.supplement_requested", {}),
    ("dossier.supplemented", {}),
    ("dossier.fee_requested", {}),
    ("dossier.processed", {"outcome": "approved"}),
    ("dossier.returned", {}),
)


def lives(count: int) -> list[dict[str, Any]]:
    """So many events of new dossiers in turn: received, supplement asked and given, fee asked, processed, returned."""
    run_id = uuid4().hex[:12]
    made = []
    for number in range(count):
        dossier, step = divmod(number, len(_LIFE))
        kind, data = _LIFE[step]
        at = _BASE + timedelta(minutes=dossier % 10_000, hours=step)
        told = {name: value.format(n=dossier % 60) for name, value in data.items()}
        if step == 0:
            told["due_at"] = f"{_BASE + timedelta(days=10):%Y-%m-%d}"
        made.append(
            {
                "specversion": "1.0",
                "id": f"{run_id}-{number}",
                "source": "urn:benchmark",
                "type": kind,
                "subject": f"B-{run_id}-{dossier}",
                "time": at.isoformat(),
                "data": told,
            }
        )
    return made


def body(event: dict[str, Any]) -> bytes:
    """One event as it is sent."""
    return json.dumps(event).encode()
