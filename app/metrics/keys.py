"""A question's filters and group keys as SQL, over whatever table has columns for unit, procedure, sector and channel.

Dossiers and cells are filtered and grouped by the same words; what is counted in the groups it does not know.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from app.metrics.question import Question

Columns = Mapping[str, sa.ColumnElement[Any]]
"""The columns `unit`, `procedure`, `sector` and `channel`, of any table."""


def keys(
    question: Question, columns: Columns, source: sa.FromClause
) -> tuple[list[sa.ColumnElement[Any]], sa.FromClause]:
    """The keys but for time, labelled by their names, and `source` with what they need.

    By `unit` and by `child` stands the unit under which each is counted.
    """
    found = {**columns, "child": columns["unit"]}
    for by in question.by:
        if groups := question.regroup.get(by):
            group = _groups(by, groups)
            source = source.outerjoin(group, group.c.code == columns["unit"])
            found[by] = sa.func.coalesce(group.c.group, columns["unit"])
    return [found[by].label(by) for by in question.by if by in found], source


def _groups(by: str, groups: Mapping[str, str]) -> sa.TableValuedAlias:
    """Code → group as a table of two columns; the codes are different, so that joining it repeats no dossier."""
    codes, grouped = (
        sa.bindparam(f"{by}_{side}", list(texts), ARRAY(sa.Text))
        for side, texts in (("codes", groups.keys()), ("groups", groups.values()))
    )
    pairs = sa.func.unnest(codes, grouped).table_valued(
        sa.column("code", sa.Text), sa.column("group", sa.Text)
    )
    return pairs.render_derived(name=f"{by}_groups")


def filters(question: Question, columns: Columns) -> Iterator[sa.ColumnElement[bool]]:
    """The conditions of the question's filters."""
    for name, allowed in _allowed(question).items():
        if allowed is not None:
            yield columns[name] == sa.any_(sa.bindparam(f"{name}_allowed", list(allowed), ARRAY(sa.Text)))
    if question.sector_unknown:
        yield columns["sector"].is_(None)


def values(question: Question) -> dict[str, list[str]]:
    """The values of the parameters in statements that `keys` and `filters` wrote for a question of the same shape."""
    found = {
        f"{name}_allowed": list(allowed)
        for name, allowed in _allowed(question).items()
        if allowed is not None
    }
    for by, groups in question.regroup.items():
        found |= {f"{by}_codes": list(groups.keys()), f"{by}_groups": list(groups.values())}
    return found


def shape(question: Question) -> Hashable:
    """What, besides values, makes the keys and conditions of a question's statement."""
    filtered = tuple(name for name, allowed in _allowed(question).items() if allowed is not None)
    regrouped = tuple(by for by in question.by if question.regroup.get(by))
    return question.by, filtered, regrouped, question.sector_unknown


def keyed(question: Question) -> frozenset[str]:
    """The columns by which is filtered or grouped."""
    grouped = {"unit" if by == "child" else by for by in question.by} & _allowed(question).keys()
    filtered = {name for name, allowed in _allowed(question).items() if allowed is not None}
    return frozenset(grouped | filtered | ({"sector"} if question.sector_unknown else set()))


def _allowed(question: Question) -> dict[str, Sequence[str] | None]:
    return {
        "unit": question.units,
        "procedure": question.procedures,
        "sector": question.sectors,
        "channel": question.channels,
    }
