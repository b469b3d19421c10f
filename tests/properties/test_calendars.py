"""Random versions over random dossiers: a preview is what happens, and what happens is what folding everything gives."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.properties.arena import Arena
from tests.properties.histories import DAYS, MONDAY, histories
from tests.properties.model import Event

AFTERWARDS = datetime(2024, 6, 1, tzinfo=UTC)
MORNING = [{"opens": "07:30", "closes": "11:30"}]
KINDS = ("off", "worked", "half_day")

how_often = pytest.mark.parametrize(
    "examples",
    [
        pytest.param(25, id="short"),
        pytest.param(2_000, id="long", marks=[pytest.mark.soak, pytest.mark.timeout(7200)]),
    ],
)
near = st.integers(-6, DAYS + 25).map(lambda n: MONDAY + timedelta(days=n))
days = st.dictionaries(near, st.sampled_from(KINDS), min_size=1, max_size=4)
weeks = st.sampled_from([None, None, None, [MORNING] * 6 + [[]], [MORNING] * 3 + [[]] * 4])


@st.composite
def drafts(draw: st.DrawFn) -> dict[str, Any]:
    """A version around the days of the histories."""
    listed, begin = draw(days), draw(near)
    return {
        "effective_from": str(min(begin, *listed)),
        "source": {"title": "mẫu"},
        "days": [{"day": str(day), "kind": kind, "name": "mẫu"} for day, kind in listed.items()],
        "week": draw(weeks),
    }


async def previewed(arena: Arena, number: int) -> dict[str, Any]:
    """Code → change, of all pages."""
    found: dict[str, Any] = {}
    total: int | None = None
    asked: dict[str, object] = {"limit": 2}
    while True:
        told = await arena.get(f"/v1/calendars/plain/versions/{number}/preview", **asked)
        found |= {item["code"]: item for item in told["items"]}
        if "cursor" not in asked:
            total = told["total"]["dossiers"]
        if told["next_cursor"] is None:
            assert len(found) == total
            return found
        asked["cursor"] = told["next_cursor"]


async def judged(arena: Arena, code: str) -> dict[str, Any]:
    told = await arena.get("/v1/dossier", code=code)
    return {name: told[name] for name in ("due_original", "due_current", "verdict")}


async def change(arena: Arena, events: list[Event], versions: list[dict[str, Any]], random: Random) -> None:
    latest = max((event.time for event in events), default=AFTERWARDS).astimezone(UTC)
    arena.now = random.choice((AFTERWARDS, latest, latest))
    await arena.empty()
    await arena.describe()
    if events:
        await arena.post(random.sample(events, len(events)), "array")
    await arena.project()
    for number, version in enumerate(versions, 2):
        await arena.write("PUT", f"/v1/calendars/plain/versions/{number}", version)
        told = await previewed(arena, number)
        codes = {event.subject for event in events}
        before = {code: await judged(arena, code) for code in told}
        rows = await arena.rows()
        await arena.write("POST", f"/v1/calendars/plain/versions/{number}/put-in-force")
        assert await arena.take_up_changes() == set(told) <= codes
        await arena.project()
        after = await arena.rows()
        assert {code for code in rows if rows[code] != after[code]} == set(told)
        for code, item in told.items():
            assert item["before"] == before[code]
            assert item["after"] == await judged(arena, code)
        assert await previewed(arena, number) == {}
    await arena.prove()


@how_often
def test_a_preview_is_what_happens_and_what_happens_is_what_folding_everything_gives(
    arena: Arena, examples: int
) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
    )
    @given(histories(most=12), st.lists(drafts(), min_size=1, max_size=2), st.integers(0, 2**32).map(Random))
    def holds(events: list[Event], versions: list[dict[str, Any]], random: Random) -> None:
        arena.run(change(arena, events, versions, random))

    holds()
