"""`dunghen import`: files of events into the log, through the same door as HTTP.

It knows files, portions and progress; what an event is and what becomes of it, `events` says. Interrupted, it is simply
run again: what is stored already is counted as a duplicate.
"""

import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, TextIO

from app.dossiers.projector import Projector
from app.events.envelope import Event, Refused, check
from app.events.ingest import Call, Ingest, Outcome, Result, Sender
from app.kit.deployment import Deployment
from app.kit.ids import uuid7

_PORTION: Final = 5_000
_LONGEST_LINE: Final = 1024 * 1024
"""A longer one is taken in pieces, each of which is refused: memory stays flat."""
_SENDER: Final = Sender(key_id="import", unit=None, sources=None, is_admin=True)


class BrokenFileError(OSError):
    """A file that cannot be read to its end; what was read before is stored, and importing again repeats nothing."""


Progress = Callable[[int], None]
"""Told how many bytes of the files have been read."""


@dataclass
class Tally:
    """What became of the events of all files; in a dry run `accepted` counts those that are valid."""

    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0


async def import_events(
    here: Deployment, files: list[Path], *, dry_run: bool, faults: TextIO | None, progress: Progress
) -> Tally:
    """Take NDJSON files (also `.gz`) into the log and fold them; faults go to a file, each with its file and line.

    Raises OSError for a file that cannot be read.
    """
    tally = Tally()
    ingest = Ingest(here.database, here.clock)
    before = 0
    for path in files:
        with _opened(path) as (lines, position):
            for numbers, portion in _portions(lines):
                events = [check(line, here.clock()) for line in portion]
                outcome = _checked(events, here) if dry_run else await _stored(ingest, events, here)
                tally.accepted += outcome.accepted
                tally.duplicate += outcome.duplicate
                tally.rejected += outcome.rejected
                if faults is not None:
                    faults.writelines(_told(path, numbers, outcome, here.settings.language))
                progress(before + position())
        before += path.stat().st_size
    if not dry_run:
        await Projector(here).run_until_current()
    return tally


def _checked(events: list[Event | Refused], here: Deployment) -> Outcome:
    outcome = Outcome(here.clock())
    for index, event in enumerate(events):
        if isinstance(event, Refused):
            outcome.rejected += 1
            outcome.results.append(Result(index, event.envelope.get("id"), "invalid", event.faults))
        else:
            outcome.accepted += 1
    return outcome


def _told(path: Path, numbers: list[int], outcome: Outcome, language: str) -> Iterator[str]:
    """What was refused, a JSON object a line; never the data."""
    for result in outcome.results:
        if result.status != "duplicate":
            fault = {
                "file": path.name,
                "line": numbers[result.index],
                "id": result.id,
                "status": result.status,
                "errors": [found.said(language) for found in result.errors],
            }
            yield json.dumps(fault, ensure_ascii=False) + "\n"


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Say which file it is that cannot be unpacked."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BrokenFileError(
            f"{path}: the gzip file is damaged or breaks off; what came before it is stored"
        ) from error


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, Callable[[], int]]]:
    """The file's lines, unpacked, and how far the file itself has been read."""
    with path.open("rb") as raw:
        packed = raw.peek(2)[:2] == b"\x1f\x8b"
        with _named(path), io.BufferedReader(gzip.GzipFile(fileobj=raw)) if packed else raw as lines:
            yield lines, raw.tell


def _portions(lines: BinaryIO) -> Iterator[tuple[list[int], list[bytes]]]:
    """Portions of lines that are not blank, each line with its number from 1."""
    numbers: list[int] = []
    portion: list[bytes] = []
    for number, line in enumerate(iter(lambda: lines.readline(_LONGEST_LINE), b""), 1):
        if content := line.strip().removeprefix(b"\xef\xbb\xbf"):
            numbers.append(number)
            portion.append(content)
        if len(portion) == _PORTION:
            yield numbers, portion
            numbers, portion = [], []
    if portion:
        yield numbers, portion


async def _stored(ingest: Ingest, events: list[Event | Refused], here: Deployment) -> Outcome:
    return await ingest.batch(Call(_SENDER, events, uuid7(here.clock())))
