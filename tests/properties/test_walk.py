"""Random events over HTTP, in random order and form: dossiers and figures against the model, tables against each other.

The model is told in `model.py`, straight from the definitions.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.properties import model
from tests.properties.arena import FORMS, Arena
from tests.properties.histories import DAYS, MONDAY, PROCEDURES, UNITS, histories
from tests.properties.model import DAY, ICT, Event, Life

AFTERWARDS = datetime(2024, 6, 1, tzinfo=UTC)

how_often = pytest.mark.parametrize(
    "examples",
    [
        pytest.param(25, id="short"),
        pytest.param(3_000, id="long", marks=[pytest.mark.soak, pytest.mark.timeout(7200)]),
    ],
)

randoms = st.integers(0, 2**32).map(Random)

Recorded = dict[tuple[str, str], datetime]


def again(event: Event, random: Random) -> Event:
    """The same event told in another way: members in another order, a whole number with a fraction of 0."""
    data = dict(random.sample(sorted(event.data.items()), len(event.data)))
    if isinstance(data.get("amount"), int):
        data["amount"] = float(data["amount"])
    return replace(event, data=data)


def contradiction(event: Event) -> Event:
    """Another content under the same source and id."""
    return replace(event, time=event.time - timedelta(microseconds=1))


async def send(arena: Arena, events: Sequence[Event], random: Random) -> Recorded:
    """Post everything in random order, form and portions, some of it twice, at various times; when each was stored."""
    arena.now = AFTERWARDS
    await arena.empty()
    described = random.random() < 0.5
    if described:
        await arena.describe()
    left = random.sample(events, len(events))
    sent: list[Event] = []
    recorded: Recorded = {}
    while left:
        portion = [left.pop() for _ in range(min(len(left), random.choice((1, 2, 5, 20))))]
        sent += portion
        twice = [again(event, random) for event in random.sample(sent, len(sent)) if random.random() < 0.2]
        arena.now = max(event.time for event in portion) + random.choice((0, 0, 1, 90)) * timedelta(hours=1)
        arena.now = max(arena.now, max((event.time for event in twice), default=arena.now)).astimezone(UTC)
        tally = await arena.post(random.sample(portion + twice, len(portion + twice)), random.choice(FORMS))
        assert (tally.accepted, tally.duplicate, tally.rejected) == (len(portion), len(twice), 0)
        recorded |= {event.key: arena.now for event in portion}
        if random.random() < 0.2:
            await arena.project()
    if not described:
        await arena.describe()
    await arena.project()
    arena.now = AFTERWARDS
    return recorded


def lives(events: Iterable[Event]) -> dict[str, Life]:
    """Every dossier as the model tells it."""
    by_code: defaultdict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_code[event.subject].append(event)
    told = {code: model.live(own, PROCEDURES) for code, own in by_code.items()}
    return {code: life for code, life in told.items() if life is not None}


def instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


async def check_dossiers(
    arena: Arena, events: Sequence[Event], told: dict[str, Life], recorded: Recorded
) -> None:
    for code in {event.subject for event in events}:
        page, life = await arena.get("/v1/dossier", code=code), told.get(code)
        assert (page is None) == (life is None)
        if page is None or life is None:
            continue
        assert (page["state"] == "voided") == life.voided
        assert instant(page["ended_at"]) == life.ended
        assert instant(page["received_at"]) == (life.received and life.received.time)
        assert {found["kind"] for found in page["findings"]} & model.FINDINGS == life.findings
        assert page["explanation"] or life.received is None
        assert page["verdict"] == life.verdict(arena.now)
        if life.received is None:
            continue
        assert (page["unit"], page["procedure"]) == (life.unit, life.procedure)
        due = page["due_original"]
        assert model.told(due) == life.due
        in_time = life.outcome in {"early", "on_time"}
        late_in_data = in_time and life.due and life.end and recorded[life.end.key] > model.limit(life.due)
        assert page["late_in_data_only"] == bool(late_in_data)
        kinds = {found["kind"] for found in page["findings"]}
        assert ("unknown_unit" in kinds) == (life.unit not in UNITS)
        assert ("unknown_procedure" in kinds) == (life.procedure not in PROCEDURES)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ICT)


def months(first: date, last: date) -> list[tuple[str, date, date]]:
    """The months of a period by name, cut to its days."""
    names = sorted({f"{first + n * DAY:%Y-%m}" for n in range((last - first).days + 1)})
    inside = [[first + n * DAY for n in range((last - first).days + 1)] for _ in names]
    cut = [[day for day in days if f"{day:%Y-%m}" == name] for name, days in zip(names, inside, strict=True)]
    return [(name, days[0], days[-1]) for name, days in zip(names, cut, strict=True)]


Groups = dict[tuple[str | None, ...], dict[str, int]]

KEYS: dict[str, Callable[[Life], str | None]] = {
    "unit": lambda life: life.unit,
    "procedure": lambda life: life.procedure,
    "channel": lambda life: life.channel,
}


def count(told: Iterable[Life], first: date, last: date, now: datetime) -> dict[str, int]:
    until = min(now, midnight(last + DAY))
    return model.count(told, min(midnight(first), until), until, PROCEDURES)


def grouped(told: Iterable[Life], first: date, last: date, now: datetime, by: str) -> Groups:
    """The counts of every group by its keys; months are periods of their own, and absent until they begin."""
    parts = by.split(",")
    groups: Groups = {}
    for name, begin, end in months(first, last) if "month" in parts else [("", first, last)]:
        among: defaultdict[tuple[str | None, ...], list[Life]] = defaultdict(list)
        for life in told:
            among[tuple(name if part == "month" else KEYS[part](life) for part in parts)].append(life)
        if not name or midnight(begin) < now:
            groups |= {keys: count(some, begin, end, now) for keys, some in among.items()}
    return {keys: counts for keys, counts in groups.items() if any(counts.values())}


def key_of(row: dict[str, Any], by: str) -> tuple[str | None, ...]:
    return tuple(row[name]["code"] if isinstance(row[name], dict) else row[name] for name in by.split(","))


async def check_figures(arena: Arena, told: Iterable[Life], first: date, last: date, by: str) -> None:
    asked = {"from": first, "to": last, "group_by": by}
    received = [life for life in told if life.received]
    groups, whole = grouped(received, first, last, arena.now, by), count(received, first, last, arena.now)
    answer = await arena.get("/v1/metrics/counts", **asked)
    assert answer["total"] == whole
    assert whole["residual"] == 0
    rows = {key_of(row, by): row for row in answer["rows"]}
    assert {keys: {name: row[name] for name in whole} for keys, row in rows.items()} == groups
    answer = await arena.get("/v1/metrics/on_time", **asked)
    assert ratio(answer["total"]) == share(whole)
    assert answer["total"]["excluded"] == {"undated": whole["resolved_undated"]}
    rates = {key_of(row, by): ratio(row) for row in answer["rows"]}
    assert rates == {keys: share(counts) for keys, counts in groups.items() if counts["resolved"]}


def share(counts: dict[str, int]) -> tuple[int, int]:
    in_time = counts["resolved_early"] + counts["resolved_on_time"]
    return in_time, counts["resolved"] - counts["resolved_undated"]


def ratio(figure: dict[str, Any]) -> tuple[int, int]:
    exact = figure["numerator"] / figure["denominator"] if figure["denominator"] else None
    assert figure["rate"] == (None if exact is None else pytest.approx(exact, abs=1e-6))
    return figure["numerator"], figure["denominator"]


GROUPINGS = ["unit", "month", "unit,month", "procedure", "channel", "procedure,month"]
GLANCES = 3


async def glance(arena: Arena, told: dict[str, Life], edges: Sequence[datetime], random: Random) -> None:
    """Figures and verdicts at an instant that is often an event's own, for days that often end there."""
    arena.now = random.choice([*edges, AFTERWARDS]).astimezone(UTC)
    near = random.choice(edges).astimezone(ICT).date()
    days = [MONDAY - DAY, near - DAY, near, MONDAY + (DAYS + 5) * DAY]
    first, last = sorted(random.sample(days, 2))
    listed = {item["code"]: item["verdict"] for item in (await arena.get("/v1/dossiers"))["items"]}
    assert listed == {code: life.verdict(arena.now) for code, life in told.items()}
    await check_figures(arena, told.values(), first, last, random.choice(GROUPINGS))


