"""Who reads the pages: a key that was given once at the sign-in, kept in a sealed cookie that expires.

It asks the keyring at every request, so that a revoked key ends its sessions at once; what the key may see it does not know.
"""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.settings import Settings
from app.webhooks.vault import secret_key

LIFETIME: Final = timedelta(hours=12)
"""A session ends this long after its sign-in, however busy it was: one working day."""

_PURPOSE: Final = b"dunghen dashboard sessions 1"
_FORM_PURPOSE: Final = b"dunghen dashboard forms 1"
_KEY_BYTES: Final = 32


class Sessions:
    """Seals keys into cookies and forms, under keys of their own that follow from the deployment's secret."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def seal(self, key: str, now: datetime) -> str:
        """The cookie of a session that begins at `now`. It holds the key, encrypted: nothing is stored here."""
        return self._cipher.encrypt_at_time(key.encode(), _seconds(now)).decode()

    def opened(self, cookie: str | None, now: datetime) -> str | None:
        """The key in the cookie; None for a cookie that is not ours, was changed, or has expired."""
        if not cookie:
            return None
        try:
            lifetime = int(LIFETIME.total_seconds())
            return self._cipher.decrypt_at_time(cookie.encode(), lifetime, _seconds(now)).decode()
        except (InvalidToken, UnicodeError):
            return None

    def form_token(self, cookie: str) -> str:
        """What a form must carry to be taken from a reader with this cookie; nobody else can compute it."""
        return hmac.new(self._form_key, cookie.encode(), hashlib.sha256).hexdigest()

    # Made when first needed: the secret may be a file, and an application that serves no page needs none.
    @cached_property
    def _cipher(self) -> Fernet:
        return Fernet(base64.urlsafe_b64encode(self._derived(_PURPOSE)))

    @cached_property
    def _form_key(self) -> bytes:
        return self._derived(_FORM_PURPOSE)

    def _derived(self, purpose: bytes) -> bytes:
        return HKDF(SHA256(), length=_KEY_BYTES, salt=None, info=purpose).derive(secret_key(self._settings))


def _seconds(now: datetime) -> int:
    return int(now.timestamp())
