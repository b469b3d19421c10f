"""The embedded PostgreSQL: a real server in the data directory that several processes share, started and stopped by them.

It hands out an address and keeps the server running; it knows no table and no migration.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

from app.kit.postgres_account import EmbeddedPostgresError
from app.kit.postgres_configuration import BOOTSTRAP, PORT, ROLE, SUPERUSER
from app.kit.postgres_directory import DataDirectory
from app.kit.postgres_programs import MAJOR, Programs

if sys.platform != "win32":
    import fcntl

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "ServerAlreadyRunningError", "serve_lock"]

_RECOVERY_SECONDS: Final = 600
"""How long a start may take: recovery reads up to `max_wal_size` of log."""

_STOP_SECONDS: Final = 120
_LEFTOVER_SECONDS: Final = 75
"""How long a server's children may outlive its kill -9: a busy one notices only when its statement ends."""

_LEFTOVERS: Final = ("pre-existing shared memory block", 'lock file "postmaster.pid" already exists')
_LONGEST_TAIL: Final = 100_000
_TAIL_LINES: Final = 12


class ServerAlreadyRunningError(EmbeddedPostgresError):
    """Another `serve` has the data directory."""


@contextmanager
def serve_lock(data_dir: Path) -> Iterator[None]:
    """Claim `data_dir` for one `serve`; a second one is refused with `ServerAlreadyRunningError`."""
    directory = DataDirectory.at(data_dir)
    lock = directory.lock_file("serve")
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(lock, 20).decode()
            raise ServerAlreadyRunningError(
                vi=f"Thư mục dữ liệu {directory.path} đang được một máy chủ Đúng Hẹn khác (tiến trình {holder}) sử dụng; hãy dừng máy chủ ấy hoặc chọn thư mục khác bằng --data-dir.",
                en=f"The data directory {directory.path} is in use by another Đúng Hẹn server (process {holder}); stop that one or choose another directory with --data-dir.",
            ) from None
        os.truncate(lock, 0)
        os.write(lock, str(os.getpid()).encode())
        yield
    finally:
        os.close(lock)


