"""The key that encrypts webhook secrets."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import InvalidToken
from pydantic import SecretStr

from app.settings import Settings
from app.webhooks.vault import FILE, cipher, secret_key


def _settings(data_dir: Path, key: str | None = None) -> Settings:
    return Settings(_env_file=None, data_dir=data_dir, secret_key=SecretStr(key) if key else None)


def test_a_key_is_made_once_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    settings = _settings(tmp_path / "new")
    key = secret_key(settings)
    assert len(key) >= 32
    assert secret_key(settings) == key
    assert stat.S_IMODE((settings.data_dir / FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.data_dir.stat().st_mode) == 0o700
    assert [file.name for file in settings.data_dir.iterdir()] == [FILE]


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: secret_key(settings), range(64)))
    assert len(keys) == 1
    assert [file.name for file in tmp_path.iterdir()] == [FILE]


def test_the_setting_comes_first_and_leaves_no_file(tmp_path: Path) -> None:
    assert secret_key(_settings(tmp_path, "k" * 32)) == b"k" * 32
    assert not list(tmp_path.iterdir())


def test_what_one_key_encrypted_no_other_reads(tmp_path: Path) -> None:
    sealed = cipher(_settings(tmp_path, "a" * 32)).encrypt(b"whsec_x")
    assert b"whsec" not in sealed
    assert cipher(_settings(tmp_path, "a" * 32)).decrypt(sealed) == b"whsec_x"
    with pytest.raises(InvalidToken):
        cipher(_settings(tmp_path, "b" * 32)).decrypt(sealed)
