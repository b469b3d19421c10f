"""What a request for figures asks: its parameters, checked as a whole, turned into a question to the dossiers.

It refuses whatever it does not know, since a parameter that is silently ignored gives another figure than was meant.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory import reach
from app.directory.codes import canonical_procedure
from app.directory.regrouping import Regrouping
from app.figures.parameters import Asked, BehindAsked, SummaryAsked, Whole, Within
from app.keys.caller import Caller
from app.kit import media
from app.kit.problems import Fault, Problem
from app.kit.text import Text
from app.metrics import periods
from app.metrics.metric import Metric, Statistic
from app.metrics.periods import Period
from app.metrics.question import Question, Torn

_MAX_KEYS: Final = 2
_REPEATABLE: Final = frozenset({"unit", "procedure", "sector", "channel", "group_by"})

_WRONG: Final = Text("Tham số không hợp lệ; xem errors.", "The parameters are not valid; see errors.")
_NOT_YET: Final = {
    "closing": Text("Chưa có chốt số liệu.", "There are no closings yet."),
}
_TWICE: Final = Text("Tham số này chỉ được nêu một lần.", "This parameter may be given only once.")
_KEYS: Final = Text("Nhóm theo tối đa hai khóa khác nhau.", "Group by at most two different keys.")
_ROOT: Final = Text(
    "group_by=child cần đúng một unit=, là đơn vị cấp trên.",
    "group_by=child needs exactly one unit=, the unit above.",
)
_BY_SOURCE: Final = Text(
    "Chỉ nhóm được theo source đối với reporting_delay.", "Only reporting_delay can be grouped by source."
)
_NO_RATE: Final = Text("Chỉ tiêu này không có tỷ lệ để xếp theo.", "This metric has no rate to order by.")
_NO_TYPE: Final = Text("Chỉ trả về {offered}.", "The answer can only be {offered}.")


def answerable(request: Request) -> None:
    """Refuse what the contract names and this version cannot answer, and a single parameter given twice.

    Raises Problem invalid.
    """
    given = Counter(name for name, _ in request.query_params.multi_items())
    faults = [Fault(f"query:{name}", _NOT_YET[name]) for name in given if name in _NOT_YET]
    faults += [
        Fault(f"query:{name}", _TWICE) for name, n in given.items() if n > 1 and name not in _REPEATABLE
    ]
    if faults:
        raise Problem("invalid", _WRONG, faults)


def media_type(request: Request, offered: Sequence[str]) -> str:
    """The type in which this request wants its answer, of those offered. Raises Problem not-acceptable."""
    wanted = media.chosen(request.headers.get("accept"), offered)
    if wanted is None:
        raise Problem("not-acceptable", _NO_TYPE.filled(offered=", ".join(offered)))
    return wanted


async def question(
    connection: AsyncConnection, caller: Caller, asked: Whole, metric: Metric | None, today: date
) -> Question:
    """The question that `asked` puts of `metric`, as far as the key reaches; `today` is the local date.

    Raises Problem invalid with every fault, and forbidden for a unit outside of the key's.
    """
    root = _root(asked, caller)
    faults = list(_faults(asked, root, metric))
    period = None
    try:
        period = periods.asked(asked.period, asked.from_, asked.to, today)
    except periods.Misread as misread:
        faults.append(Fault(f"query:{misread.parameter}", misread.reason))
    if faults or period is None:
        raise Problem("invalid", _WRONG, faults)
    by = tuple(asked.group_by) if isinstance(asked, Asked) else ("unit",)
    about = reach.Asked(asked.unit, root, by, period.from_, period.to, asked.structure)
    units = await reach.regrouped(connection, caller, about, today)
    return Question(
        counts=(),
        period=period,
        by=by if isinstance(asked, Asked) else (),
        units=_own(asked, units, root) if isinstance(asked, BehindAsked) and asked.own else units.units,
        root=root,
        regroup=units.groups,
        torn=Torn(units.torn, units.is_torn) if asked.structure == "now" else None,
        **(_filters(asked) if isinstance(asked, Within) else {}),
    )


def _filters(asked: Within) -> dict[str, Any]:
    return {
        "procedures": [canonical_procedure(code) for code in asked.procedure] or None,
        "sectors": asked.sector or None,
        "channels": asked.channel or None,
        "sector_unknown": isinstance(asked, BehindAsked) and asked.sector_unknown,
    }


def _own(asked: Whole, found: Regrouping, root: str | None) -> Sequence[str] | None:
    """The codes that are counted under the very units asked for, without what lies below these."""
    named = set(asked.unit or ([root] if root is not None else []))
    if not named:
        return found.units
    reached = found.units if found.units is not None else named
    groups = found.groups.get("unit", {})
    return [code for code in reached if groups.get(code, code) in named]


def compared(asked: SummaryAsked, period: Period, today: date) -> Period | None:
    """The period that `compare=` sets beside; None without it, and where the period has not begun."""
    if asked.compare is None:
        return None
    to_date = asked.period is None and asked.from_ is None
    return periods.before(str(period.from_.year) if to_date else asked.period, period, asked.compare, today)


def _root(asked: Whole, caller: Caller) -> str | None:
    """The one unit whose subtree is asked for; a limited key that names none asks for its own."""
    if not asked.unit:
        return caller.unit
    return asked.unit[0] if len(asked.unit) == 1 else None


def _faults(asked: Whole, root: str | None, metric: Metric | None) -> Iterator[Fault]:
    if not isinstance(asked, Asked):
        return
    if not (isinstance(metric, Statistic) and metric.by_source):
        for place, key in enumerate(asked.group_by):
            if key == "source":
                yield Fault(f"query:group_by.{place}", _BY_SOURCE)
    if isinstance(metric, Statistic) and getattr(asked, "order", "code") != "code":
        yield Fault("query:order", _NO_RATE)
    if len(asked.group_by) > _MAX_KEYS or len(set(asked.group_by)) < len(asked.group_by):
        yield Fault("query:group_by", _KEYS)
    if "child" in asked.group_by and root is None:
        yield Fault("query:unit", _ROOT)
