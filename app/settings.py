"""Every setting of the product, read from `DUNGHEN_*` variables or a `.env` file.

This module is the only reader of the environment and imports nothing of ours.
"""

import os
import sys
from datetime import time
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

import platformdirs
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def default_data_dir() -> Path:
    """The platform's user data directory; `/var/lib/dunghen` as root.

    The database cannot run as root, and its own account must be able to enter every folder above the data.
    """
    if sys.platform != "win32" and os.geteuid() == 0:
        return Path("/var/lib/dunghen")
    return Path(platformdirs.user_data_dir("dunghen", appauthor=False))


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return ",".join(str(part) for part in value) if isinstance(value, list) else str(value)


class Settings(BaseSettings):
    """One deployment's settings; the name of each variable is `DUNGHEN_` and the field in capitals."""

    model_config = SettingsConfigDict(
        env_prefix="DUNGHEN_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    database_url: SecretStr | None = Field(
        None,
        description="PostgreSQL 16 to 18, `postgresql://user:password@host/name`. Absent: an embedded server in the data directory.",
    )
    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Where the embedded database and the secret key live.",
    )
    timezone: str = Field(
        "Asia/Ho_Chi_Minh", description="IANA zone of the offices; local days and periods follow it."
    )
    language: Literal["vi", "en"] = Field(
        "vi", description="Language of messages where the reader does not ask for one."
    )
    bootstrap_key: SecretStr | None = Field(
        None,
        description="A key that has every scope, for first set-up and containers; at least 16 characters.",
        min_length=16,
    )
    secret_key: SecretStr | None = Field(
        None,
        description="Encrypts webhook secrets; made and kept in the data directory when absent.",
        min_length=32,
    )
    calendar: str = Field(
        "vn",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="Key of the calendar that is counted by. `vn`: Vietnam's office hours, public holidays and make-up days 2015 to 2030; `plain`: Monday to Friday; or one of your own.",
    )
    cutoff: time = Field(
        time(15, 0),
        description="Local time of day; what is received later counts as received on the next working day.",
    )
    apology_days_before: int = Field(
        1,
        ge=0,
        le=30,
        description="Working days before the due date by whose end an apology is owed; 0: on the day.",
    )
    webhook_retry_schedule: Annotated[list[float], NoDecode] = Field(
        [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400],
        description="Seconds between the attempts of one delivery, separated by commas.",
    )
    webhook_retry_jitter: float = Field(
        0.2, ge=0, le=1, description="Share by which each of these waits varies, up or down."
    )
    webhook_allow_networks: Annotated[list[IPv4Network | IPv6Network], NoDecode] = Field(
        [],
        description="Networks, separated by commas, that webhooks may reach although they are private; `http` is allowed there.",
    )
    watch_interval: float = Field(
        60, gt=0, le=60, description="Seconds after which units are judged again even if no event came."
    )
    dossier_notices: Literal["digest", "single", "off"] = Field(
        "off",
        description="Messages about dossiers that are due soon, overdue, or owe an apology: one by unit and working day, one each, or none.",
    )
    source_silent_after: int = Field(
        16,
        ge=0,
        le=240,
        description="Working hours without an event after which `source.silent` is told; 0: never.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level logged.")
    log_format: Literal["json", "console"] = Field(
        "json", description="`json` lines, or `console` for people."
    )

    @field_validator("webhook_retry_schedule", "webhook_allow_networks", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return _split(value)

    @field_validator("webhook_retry_schedule")
    @classmethod
    def _waits(cls, value: list[float]) -> list[float]:
        if any(wait < 0 for wait in value):
            raise ValueError("waits are 0 seconds or more")
        return value

    @field_validator("webhook_allow_networks")
    @classmethod
    def _networks(cls, value: list[IPv4Network | IPv6Network]) -> list[IPv4Network | IPv6Network]:
        return [ip_network(network) for network in value]

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"{value!r} is no IANA time zone such as Asia/Ho_Chi_Minh")
        return value

    def variables(self) -> dict[str, str]:
        """These settings as variables of the environment, for a process of ours to be started with."""
        values = {name: getattr(self, name) for name in self.model_fields_set}
        return {
            f"DUNGHEN_{name.upper()}": _text(value) for name, value in values.items() if value is not None
        }

    @property
    def zone(self) -> ZoneInfo:
        """The offices' zone. Not kept: `model_copy` would copy what was kept, whatever zone it is told."""
        return ZoneInfo(self.timezone)
