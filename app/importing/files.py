"""Opens a file that somebody wants to import: what form it has, whether it is whole, and in which encoding it is written.

It knows bytes, gzip and encodings; rows and facts are not its business.
"""

import codecs
import gzip
import hashlib
import io
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal

from app.kit.problems import Problem
from app.kit.text import Text

Form = Literal["lines", "csv", "workbook"]

ENCODINGS: Final = ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "windows-1258", "windows-1252")
"""What may be asked for; UTF-8 with or without a mark, and UTF-16 with one, are found without asking."""

_STEP: Final = 1024 * 1024
_SAMPLE: Final = 64 * 1024
_SUFFIXES: Final[dict[str, Form]] = {
    ".ndjson": "lines",
    ".jsonl": "lines",
    ".json": "lines",
    ".csv": "csv",
    ".tsv": "csv",
}
_VIETNAMESE: Final = frozenset("ăđơưĂĐƠƯ") | {chr(code) for code in range(0x1EA0, 0x1EFA)}

_DAMAGED: Final = Text(
    "{file}: tệp gzip bị hỏng hoặc bị cắt ngang; chưa nhập gì.",
    "{file}: the gzip file is damaged or breaks off; nothing was imported.",
)
_OLD_EXCEL: Final = Text(
    "{file}: đây là Excel dạng cũ (.xls) hoặc tệp có mật khẩu; hãy lưu lại dạng .xlsx không mật khẩu.",
    "{file}: this is the old Excel format (.xls), or it has a password; save it as .xlsx without one.",
)
_PACKED_WORKBOOK: Final = Text(
    "{file}: tệp .xlsx đã nén sẵn; hãy giải nén gzip rồi nhập.",
    "{file}: an .xlsx file is compressed already; unpack the gzip first.",
)
_NOT_THIS_ENCODING: Final = Text(
    "{file}: dòng {line} không phải {encoding}; chưa nhập gì.{hint}",
    "{file}: line {line} is not {encoding}; nothing was imported.{hint}",
)
_SAVE_AS: Final = Text(
    " Trong Excel hãy lưu dạng “CSV UTF-8”, hoặc cho biết bộ mã bằng --encoding.",
    " In Excel save it as “CSV UTF-8”, or name the encoding with --encoding.",
)
_LOOKS_1258: Final = Text(
    " Có vẻ là windows-1258: thử --encoding windows-1258.",
    " It looks like windows-1258: try --encoding windows-1258.",
)
_LOOKS_UTF16: Final = Text(
    " Có vẻ là UTF-16 không có dấu đầu tệp: thử --encoding utf-16-le.",
    " It looks like UTF-16 without its mark: try --encoding utf-16-le.",
)
_LINES_UTF8: Final = Text("{file}: tệp NDJSON phải là UTF-8.", "{file}: a file of NDJSON must be UTF-8.")


@dataclass(frozen=True)
class Surveyed:
    """A file that was read once to its end: its form, its encoding, and a hash of its bytes."""

    path: Path
    form: Form
    encoding: str
    digest: bytes
    size: int


def survey(path: Path, encoding: str | None) -> Surveyed:
    """Read the file once, so that a wrong encoding or a damaged file is told before anything is stored.

    Raises OSError, and Problem unreadable that says what to do.
    """
    with opened(path) as (content, _):
        head = content.read(_SAMPLE)
        form = _form(path, head)
        found = encoding or _marked(head)
        if form == "lines" and found not in {"utf-8", "utf-8-sig"}:
            raise Problem("unreadable", _LINES_UTF8.filled(file=path.name))
        check = _Check(path.name, found, head, asked=encoding is not None) if form == "csv" else None
        digest = hashlib.blake2b(digest_size=16)
        part = head
        while part:
            digest.update(part)
            if check is not None:
                check.take(part)
            part = content.read(_STEP)
        if check is not None:
            check.end()
    return Surveyed(path, form, found, digest.digest(), path.stat().st_size)


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, Callable[[], int]]]:
    """The file's content, unpacked, and how far the file itself has been read. Raises OSError, Problem unreadable."""
    with path.open("rb") as raw:
        packed = raw.peek(2)[:2] == b"\x1f\x8b"
        try:
            with io.BufferedReader(gzip.GzipFile(fileobj=raw)) if packed else raw as content:
                yield content, raw.tell
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise Problem("unreadable", _DAMAGED.filled(file=path.name)) from None


def lines_of(content: BinaryIO, encoding: str) -> Iterator[str]:
    """Lines of text with their ends; windows-1258, which writes tones as marks of their own, in composed letters."""
    lines = io.TextIOWrapper(content, encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="")
    try:
        for line in lines:
            yield unicodedata.normalize("NFC", line) if encoding == "windows-1258" else line
    finally:
        if not content.closed:
            lines.detach()  # else the file would be closed with it, under whoever opened it


def _form(path: Path, head: bytes) -> Form:
    """By what the file holds; where that may be either, by its name."""
    packed = path.suffix == ".gz"
    if head.startswith(b"PK\x03\x04"):
        if packed:
            raise Problem("unreadable", _PACKED_WORKBOOK.filled(file=path.name))
        return "workbook"
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise Problem("unreadable", _OLD_EXCEL.filled(file=path.name))
    suffix = (Path(path.stem) if packed else path).suffix.lower()
    holds_objects = head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"{")
    return _SUFFIXES.get(suffix, "lines" if holds_objects else "csv")


def _marked(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8"


class _Check:
    """Decodes a text as it goes by; the first byte that does not fit is told with its line."""

    def __init__(self, file: str, encoding: str, head: bytes, *, asked: bool) -> None:
        self._file, self._encoding, self._head, self._asked = file, encoding, head, asked
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._line = 1

    def take(self, part: bytes, *, final: bool = False) -> None:
        """The next bytes."""
        try:
            decoded = self._decoder.decode(part, final)
        except UnicodeDecodeError as error:
            line = self._line + error.object[: error.start].count(b"\n")
            raise self._told(line) from None
        self._line += decoded.count("\n")
        if self._encoding == "utf-8" and "\0" in decoded:
            raise self._told(1)

    def end(self) -> None:
        """No bytes follow."""
        self.take(b"", final=True)

    def _told(self, line: int) -> Problem:
        hint = Text("", "") if self._asked else self._hint()
        values = {"file": self._file, "line": line, "encoding": self._encoding.upper()}
        form = _NOT_THIS_ENCODING
        return Problem(
            "unreadable",
            Text(form.vi.format(**values, hint=hint.vi), form.en.format(**values, hint=hint.en)),
        )

    def _hint(self) -> Text:
        if b"\0" in self._head:
            return _LOOKS_UTF16
        read = unicodedata.normalize("NFC", self._head.decode("cp1258", errors="ignore"))
        composed = sum(letter in _VIETNAMESE for letter in read)
        foreign = sum(not letter.isascii() for letter in read) - composed
        return _LOOKS_1258 if composed > foreign // 2 else _SAVE_AS