async def walk(arena: Arena, events: list[Event], random: Random) -> None:
    recorded = await send(arena, events, random)
    told = lives(events)
    await check_dossiers(arena, events, told, recorded)
    for _ in range(GLANCES):
        await glance(arena, told, [event.time for event in events] or [AFTERWARDS], random)
    arena.now = AFTERWARDS
    await arena.prove()


async def arrive_twice(arena: Arena, events: list[Event], random: Random) -> None:
    await send(arena, events, random)
    first = await arena.facts_of_table()
    contradictions = [contradiction(event) for event in random.sample(events, len(events) // 2)]
    tally = await arena.post(contradictions, random.choice(FORMS))
    assert (tally.accepted, tally.rejected) == (0, len(contradictions))
    await arena.project()
    assert await arena.facts_of_table() == first
    await send(arena, events, random)
    assert await arena.facts_of_table() == first


async def take_back(arena: Arena, events: list[Event], random: Random) -> None:
    unwanted = [event for event in events if random.random() < 0.3]
    retractions = [
        replace(
            event,
            id=f"back of {event.id}",
            type="event.retracted",
            time=random.choice(events).time,
            data={"event_id": event.id, "reason": "gửi nhầm"},
        )
        for event in unwanted
    ]
    await send(arena, [*events, *retractions], random)
    with_retractions = await arena.facts_of_table()
    await send(arena, [event for event in events if event not in unwanted], random)
    assert await arena.facts_of_table() == with_retractions


# Every property is a function inside its test: the arena is the test's, and each example empties it itself.
@how_often
def test_every_dossier_and_every_figure_is_what_the_model_tells(arena: Arena, examples: int) -> None:
    @settings(deadline=None, max_examples=examples, phases=[Phase.explicit, Phase.reuse, Phase.generate])
    @given(histories(), randoms)
    def walked(events: list[Event], random: Random) -> None:
        arena.run(walk(arena, events, random))

    walked()


@how_often
def test_neither_order_of_arrival_nor_duplicates_nor_conflicts_change_a_byte(
    arena: Arena, examples: int
) -> None:
    @settings(deadline=None, max_examples=examples, phases=[Phase.explicit, Phase.reuse, Phase.generate])
    @given(histories(), randoms)
    def arrived(events: list[Event], random: Random) -> None:
        arena.run(arrive_twice(arena, events, random))

    arrived()


@how_often
def test_a_retraction_equals_never_having_sent(arena: Arena, examples: int) -> None:
    @settings(deadline=None, max_examples=examples, phases=[Phase.explicit, Phase.reuse, Phase.generate])
    @given(histories(retracting=False), randoms)
    def taken_back(events: list[Event], random: Random) -> None:
        arena.run(take_back(arena, events, random))

    taken_back()
