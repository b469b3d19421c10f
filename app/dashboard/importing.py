"""The page for small files: a dry run with its report, then the run, as `dunghen import` does both.

It keeps no file: what was tried comes back with the form. What files may hold, `importing` says.
"""

import asyncio
import base64
import binascii
import hmac
import io
import json
import tempfile
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Annotated, Final, Literal, NamedTuple
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from app.dashboard import queries
from app.dashboard.reader import SESSION_COOKIE, Reader, reader, sessions
from app.dashboard.render import PageRoute, page
from app.dashboard.uploads import Upload, taken_apart
from app.events.ingest import Sender
from app.importing import importer, mapping
from app.importing.files import ENCODINGS
from app.importing.report import Report
from app.kit.db import Database
from app.kit.deployment import Deployment, Here, Snapshot
from app.kit.problems import Problem
from app.kit.text import Text

router: Final = APIRouter(route_class=PageRoute, include_in_schema=False)

MOST_BYTES: Final = 2 * 1024 * 1024
"""Of a file: some twenty thousand rows. What is larger goes by `dunghen import`, which shows how far it is."""

_MOST_BODY: Final = MOST_BYTES * 4 // 3 + 64 * 1024
"""What was tried comes back in letters, four for three bytes."""

_MOST_UNPACKED: Final = 64 * 1024 * 1024
_LONGEST_NAME: Final = 120
_FAULTS_SHOWN: Final = 100
_KINDS: Final[dict[str, Literal["events", "units", "procedures"]]] = {
    "events": "events",
    "units": "units",
    "procedures": "procedures",
}
_FIELDS: Final = ("mapping", "kind", "source", "encoding", "sheet")

_LIMITED: Final = Text(
    "Tệp có thể chứa sự việc của mọi nguồn và mọi đơn vị: khóa giới hạn theo đơn vị hoặc nguồn không nhập được tệp ở đây.",
    "A file may hold facts of any source and any unit: a key that is limited to a unit or to sources cannot import files here.",
)
_STALE: Final = Text(
    "Biểu mẫu đã cũ hoặc được gửi từ nơi khác. Hãy thử lại.",
    "The form was out of date or came from elsewhere. Please try again.",
)
_NO_FILE: Final = Text("Hãy chọn một tệp.", "Choose a file.")
_TOO_LARGE: Final = Text(
    "Tệp lớn hơn 2 MB, hoặc giải nén ra quá lớn: hãy dùng dunghen import.",
    "The file is larger than 2 MB, or too large once unpacked: use dunghen import.",
)
_CHOICE: Final = Text("Lựa chọn {name} không có giá trị này.", "There is no such choice of {name}.")

_one_at_a_time: Final = asyncio.Semaphore(1)


class Wrong(NamedTuple):
    """What is wrong, in the reader's language, in a row and a column of the file."""

    row: int
    column: str
    reason: str


class _Lines(io.StringIO):
    """The import's file of faults, in memory."""

    name = "faults.ndjson"

    def rows(self) -> list[Wrong]:
        """The first of them."""
        told = islice(self.getvalue().splitlines(), _FAULTS_SHOWN)
        return [
            Wrong(line["line"], error["column"], error["detail"])
            for line in map(json.loads, told)
            for error in line["errors"]
        ]


@dataclass(frozen=True)
class Tried:
    """A file that was tried: its report, and what is needed to run it as it was tried."""

    report: Report
    lines: list[str]
    faults: list[Wrong]
    name: str
    held: str

    @property
    def is_clean(self) -> bool:
        """Whether nothing was refused."""
        return not self.report.rejected and not any(one.rejected for one in self.report.directory)

    @property
    def holds_something(self) -> bool:
        """Whether a run would change anything at all."""
        described = sum(one.created + one.changed for one in self.report.directory)
        return bool(self.report.accepted or described)


async def importing_reader(request: Request, here: Here) -> Reader:
    """A reader whose key may write facts and the directory, of any unit and source. Raises Problem forbidden."""
    found = await reader(request, here)
    found.caller.require("events:write")
    found.caller.require("directory:write")
    if not found.imports:
        raise Problem("forbidden", _LIMITED)
    return found


ImportingReader = Annotated[Reader, Depends(importing_reader)]


@router.get("/import")
async def form(request: Request, reader: ImportingReader, connection: Snapshot) -> Response:
    """The form for a file."""
    return await _page(request, reader, connection, dict.fromkeys(_FIELDS, ""))


@router.post("/import")
async def take(request: Request, reader: ImportingReader, here: Here) -> Response:
    """Try a file, or run one that was tried; the answer is the report of `dunghen import`."""
    fields, files = taken_apart(request.headers.get("content-type", ""), await _body(request))
    if not _is_ours(request, fields.get("token", "")):
        raise Problem("forbidden", _STALE)
    chosen = {name: fields.get(name, "").strip() for name in _FIELDS}
    upload = _upload(fields, files)
    is_run = fields.get("do") == "run"
    tried = await _imported(here, reader, upload, _options(chosen, dry_run=not is_run))
    async with here.database.snapshot() as connection:
        return await _page(request, reader, connection, chosen, tried)


