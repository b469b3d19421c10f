"""Who calls, and what the key allows: the scopes, the unit and the sources.

It knows a unit by its code alone; whoever has the directory finds what lies below it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from app.kit.problems import Problem
from app.kit.text import Text

Scope = Literal[
    "events:write",
    "events:read",
    "dossiers:read",
    "metrics:read",
    "directory:write",
    "targets:write",
    "webhooks:write",
    "closings:write",
    "admin",
]

SCOPES: Final[Mapping[Scope, Text]] = {
    "events:write": Text("Gửi sự việc", "Send events"),
    "events:read": Text("Đọc sự việc đã gửi", "Read events"),
    "dossiers:read": Text("Đọc từng hồ sơ", "Read single dossiers"),
    "metrics:read": Text(
        "Đọc số liệu, cảnh báo, cam kết và danh mục",
        "Read figures, alerts, commitments and the directory",
    ),
    "directory:write": Text("Sửa danh mục đơn vị, thủ tục và lịch", "Write units, procedures and calendars"),
    "targets:write": Text(
        "Sửa cam kết, thang điểm, quy tắc; xử lý cảnh báo",
        "Write commitments, schemes and rules, and handle alerts",
    ),
    "webhooks:write": Text("Quản lý webhook", "Manage webhooks"),
    "closings:write": Text("Chốt số liệu", "Close periods"),
    "admin": Text("Mọi quyền", "Everything"),
}
"""Every scope there is, with what it allows."""

_MISSING_SCOPE: Final = Text(
    "Khóa này thiếu phạm vi (scope) {scope}.", "This key does not have the scope {scope}."
)


@dataclass(frozen=True, slots=True)
class Caller:
    """The holder of a valid key. `unit` limits it to that unit and all below; `sources` None means any source."""

    key_id: str
    name: str
    scopes: frozenset[str]
    unit: str | None = None
    sources: frozenset[str] | None = None

    def may(self, scope: Scope) -> bool:
        """Whether the key has `scope`; `admin` has all."""
        return scope in self.scopes or "admin" in self.scopes

    def require(self, scope: Scope) -> None:
        """Raise the Problem forbidden that names `scope`, unless the key has it."""
        if not self.may(scope):
            raise Problem("forbidden", _MISSING_SCOPE.filled(scope=scope))


BOOTSTRAP: Final = Caller("bootstrap", "bootstrap", frozenset(SCOPES))
"""Whoever holds the key of `DUNGHEN_BOOTSTRAP_KEY`."""
