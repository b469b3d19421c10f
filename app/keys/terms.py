"""What a key may be issued with: its name, scopes, unit, sources and end.

It checks the wish alone; whether the unit exists is not asked, for keys know only its code.
"""

import re
from collections.abc import Collection
from datetime import datetime
from typing import Final

from app.keys.caller import SCOPES
from app.kit.text import Text

MAX_NAME: Final = 100
MAX_UNIT: Final = 64
MAX_SOURCE: Final = 255

# No control character, no half of a surrogate pair (the database stores UTF-8), no white space at either end.
_PLAIN: Final = re.compile(
    r"[^\x00-\x20\x7f-\xa0\ud800-\udfff](?:[^\x00-\x1f\x7f-\x9f\ud800-\udfff]*[^\x00-\x20\x7f-\xa0\ud800-\udfff])?"
)


class KeyTermsError(ValueError):
    """A key cannot be issued like this; `text` says why in both languages."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


def check(
    *,
    name: str,
    scopes: Collection[str],
    unit: str | None,
    sources: Collection[str],
    expires_at: datetime | None,
    now: datetime,
) -> None:
    """Raise KeyTermsError at the first thing that a key cannot be issued with."""
    _check_text(Text("Tên khóa", "The name"), name, MAX_NAME)
    _check_scopes(scopes)
    if unit is not None:
        _check_text(Text("Mã đơn vị", "The unit's code"), unit, MAX_UNIT)
    for source in sources:
        _check_text(Text("Nguồn", "A source"), source, MAX_SOURCE)
    if expires_at is not None:
        _check_end(expires_at, now)


def _check_text(what: Text, value: str, most: int) -> None:
    if len(value) > most or not _PLAIN.fullmatch(value):
        raise KeyTermsError(
            Text(
                f"{what.vi} phải có 1 đến {most} ký tự, không có ký tự điều khiển, không có khoảng trắng ở đầu hay cuối.",
                f"{what.en} must have 1 to {most} characters, no control characters, and no white space at either end.",
            )
        )


def _check_scopes(scopes: Collection[str]) -> None:
    known = ", ".join(SCOPES)
    if not scopes:
        raise KeyTermsError(
            Text(f"Khóa cần ít nhất một phạm vi: {known}.", f"A key needs at least one scope of: {known}.")
        )
    unknown = ", ".join(sorted(repr(scope) for scope in scopes if scope not in SCOPES))
    if unknown:
        raise KeyTermsError(
            Text(
                f"Không có phạm vi {unknown}; chỉ có: {known}.",
                f"There is no scope {unknown}; there are: {known}.",
            )
        )


def _check_end(expires_at: datetime, now: datetime) -> None:
    if expires_at.tzinfo is None:
        raise KeyTermsError(
            Text("Thời điểm hết hạn phải có múi giờ.", "The instant of expiry must carry a time zone.")
        )
    if expires_at <= now:
        raise KeyTermsError(Text("Thời điểm hết hạn đã qua.", "The instant of expiry has already passed."))
