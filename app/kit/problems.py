"""Problem documents (RFC 9457): the one body of every error, and the list of all kinds with their meaning.

It knows how an error is told; what is wrong is said by whoever raises it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from app.kit.text import Text

MEDIA_TYPE: Final = "application/problem+json"


class Kind(NamedTuple):
    """One kind of problem: its status, its title and what a caller does about it."""

    status: int
    title: Text
    advice: Text


KINDS: Final[Mapping[str, Kind]] = {
    "unreadable": Kind(
        400,
        Text("Không đọc được nội dung", "The body cannot be read"),
        Text(
            "Nội dung không phải JSON hoặc CloudEvents hợp lệ; sửa rồi gửi lại.",
            "The body is not valid JSON or CloudEvents; mend it and send it again.",
        ),
    ),
    "unauthenticated": Kind(
        401,
        Text("Cần khóa hợp lệ", "A valid key is needed"),
        Text(
            "Gửi tiêu đề Authorization: Bearer <khóa> với khóa chưa hết hạn, chưa bị thu hồi.",
            "Send Authorization: Bearer <key> with a key that has neither expired nor been revoked.",
        ),
    ),
    "forbidden": Kind(
        403,
        Text("Khóa không có quyền này", "The key may not do this"),
        Text(
            "Dùng khóa có phạm vi (scope), đơn vị hoặc nguồn phù hợp.",
            "Use a key with the scope, unit or source that this needs.",
        ),
    ),
    "not-found": Kind(
        404,
        Text("Không tìm thấy", "Not found"),
        Text("Kiểm tra lại đường dẫn hoặc mã.", "Check the path or the code."),
    ),
    "method-not-allowed": Kind(
        405,
        Text("Phương thức không được phép", "Method not allowed"),
        Text(
            "Tiêu đề Allow cho biết phương thức dùng được.", "The Allow header names the methods that work."
        ),
    ),
    "not-acceptable": Kind(
        406,
        Text("Không trả được kiểu nội dung này", "This media type cannot be answered"),
        Text(
            "Xin nhận application/json, là kiểu mọi nơi đều trả được.",
            "Accept application/json, which every path answers.",
        ),
    ),
    "conflict": Kind(
        409,
        Text("Mâu thuẫn với dữ liệu đã có", "It conflicts with what is stored"),
        Text(
            "Cùng mã nhưng nội dung khác; gửi sự việc mới bằng mã mới.",
            "The same id with other content; send a new fact under a new id.",
        ),
    ),
    "too-large": Kind(
        413,
        Text("Nội dung quá lớn", "The body is too large"),
        Text("Chia nhỏ, hoặc dùng application/x-ndjson.", "Send less at once, or use application/x-ndjson."),
    ),
    "unsupported-media-type": Kind(
        415,
        Text("Kiểu nội dung không được hỗ trợ", "Unsupported media type"),
        Text(
            "Dùng một kiểu nội dung nêu trong tài liệu của đường dẫn này.",
            "Use one of the media types that the documentation of this path names.",
        ),
    ),
    "invalid": Kind(
        422,
        Text("Nội dung không hợp lệ", "The content is not valid"),
        Text("Danh sách errors chỉ rõ chỗ sai và lý do.", "The list errors says where and why."),
    ),
    "too-many-requests": Kind(
        429,
        Text("Quá nhiều yêu cầu", "Too many requests"),
        Text("Đợi số giây trong Retry-After.", "Wait for the seconds in Retry-After."),
    ),
    "internal": Kind(
        500,
        Text("Lỗi của dịch vụ", "The service failed"),
        Text(
            "Báo request_id cho người vận hành; yêu cầu chưa có hiệu lực.",
            "Give request_id to the operator; the request took no effect that was acknowledged.",
        ),
    ),
    "unavailable": Kind(
        503,
        Text("Tạm thời chưa phục vụ được", "Unavailable for the moment"),
        Text(
            "Gửi lại sau số giây trong Retry-After; gửi lại cùng mã sự việc là an toàn.",
            "Send it again after Retry-After seconds; sending an event again is safe.",
        ),
    ),
}
"""Every kind of problem by its slug; `type` is the path `/problems/{slug}`, where its advice is served."""


class Fault(NamedTuple):
    """What is wrong at one place of a payload; `pointer` is a JSON Pointer (RFC 6901)."""

    pointer: str
    detail: Text

    def said(self, language: str) -> dict[str, str]:
        """The fault as it stands in a document."""
        return {"pointer": self.pointer, "detail": self.detail.said(language)}


@dataclass
class Problem(Exception):  # noqa: N818 - the RFC's own word
    """Raised anywhere below a route; answered as `application/problem+json`."""

    kind: str
    detail: Text
    errors: Sequence[Fault] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    members: Mapping[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return KINDS[self.kind].status

    def document(self, *, language: str, instance: str, request_id: str) -> dict[str, Any]:
        """The problem as a JSON object; extension members (such as `receipt`) stand beside the standard ones."""
        document: dict[str, Any] = {
            "type": f"/problems/{self.kind}",
            "title": KINDS[self.kind].title.said(language),
            "status": self.status,
            "detail": self.detail.said(language),
            "instance": instance,
            "request_id": request_id,
            **self.members,
        }
        if self.errors:
            document["errors"] = [fault.said(language) for fault in self.errors]
        return document
