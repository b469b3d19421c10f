"""Random histories of units: on each day of reform some merge, split, change their code or their parent.

The history keeps, day by day, who went where; the periods that follow from it are what a directory would hold.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from app.directory.structure import EVER, OPEN, UnitPeriod

CODES = [f"U{number}" for number in range(9)]
"""Fewer than are needed, so that codes come to mean something else."""

PROVINCES = ("P", "Q")
REFORMS = [date(2020 + 2 * number, 7, 1) for number in range(4)]
DAY = timedelta(days=1)


@dataclass
class History:
    """`steps` say for each reform which code went where (those that are not named stayed what they were)."""

    standing: list[dict[str, str]] = field(default_factory=list)
    steps: list[dict[str, set[str]]] = field(default_factory=list)
    periods: list[UnitPeriod] = field(default_factory=list)

    def age(self, day: date) -> int:
        """How many reforms there were by a day."""
        return sum(reform <= day for reform in REFORMS)

    def went(self, code: str, since: int, until: int) -> set[str]:
        """Where what stood under `code` after `since` reforms was after `until` reforms."""
        where = {code}
        for step in self.steps[since:until]:
            where = set().union(*(step.get(one, {one}) for one in where))
        return where


def history(random: Random) -> History:
    """Wards of two provinces through four reforms."""
    told = History()
    standing = {code: random.choice(PROVINCES) for code in random.sample(CODES, 5)}
    begun = dict.fromkeys(standing, EVER)
    told.standing.append(standing)
    for reform in REFORMS:
        before, after, step = standing, dict(standing), dict[str, set[str]]()
        old = list(before)
        random.shuffle(old)
        while old and random.random() < 0.7:
            kind = random.choice(("merge", "split", "rename", "move"))
            gone = [old.pop() for _ in range(min(len(old), random.randint(2, 3) if kind == "merge" else 1))]
            for code in gone:
                del after[code]
            # A code may be taken over from one of those that go, or from whoever is not there now.
            free = [code for code in CODES if code not in after and (code in gone or code not in before)]
            new = random.sample(free, min(len(free), 2 if kind == "split" else 1))
            for code in new:
                after[code] = random.choice(PROVINCES)
            step.update({code: set(new) for code in gone})
        for code in step:
            last = reform - DAY
            told.periods.append(UnitPeriod(code, before[code], begun[code], last, tuple(sorted(step[code]))))
        begun = {code: begun[code] if code in before and code not in step else reform for code in after}
        begun |= {code: reform for heirs in step.values() for code in heirs}
        told.steps.append(step)
        told.standing.append(after)
        standing = after
    told.periods += [UnitPeriod(code, parent, begun[code], OPEN) for code, parent in standing.items()]
    told.periods += [UnitPeriod(code) for code in PROVINCES]
    return told
