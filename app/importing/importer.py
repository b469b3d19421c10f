"""`dunghen import`: files of facts into the log, and of units and procedures into the directory, through the doors of HTTP.

It knows files, portions and how far a run came; what a fact or an entry is, `events` and `directory` say.
"""

import hashlib
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, Literal, TextIO

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from app.directory import queries as directory
from app.directory.codes import canonical_procedure
from app.directory.registrar import put_procedures, put_units
from app.directory.schemas import ProcedureEntry, Unit
from app.dossiers import processes
from app.events.envelope import Event, Refused
from app.events.ingest import Call, Ingest, Outcome, Result, Sender
from app.importing import entries, facts, files, queries
from app.importing.entries import Kind, Wrong
from app.importing.facts import Made, Mapped
from app.importing.files import Surveyed
from app.importing.mapping import Mapping
from app.importing.report import Described, Faults, Report
from app.importing.sheets import Sheet, folded, from_csv
from app.importing.workbooks import from_workbook
from app.kit.deployment import Deployment
from app.kit.ids import uuid7
from app.kit.problems import Problem
from app.kit.text import Text

_PORTION: Final = 5_000
_LONGEST_LINE: Final = 1024 * 1024
"""A longer one is taken in pieces, each of which is refused: memory stays flat."""
_COMMAND: Final = Sender(key_id="import", unit=None, sources=None, is_admin=True)

_NO_SOURCE: Final = Text(
    "Ánh xạ này không nêu nguồn; hãy đặt tên nguồn bằng --source, ví dụ urn:mot-cua-phuong-a.",
    "This mapping names no source; name yours with --source, such as urn:ward-a-one-stop.",
)
_WHAT: Final = Text(
    "{file}: không nhận ra nội dung. Bảng sự việc có cột id, source, type, subject, time; bảng đơn vị có code, name, kind; "
    "bảng thủ tục có code, name, sector; bảng trạng thái cần --mapping. Các cột trong tệp: {there}.",
    "{file}: its contents are not recognised. Events have the columns id, source, type, subject, time; units code, name, kind; "
    "procedures code, name, sector; a status table needs --mapping. The file has: {there}.",
)

Progress = Callable[[int], None]
"""Told how many bytes of the files have been read."""


@dataclass(frozen=True)
class Options:
    """How files are to be read; what is not said is found out."""

    mapping: Mapping | None = None
    kind: Literal["events", "units", "procedures"] | None = None
    source: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    dry_run: bool = False


class _UndoneError(Exception):
    """Ends a transaction of a dry run, so that nothing of it stays."""


async def import_files(
    here: Deployment,
    paths: list[Path],
    options: Options,
    *,
    faults: TextIO | None,
    progress: Progress,
    sender: Sender = _COMMAND,
    folds: bool = True,
) -> Report:
    """Take files into the log or the directory, and fold the dossiers; faults go to a file, each with its place.

    Without `folds` the dossiers are left to the workers. Every file is read once before the first is taken, so that a wrong encoding or a damaged file changes nothing.
    Raises OSError for a file that cannot be read, and Problem that says what to do.
    """
    report = Report(dry_run=options.dry_run)
    teller = Faults(report, here.settings.language, faults)
    before = 0
    encoding = options.encoding or (options.mapping.encoding if options.mapping else None)
    for found in [files.survey(path, encoding) for path in paths]:
        told = partial(_advanced, progress, before)
        await _File(here, found, options, report, teller, told, sender).imported()
        before += found.size
        progress(before)
    await _known_codes(here, report)
    if folds and not options.dry_run:
        await processes.run_until_current(here)
    return report


def _advanced(progress: Progress, before: int, done: int) -> None:
    progress(before + done)


async def _known_codes(here: Deployment, report: Report) -> None:
    """Leave only the codes that the directory does not know."""
    async with here.database.transaction() as connection:
        known = await directory.stored(connection, "unit", list(report.units))
        for code in known:
            del report.units[code]
        canonical = {code: canonical_procedure(code) for code in report.procedures}
        there = await directory.stored(connection, "procedure", list(set(canonical.values())))
        for code, meant in canonical.items():
            if meant in there:
                del report.procedures[code]


