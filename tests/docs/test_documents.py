"""The documents name everything there is, and nothing else; the tree holds nothing that does not belong there."""

import re
from collections.abc import Iterator
from typing import Any

import prometheus_client
from typer.main import get_group

import app.main as _serves  # noqa: F401 - registers the time series of the API
import app.worker as _works  # noqa: F401 - registers those of the workers
from app.cli.command import cli
from app.events.types import TYPES
from app.keys.caller import SCOPES
from app.kit.problems import KINDS
from app.metrics.catalogue import CATALOGUE, COUNTS
from app.settings import Settings
from tests.docs import definitions
from tests.docs.pages import DOCS, ROOT, commands_shown, files, links, rows

# Written so that this file is none of those that they find.
REGISTRY = re.compile(r"pyp[i]\.org|python[h]osted|npm[j]s\.(org|com)|registry\.yarn[p]kg")
UNFINISHED = re.compile(r"\b(TO[D]O|FIX[M]E|XX[X])\b")


def commands() -> Iterator[str]:
    for name, command in get_group(cli).commands.items():
        below = getattr(command, "commands", {})
        yield from (f"dunghen {name} {sub}" for sub in below) if below else (f"dunghen {name}",)


def test_every_setting_has_its_row() -> None:
    assert set(rows("operations.md", "## Settings")) == {
        f"DUNGHEN_{name.upper()}" for name in Settings.model_fields
    }


def test_every_command_has_its_row() -> None:
    assert set(rows("operations.md", "## Commands")) == set(commands())


def test_every_scope_has_its_row() -> None:
    assert set(rows("operations.md", "## Keys")) == set(SCOPES)


def test_every_time_series_that_is_named_is_told_by_the_api_or_a_worker() -> None:
    told = set(re.findall(r"^# HELP (\S+)", prometheus_client.generate_latest().decode(), re.MULTILINE))
    named = {name for name in rows("operations.md", "## Health and metrics") if name.startswith("dunghen_")}
    assert named
    assert named <= told


def test_every_event_type_has_its_row_with_its_fields() -> None:
    said = {name: row.split("|")[0].strip() for name, row in rows("events.md").items() if name in TYPES}
    assert said == {
        name: ", ".join(
            field if info.is_required() else f"{field}?" for field, info in model.model_fields.items()
        )
        for name, model in TYPES.items()
    }


def test_every_kind_of_error_has_its_row_with_its_status() -> None:
    said = {name: int(row.split("|")[0]) for name, row in rows("errors.md").items()}
    assert said == {name: kind.status for name, kind in KINDS.items()}


def test_every_metric_has_its_heading_and_every_count_its_row() -> None:
    headings = re.findall(r"^### `(.+)`$", (DOCS / "figures.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == list(CATALOGUE)
    assert set(rows("figures.md", "### `counts`")) == set(COUNTS.parts)


def test_the_definitions_are_those_of_the_catalogue() -> None:
    page = (DOCS / "definitions.md").read_text(encoding="utf-8")
    assert page == definitions.page(), "python -m tests.docs.definitions > docs/definitions.md"


def test_every_command_that_is_shown_exists_with_its_options() -> None:
    shown = [one for page in files() if page.suffix == ".md" for one in commands_shown(page)]
    assert len(shown) > 20
    known = get_group(cli)
    for place, words in shown:
        command: Any = known
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        options = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
        asked = {word.split("=")[0] for word in words if word.startswith("--")}
        assert not hasattr(command, "commands"), place
        assert asked <= options | {"--help"}, place


def test_every_page_is_in_the_index() -> None:
    assert {page.name for page in DOCS.glob("*.md")} - {"README.md"} <= set(links(DOCS / "README.md"))


def test_every_link_inside_the_tree_leads_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in files()
        if page.suffix == ".md"
        for target in links(page)
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []


def test_nothing_in_the_tree_is_left_for_later_or_names_a_package_registry() -> None:
    found = []
    for path in files():
        if path.suffix == ".png":  # its bytes may spell anything
            continue
        text = path.read_bytes().decode("utf-8", errors="replace")
        # What others released is kept as it is.
        if (UNFINISHED.search(text) and "vendor" not in path.parts) or REGISTRY.search(text):
            found.append(str(path.relative_to(ROOT)))
    assert found == []
