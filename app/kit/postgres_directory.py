"""The data directory on disk: what lies where, whose it is, and its locks.

It changes no owner or mode of anything outside the data directory, and does not know how a server is started.
"""

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]  # its release carries no types

from app.kit.postgres_account import EmbeddedPostgresError, ServerAccount
from app.kit.postgres_configuration import ACCESS, PORT, account_map, server_settings

if sys.platform != "win32":
    import fcntl
    import pwd

_SOCKET: Final = f".s.PGSQL.{PORT}"
_LONGEST_SOCKET: Final = 103
"""Bytes that fit into an address of a UNIX socket on Linux (107) and on macOS (103)."""

_LONGEST_LOG: Final = 8 * 1024 * 1024


@dataclass(frozen=True)
class DataDirectory:
    """One data directory and the account that its server runs under."""

    path: Path
    account: ServerAccount

    @classmethod
    def at(cls, path: Path) -> "DataDirectory":
        """The data directory at `path`, made if it is missing; it must be our own.

        Its mode is set only while it is new or empty: for us alone, and as root for the server's account to pass.
        """
        account = ServerAccount.of_this_process()
        directory = cls(path.resolve(), account)
        try:
            directory._make()
            owner = directory.path.stat().st_uid
        except OSError as error:
            raise EmbeddedPostgresError(
                vi=f"Không tạo được thư mục dữ liệu {directory.path}: {error.strerror}.",
                en=f"The data directory {directory.path} cannot be made: {error.strerror}.",
            ) from error
        if owner != os.geteuid():
            raise EmbeddedPostgresError(
                vi=f"Thư mục dữ liệu {directory.path} thuộc về {_name(owner)}, còn tiến trình này chạy dưới tài khoản {account.ours}. Hãy chạy dưới tài khoản {_name(owner)} hoặc chọn thư mục khác.",
                en=f"The data directory {directory.path} belongs to {_name(owner)}, but this process runs as {account.ours}. Run as {_name(owner)} or choose another directory.",
            )
        return directory

    def _make(self) -> None:
        for folder in reversed(self.path.parents):
            if not folder.exists():
                folder.mkdir(exist_ok=True)
                folder.chmod(0o711)
        self.path.mkdir(mode=0o700, exist_ok=True)
        if self.path.stat().st_uid == os.geteuid() and not any(self.path.iterdir()):
            self.path.chmod(0o700)
            if self.account.is_another:
                os.chown(self.path, -1, self.account.gid)
                self.path.chmod(0o710)

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.path / "database"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.path / "postgresql.log"

    # Locks: flock() is let go of by the kernel when a process dies, so nothing can get stuck.

    def lock_file(self, name: str) -> int:
        """An open descriptor of the lock file `name`; its lock lives as long as the descriptor."""
        return os.open(self.path / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)

    @contextmanager
    def changing_server(self) -> Iterator[None]:
        """Only one process at a time looks whether the server runs, starts it or stops it."""
        lock = self.lock_file("start")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    # The socket

    def socket(self) -> Path | None:
        """The server's socket, if its folder is there and nobody but the server's account can have made it."""
        folder = (self.path / "socket").resolve()
        with suppress(OSError):
            found = folder.lstat()
            private = stat.S_ISDIR(found.st_mode) and not stat.S_IMODE(found.st_mode) & 0o077
            if private and found.st_uid == self.account.uid:
                return folder / _SOCKET
        return None

    def socket_folder(self) -> Path:
        """The folder for the socket, made if it is missing.

        A path too long for a socket gets a fresh private folder for temporary files, and a link to it. It stays
        while anyone uses the server, because the addresses that other processes hold must stay right.
        """
        if known := self.socket():
            return known.parent
        place = self.path / "socket"
        if place.is_symlink():
            place.unlink()
        elif place.exists():
            shutil.rmtree(place)
        if _fits(place):
            place.mkdir(mode=0o700)
            self.account.own(place)
            return place
        folder = Path(tempfile.mkdtemp(prefix="dunghen-")).resolve()
        self.account.own(folder)
        if not _fits(folder):
            folder.rmdir()
            raise EmbeddedPostgresError(
                vi=f"Đường dẫn của cả thư mục dữ liệu {self.path} lẫn thư mục tạm {folder.parent} đều quá dài cho một socket; hãy chọn thư mục ngắn hơn hoặc đặt TMPDIR.",
                en=f"The paths of the data directory {self.path} and of the temporary folder {folder.parent} are both too long for a socket; choose a shorter one or set TMPDIR.",
            )
        self.account.refuse_if_closed(folder)
        place.symlink_to(folder)
        return folder

    def remove_linked_socket_folder(self) -> None:
        """Take away the socket's folder if it lies outside the data directory; nobody holds its address any more."""
        place = self.path / "socket"
        if place.is_symlink() and (known := self.socket()):
            with suppress(OSError):
                known.parent.rmdir()
            place.unlink()

    # What the server reads and leaves behind

    def configure(self, extra: Mapping[str, str]) -> None:
        """Write the server's configuration, and begin a new log when the old one has grown past 8 MiB.

        It lies beside the cluster, not in it: root writes no file into a folder that the server's account commands.
        """
        files = {
            "postgresql.conf": server_settings(self.path, self.socket_folder(), extra),
            "pg_hba.conf": ACCESS,
            "pg_ident.conf": account_map([self.account.name, self.account.ours]),
        }
        for name, text in files.items():
            path = self.path / name
            path.write_text(text, encoding="utf-8")
            path.chmod(0o640)
            if self.account.is_another:
                os.chown(path, -1, self.account.gid)
        if self.log.exists() and self.log.stat().st_size > _LONGEST_LOG:
            self.log.replace(f"{self.log}.1")

    @property
    def _server_note(self) -> Path:
        return self.cluster / "postmaster.pid"

    def server_is_noted(self) -> bool:
        """Whether a server has noted that it runs and has not taken the note back."""
        return self._server_note.exists()

    def server_is_ready(self) -> bool:
        """Whether the server has noted, in the last line, that it takes connections."""
        with suppress(OSError):
            return self._server_note.read_text(encoding="utf-8").rstrip().endswith("\nready")
        return False

    def forget_reused_process(self) -> None:
        """Drop the notes of a dead server whose process number now belongs to something else.

        PostgreSQL takes any living process of its own account for that server, so after a reboot, or in a
        container where numbers repeat, it would refuse to start. It sees for itself when the process is gone.
        """
        notes = [self._server_note]
        if known := self.socket():
            notes.append(known.with_name(f"{_SOCKET}.lock"))
        for note in notes:
            with suppress(OSError, ValueError):
                number = int(note.read_text(encoding="utf-8").split("\n", 1)[0])
                if self._is_foreign(number):
                    note.unlink()

    def _is_foreign(self, number: int) -> bool:
        if not psutil.pid_exists(number):
            return False
        try:
            return Path(psutil.Process(number).cwd()) != self.cluster.resolve()
        except psutil.AccessDenied:
            return False
        except psutil.NoSuchProcess:  # a zombie, which PostgreSQL takes for living
            return True


def _fits(folder: Path) -> bool:
    """Whether a socket may lie in `folder`: short enough, and no mark that separates hosts in an address."""
    path = str(folder / _SOCKET)
    return len(os.fsencode(path)) <= _LONGEST_SOCKET and not set(path) & set(',:"\n')


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"
