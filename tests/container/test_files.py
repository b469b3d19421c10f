"""The container files are well formed, keep their promises, and name only what is there."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.container.recipes import ROOT, command, image, instructions, services

BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    "linter",
    [
        ["hadolint", "Dockerfile"],
        ["yamllint", "--strict", "compose.yaml", ".yamllint"],
        ["check-jsonschema", "--quiet", "--builtin-schema", "vendor.compose-spec", "compose.yaml"],
    ],
    ids=lambda linter: linter[0],
)
def test_the_linters_find_nothing(linter: list[str]) -> None:
    name, *arguments = linter
    done = subprocess.run([BIN / name, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_what_the_image_copies_is_in_the_tree_and_reaches_the_builder() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        source
        for name, said in instructions()
        if name == "COPY" and not said.startswith("--from")
        for source in said.split()[:-1]
    }
    assert copied == sent
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_every_download_of_the_image_is_pinned_by_hash() -> None:
    installs = [said for name, said in instructions() if name == "RUN" and "pip install" in said]
    for said in " && ".join(installs).split("&&"):
        assert "pip install" not in said or "--require-hashes" in said or "--no-index" in said, said


def test_the_image_runs_as_a_numbered_user_who_is_not_root() -> None:
    user, group = image("USER").split(":")
    assert int(user) > 0
    assert int(group) > 0


def test_the_product_runs_without_writing_to_its_image_and_without_privileges() -> None:
    ours = {name: service for name, service in services().items() if name != "database"}
    assert set(ours) == {"api", "worker"}
    for service in ours.values():
        assert service["read_only"] is True
        assert service["tmpfs"] == ["/tmp"]  # noqa: S108 - the path inside the container
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_compose_runs_what_the_image_runs_with_the_worker_apart() -> None:
    assert services()["api"]["command"] == [*command(), "--no-worker"]
    assert services()["worker"]["command"] == ["dunghen", "worker"]


def test_no_secret_has_a_default() -> None:
    for service in services().values():
        for name, value in service["environment"].items():
            if name in {"POSTGRES_PASSWORD", "DUNGHEN_SECRET_KEY", "DUNGHEN_DATABASE_URL"}:
                assert ":?" in value, name
            if name == "DUNGHEN_BOOTSTRAP_KEY":
                assert value == "${DUNGHEN_BOOTSTRAP_KEY:-}"


def test_the_database_keeps_its_data_where_version_18_puts_them() -> None:
    database = services()["database"]
    assert database["image"] == "postgres:18"
    assert database["volumes"] == ["database:/var/lib/postgresql"]
