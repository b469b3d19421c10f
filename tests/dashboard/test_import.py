"""The page for small files: a dry run that stores nothing, then the run, for a key that may and for forms of ours only."""

import io
from datetime import UTC, datetime
from html import unescape
from re import findall

import httpx
import openpyxl
import pytest
import sqlalchemy as sa

from app.dashboard import importing
from app.directory.tables import unit
from app.events.tables import event, receipt
from app.keys import queries as keys
from app.kit.db import Database
from tests.conftest import KEY
from tests.dashboard.conftest import sign_in, token_of

EVENTS = (
    b"id,source,type,subject,time,unit,procedure,channel,due_at\r\n"
    b"1,urn:a,dossier.received,D-1,2026-01-05T08:30:00+07:00,U,1.900001,counter,2026-01-12\r\n"
    b"2,urn:a,dossier.received,D-2,31/02/2026,U,1.900001,counter,2026-01-12\r\n"
)
UNITS = "code,name,kind\r\nH1,Phường Một,ward\r\n".encode()


async def a_key(database: Database, *scopes: str, **limits: object) -> str:
    async with database.transaction() as connection:
        _, text = await keys.create(
            connection,
            name="k",
            scopes=scopes,
            now=datetime.now(UTC),
            **limits,  # type: ignore[arg-type] # a test's own words
        )
        return text


async def send(
    browser: httpx.AsyncClient,
    name: str,
    content: bytes,
    headers: dict[str, str] | None = None,
    **fields: str,
) -> httpx.Response:
    form = {"token": token_of((await browser.get("/import?lang=en")).text), "do": "try", **fields}
    return await browser.post("/import", data=form, files={"file": (name, content)}, headers=headers)


async def run(browser: httpx.AsyncClient, tried: httpx.Response) -> httpx.Response:
    """Press the button of a page that tried a file."""
    hidden = dict(
        findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', tried.text.partition("<main")[2])
    )
    form = {name: (None, unescape(value)) for name, value in (hidden | {"do": "run"}).items()}
    return await browser.post("/import", files=form)


async def stored(database: Database) -> int:
    async with database.transaction() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(event)) or 0


async def test_a_dry_run_stores_nothing_and_the_run_stores_what_it_promised(
    browser: httpx.AsyncClient, database: Database
) -> None:
    await sign_in(browser)
    tried = await send(browser, "ho-so.csv", EVENTS)
    assert tried.status_code == 200
    assert "1 accepted, 0 duplicate, 1 rejected" in tried.text
    assert "1 units are not in the directory yet: U (1)" in tried.text
    assert "<td>3</td><td>time</td>" in tried.text
    assert "Dry run: nothing was stored." in tried.text
    assert await stored(database) == 0

    done = await run(browser, tried)
    assert "1 accepted, 0 duplicate, 1 rejected" in done.text
    assert "Dry run" not in done.text.partition("Choose a file")[0]
    assert await stored(database) == 1
    async with database.transaction() as connection:
        assert list(await connection.scalars(sa.select(receipt.c.key_id))) == ["bootstrap"]

    again = await run(browser, tried)
    assert "0 accepted, 1 duplicate, 1 rejected" in again.text
    assert await stored(database) == 1


async def test_a_workbook_of_units_and_a_status_table_are_taken_too(
    browser: httpx.AsyncClient, database: Database
) -> None:
    await sign_in(browser)
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (["code", "name", "kind"], ["H1", "Phường Một", "ward"]):
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    tried = await send(browser, "đơn vị.xlsx", content.getvalue())
    assert "đơn vị.xlsx (units): 1 new, 0 changed, 0 unchanged, 0 rejected" in tried.text
    async with database.transaction() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(unit)) == 0
    assert "1 new" in (await run(browser, tried)).text
    async with database.transaction() as connection:
        assert list(await connection.scalars(sa.select(unit.c.code))) == ["H1"]

    table = (
        "MaHoSo,MaTTHC,MaDonVi,KenhThucHien,TrangThaiHoSo,NgayTiepNhan,NgayHenTra,NgayKetThucXuLy\r\n"
        "A-1,1.004946,H1,2,9,20260105083000,20260112170000,20260109100000\r\n"
    )
    tried = await send(browser, "trang-thai.csv", table.encode(), mapping="national", source="urn:h1")
    assert "2 accepted, 0 duplicate, 0 rejected" in tried.text
    assert "dossier.processed" in tried.text


