"""How webhook secrets are kept: encrypted under a key that never enters the database.

It knows where that key lies; whose secret it encrypts it does not know.
"""

import base64
import os
import secrets
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.settings import Settings

FILE: Final = "secret.key"
"""In the data directory, mode 0600; whoever loses it must rotate every webhook secret."""

_PURPOSE: Final = b"dunghen webhook secrets 1"
_KEY_BYTES: Final = 32
_FINGERPRINT: Final = b"dunghen secret key fingerprint 1"
_FINGERPRINT_BYTES: Final = 8


def secret_key(settings: Settings) -> bytes:
    """The deployment's secret: `DUNGHEN_SECRET_KEY`, else the one kept in the data directory, made if it is missing."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value().encode()
    path = settings.data_dir / FILE
    try:
        return path.read_bytes()
    except FileNotFoundError:
        _make(path)
        return path.read_bytes()


def kept_key(settings: Settings) -> bytes | None:
    """The deployment's secret if there is one already; none is made."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value().encode()
    path = settings.data_dir / FILE
    return path.read_bytes() if path.exists() else None


def fingerprint(key: bytes) -> str:
    """Tells a secret apart from others, and does not tell it."""
    return HKDF(SHA256(), length=_FINGERPRINT_BYTES, salt=None, info=_FINGERPRINT).derive(key).hex()


def cipher(settings: Settings) -> Fernet:
    """What encrypts and decrypts webhook secrets; a token that another key made raises `InvalidToken`."""
    key = HKDF(SHA256(), length=_KEY_BYTES, salt=None, info=_PURPOSE).derive(secret_key(settings))
    return Fernet(base64.urlsafe_b64encode(key))


def _make(path: Path) -> None:
    """Put a fresh key at `path` unless there is one. A link appears whole or not at all, and never replaces a file."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{FILE}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_urlsafe(_KEY_BYTES).encode())
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return  # another process was first, and its key is the key
        _sync_folder(path.parent)
    finally:
        draft.unlink()


def _sync_folder(folder: Path) -> None:
    # Secrets encrypted under a key whose file a power cut took away again could never be read.
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