class EmbeddedPostgres:
    """One process's hold on the server of a data directory. Blocking; call it outside the event loop."""

    def __init__(self, directory: DataDirectory, settings: Mapping[str, str]) -> None:
        self._directory = directory
        self._settings = dict(settings)
        self._hold: int | None = None

    @classmethod
    def open(cls, data_dir: Path, settings: Mapping[str, str] | None = None) -> Self:
        """Join the server of `data_dir`, or make its database and start it as needed.

        `settings` are PostgreSQL settings that overrule ours if this call starts the server. Raises
        `EmbeddedPostgresError` with the reason and the remedy.
        """
        postgres = cls(DataDirectory.at(data_dir), settings or {})
        with postgres._directory.changing_server():
            postgres._hold = postgres._directory.lock_file("users")
            fcntl.flock(postgres._hold, fcntl.LOCK_SH)
            try:
                postgres._bring_up()
            except BaseException:
                postgres._let_go()
                raise
        return postgres

    def close(self) -> None:
        """Let go of the server; the last process out stops it cleanly. Does nothing the second time."""
        with self._directory.changing_server():
            self._let_go()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def dsn(self) -> str:
        """The address of the database for asyncpg and libpq: role and database `dunghen`, over the socket."""
        folder = self._directory.path / "socket"
        return f"postgresql://{ROLE}@/{ROLE}?host={quote(str(folder.resolve()), safe='')}&port={PORT}"

    @property
    def url(self) -> str:
        """The same address for SQLAlchemy."""
        return self.dsn.replace("postgresql", "postgresql+asyncpg", 1)

    def program(self, name: str) -> Path:
        """Where a PostgreSQL program lies that we run ourselves, for example `pg_dump`."""
        return Programs.bundled().path(name)

    def is_running(self) -> bool:
        """Whether the server listens; while it recovers it already does."""
        path = self._directory.socket()
        if path is None:
            return False
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            return client.connect_ex(str(path)) == 0

    def ensure_running(self) -> bool:
        """Start the server again if it died, and say whether that was needed. Committed rows are recovered."""
        if self.is_running():
            return False
        with self._directory.changing_server():
            return self._hold is not None and self._bring_up()

    # All below is called while `changing_server` is held.

    def _let_go(self) -> None:
        if self._hold is None:
            return
        hold, self._hold = self._hold, None
        try:
            fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._stop()
        except BlockingIOError:
            pass  # somebody else still uses the server
        finally:
            os.close(hold)

    def _bring_up(self) -> bool:
        """Return when the server takes connections, and say whether it had to be started."""
        if self._is_ready():
            return False
        self._prepare()
        began = time.monotonic()
        while not self._is_ready():
            if self.is_running():  # whoever started it was killed while it recovered, or it is stopping
                limit, said = _RECOVERY_SECONDS, "it is still recovering or stopping"
            elif said := self._try_to_start():
                limit = _LEFTOVER_SECONDS if any(sign in said for sign in _LEFTOVERS) else 0
            else:
                continue
            if time.monotonic() - began > limit:
                raise self._refused(said)
            time.sleep(0.1)
        return True

    def _is_ready(self) -> bool:
        return self.is_running() and self._directory.server_is_ready()

    def _prepare(self) -> None:
        """Everything that a start needs: a folder that can be entered, a cluster of the right version, its settings."""
        self._directory.account.refuse_if_closed(self._directory.path)
        if self._directory.cluster.exists():
            self._refuse_foreign_cluster()
        else:
            self._initialise()
        self._directory.configure(self._settings)

    @cached_property
    def _programs(self) -> Programs:
        return Programs.bundled().for_account(self._directory.account, self._directory.path)

    def _refuse_foreign_cluster(self) -> None:
        cluster, account = self._directory.cluster, self._directory.account
        try:
            found = (cluster / "PG_VERSION").read_text(encoding="utf-8").strip()
        except OSError:
            found = "?"
        if found != str(MAJOR):
            raise EmbeddedPostgresError(
                vi=f"Dữ liệu trong {cluster} thuộc PostgreSQL {found}, còn sản phẩm này mang theo PostgreSQL {MAJOR}. Dữ liệu được giữ nguyên: hãy kết xuất bằng phiên bản cũ (pg_dump) rồi nạp vào thư mục mới, hoặc đặt DUNGHEN_DATABASE_URL.",
                en=f"The data in {cluster} is of PostgreSQL {found}, but this product brings PostgreSQL {MAJOR}. It is left alone: dump it with the old version (pg_dump) and restore it into a new directory, or set DUNGHEN_DATABASE_URL.",
            )
        if cluster.stat().st_uid != account.uid:
            raise EmbeddedPostgresError(
                vi=f"Thư mục {cluster} không thuộc tài khoản {account.name} chạy cơ sở dữ liệu; nếu đã khôi phục từ bản sao lưu, hãy chạy: chown -R {account.name} {cluster}",
                en=f"The folder {cluster} does not belong to the account {account.name} that runs the database; if it was restored from a copy, run: chown -R {account.name} {cluster}",
            )

    def _initialise(self) -> None:
        """Make the cluster under another name and rename it when it is complete, so that none is ever half made."""
        account, home = self._directory.account, self._directory.path
        for old in home.glob("database-*"):
            shutil.rmtree(old, ignore_errors=True)
        # A name of its own, for the initdb of a process that was killed may still be writing into the old one.
        fresh = Path(tempfile.mkdtemp(prefix="database-", dir=home))
        account.own(fresh)
        options = f"--username={SUPERUSER} --encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8 --data-checksums --auth=peer"
        initdb = [self._programs.path("initdb"), "-D", fresh.name, *options.split()]
        single = f"--single -D {fresh.name} -c exit_on_error=on {SUPERUSER}"
        bootstrap = [self._programs.path("postgres"), *single.split()]
        for command, script in ((initdb, ""), (bootstrap, BOOTSTRAP)):
            done = account.run(command, cwd=home, script=script)
            if done.returncode:
                raise self._refused(done.stdout)
        fresh.rename(self._directory.cluster)

    def _try_to_start(self) -> str:
        """Nothing when the server takes connections; else what it said."""
        self._directory.forget_reused_process()
        log = os.open(self._directory.log, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            before = os.fstat(log).st_size
            if self._pg_ctl(f"-t {_RECOVERY_SECONDS} -o -cconfig_file=postgresql.conf start", log):
                return ""
            return os.pread(log, _LONGEST_TAIL, before).decode(errors="replace") or "it said nothing"
        except BaseException:
            self._stop()  # such as Ctrl-C while it recovers
            raise
        finally:
            os.close(log)

    def _stop(self) -> None:
        self._directory.forget_reused_process()
        for mode in ("fast", "immediate"):  # after "immediate" the next start recovers
            if self._directory.server_is_noted():
                self._pg_ctl(f"-t {_STOP_SECONDS} -m {mode} stop", subprocess.DEVNULL)
        self._directory.remove_linked_socket_folder()

    def _pg_ctl(self, action: str, output: int) -> bool:
        # The folder's name is relative to the working directory, because pg_ctl hands it to a shell.
        target = f"-D {self._directory.cluster.name} -s -w"
        command = [self._programs.path("pg_ctl"), *target.split(), *action.split()]
        return self._directory.account.run(command, cwd=self._directory.path, output=output).returncode == 0

    def _refused(self, said: str) -> EmbeddedPostgresError:
        tail = "\n".join(said.strip().splitlines()[-_TAIL_LINES:])
        return EmbeddedPostgresError(
            vi=f"Cơ sở dữ liệu nhúng trong {self._directory.path} không khởi động được (nhật ký: {self._directory.log}).\n{tail}",
            en=f"The embedded database in {self._directory.path} could not be started (log: {self._directory.log}).\n{tail}",
        )
