"""How units hang together: as they stood on a day, and under whom that is counted now.

Pure arithmetic over validity periods, parents and successions; it knows codes and days, and no dossier. How a question
of figures uses it is `regrouping`'s.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final

from app.directory.tree import below, chain, spread

EVER: Final = date.min
"""The begin of a period that has none, so that days can be compared."""

OPEN: Final = date.max
"""The end of a period that has none."""


@dataclass(frozen=True, slots=True)
class UnitPeriod:
    """What a code stood for on the local days `valid_from` to `valid_to`, both inclusive.

    `heirs` are the codes of the units that took it over on the day after `valid_to`; more than one: it was split, and
    nobody knows in which shares.
    """

    code: str
    parent: str | None = None
    valid_from: date = EVER
    valid_to: date = OPEN
    heirs: tuple[str, ...] = ()

    def holds(self, day: date) -> bool:
        """Whether `day` is one of its days."""
        return self.valid_from <= day <= self.valid_to


class Structure:
    """All units with all their periods. A code has at most one period on a day; codes may name what nobody described."""

    def __init__(self, periods: Iterable[UnitPeriod]) -> None:
        self._periods: defaultdict[str, list[UnitPeriod]] = defaultdict(list)
        for period in sorted(periods, key=lambda one: (one.code, one.valid_from)):
            self._periods[period.code].append(period)
        self._trees: dict[tuple[str, int], Mapping[str, str]] = {}

    @classmethod
    def of(cls, parents: Mapping[str, str | None]) -> "Structure":
        """Units that stand for ever, from code → parent."""
        return cls(UnitPeriod(code, parent) for code, parent in parents.items())

    def __contains__(self, code: object) -> bool:
        return code in self._periods

    def __iter__(self) -> Iterator[str]:
        return iter(self._periods)

    def periods(self, code: str) -> tuple[UnitPeriod, ...]:
        """Every period of a code, earliest first."""
        return tuple(self._periods.get(code, ()))

    @cached_property
    def edges(self) -> list[date]:
        """The days on which a period begins, or the first after one ended, in order; between them nothing changes."""
        days = {period.valid_from for periods in self._periods.values() for period in periods}
        days |= {
            period.valid_to + date.resolution
            for periods in self._periods.values()
            for period in periods
            if period.valid_to != OPEN
        }
        return sorted(days - {EVER})

    def standing(self, code: str, day: date) -> UnitPeriod | None:
        """What is known best of a code on a day: the last period begun by then, before the first one what that says."""
        periods = self._periods.get(code)
        if not periods:
            return None
        begun = bisect_right(periods, day, key=lambda period: period.valid_from)
        return periods[max(begun - 1, 0)]

    def then(self, day: date) -> Mapping[str, str]:
        """Child → parent as it stood on `day`; a unit that had ended hangs where it last hung."""
        return self._tree("then", day)

    def now(self, today: date) -> Mapping[str, str]:
        """Child → parent of `today`, with what ended placed where it went.

        A unit that stands hangs below its parent. One that ended hangs below the unit that took it over whole; split,
        below the lowest unit that has all heirs below it; without heirs, where it last hung.
        """
        return self._tree("now", today)

    def heirs(self, code: str, since: date, today: date) -> frozenset[str]:
        """Which units hold today what a code stood for on any day from `since` to `today`; one: it is there whole.

        Before `since`, only the last period counts, and only if no later one does: whoever still names the code then
        means that.
        """
        meant = [one for one in self.periods(code) if one.valid_to >= since and one.valid_from <= today]
        if not meant:
            last = self.standing(code, today)
            meant = [last] if last is not None else []
        return self._heirs(meant, today) or frozenset({code})

    def below(self, codes: Collection[str], tree: Mapping[str, str]) -> list[str]:
        """These units and every unit below any of them in `tree`, each once, level by level."""
        return below(tree, codes)

    def ever_below(self, codes: Collection[str]) -> list[str]:
        """These units and whatever was or will be below them, or was taken over by one of these."""
        children: defaultdict[str, list[str]] = defaultdict(list)
        for code, periods in self._periods.items():
            for period in periods:
                for above in (period.parent, *period.heirs):
                    if above is not None:
                        children[above].append(code)
        return spread(codes, children)

    def _heirs(self, meant: Iterable[UnitPeriod], today: date) -> frozenset[str]:
        found: set[str] = set()
        waiting, seen = list(meant), set[UnitPeriod]()
        while waiting:
            period = waiting.pop()
            if period in seen:
                continue
            seen.add(period)
            if period.valid_to >= today:
                found.add(period.code)
                continue
            # Succession goes forward only: to a period that ends later. So it comes to an end.
            after = period.valid_to + date.resolution
            for heir in period.heirs or (period.code,):
                following = next((one for one in self.periods(heir) if one.valid_to >= after), None)
                if following is None or following.valid_from > today:
                    found.add(heir)
                else:
                    waiting.append(following)
        return frozenset(found)

    def _tree(self, kind: str, day: date) -> Mapping[str, str]:
        place = kind, bisect_right(self.edges, day)
        if place not in self._trees:
            self._trees[place] = self._then(day) if kind == "then" else self._now(day)
        return self._trees[place]

    def _then(self, day: date) -> dict[str, str]:
        standing = ((code, self.standing(code, day)) for code in self._periods)
        return {
            code: period.parent
            for code, period in standing
            if period is not None and period.parent is not None
        }

    def _now(self, today: date) -> dict[str, str]:
        tree = dict(self.then(today))
        split: dict[str, frozenset[str]] = {}
        for code in self._periods:
            period = self.standing(code, today)
            if period is None or period.valid_to >= today:
                continue
            heirs = self._heirs([period], today)
            if heirs == {code}:
                continue
            tree.pop(code, None)
            if len(heirs) == 1:
                tree[code] = next(iter(heirs))
            else:
                split[code] = heirs
        shared = {code: _lowest_shared(tree, heirs) for code, heirs in split.items()}
        return tree | {code: above for code, above in shared.items() if above not in {None, code}}


def _lowest_shared(tree: Mapping[str, str], codes: Collection[str]) -> str | None:
    """The lowest unit that is, or is above, every one of these; None if there is none."""
    first, *others = (list(chain(tree, code)) for code in sorted(codes))
    return next((above for above in first if all(above in other for other in others)), None)
