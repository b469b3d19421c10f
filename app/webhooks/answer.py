"""What one attempt came to: the receiver's answer, or why there was none.

Pure; it knows neither how the attempt was made nor what follows from it.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Literal

Trouble = Literal["timeout", "address_refused", "name_unknown", "connect", "tls", "closed", "unsendable"]
"""Why there was no whole answer; `unsendable` is a fault on our side, such as a secret that cannot be decrypted."""


_SUCCESS: Final = HTTPStatus.OK // 100


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` is the HTTP status where one was read; `error` is None for a whole answer; `excerpt` is its beginning.

    `is_cut` when it was longer than what is read of an answer, and cost its connection.
    """

    duration_ms: int
    status: int | None = None
    error: Trouble | None = None
    excerpt: str = ""
    retry_after: str | None = None
    is_cut: bool = False

    @property
    def is_success(self) -> bool:
        """A whole answer with a 2xx status."""
        return self.error is None and self.status is not None and self.status // 100 == _SUCCESS

    @property
    def is_gone(self) -> bool:
        """The receiver says 410: it wants to hear no more."""
        return self.status == HTTPStatus.GONE
