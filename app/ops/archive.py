"""The file of a backup: the tables as PostgreSQL writes them, packed, with a manifest that proves each whole.

It knows the file's form and checks it to the last byte; what the tables mean, and any database, it refuses to know.
"""

import hashlib
import os
import zipfile
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from app.kit.problems import Problem
from app.kit.text import Text

MANIFEST: Final = "manifest.json"
SECRET_KEY: Final = "secret.key"  # noqa: S105 - a name, no secret

_STEP: Final = 1024 * 1024

_THERE: Final = Text("{file}: đã có; hãy chọn tên khác.", "{file}: it exists already; choose another name.")
_NO_BACKUP: Final = Text(
    "{file}: không phải bản sao lưu của Đúng Hẹn, hoặc bị cắt ngang; cơ sở dữ liệu không thay đổi.",
    "{file}: it is no backup of Đúng Hẹn, or it breaks off; the database was not changed.",
)
_DAMAGED: Final = Text(
    "{file}: phần {part} bị hỏng hoặc bị sửa (không khớp bản kê); cơ sở dữ liệu không thay đổi.",
    "{file}: the part {part} is damaged or was changed (it differs from the manifest); the database was not changed.",
)

Progress = Callable[[int, int], None]
"""Told how many bytes are done, and of about how many."""


class Kept(BaseModel):
    """A part of the file, and what proves it whole."""

    model_config = ConfigDict(frozen=True)

    name: str
    columns: list[str]
    rows: int
    bytes: int
    sha256: str

    @property
    def part(self) -> str:
        """Where it lies in the file."""
        return f"tables/{self.name}.copy"


class Sequence(BaseModel):
    """Where the numbers of an identity column go on."""

    table: str
    column: str
    last_value: int
    is_called: bool


class Manifest(BaseModel):
    """What a backup holds. `secret_key` tells a key apart from others without telling it."""

    format: Literal[1] = 1
    version: str
    revision: str
    made_at: datetime
    tables: list[Kept]
    sequences: list[Sequence]
    secret_key: str | None
    secret_key_included: bool

    def rows(self, table: str) -> int:
        """How many rows of a table it holds."""
        return sum(kept.rows for kept in self.tables if kept.name == table)


class Part:
    """One table on its way into the file."""

    def __init__(self, target: IO[bytes], told: Callable[[int], None]) -> None:
        self._target, self._told = target, told
        self._digest = hashlib.sha256()
        self._bytes = self._rows = 0

    async def write(self, data: bytes) -> None:
        """The next bytes of COPY in text form: a row is a line, for what breaks lines inside one is escaped."""
        self._target.write(data)
        self._digest.update(data)
        self._bytes += len(data)
        self._rows += data.count(b"\n")
        self._told(len(data))

    def kept(self, name: str, columns: list[str]) -> Kept:
        """What proves it whole."""
        return Kept(
            name=name, columns=columns, rows=self._rows, bytes=self._bytes, sha256=self._digest.hexdigest()
        )


class Writer:
    """A backup being written; it appears under its name only when it is whole and on the disk."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    @contextmanager
    def part(self, name: str, told: Callable[[int], None]) -> Iterator[Part]:
        """The place for one table."""
        with self._archive.open(f"tables/{name}.copy", "w", force_zip64=True) as target:
            yield Part(target, told)

    def finish(self, manifest: Manifest, secret_key: bytes | None) -> None:
        """Add what makes the file a backup."""
        if secret_key is not None:
            self._archive.writestr(SECRET_KEY, secret_key)
        self._archive.writestr(MANIFEST, manifest.model_dump_json(indent=1))


@contextmanager
def written(path: Path) -> Iterator[Writer]:
    """A new backup, for its owner's eyes only. Raises Problem conflict when the file exists, and OSError."""
    if path.exists():
        raise Problem("conflict", _THERE.filled(file=path))
    draft = path.with_name(f"{path.name}.part")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                yield Writer(archive)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)


class Archive:
    """A backup that is read."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self._path, self._archive, self.manifest = path, archive, manifest

    def check(self, progress: Progress) -> None:
        """Read every byte and compare it with the manifest. Raises Problem unreadable."""
        total, done = sum(kept.bytes for kept in self.manifest.tables), 0
        expected = {MANIFEST, *(kept.part for kept in self.manifest.tables)}
        if self.manifest.secret_key_included:
            expected.add(SECRET_KEY)
        if expected != set(self._archive.namelist()):
            raise Problem("unreadable", _DAMAGED.filled(file=self._path.name, part=MANIFEST))
        for kept in self.manifest.tables:
            digest, rows = hashlib.sha256(), 0
            try:
                for data in self._bytes(kept.part):
                    digest.update(data)
                    rows += data.count(b"\n")
                    done += len(data)
                    progress(done, total)
            except (zipfile.BadZipFile, zlib.error, EOFError):
                raise Problem("unreadable", _DAMAGED.filled(file=self._path.name, part=kept.part)) from None
            if (digest.hexdigest(), rows) != (kept.sha256, kept.rows):
                raise Problem("unreadable", _DAMAGED.filled(file=self._path.name, part=kept.part))

    async def rows(self, kept: Kept, told: Callable[[int], None]) -> AsyncIterator[bytes]:
        """A table's rows as COPY in text form reads them."""
        for data in self._bytes(kept.part):
            yield data
            told(len(data))

    def secret_key(self) -> bytes | None:
        """The key that encrypts webhook secrets, where it was asked for."""
        return self._archive.read(SECRET_KEY) if self.manifest.secret_key_included else None

    def _bytes(self, part: str) -> Iterator[bytes]:
        with self._archive.open(part) as content:
            while data := content.read(_STEP):
                yield data


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """A backup. Raises Problem unreadable for any other file, and OSError."""
    refusal = Problem("unreadable", _NO_BACKUP.filled(file=path.name))
    with path.open("rb") as file:
        try:
            archive = zipfile.ZipFile(file)
            manifest = Manifest.model_validate_json(archive.read(MANIFEST))
        except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValidationError):
            raise refusal from None
        with archive:
            yield Archive(path, archive, manifest)
