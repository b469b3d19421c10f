"""What a request for figures asks: its parameters, checked as a whole, turned into a question to the dossiers.

It refuses whatever it does not know, since a parameter that is silently ignored gives another figure than was meant.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Final

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory import reach
from app.directory.codes import canonical_procedure
from app.figures.schemas import Asked
from app.keys.caller import Caller
from app.kit import media
from app.kit.problems import Fault, Problem
from app.kit.text import Text
from app.metrics import periods
from app.metrics.question import Question, Torn

_MAX_KEYS: Final = 2
_REPEATABLE: Final = frozenset({"unit", "procedure", "sector", "channel", "group_by"})

_WRONG: Final = Text("Tham số không hợp lệ; xem errors.", "The parameters are not valid; see errors.")
_NOT_YET: Final = {
    "closing": Text("Chưa có chốt số liệu.", "There are no closings yet."),
    "compare": Text("Chưa so sánh được với kỳ khác.", "Periods cannot be compared yet."),
}
_TWICE: Final = Text("Tham số này chỉ được nêu một lần.", "This parameter may be given only once.")
_KEYS: Final = Text("Nhóm theo tối đa hai khóa khác nhau.", "Group by at most two different keys.")
_ROOT: Final = Text(
    "group_by=child cần đúng một unit=, là đơn vị cấp trên.",
    "group_by=child needs exactly one unit=, the unit above.",
)
_JSON_ONLY: Final = Text(
    "Số liệu hiện chỉ trả về application/json; chưa có CSV và XLSX.",
    "Figures are answered as application/json only; there is no CSV or XLSX yet.",
)


def answerable(request: Request) -> None:
    """Refuse what the contract names and this version cannot answer, and a single parameter given twice.

    Raises Problem invalid, or not-acceptable for another media type than JSON.
    """
    given = Counter(name for name, _ in request.query_params.multi_items())
    faults = [Fault(f"query:{name}", _NOT_YET[name]) for name in given if name in _NOT_YET]
    faults += [
        Fault(f"query:{name}", _TWICE) for name, n in given.items() if n > 1 and name not in _REPEATABLE
    ]
    if faults:
        raise Problem("invalid", _WRONG, faults)
    if media.chosen(request.headers.get("accept"), ["application/json"]) is None:
        raise Problem("not-acceptable", _JSON_ONLY)


async def question(
    connection: AsyncConnection, caller: Caller, asked: Asked, counts: tuple[str, ...], today: date
) -> Question:
    """The question that `asked` puts, as far as the key reaches; `today` is the local date.

    Raises Problem invalid with every fault, and forbidden for a unit outside of the key's.
    """
    root = _root(asked, caller)
    faults = list(_faults(asked, root))
    period = None
    try:
        period = periods.asked(asked.period, asked.from_, asked.to, today)
    except periods.Misread as misread:
        faults.append(Fault(f"query:{misread.parameter}", misread.reason))
    if faults or period is None:
        raise Problem("invalid", _WRONG, faults)
    about = reach.Asked(asked.unit, root, asked.group_by, period.from_, period.to, asked.structure)
    units = await reach.regrouped(connection, caller, about, today)
    return Question(
        counts=counts,
        period=period,
        by=tuple(asked.group_by),
        units=units.units,
        procedures=[canonical_procedure(code) for code in asked.procedure] or None,
        sectors=asked.sector or None,
        channels=asked.channel or None,
        root=root,
        regroup=units.groups,
        torn=Torn(units.torn, units.is_torn) if asked.structure == "now" else None,
    )


def _root(asked: Asked, caller: Caller) -> str | None:
    """The one unit whose subtree is asked for; a limited key that names none asks for its own."""
    if not asked.unit:
        return caller.unit
    return asked.unit[0] if len(asked.unit) == 1 else None


def _faults(asked: Asked, root: str | None) -> Iterator[Fault]:
    if len(asked.group_by) > _MAX_KEYS or len(set(asked.group_by)) < len(asked.group_by):
        yield Fault("query:group_by", _KEYS)
    if "child" in asked.group_by and root is None:
        yield Fault("query:unit", _ROOT)
