"""The sample city: its units and procedures, and the habits that its generated dossiers show.

Invented data: names say so in both languages, and no figure here is about a real office. It knows no event.
"""

from dataclasses import dataclass
from typing import Final, Literal

from app.directory.sample import phan_thiet
from app.directory.schemas import Duration, ProcedureEntry, Unit


@dataclass(frozen=True, slots=True)
class Ward:
    """A ward and its habits: shares between 0 and 1, `late` multiplies what is usual for a procedure."""

    unit: Unit
    weight: int
    late: float
    online: float
    pays_online: float
    apologises: float


@dataclass(frozen=True, slots=True)
class Service:
    """A procedure and its habits: how often it is asked for (weight), late, or in need of a supplement (shares)."""

    procedure: ProcedureEntry
    days: int
    weight: int
    late: float
    supplement: float
    fee: int


def _standing(code: str) -> Unit:
    """The unit of the sample area that stands under this code now."""
    return next(unit for unit in phan_thiet() if unit.code == code and unit.valid_to is None)


def _ward(code: str, weight: int, late: float, online: float, pays: float, apologises: float) -> Ward:
    return Ward(_standing(code), weight, late, online, pays, apologises)


def _service(
    number: int,
    name: str,
    name_en: str,
    sector: str,
    level: Literal["full", "partial", "none"],
    days: int,
    weight: int,
    late: float,
    supplement: float,
    fee: int,
) -> Service:
    procedure = ProcedureEntry(
        code=f"1.9{number:05}",  # a range that the national database does not use
        name=f"{name} (mẫu)",
        name_en=f"{name_en} (sample)",
        sector=sector,
        service_level=level,
        fee_required=fee > 0,
        full_eligible=level == "full",
        duration=Duration(value=days, unit="working_day"),
        fee_stops_clock=sector == "land",
    )
    return Service(procedure, days, weight, late, supplement, fee)


PROVINCE: Final = _standing("68")

# Code, weight, late ×, online, pays online, apologises.
WARDS: Final = (
    _ward("22945", 24, 0.5, 0.78, 0.72, 0.9),
    _ward("22924", 20, 0.4, 0.82, 0.80, 1.0),
    _ward("22918", 16, 0.6, 0.66, 0.55, 0.8),
    _ward("22933", 16, 0.4, 0.71, 0.64, 0.7),
    _ward("22960", 14, 0.5, 0.74, 0.60, 0.9),
    _ward("22954", 16, 6.0, 0.58, 0.41, 0.4),
)

BEHIND: Final = WARDS[-1].unit.code
"""The ward that is always behind its target."""

# Number, names, sector, level, working days, weight, late, supplement, fee in dong.
SERVICES: Final = (
    _service(1, "Đăng ký biến động đất đai", "Land change", "land", "partial", 10, 10, 0.12, 0.20, 100_000),
    _service(
        2,
        "Cấp giấy chứng nhận lần đầu",
        "First land certificate",
        "land",
        "partial",
        20,
        5,
        0.16,
        0.30,
        500_000,
    ),
    _service(3, "Tách thửa, hợp thửa đất", "Land parcelling", "land", "partial", 15, 5, 0.14, 0.25, 200_000),
    _service(
        4,
        "Cấp phép xây dựng nhà ở",
        "House building permit",
        "construction",
        "full",
        15,
        6,
        0.06,
        0.20,
        75_000,
    ),
    _service(
        5, "Gia hạn phép xây dựng", "Permit extension", "construction", "full", 5, 2, 0.04, 0.05, 15_000
    ),
    _service(6, "Đăng ký khai sinh", "Birth registration", "civil-status", "full", 1, 14, 0.008, 0.02, 0),
    _service(7, "Đăng ký kết hôn", "Marriage registration", "civil-status", "partial", 2, 6, 0.008, 0.02, 0),
    _service(
        8,
        "Xác nhận tình trạng hôn nhân",
        "Marital status",
        "civil-status",
        "full",
        3,
        10,
        0.012,
        0.04,
        15_000,
    ),
    _service(9, "Chứng thực bản sao", "Certified copies", "certification", "none", 1, 22, 0.002, 0.0, 10_000),
    _service(
        10, "Đăng ký hộ kinh doanh", "Household business", "business", "full", 3, 10, 0.012, 0.06, 100_000
    ),
    _service(11, "Trợ cấp xã hội hằng tháng", "Monthly allowance", "social", "full", 10, 6, 0.02, 0.08, 0),
    _service(12, "Hỗ trợ chi phí mai táng", "Funeral support", "social", "full", 5, 4, 0.015, 0.05, 0),
)