async def _page(
    request: Request,
    reader: Reader,
    connection: AsyncConnection,
    chosen: Mapping[str, str],
    tried: Tried | None = None,
) -> Response:
    mappings = {name: mapping.load(name) for name in mapping.shipped()}
    titles = {
        name: found.title if reader.language == "vi" else found.title_en or found.title
        for name, found in mappings.items()
    }
    return page(
        request,
        reader,
        "import.html",
        sample=await queries.has_samples(connection),
        mappings=titles,
        kinds=_KINDS,
        encodings=ENCODINGS,
        chosen=chosen,
        tried=tried,
        faults_shown=_FAULTS_SHOWN,
    )


async def _body(request: Request) -> bytes:
    pieces = bytearray()
    async for piece in request.stream():
        pieces += piece
        if len(pieces) > _MOST_BODY:
            raise Problem("too-large", _TOO_LARGE)
    return bytes(pieces)


def _is_ours(request: Request, token: str) -> bool:
    """Whether the form came from a page of this session: by its token, and by what the browser says of its origin."""
    expected = sessions(request).form_token(request.cookies.get(SESSION_COOKIE, ""))
    if not hmac.compare_digest(expected.encode(), token.encode()):
        return False
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _upload(fields: Mapping[str, str], files: Mapping[str, Upload]) -> Upload:
    """The file that was chosen, else the one that comes back from the page that tried it."""
    file = files.get("file")
    if file is None or not file.name:
        try:
            content = base64.b64decode(fields.get("held", ""), validate=True)
        except binascii.Error:
            raise Problem("invalid", _NO_FILE) from None
        file = Upload(fields.get("name", ""), content)
    if not file.name or not file.content:
        raise Problem("invalid", _NO_FILE)
    if len(file.content) > MOST_BYTES or _unpacked(file.content) > _MOST_UNPACKED:
        raise Problem("too-large", _TOO_LARGE)
    return file


def _unpacked(content: bytes) -> int:
    """How large the content is once unpacked, as far as it says so; a gzip file never says, and is too large."""
    if content.startswith(b"\x1f\x8b"):
        return _MOST_UNPACKED + 1
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return len(content)
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return sum(part.file_size for part in packed.infolist())


def _options(chosen: Mapping[str, str], *, dry_run: bool) -> importer.Options:
    allowed: Mapping[str, Collection[str]] = {
        "mapping": mapping.shipped(),
        "kind": _KINDS,
        "encoding": ENCODINGS,
    }
    for name, values in allowed.items():
        if chosen[name] and chosen[name] not in values:
            raise Problem("invalid", _CHOICE.filled(name=name))
    return importer.Options(
        mapping=mapping.load(chosen["mapping"]) if chosen["mapping"] else None,
        kind=_KINDS.get(chosen["kind"]),
        source=chosen["source"] or None,
        encoding=chosen["encoding"] or None,
        sheet=chosen["sheet"] or None,
        dry_run=dry_run,
    )


async def _imported(here: Deployment, reader: Reader, upload: Upload, options: importer.Options) -> Tried:
    """Import as the command does: a file of a temporary folder, in a thread, so that no other answer waits for it."""
    name = _safe(upload.name)
    faults = _Lines()
    settings = here.settings.model_copy(update={"language": reader.language})
    url = here.database.url.render_as_string(hide_password=False)

    async def run(path: Path) -> Report:
        database = Database(url, application_name="dunghen import page", pool_size=2)
        try:
            there = Deployment(settings, database, here.clock)
            return await importer.import_files(
                there,
                [path],
                options,
                faults=faults,
                progress=lambda _: None,
                sender=Sender(reader.caller.key_id, None, None, is_admin=reader.caller.may("admin")),
                folds=False,
            )
        finally:
            await database.close()

    async with _one_at_a_time:
        with tempfile.TemporaryDirectory(prefix="dunghen-import-") as folder:
            path = Path(folder) / name
            path.write_bytes(upload.content)
            report = await asyncio.to_thread(lambda: asyncio.run(run(path)))
    return Tried(
        report,
        list(report.told(reader.language)),
        faults.rows(),
        name,
        base64.b64encode(upload.content).decode() if options.dry_run else "",
    )


def _safe(name: str) -> str:
    """The last part of a name as any system writes paths, of letters that any folder takes."""
    last = PureWindowsPath(PurePosixPath(name).name).name
    kept = "".join(letter for letter in last if letter.isprintable() and letter not in '<>:"|?*')
    return kept[-_LONGEST_NAME:].strip(". ") or "file"
