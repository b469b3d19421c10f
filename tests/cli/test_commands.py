"""The commands: results, exit codes and words."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.command import cli
from app.settings import Settings
from tests.commands import dunghen
from tests.events.makers import processed, received
from tests.kit.postgres_makers import fresh_place
from tests.processes import serving


def test_import_counts_exactly_tells_faults_and_may_be_run_again(database_url: str, tmp_path: Path) -> None:
    file, faults = tmp_path / "events.ndjson.gz", tmp_path / "faults.ndjson"
    events = [received(f"H{number}") for number in range(30)] + [
        processed("H1"),
        received("H1"),
        received("H9", channel="fax"),
    ]
    file.write_bytes(gzip.compress("\n\n".join(json.dumps(made) for made in events).encode()))

    dry = dunghen("import", str(file), "--dry-run", "--json", url=database_url)
    told = json.loads(dry.stdout)
    assert (dry.returncode, told["accepted"], told["rejected"], told["dry_run"]) == (1, 32, 1, True)
    assert told["types"] == {"dossier.processed": 1, "dossier.received": 31}
    assert (told["unknown_units"], told["unknown_procedures"]) == ({"u1": 31}, {"p1": 31})
    first = dunghen("import", str(file), "--faults", str(faults), url=database_url)
    assert (first.returncode, first.stdout.splitlines()[-1]) == (1, "31 accepted, 1 duplicate, 1 rejected")
    (fault,) = [json.loads(line) for line in faults.read_text().splitlines()]
    assert (fault["line"], fault["status"], fault["errors"][0]["pointer"]) == (65, "invalid", "/data/channel")
    again = dunghen("import", str(file), "--json", url=database_url)
    told = json.loads(again.stdout)
    assert (told["accepted"], told["duplicate"], told["rejected"], told["resumed"]) == (0, 32, 1, {})

    verdict = json.loads(dunghen("verify", "--json", url=database_url).stdout)
    assert (verdict["checked"], verdict["different"], verdict["pending"]) == (30, 0, 0)
    assert dunghen("rebuild", url=database_url).stdout.strip() == "30 dossiers derived again"


def test_the_shipped_mappings_are_listed_and_printed_to_start_from(tmp_path: Path) -> None:
    listed = dunghen("import", "--mappings")
    assert (listed.returncode, [line.split()[0] for line in listed.stdout.splitlines()]) == (
        0,
        ["city-requests", "national", "permits-wabo"],
    )
    mine = tmp_path / "mine.toml"
    mine.write_text(dunghen("import", "--print-mapping", "national").stdout, encoding="utf-8")
    assert dunghen("import", "--print-mapping", str(mine)).stdout == mine.read_text(encoding="utf-8")
    assert dunghen("import", "--print-mapping", "none").returncode == 2


def test_settings_are_listed_and_secrets_masked() -> None:
    shown = dunghen("settings", "--json", bootstrap_key="very-secret-key-1234")
    assert "very-secret" not in shown.stdout
    assert {row["name"] for row in json.loads(shown.stdout)} == {
        f"DUNGHEN_{name.upper()}" for name in Settings.model_fields
    }


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        (("settings",), {"timezone": "Mars/Base"}),
        (("nonsense",), {}),
        (("import", "/nowhere"), {}),
        (("keys", "create", "--name", "n"), {}),
    ],
)
def test_wrong_usage_is_exit_code_2(words: tuple[str, ...], settings: dict[str, str]) -> None:
    done = dunghen(*words, **settings)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_an_unknown_scope_is_told(database_url: str) -> None:
    done = dunghen("keys", "create", "--name", "n", "--scope", "everything", url=database_url)
    assert (done.returncode, "everything" in done.stderr) == (2, True)


def test_keys_are_listed_without_their_text(database_url: str) -> None:
    words = (
        "keys",
        "create",
        "--name",
        "dashboard",
        "--scope",
        "metrics:read",
        "--unit",
        "H10",
        "--expires",
        "2030-01-01",
    )
    made = json.loads(dunghen(*words, "--json", url=database_url).stdout)
    listed = dunghen("keys", "list", url=database_url).stdout
    assert made["id"] in listed
    assert made["key"] not in listed
    assert dunghen("keys", "revoke", made["id"], url=database_url).returncode == 0
    assert dunghen("keys", "revoke", "none", url=database_url).returncode == 1


def test_the_openapi_document_is_printed_by_a_process_of_its_own_without_a_database() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "openapi"], capture_output=True, check=True, timeout=60
    )
    document = json.loads(done.stdout)
    assert document["openapi"].startswith("3.1")
    assert "/v1/events" in document["paths"]
    assert "unit.lagging" in document["webhooks"]


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("serve",),
        ("worker",),
        ("demo",),
        ("keys", "create"),
        ("import",),
        ("backup",),
        ("restore",),
        ("verify",),
    ],
)
def test_every_command_has_help(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    cli([*words, "--help"], standalone_mode=False)
    assert "Usage" in capsys.readouterr().out


def test_a_backup_of_a_running_service_comes_back_in_another_place_and_verifies(tmp_path: Path) -> None:
    """Both embedded: the backup joins the running server, the restore starts one of its own."""
    file, events = tmp_path / "a.backup", tmp_path / "events.ndjson"
    events.write_text("\n".join(json.dumps(made) for made in (received(), processed())))
    with fresh_place() as first:
        with serving(None, first):
            assert dunghen("import", str(events), "--data-dir", str(first)).returncode == 0
            made = dunghen("backup", str(file), "--data-dir", str(first))
            assert (made.returncode, "rows, schema" in made.stdout) == (0, True), made.stderr
        again = dunghen("backup", str(file), "--data-dir", str(first))
        assert (again.returncode, "exists" in again.stderr) == (2, True)
    with fresh_place() as second:
        restored = dunghen("restore", str(file), "--json", "--data-dir", str(second))
        assert restored.returncode == 0, restored.stderr
        assert json.loads(restored.stdout)["rows"]["event"] == 2
        refused = dunghen("restore", str(file), "--data-dir", str(second))
        assert (refused.returncode, "--replace" in refused.stderr) == (2, True)
        verdict = json.loads(dunghen("verify", "--json", "--data-dir", str(second)).stdout)
        assert (verdict["checked"], verdict["different"]) == (1, 0)
