"""The generated days: repeatable, valid as they stand, coherent, and labelled as a sample."""

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from app.demo.days import events_of, told_of
from app.demo.places import BELATED, CITY, PROVINCE, REFORM, SERVICES, SOURCES, WARDS
from app.demo.promises import signed
from app.directory.sample import phan_thiet
from app.events.envelope import Event, check
from app.worktime.vietnam import national

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
LATER = datetime(2030, 1, 1, tzinfo=ZONE)


def days(first: date, many: int) -> list[date]:
    return [first + timedelta(days=passed) for passed in range(many)]


def dossiers(filed: list[date]) -> dict[str, list[dict[str, Any]]]:
    told: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for day in filed:
        for event in events_of(day, ZONE):
            told[event["subject"]].append(event)
    return told


def test_a_day_gives_the_same_events_whenever_it_is_asked_for() -> None:
    day = date(2026, 3, 17)
    assert events_of(day, ZONE) == events_of(day, ZONE) != events_of(day + timedelta(days=7), ZONE)


def test_every_event_is_valid_and_has_an_id_of_its_own() -> None:
    events = [event for day in days(date(2025, 6, 1), 90) for event in events_of(day, ZONE)]
    assert len({event["id"] for event in events}) == len(events)
    assert [
        event for event in events if not isinstance(check(msgspec.json.encode(event), LATER), Event)
    ] == []


def test_a_dossier_goes_on_in_time_and_its_work_is_done_in_office_hours() -> None:
    calendar = national(ZONE)
    for events in dossiers(days(date(2026, 1, 1), 60)).values():
        times = [datetime.fromisoformat(event["time"]) for event in events]
        if not any(
            event["type"] == "event.retracted" for event in events
        ):  # what is told right is told later
            assert times == sorted(times)
        for event, moment in zip(events, times, strict=True):
            if event["type"] in {"dossier.received", "dossier.processed"}:
                assert calendar.windows(moment.astimezone(ZONE).date())


def test_nothing_is_told_before_it_happened_and_one_source_tells_days_later() -> None:
    waits: defaultdict[str, list[timedelta]] = defaultdict(list)
    for day in days(date(2026, 3, 1), 30):
        for told in told_of(day, ZONE):
            waits[told.event["source"]].append(told.at - datetime.fromisoformat(told.event["time"]))
    assert waits.keys() == SOURCES
    assert min(min(found) for found in waits.values()) >= timedelta()
    assert min(waits[BELATED]) > timedelta(days=2)


def test_the_wards_take_over_on_the_day_of_the_reform() -> None:
    today = {ward.unit.code for ward in WARDS}
    found = dossiers(days(date(2025, 5, 1), 75))
    moved = 0
    for events in found.values():
        for event in events:
            happened = datetime.fromisoformat(event["time"]).astimezone(ZONE).date()
            if unit := event["data"].get("unit"):
                assert happened < REFORM or unit in today
            if event["type"] == "dossier.transferred":
                moved += 1
                assert happened == REFORM
        said = [event["data"]["unit"] for event in events if "unit" in event["data"]]
        ends = [event for event in events if event["type"] == "dossier.processed"]
        if ends and said[0] not in today and max(event["time"] for event in ends) > REFORM.isoformat():
            assert said[-1] in today
    assert moved > 50
    offices = {
        event["data"]["unit"] for events in found.values() for event in events if "unit" in event["data"]
    }
    assert CITY.code in offices
    assert len(offices - today) > 8


def test_offices_are_quiet_around_the_lunar_new_year() -> None:
    received = Counter(
        datetime.fromisoformat(event["time"]).astimezone(ZONE).date()
        for events in dossiers(days(date(2026, 1, 1), 120)).values()
        for event in events
        if event["type"] == "dossier.received"
    )
    # New Year's Day is 17 February 2026.
    week_before, ordinary = days(date(2026, 2, 9), 5), days(date(2026, 3, 16), 5)
    assert sum(received[day] for day in week_before) < 0.7 * sum(received[day] for day in ordinary)
    assert not any(received[day] for day in days(date(2026, 2, 16), 5))


def test_whatever_people_read_says_that_it_is_a_sample() -> None:
    names = [(unit.name, unit.name_en) for unit in (PROVINCE, *(ward.unit for ward in WARDS), *phan_thiet())]
    names += [(service.procedure.name, service.procedure.name_en) for service in SERVICES]
    for vi, en in names:
        assert vi.endswith("(mẫu)")
        assert en is not None
        assert en.endswith("(sample)")
    for code, events in dossiers(days(date(2026, 1, 1), 365)).items():
        assert code.startswith("MAU-")
        said = {event["data"].get(field) for event in events for field in ("reason", "signed_by")} - {None}
        assert all(text.endswith("(mẫu)") for text in said)
    for signature in signed(date(2026, 12, 31)):
        assert signature.signed_by.endswith("(mẫu)")
        assert signature.document.endswith("(mẫu)")