@pytest.mark.parametrize(
    ("given", "headers"),
    [
        ({"token": ""}, {}),
        ({"token": "0" * 64}, {}),
        ({}, {"sec-fetch-site": "cross-site"}),
        ({}, {"origin": "https://elsewhere.example"}),
    ],
)
async def test_a_form_from_elsewhere_imports_nothing(
    given: dict[str, str], headers: dict[str, str], browser: httpx.AsyncClient, database: Database
) -> None:
    await sign_in(browser)
    answer = await send(browser, "ho-so.csv", EVENTS, headers, do="run", **given)
    assert answer.status_code == 403
    assert await stored(database) == 0


@pytest.mark.parametrize(
    ("scopes", "limits"),
    [
        (("metrics:read",), {}),
        (("metrics:read", "events:write"), {}),
        (("metrics:read", "directory:write"), {}),
        (("admin",), {"unit": "H1"}),
        (("metrics:read", "events:write", "directory:write"), {"sources": ["urn:a"]}),
    ],
)
async def test_a_key_that_may_not_write_everything_imports_nothing(
    scopes: tuple[str, ...], limits: dict[str, object], browser: httpx.AsyncClient, database: Database
) -> None:
    await sign_in(browser, await a_key(database, *scopes, **limits))
    page = await browser.get("/import")
    assert page.status_code == 403
    assert 'href="/import"' not in (await browser.get("/alerts")).text
    token = token_of((await browser.get("/alerts")).text)
    form = {"token": token, "do": "run"}
    answer = await browser.post("/import", data=form, files={"file": ("ho-so.csv", EVENTS)})
    assert answer.status_code == 403
    assert await stored(database) == 0


async def test_a_stranger_is_led_to_the_sign_in(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/import")).headers["location"].startswith("/sign-in")
    assert (await browser.post("/import", files={"file": ("a.csv", EVENTS)})).status_code == 303


@pytest.mark.parametrize(
    ("name", "content", "fields", "status"),
    [
        ("a.csv", b"x" * (importing.MOST_BYTES + 1), {}, 413),
        ("a.csv.gz", b"\x1f\x8b\x08\x00", {}, 413),
        ("a.csv", b"", {}, 422),
        ("a.csv", b"no,such,table\r\n1,2,3\r\n", {}, 422),
        ("a.csv", EVENTS, {"mapping": "/etc/passwd"}, 422),
        ("a.csv", EVENTS, {"encoding": "rot13"}, 422),
        ("a.csv", "Mã\r\n".encode("utf-16-le"), {}, 400),
    ],
)
async def test_what_cannot_be_taken_is_told_on_a_page(
    name: str, content: bytes, fields: dict[str, str], status: int, browser: httpx.AsyncClient
) -> None:
    await sign_in(browser)
    answer = await send(browser, name, content, None, **fields)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")


async def test_a_name_that_is_a_path_stays_in_its_folder(browser: httpx.AsyncClient) -> None:
    await sign_in(browser)
    for name in ("../../../tmp/x.csv", "C:\\Users\\x.csv", "x.csv", '"><script>alert(1)</script>x.csv'):
        tried = await send(browser, name, UNITS)
        assert "x.csv (units): 1 new" in tried.text
        assert "<script>alert" not in tried.text


async def test_the_page_is_offered_to_a_key_that_may_do_everything(browser: httpx.AsyncClient) -> None:
    await sign_in(browser, KEY)
    page = (await browser.get("/import?lang=vi")).text
    assert 'href="/import" aria-current="page"' in page
    assert "Chạy thử" in page
