"""What units are to reach: the commitment that holds for each, and where there is none the target of the lagging rules.

It says which target a page shows and from where it is; how far a unit is from it, `targets` computes.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.dashboard.reader import Reader
from app.directory.structure import Structure
from app.lagging.queries import rules
from app.metrics.metric import Rate
from app.metrics.periods import Period
from app.targets import queries
from app.targets.progress import standing
from app.targets.register import Promise

_MOST_RULES: Final = 1000


@dataclass(frozen=True)
class Aim:
    """A target, with the commitment that sets it; None: a lagging rule does."""

    target: Decimal
    promise: Promise | None

    def of(self, figure: Mapping[str, Any]) -> tuple[float | None, bool | None]:
        """How far a rate is above (below: negative) and whether it is reached; None of nothing."""
        gap, status = standing((figure["numerator"], figure["denominator"]), self.target)
        return gap, None if status is None else status == "reached"


Aims = Mapping[str, Mapping[str, Aim]]
"""Unit → metric → what it is to reach; metrics without any target are absent."""


async def aims(
    connection: AsyncConnection,
    reader: Reader,
    structure: Structure,
    units: Collection[str],
    metrics: Sequence[Rate],
    period: Period,
) -> Aims:
    """Of each of these units (the empty code: of all together, who have promised nothing) over all days of the period.

    Commitments hold as `GET /v1/metrics` has them: by the structure of then, the narrowest of the nearest unit.
    """
    keys = [metric.key for metric in metrics]
    register = await queries.register(connection, keys, period.from_, period.to)
    day = min(period.to, reader.today)
    tree = structure.then(day)
    ruled = await _of_rules(connection)
    found: dict[str, dict[str, Aim]] = {}
    for unit in units:
        for key in keys:
            promise = register.holding(tree, unit, key, period.from_, period.to, day) if unit else None
            if promise is not None:
                found.setdefault(unit, {})[key] = Aim(promise.target, promise)
            elif key in ruled:
                found.setdefault(unit, {})[key] = Aim(ruled[key], None)
    return {unit: found.get(unit, {}) for unit in units}


async def _of_rules(connection: AsyncConnection) -> dict[str, Decimal]:
    """Metric → the highest target that a lagging rule names; every unit is judged by every rule."""
    found: dict[str, Decimal] = {}
    for rule in await rules(connection, after=None, limit=_MOST_RULES):
        if rule.target is not None:
            found[rule.metric] = max(found.get(rule.metric, rule.target), rule.target)
    return found


def only_top(structure: Structure, reader: Reader) -> str | None:
    """The one unit that stands above all others today, if there is exactly one."""
    parents = structure.now(reader.today)
    tops = [
        code
        for code in structure
        if code not in parents and structure.standing(code, reader.today) is not None
    ]
    return tops[0] if len(tops) == 1 else None
