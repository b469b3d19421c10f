from datetime import date

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from app.directory.consistency import broken
from app.directory.periods import Bounds, overlapping
from app.directory.queries import structure as stored_structure
from app.directory.regrouping import as_now, as_then
from app.directory.sample import phan_thiet
from app.directory.structure import EVER, OPEN, Structure, UnitPeriod
from app.directory.tables import unit
from app.directory.tree import chain
from app.kit.db import Database
from tests.directory.histories import CODES, DAY, PROVINCES, REFORMS, History, history

HISTORIES = st.builds(history, st.randoms(use_true_random=False))
DAYS = st.sampled_from([day for reform in REFORMS for day in (reform - DAY, reform, reform + 9 * DAY)])

END = date(2025, 6, 30)
MERGED = date(2025, 7, 1)
AREA = Structure(
    UnitPeriod(
        unit.code,
        unit.parent,
        unit.valid_from or EVER,
        unit.valid_to or OPEN,
        tuple(heir.code for heir in unit.successors),
    )
    for unit in phan_thiet()
)


@given(HISTORIES, DAYS, DAYS)
def test_what_a_code_stood_for_is_found_where_it_went_step_by_step(
    told: History, one: date, other: date
) -> None:
    since, today = min(one, other), max(one, other)
    structure = Structure(told.periods)
    first, last = told.age(since), told.age(today)
    for code in structure:
        if code in PROVINCES:
            continue
        ages = [age for age in range(len(told.standing)) if code in told.standing[age]]
        meant = [age for age in ages if first <= age <= last] or [age for age in ages if age <= last][-1:]
        expected = set().union(*(told.went(code, age, last) for age in meant)) or {code}
        assert structure.heirs(code, since, today) == expected


@given(HISTORIES, DAYS)
def test_the_structure_of_then_is_what_stood_and_a_code_that_ended_hangs_where_it_hung(
    told: History, day: date
) -> None:
    structure = Structure(told.periods)
    standing = told.standing[told.age(day)]
    tree = structure.then(day)
    assert {code: tree[code] for code in standing} == standing
    for code in set(CODES) & set(structure) - set(standing):
        ages = [age for age in range(len(told.standing)) if code in told.standing[age]]
        last = max((age for age in ages if age <= told.age(day)), default=min(ages))
        assert tree[code] == told.standing[last][code]


@given(HISTORIES, DAYS, DAYS)
def test_by_now_a_whole_unit_is_counted_once_and_a_split_one_under_its_old_code(
    told: History, one: date, other: date
) -> None:
    since, today = min(one, other), max(one, other)
    structure = Structure(told.periods)
    found = as_now(structure, [], None, {"unit"}, since, today)
    assert found.units is None
    assert not found.is_torn
    for code in structure:
        heirs = structure.heirs(code, since, today)
        group = found.groups["unit"].get(code, code)
        assert group == (next(iter(heirs)) if len(heirs) == 1 else code)
        if len(heirs) > 1:
            assert {code, *heirs} <= found.torn["unit"]


@given(HISTORIES, DAYS, DAYS)
def test_every_code_lies_in_the_part_of_the_tree_in_which_all_its_heirs_lie(
    told: History, one: date, other: date
) -> None:
    since, today = min(one, other), max(one, other)
    structure = Structure(told.periods)
    tree = structure.now(today)
    for province in PROVINCES:
        found = as_now(structure, [province], province, {"child"}, since, today)
        assert found.units is not None
        inside = set(found.units)
        for code in told.standing[told.age(today)]:
            assert (code in inside) == (told.standing[told.age(today)][code] == province)
        for code in inside - {province}:
            assert province in chain(tree, code)
            group = found.groups["child"].get(code, code)
            assert tree[group] == province
        split = [code for code in structure if len(structure.heirs(code, since, today)) > 1]
        parts = [{code, *structure.heirs(code, since, today)} for code in split]
        assert found.is_torn == any(part & inside and part - inside for part in parts)


@given(HISTORIES, DAYS)
def test_what_was_split_hangs_below_the_lowest_unit_that_has_all_its_heirs(
    told: History, today: date
) -> None:
    structure = Structure(told.periods)
    tree, standing = structure.now(today), told.standing[told.age(today)]
    for code in set(structure) - set(standing) - set(PROVINCES):
        heirs = structure.heirs(code, today, today)
        if len(heirs) > 1:
            above = {standing[heir] for heir in heirs}
            assert tree.get(code) == (above.pop() if len(above) == 1 else None)