class _Named(msgspec.Struct):
    unit: str | None = None
    procedure: str | None = None


@dataclass
class _File:
    """One file on its way."""

    here: Deployment
    found: Surveyed
    options: Options
    report: Report
    teller: Faults
    progress: Progress
    sender: Sender

    async def imported(self) -> None:
        """Take the whole file."""
        with files.opened(self.found.path) as (content, position):
            if self.found.form == "lines":
                await self._facts(self._lines(content), position)
                return
            with self._sheet(content) as sheet:
                kind = self._kind(sheet)
                if kind == "events":
                    await self._facts(self._rows(sheet), position)
                else:
                    await self._entries(sheet, kind)

    @contextmanager
    def _sheet(self, content: BinaryIO) -> Iterator[Sheet]:
        mapping = self.options.mapping
        if self.found.form == "workbook":
            wanted = self.options.sheet or (mapping.sheet if mapping else None)
            with from_workbook(self.found.path, content, wanted) as sheet:
                yield sheet
        else:
            delimiter = self.options.delimiter or (mapping.delimiter if mapping else None)
            yield from_csv(self.found.path.name, files.lines_of(content, self.found.encoding), delimiter)

    def _kind(self, sheet: Sheet) -> Literal["events"] | Kind:
        if self.options.mapping is not None:
            return "events"
        if self.options.kind is not None:
            return self.options.kind
        there = {folded(name) for name in sheet.headings}
        if {"type", "subject"} <= there:
            return "events"
        if "code" in there and "sector" in there:
            return "procedures"
        if "code" in there and "kind" in there:
            return "units"
        columns = ", ".join(f"“{name}”" for name in sheet.headings)
        raise Problem("invalid", _WHAT.filled(file=sheet.file, there=columns))

    def _lines(self, content: BinaryIO) -> Iterator[Made]:
        for number, line in enumerate(iter(lambda: content.readline(_LONGEST_LINE), b""), 1):
            if told := line.strip().removeprefix(b"\xef\xbb\xbf"):
                yield facts.from_line(number, told, self.here.clock())

    def _rows(self, sheet: Sheet) -> Iterator[Made]:
        mapping, now = self.options.mapping, self.here.clock()
        reading = facts.reading_of(mapping, self.here.settings.zone)
        if mapping is None:
            return facts.straight(sheet, reading, self.options.source, now)
        source = self.options.source or mapping.source
        if source is None:
            raise Problem("invalid", _NO_SOURCE)
        return Mapped(mapping, sheet, reading, source).facts(now)

    async def _facts(self, made: Iterator[Made], position: Callable[[], int]) -> None:
        run, so_far = await self._begun()
        told = _conflicts(so_far)
        first = 0
        while portion := list(islice(made, _PORTION)):
            old = portion[: max(0, so_far.events - first)] if first < so_far.events else []
            new = portion[len(old) :]
            self._note(portion)
            for index, fact in enumerate(old, first):
                self._tell_again(index, fact, told)
            if new:
                so_far = await self._stored(run, new, first + len(old), so_far)
            first += len(portion)
            self.progress(position())
        self.report.accepted += so_far.accepted
        self.report.duplicate += so_far.duplicate
        self.report.rejected += so_far.rejected
        if run is not None:
            async with self.here.database.transaction() as connection:
                await queries.finish(connection, self._digest, self.here.clock())

    async def _begun(self) -> tuple[uuid.UUID | None, Outcome]:
        """The receipt that the run grows, and what it holds already: of a run that broke off, all that it stored."""
        now = self.here.clock()
        if self.options.dry_run:
            return None, Outcome(now)
        async with self.here.database.transaction() as connection:
            old = await queries.broken_off(connection, self._digest)
            if old is None:
                run = uuid7(now)
                await queries.begin(connection, run, self._digest, self.found.path.name, now)
                return run, Outcome(now)
        results = [Result(kept["index"], kept["id"], kept["status"]) for kept in old.results]
        so_far = Outcome(old.recorded_at, old.accepted, old.duplicate, old.rejected, results)
        self.report.resumed[self.found.path.name] = so_far.events
        return old.receipt, so_far

    @property
    def _digest(self) -> bytes:
        """The same for the same file read in the same way: only then does the number of events tell how far a run came."""
        options = self.options
        mapping = options.mapping.model_dump_json() if options.mapping else ""
        way = [mapping, options.kind, options.source, options.delimiter, options.sheet, self.found.encoding]
        way.append(self.here.settings.timezone)
        return hashlib.blake2b(self.found.digest + msgspec.json.encode(way), digest_size=16).digest()

    def _note(self, portion: list[Made]) -> None:
        for fact in portion:
            if isinstance(fact.event, Event):
                self.report.types[fact.event.type] += 1
                named = msgspec.json.decode(fact.event.data, type=_Named)
                self.report.named(self.report.units, named.unit)
                self.report.named(self.report.procedures, named.procedure)

    def _tell_again(self, index: int, fact: Made, conflicts: dict[int, Result]) -> None:
        """The faults of what an earlier run has stored stand in this run's file of faults too."""
        if isinstance(fact.event, Refused):
            self.teller.of_event(self.found.path.name, fact, _invalid(index, fact.event))
        elif index in conflicts:
            self.teller.of_event(self.found.path.name, fact, conflicts[index])

    async def _stored(self, run: uuid.UUID | None, new: list[Made], first: int, so_far: Outcome) -> Outcome:
        events = [fact.event for fact in new]
        if run is None:
            part = _checked(events, first, so_far)
        else:
            ingest = Ingest(self.here.database, self.here.clock)
            part = await ingest.part(Call(self.sender, events, run, first), so_far)
        for result in part.results:
            if result.status != "duplicate":
                self.teller.of_event(self.found.path.name, new[result.index - first], result)
        return so_far.plus(part)

    async def _entries(self, sheet: Sheet, kind: Kind) -> None:
        """Write the whole table or, where anything is wrong with it, nothing."""
        read, wrong = entries.read(sheet, kind, facts.reading_of(None, self.here.settings.zone))
        described = Described(sheet.file, kind)
        if not wrong:
            try:
                async with self.here.database.transaction() as connection:
                    await self._put(connection, kind, read, described)
            except _UndoneError:
                pass
            except Problem as problem:
                wrong = [_placed(fault.pointer, fault.detail) for fault in problem.errors]
                if not wrong:
                    raise
        if wrong:
            described = Described(sheet.file, kind, rejected=len({fault.row for fault in wrong}))
        for fault in wrong:
            self.teller.of_entry(sheet.file, fault)
        self.report.directory.append(described)

    async def _put(
        self, connection: AsyncConnection, kind: Kind, read: dict[str, entries.Entry], described: Described
    ) -> None:
        now = self.here.clock()
        if kind == "units":
            units = {f"/{row}": entry for row, entry in read.items() if isinstance(entry, Unit)}
            tally = await put_units(connection, units, within=None, now=now)
        else:
            procedures = {
                f"/{row}": entry for row, entry in read.items() if isinstance(entry, ProcedureEntry)
            }
            tally = await put_procedures(connection, procedures, within=None, now=now)
        described.created, described.changed = tally.created, tally.changed
        described.unchanged = tally.unchanged
        if self.options.dry_run:
            raise _UndoneError


def _conflicts(so_far: Outcome) -> dict[int, Result]:
    return {result.index: result for result in so_far.results if result.status == "conflict"}


def _checked(events: list[Event | Refused], first: int, so_far: Outcome) -> Outcome:
    refused = [(index, event) for index, event in enumerate(events, first) if isinstance(event, Refused)]
    results = [_invalid(index, event) for index, event in refused]
    return Outcome(so_far.recorded_at, len(events) - len(refused), 0, len(refused), results)


def _invalid(index: int, event: Refused) -> Result:
    return Result(index, event.envelope.get("id"), "invalid", event.faults)


def _placed(pointer: str, reason: Text) -> Wrong:
    """A fault of the directory, whose pointer begins with the row, as one of a row and a column."""
    row, _, column = pointer.removeprefix("/").partition("/")
    return Wrong(int(row), column.replace("/", "_"), reason)
