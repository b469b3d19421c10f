"""What pages tell is what the API and the table of dossiers tell, number by number and in the same order."""

import html
import re
from datetime import timedelta
from typing import Any

import httpx
import sqlalchemy as sa

from app.dashboard.figures import main_rates, rates
from app.dashboard.showing import rate
from app.dossiers.tables import dossier
from app.kit.deployment import Deployment
from tests.dashboard.conftest import sign_in
from tests.figures.makers import a_dossier, store


async def test_dossiers_are_listed_by_their_reception_the_latest_first_and_those_without_one_last(
    browser: httpx.AsyncClient, city: None, deployment: Deployment
) -> None:
    begun = deployment.clock()
    days = {f"L{number:02}": number // 2 for number in range(60)}
    received_at = {code: None if day % 10 == 3 else begun - timedelta(days=day) for code, day in days.items()}
    await store(deployment.database, [a_dossier(code, received_at=at) for code, at in received_at.items()])
    async with deployment.database.transaction() as connection:
        rows = await connection.execute(
            sa.select(dossier.c.code).order_by(dossier.c.received_at.desc().nulls_last(), dossier.c.code)
        )
    await sign_in(browser)
    listed: list[str] = []
    for number in (1, 2):
        page = html.unescape((await browser.get(f"/dossiers?page={number}")).text)
        listed += re.findall(r'<th scope="row"><a href="/dossier[?][^"]+">(L..|H. & <b>)</a>', page)
    assert listed == [code for (code,) in rows]


async def test_the_overview_and_the_table_of_units_have_the_numbers_of_the_api(
    browser: httpx.AsyncClient, client: httpx.AsyncClient, city: None
) -> None:
    await sign_in(browser)
    overview = (await browser.get("/?period=2026&lang=en")).text
    units = (await browser.get("/units?unit=top&period=2026&lang=en")).text
    one = (await browser.get("/unit?code=u1&period=2026&lang=en")).text
    checked = 0
    for metric in rates():
        told = (await client.get(f"/v1/metrics/{metric.key}?period=2026&unit=top&group_by=child")).json()
        assert _tip(told["total"]) in overview, metric.key
        for row in told["rows"]:
            if metric in main_rates() and row["denominator"]:
                assert _tip(row) in units, (metric.key, row)
            if row["child"]["code"] == "u1":
                assert _tip(row) in one, metric.key
            checked += 1
    assert checked > 10


def _tip(figure: dict[str, Any]) -> str:
    numerator, denominator = figure["numerator"], figure["denominator"]
    return f'{rate(numerator, denominator, "en")}<span class="tip ratio"> {numerator} / {denominator}</span>'
