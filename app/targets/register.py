"""Which commitment holds for a unit, a metric and some days: versions, inheritance, and the narrowest that covers.

Pure: it knows the tree as "child → parent" and dates; where commitments are kept it refuses to know.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from app.directory.tree import chain


@dataclass(frozen=True, slots=True)
class Promise:
    """One version of a commitment: that the unit's rate of the days `from_` to `to` will be at least `target`."""

    id: str
    version: int
    unit: str
    metric: str
    from_: date
    to: date
    target: Decimal
    signed_on: date


class Register:
    """Every commitment, asked for what holds."""

    def __init__(self, promises: Iterable[Promise]) -> None:
        self._versions: defaultdict[str, list[Promise]] = defaultdict(list)
        for promise in sorted(promises, key=lambda one: (one.id, one.version)):
            self._versions[promise.id].append(promise)
        self._by_unit: defaultdict[tuple[str, str], list[Sequence[Promise]]] = defaultdict(list)
        for versions in self._versions.values():
            self._by_unit[versions[0].unit, versions[0].metric].append(versions)

    def holding(
        self, parents: Mapping[str, str], unit: str, metric: str, first: date, last: date, on: date
    ) -> Promise | None:
        """What the unit owes over all the days `first` to `last`, as in force on the day `on`; None for nothing.

        Its own commitment comes before its parent's, and so on up. Of several that cover the days the one of the
        fewest days holds.
        """
        for above in chain(parents, unit):
            covering = [
                versions
                for versions in self._by_unit.get((above, metric), ())
                if versions[0].from_ <= first and last <= versions[0].to
            ]
            if covering:
                narrowest = min(covering, key=lambda one: (one[0].to - one[0].from_, one[0].id))
                return in_force(narrowest, on)
        return None


def in_force(versions: Sequence[Promise], on: date) -> Promise:
    """Of the versions of one commitment in their order, the last one signed by the day `on`.

    Before anything was signed the first one holds: a commitment for a year is often signed some weeks into it.
    """
    return [versions[0], *(one for one in versions[1:] if one.signed_on <= on)][-1]
