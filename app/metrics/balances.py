"""Whether a table of counts balances, whoever published it: every equation of the domain note §6 whose terms it tells.

Pure. It knows the equations and exact percents; where a table is from, and what is made of its residuals, it does not.
"""

from collections.abc import Mapping
from fractions import Fraction
from math import floor
from typing import Final, NamedTuple


class Equation(NamedTuple):
    """What is equal in a table that balances: sums of its counts."""

    left: tuple[str, ...]
    right: tuple[str, ...]

    def __str__(self) -> str:
        """In words: `resolved = resolved_early + resolved_late`."""
        return f"{' + '.join(self.left)} = {' + '.join(self.right)}"

    def residual(self, table: Mapping[str, int]) -> int:
        """Left less right; a term that the table does not tell is 0."""
        return sum(table.get(term, 0) for term in self.left) - sum(table.get(term, 0) for term in self.right)


EQUATIONS: Final = (
    Equation(("received", "carried_over"), ("resolved", "in_progress")),
    Equation(("workload",), ("received", "carried_over")),
    Equation(("workload",), ("resolved", "in_progress")),
    Equation(("received",), ("received_online", "received_counter", "received_post")),
    Equation(("resolved",), ("resolved_early", "resolved_on_time", "resolved_late", "resolved_undated")),
    Equation(("resolved",), ("resolved_kept", "resolved_late", "resolved_undated")),
    Equation(("in_progress",), ("in_progress_not_due", "in_progress_overdue")),
    Equation(("due",), ("due_kept", "due_missed")),
    Equation(("received_dated",), ("received_in_time", "received_late")),
)
_OFTEN_UNTOLD: Final = frozenset({"carried_over", "resolved_undated"})
"""Published tables leave them out when they mean none."""


def residuals(table: Mapping[str, int]) -> dict[str, int]:
    """Equation → left less right, of those whose terms the table tells; what balances gives 0.

    `resolved_kept` is early and on time together, as many tables have it.
    """
    told = table.keys() | _OFTEN_UNTOLD
    return {
        str(equation): equation.residual(table)
        for equation in EQUATIONS
        if told.issuperset(equation.left + equation.right)
    }


def percent(numerator: int, denominator: int, decimals: int) -> Fraction | None:
    """The exact percent rounded half up to so many decimals, as tables print it; None of nothing."""
    if denominator == 0:
        return None
    scale = 10**decimals
    return Fraction(floor(Fraction(100 * scale * numerator, denominator) + Fraction(1, 2)), scale)
