"""The operating-system account under which the embedded PostgreSQL runs, and programs run under it.

It knows nothing of databases, and changes no file or folder that it is not handed.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.kit.text import Text

if sys.platform != "win32":
    import pwd

ACCOUNT: Final = "dunghen"
"""The account that stands in for root, as which PostgreSQL refuses to run."""

# Nothing of our own environment reaches the server: neither secrets nor PG* variables that would steer it.
_ENVIRONMENT: Final = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
_FIRST_CLOSED: Final = 'for folder; do test -x "$folder" || { printf %s "$folder"; exit 1; }; done'


class EmbeddedPostgresError(Exception):
    """The embedded database cannot be had; `text` says why and what to do, in both languages."""

    def __init__(self, *, vi: str, en: str) -> None:
        super().__init__(en)
        self.text = Text(vi, en)


@dataclass(frozen=True)
class ServerAccount:
    """Who runs the server: ourselves, or an account of its own when we are root."""

    name: str
    uid: int
    gid: int
    ours: str
    """The name of the account that this process runs under."""

    @classmethod
    def of_this_process(cls) -> "ServerAccount":
        """Our own account, or as root the system account `dunghen`, made if it is missing."""
        if sys.platform == "win32":
            raise EmbeddedPostgresError(
                vi="Cơ sở dữ liệu nhúng chỉ chạy trên Linux và macOS; trên Windows hãy đặt DUNGHEN_DATABASE_URL trỏ tới một máy chủ PostgreSQL.",
                en="The embedded database runs on Linux and macOS only; on Windows set DUNGHEN_DATABASE_URL to a PostgreSQL server.",
            )
        uid = os.geteuid()
        try:
            own = pwd.getpwuid(uid)
        except KeyError:
            raise EmbeddedPostgresError(
                vi=f"Tài khoản số {uid} không có tên trên hệ thống này, nên cơ sở dữ liệu nhúng không chạy được; hãy dùng một tài khoản có tên hoặc đặt DUNGHEN_DATABASE_URL.",
                en=f"User number {uid} has no name on this system, so the embedded database cannot run; use a named account or set DUNGHEN_DATABASE_URL.",
            ) from None
        entry = own if uid else _stand_in_for_root()
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid, own.pw_name)

    @property
    def is_another(self) -> bool:
        """Whether the server's account is not our own, which only root can bring about."""
        return self.name != self.ours

    def own(self, path: Path) -> None:
        """Hand `path`, which we have just made, to the account; nobody else gets in."""
        path.chmod(0o700)
        if self.is_another:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def run(
        self, command: Sequence[object], *, cwd: Path, script: str = "", output: int = subprocess.PIPE
    ) -> "subprocess.CompletedProcess[str]":
        """Run `command` under the account, out of reach of the terminal's Ctrl-C; its errors join its output.

        `script` is its standard input; `output` a file descriptor that takes what it says instead of the result.
        """
        return subprocess.run(  # noqa: S603 - the commands are this package's own, without a shell
            [str(part) for part in command],
            cwd=cwd,
            env=_ENVIRONMENT,
            input=script,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            start_new_session=True,
            user=self.uid if self.is_another else None,
            group=self.gid if self.is_another else None,
            extra_groups=[] if self.is_another else None,
        )

    def refuse_if_closed(self, path: Path) -> None:
        """Raise when the account cannot pass through `path` or a folder above it. Nothing is opened up for it."""
        folders = [*reversed(path.parents), path]
        if closed := self.run(["/bin/sh", "-c", _FIRST_CLOSED, "sh", *folders], cwd=Path("/")).stdout:
            raise EmbeddedPostgresError(
                vi=f"Tài khoản {self.name} chạy cơ sở dữ liệu không vào được thư mục {closed}. Quyền của thư mục ấy được giữ nguyên; hãy chọn thư mục dữ liệu khác, chẳng hạn /var/lib/dunghen.",
                en=f"The account {self.name}, which runs the database, cannot enter the folder {closed}. Its permissions are left alone; choose another data directory, such as /var/lib/dunghen.",
            )


def _stand_in_for_root() -> "pwd.struct_passwd":
    said = ""
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        if useradd := shutil.which("useradd", path=f"/usr/sbin:/sbin:{os.defpath}"):
            options = (
                "--system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin"
            )
            made = subprocess.run(  # noqa: S603 - a fixed command
                [useradd, *options.split(), ACCOUNT],
                env=_ENVIRONMENT,
                capture_output=True,
                text=True,
                check=False,
            )
            said = f" ({made.stderr.strip()})" if made.returncode else ""
    try:
        return pwd.getpwnam(ACCOUNT)  # another process may have made it meanwhile
    except KeyError:
        raise EmbeddedPostgresError(
            vi=f"PostgreSQL không chạy dưới quyền root và không tạo được tài khoản hệ thống {ACCOUNT}{said}. Hãy tạo tài khoản ấy, chạy dưới một tài khoản thường, hoặc đặt DUNGHEN_DATABASE_URL.",
            en=f"PostgreSQL does not run as root and the system account {ACCOUNT} could not be made{said}. Create it, run as an ordinary user, or set DUNGHEN_DATABASE_URL.",
        ) from None
