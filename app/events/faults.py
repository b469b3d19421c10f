"""What is wrong with an event, in words: one sentence for every rule of an envelope or its data.

It turns a failed check into a sentence in both languages; it decides nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import ValidationError

from app.kit.problems import Fault
from app.kit.text import Text

_SENTENCES: Final[Mapping[str, Text]] = {
    "missing": Text("Thiếu trường bắt buộc này.", "This required field is missing."),
    "extra_forbidden": Text(
        "Không có trường nào tên như vậy ở loại sự việc này; kiểm tra chính tả.",
        "This type of event has no such field; check the spelling.",
    ),
    "string_type": Text("Phải là chuỗi ký tự.", "It must be a string."),
    "string_too_short": Text("Không được để trống.", "It must not be empty."),
    "string_too_long": Text("Dài quá {max_length} ký tự.", "It is longer than {max_length} characters."),
    "string_pattern_mismatch": Text(
        "Có ký tự điều khiển, hoặc bắt đầu hay kết thúc bằng khoảng trắng.",
        "It has control characters, or begins or ends with white space.",
    ),
    "literal_error": Text("Chỉ nhận một trong: {expected}.", "It must be one of: {expected}."),
    "bool_type": Text("Phải là true hoặc false.", "It must be true or false."),
    "int_type": Text("Phải là số nguyên.", "It must be a whole number."),
    "greater_than_equal": Text("Phải từ {ge} trở lên.", "It must be at least {ge}."),
    "less_than_equal": Text("Không được quá {le}.", "It must be at most {le}."),
    "due_date": Text(
        "Phải là thời điểm RFC 3339 có múi giờ (2026-03-20T16:30:00+07:00) hoặc ngày (2026-03-20), từ năm 1900 đến 2200.",
        "It must be an RFC 3339 instant with offset (2026-03-20T16:30:00+07:00) or a date (2026-03-20), between 1900 and 2200.",
    ),
    "amount": Text(
        "Phải là số tiền (đồng) từ 0 đến 10^15.", "It must be an amount in dong between 0 and 10^15."
    ),
}
_OBJECT: Final = Text("Phải là một đối tượng JSON.", "It must be a JSON object.")

MISSING: Final = _SENTENCES["missing"]
NOT_JSON: Final = Text("Không phải JSON hợp lệ (UTF-8).", "It is not valid JSON (UTF-8).")
NOT_AN_OBJECT: Final = Text("Một sự việc là một đối tượng JSON.", "An event is a JSON object.")
DEEP: Final = Text("Lồng quá sâu.", "It is nested too deeply.")
DUPLICATE_KEY: Final = Text("Trường “{name}” có hai lần.", "The member “{name}” stands twice.")
TOO_LARGE: Final = Text("Một sự việc không quá 64 KiB.", "One event is at most 64 KiB.")
SPECVERSION: Final = Text("specversion phải là “1.0”.", "specversion must be “1.0”.")
UNKNOWN_TYPE: Final = Text(
    "Không có loại sự việc này; xem GET /v1/event-types.",
    "There is no such event type; see GET /v1/event-types.",
)
TIME_FORM: Final = Text(
    "Phải là thời điểm RFC 3339 có múi giờ, ví dụ 2026-03-20T16:30:00+07:00, từ năm 1900 đến 2200.",
    "It must be an RFC 3339 instant with offset, such as 2026-03-20T16:30:00+07:00, between 1900 and 2200.",
)
FUTURE: Final = Text(
    "Quá 5 phút trong tương lai so với giờ máy chủ ({now}).",
    "It is more than 5 minutes ahead of the server's time ({now}).",
)
ATTRIBUTE: Final = Text(
    "Tên thuộc tính CloudEvents chỉ gồm chữ thường a–z và số; nội dung thuộc về data.",
    "CloudEvents attribute names have only a–z and digits; what belongs to the event goes into data.",
)
CONTENT_TYPE: Final = Text(
    "datacontenttype phải là application/json.", "datacontenttype must be application/json."
)
BASE64: Final = Text("Không nhận data_base64; dùng data.", "data_base64 is not accepted; use data.")
CONFLICT: Final = Text(
    "Nguồn này đã gửi mã này với nội dung khác.", "This source has sent this id with other content."
)
FOREIGN_SOURCE: Final = Text(
    "Khóa này không được gửi thay nguồn này.", "This key may not send for this source."
)
FOREIGN_RETRACTION: Final = Text(
    "Chỉ khóa quản trị (admin) được thu hồi sự việc của nguồn khác.",
    "Only an admin key may retract an event of another source.",
)


def pointer(path: Iterable[str | int]) -> str:
    """A JSON Pointer (RFC 6901); of a name that was sent, what can be printed and stored."""
    return "".join(f"/{_shown(str(step)).replace('~', '~0').replace('/', '~1')}" for step in path)


def _shown(name: str) -> str:
    """At most 64 characters, those that cannot be printed (NUL among them) replaced."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in name[:64])


def of_data(error: ValidationError) -> list[Fault]:
    """Every fault that the data model found, each with its place below `/data`."""
    return [
        Fault(pointer(("data", *found["loc"])), _sentence(found["type"], found.get("ctx") or {}))
        for found in error.errors(include_url=False, include_input=False)
    ]


def of_attribute(error: ValidationError) -> Text:
    """The first fault of one envelope attribute."""
    first = error.errors(include_url=False, include_input=False)[0]
    return _sentence(first["type"], first.get("ctx") or {})


def _sentence(kind: str, context: dict[str, Any]) -> Text:
    return _SENTENCES.get(kind, _OBJECT).filled(**context)