@given(HISTORIES, DAYS)
def test_both_structures_place_every_code_once_so_that_totals_agree(told: History, day: date) -> None:
    structure = Structure(told.periods)
    for found in (
        as_then(structure, PROVINCES, None, {"unit"}, day),
        as_now(structure, PROVINCES, None, {"unit"}, EVER, day),
    ):
        assert found.units is not None
        assert len(found.units) == len(set(found.units))
    # Below all roots lies everything but what a split put below no one of them.
    split = {code for code in structure if len(structure.heirs(code, EVER, day)) > 1}
    then, now = (
        as_then(structure, PROVINCES, None, (), day),
        as_now(structure, PROVINCES, None, (), EVER, day),
    )
    assert set(then.units or ()) == set(structure)
    assert set(structure) - set(now.units or ()) <= split


@given(HISTORIES)
def test_a_history_that_could_have_been_breaks_nothing(told: History) -> None:
    structure = Structure(told.periods)
    assert broken(structure, list(structure)) == []
    for code in structure:
        assert overlapping(Bounds(one.valid_from, one.valid_to) for one in structure.periods(code)) == []


@pytest.mark.parametrize(
    ("old", "heir"),
    [
        ("22915", "22918"),  # Mũi Né, whose successor's code was Hàm Tiến's
        ("22918", "22918"),
        ("22942", "22945"),  # merged into Lạc Đạo first, with it into Phan Thiết later
        ("22951", "22945"),
        ("22966", "22954"),
        ("60", "68"),
        ("68", "68"),
        ("593", "593"),
    ],
)
def test_the_old_wards_of_phan_thiet_are_found_in_the_new_ones(old: str, heir: str) -> None:
    assert AREA.heirs(old, EVER, MERGED) == {heir}


def test_the_area_of_phan_thiet_hangs_together_before_and_after_the_merger() -> None:
    assert broken(AREA, list(AREA)) == []
    before, after = AREA.then(END), AREA.then(MERGED)
    assert list(chain(before, "22915")) == ["22915", "593", "60"]
    assert list(chain(after, "22918")) == ["22918", "68"]
    assert list(chain(after, "22915")) == ["22915", "593", "60"], "then it hangs where it last hung"
    assert list(chain(AREA.now(MERGED), "22915")) == ["22915", "22918", "68"]
    assert list(chain(AREA.now(END), "22915")) == ["22915", "593", "60"], (
        "the day before nothing had happened"
    )
    wards = {"22945", "22924", "22918", "22933", "22960", "22954"}
    assert wards <= {code for code, parent in after.items() if parent == "68"}


def test_who_succeeds_itself_by_way_of_others_breaks_the_structure_and_is_named_with_its_period() -> None:
    swapped = [
        UnitPeriod("A", None, EVER, END, ("B",)),
        UnitPeriod("B", None, EVER, END, ("A",)),
    ]
    (found,) = broken(Structure(swapped), ["A"])
    assert (found.code, found.field) == ("A", "successors")
    assert found.detail.en == (
        "The successions form a circle: A (… – 2025-06-30) → B (… – 2025-06-30) → A (… – 2025-06-30)."
    )
    goes_on = [*swapped[:1], UnitPeriod("B", None, EVER, OPEN), UnitPeriod("A", None, MERGED)]
    assert broken(Structure(goes_on), ["A", "B"]) == []
    itself = [UnitPeriod("A", None, EVER, END, ("A",)), UnitPeriod("A", None, MERGED)]
    assert broken(Structure(itself), ["A"]) == []


async def test_units_written_by_anybody_in_any_way_are_read_anew(database: Database) -> None:
    async def standing() -> dict[str, str]:
        async with database.snapshot() as connection:
            return dict((await stored_structure(connection)).then(MERGED))

    async def write(statement: sa.Executable) -> None:
        async with database.transaction() as connection:
            await connection.execute(statement)

    plain = {"name": "Đơn vị", "kind": "ward"}
    await write(sa.insert(unit).values(code="B", parent="A", **plain))
    assert await standing() == {"B": "A"}
    await write(sa.insert(unit).values(code="C", parent="B", **plain))
    assert await standing() == {"B": "A", "C": "B"}
    await write(sa.update(unit).where(unit.c.code == "C").values(parent="A"))
    assert await standing() == {"B": "A", "C": "A"}
    await write(sa.delete(unit).where(unit.c.code == "B"))
    assert await standing() == {"C": "A"}
