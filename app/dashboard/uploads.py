"""Takes a form with a file apart: multipart/form-data as browsers write it, within a bound.

It knows bytes and RFC 7578; which fields a form has, and what a file holds, it does not.
"""

import re
from typing import Final, NamedTuple

from app.kit.problems import Problem
from app.kit.text import Text

_BOUNDARY: Final = re.compile(
    r'multipart/form-data;.*boundary="?([0-9A-Za-z\'()+_,./:=? -]{1,70})"?', re.IGNORECASE
)
_NAME: Final = re.compile(rb'[; ]name="([^"]*)"')
_FILE: Final = re.compile(rb'[; ]filename="([^"]*)"')
_HEAD_END: Final = b"\r\n\r\n"

_BROKEN: Final = Text("Biểu mẫu không đọc được.", "The form cannot be read.")


class Upload(NamedTuple):
    """A file of a form: the name that the browser gave it, and its bytes."""

    name: str
    content: bytes


def taken_apart(content_type: str, body: bytes) -> tuple[dict[str, str], dict[str, Upload]]:
    """Fields by name, and files by name; of a name that comes twice the last. Raises Problem unreadable.

    Browsers write quotation marks and line ends in names as %22, %0D and %0A (HTML, multipart form data), so that a
    name ends at the next quotation mark.
    """
    found = _BOUNDARY.fullmatch(content_type.strip())
    if found is None:
        raise Problem("unreadable", _BROKEN)
    _, *pieces = (b"\r\n" + body).split(b"\r\n--" + found[1].encode())
    if not pieces or not pieces[-1].startswith(b"--"):
        raise Problem("unreadable", _BROKEN)
    fields: dict[str, str] = {}
    files: dict[str, Upload] = {}
    for piece in pieces[:-1]:
        head, end, content = piece.partition(_HEAD_END)
        name = _NAME.search(head)
        if not end or name is None:
            raise Problem("unreadable", _BROKEN)
        file = _FILE.search(head)
        if file is None:
            fields[_read(name[1])] = _read(content)
        else:
            files[_read(name[1])] = Upload(_read(file[1]), content)
    return fields, files


def _read(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise Problem("unreadable", _BROKEN) from None
