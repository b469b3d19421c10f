"""The text of an API key: how one is made, how one is recognised, and the hash that alone is stored.

It knows nothing of what a key allows.
"""

import base64
import hashlib
import re
import secrets
from typing import Final, NamedTuple

_ID_BYTES: Final = 5
_SECRET_BYTES: Final = 20
_FORM: Final = re.compile(r"dh_[a-z2-7]{8}_[a-z2-7]{32}")


class Token(NamedTuple):
    """A new key: its public id, and the text that is shown once and never again."""

    id: str
    text: str


def mint() -> Token:
    """A new key `dh_<id>_<secret>` of 160 random bits; lower-case letters and digits only, so that it survives any form."""
    key_id = _letters(_ID_BYTES)
    return Token(key_id, f"dh_{key_id}_{_letters(_SECRET_BYTES)}")


def digest(text: str) -> bytes | None:
    """The SHA-256 under which a key is stored; None for what cannot be a key, which no look-up is spent on.

    A plain hash is enough: nobody can try 2^160 secrets, so there is nothing that a slow hash would slow down.
    """
    return hashlib.sha256(text.encode()).digest() if _FORM.fullmatch(text) else None


def _letters(count: int) -> str:
    return base64.b32encode(secrets.token_bytes(count)).decode().lower()
