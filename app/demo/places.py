"""The sample city: its offices before and after the reform, its procedures, and the habits that its dossiers show.

Invented data: names say so in both languages, and no figure here is about a real office. It knows no event.
"""

import csv
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Final

from app.directory.sample import phan_thiet
from app.directory.schemas import Duration, ProcedureEntry, Unit
from app.events.samples import SOURCE

REFORM: Final = date(2025, 7, 1)
"""From this day on the wards answer for everything; before it the city did for much, and smaller wards for the rest."""

BELATED: Final = f"{SOURCE}:belated"
"""One-stop software that sends what happened only after days, so that much is late in the data alone."""

SILENT: Final = f"{SOURCE}:silent"
"""One-stop software that has fallen silent."""

SOURCES: Final = frozenset({SOURCE, BELATED, SILENT})


@dataclass(frozen=True, slots=True)
class Ward:
    """A ward and its habits: shares between 0 and 1, `late` multiplies what is usual for a procedure."""

    unit: Unit
    source: str
    weight: int
    late: float
    online: float
    pays_online: float
    apologises: float


@dataclass(frozen=True, slots=True)
class Service:
    """A procedure and its habits: how often it is asked for (weight), late, or in need of a supplement (shares)."""

    procedure: ProcedureEntry
    of_city: bool
    days: int
    weight: int
    late: float
    supplement: float
    fee: int


def _standing(code: str, on: date = REFORM) -> Unit:
    """The unit of the sample area that stands under this code on a day."""
    return next(unit for unit in phan_thiet() if unit.code == code and _stands(unit, on))


def _stands(unit: Unit, on: date) -> bool:
    return (unit.valid_from or date.min) <= on <= (unit.valid_to or date.max)


def _ward(code: str, source: str, weight: int, *habits: float) -> Ward:
    return Ward(_standing(code), source, weight, *habits)


PROVINCE: Final = _standing("68")
CITY: Final = _standing("593", REFORM - timedelta(days=1))

# Code, source, weight, late ×, online, pays online, apologises.
WARDS: Final = (
    _ward("22945", SOURCE, 24, 0.5, 0.84, 0.80, 0.97),
    _ward("22924", SOURCE, 20, 0.4, 0.88, 0.86, 1.0),
    _ward("22918", BELATED, 15, 0.5, 0.74, 0.62, 0.92),
    _ward("22933", SOURCE, 14, 0.4, 0.78, 0.70, 0.9),
    _ward("22960", SOURCE, 12, 0.7, 0.80, 0.66, 0.12),
    _ward("22954", SOURCE, 14, 4.0, 0.66, 0.48, 0.4),
    _ward("22963", SILENT, 6, 0.5, 0.62, 0.52, 0.8),
)

BACKLOG: Final = WARDS[4].unit.code
"""The ward that owes most of its apologies."""

BEHIND: Final = WARDS[5].unit.code
"""The ward that is always behind its target."""


@cache
def wards_before(code: str) -> tuple[Unit, ...]:
    """The smaller wards that stood on the eve of the reform and went into this one."""
    eve = REFORM - timedelta(days=1)
    return tuple(
        unit
        for unit in phan_thiet()
        if unit.parent == CITY.code and _stands(unit, eve) and code in {heir.code for heir in unit.successors}
    )


def _services() -> tuple[Service, ...]:
    rows = files("app.demo").joinpath("services.csv").read_text(encoding="utf-8").splitlines()
    return tuple(_service(row) for row in csv.DictReader(rows))


def _service(row: dict[str, str]) -> Service:
    fee = int(row["fee"])
    procedure = ProcedureEntry.model_validate(
        {
            "code": f"1.9{row['number']:0>5}",  # a range that the national database does not use
            "name": f"{row['name']} (mẫu)",
            "name_en": f"{row['name_en']} (sample)",
            "sector": row["sector"],
            "service_level": row["level"],
            "fee_required": fee > 0,
            "full_eligible": row["level"] == "full",
            "duration": Duration(value=int(row["days"]), unit="working_day"),
            "fee_stops_clock": row["sector"] == "land",
        }
    )
    return Service(
        procedure,
        row["office"] == "city",
        int(row["days"]),
        int(row["weight"]),
        float(row["late"]),
        float(row["supplement"]),
        fee,
    )


SERVICES: Final = _services()
