"""The configuration of the embedded PostgreSQL: durable, quiet about data, tuned for a small machine that writes much.

It writes text and starts nothing; which account runs the server and where is told to it.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]  # its release carries no types

ROLE: Final = "dunghen"
"""The role that the product connects as, and the name of its database; no superuser."""

SUPERUSER: Final = "postgres"
PORT: Final = 5432
"""Only a part of the socket's name: no TCP port is opened."""

_MIB: Final = 1024 * 1024
_DURABLE: Final = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
_REACH: Final = {"listen_addresses": "", "port": str(PORT), "unix_socket_permissions": "0700"}
_WRITING: Final = {
    # The bundled build knows neither lz4 nor zstd.
    "wal_compression": "pglz",
    "wal_buffers": "16MB",
    "max_wal_size": "4GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "15min",
}
_MEMORY: Final = {"work_mem": "16MB", "maintenance_work_mem": "128MB", "autovacuum_work_mem": "64MB"}
# Marks and deliveries are queues: their rows die young, and a claim slows down with every dead row it must skip.
_VACUUM: Final = {
    "autovacuum_naptime": "10s",
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_vacuum_insert_scale_factor": "0.1",
    "autovacuum_analyze_scale_factor": "0.02",
    "autovacuum_vacuum_cost_limit": "1000",
}
_SESSIONS: Final = {
    "max_connections": "60",
    # A client that was killed must not hold its locks until its statement ends.
    "client_connection_check_interval": "10s",
    "jit": "off",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "default_text_search_config": "pg_catalog.simple",
    "max_logical_replication_workers": "0",
    # One place to configure from: the operator's file.
    "allow_alter_system": "off",
}
# Events may tell of people, so neither statements nor parameters nor the values in an error's detail are logged.
# What the role's own statements do wrong is told to the product alone (see BOOTSTRAP).
_LOG: Final = {
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}

BOOTSTRAP: Final = f"""\
CREATE ROLE {ROLE} LOGIN CREATEDB
ALTER ROLE {ROLE} SET log_min_messages = log
CREATE DATABASE {ROLE} OWNER {ROLE}
"""
"""Run once, before the new cluster gets its final name; one statement a line. `log` ranks above `error`."""

OPERATORS_FILE: Final = "postgresql.local.conf"
"""Read last; the product never writes it."""


def _shared_memory() -> dict[str, str]:
    memory = int(psutil.virtual_memory().total)
    shared = min(256 * _MIB, max(32 * _MIB, memory // 8))
    return {"shared_buffers": f"{shared // _MIB}MB", "effective_cache_size": f"{memory // 2 // _MIB}MB"}


def _quoted(value: object) -> str:
    escaped = str(value).replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def server_settings(data_dir: Path, socket_folder: Path, extra: Mapping[str, str]) -> str:
    """The main configuration file; `extra` overrules ours, and the operator's file overrules both."""
    values = {
        "hba_file": data_dir / "pg_hba.conf",
        "ident_file": data_dir / "pg_ident.conf",
        "unix_socket_directories": f'"{socket_folder}"',
        **(_REACH | _DURABLE | _WRITING | _MEMORY | _shared_memory() | _VACUUM | _SESSIONS | _LOG),
        **extra,
    }
    return "\n".join(
        [
            f"# Rewritten at each start; put your own settings into {OPERATORS_FILE}.",
            "include 'database/postgresql.conf'  # what initdb found out about this machine",
            *(f"{name} = {_quoted(value)}" for name, value in values.items()),
            f"include_if_exists '{OPERATORS_FILE}'",
            "",
        ]
    )


ACCESS: Final = f"local all all peer map={ROLE}\n"
"""pg_hba.conf: the local socket alone, and only accounts that `account_map` names."""


def account_map(accounts: Iterable[str]) -> str:
    """pg_ident.conf: which operating-system accounts may be which role."""
    names = sorted(set(accounts))
    return "".join(f'{ROLE} "{name}" {role}\n' for name in names for role in (ROLE, SUPERUSER))
