"""The README's lines work as printed: from nothing to a signed webhook that the sample receiver verifies."""

from pathlib import Path

from tests.docs.newcomer import Terminal, demo, documents
from tests.docs.pages import ROOT, shell_blocks

NUMBERED = ("describe and send", "again", "dossier", "figures", "webhook", "rule", "fall behind", "alert")


def test_a_newcomer_comes_from_nothing_to_a_verified_webhook(database_url: str, tmp_path: Path) -> None:
    start, *blocks = shell_blocks(ROOT / "README.md")
    steps = dict(zip(NUMBERED, blocks, strict=True))
    with demo(database_url, tmp_path) as address, Terminal(address) as terminal:
        terminal.run(start)

        unit, accepted = documents(terminal.run(steps["describe and send"]))
        assert unit["code"] == "MY-WARD"
        assert (accepted["accepted"], accepted["rejected"]) == (1, 0)

        (again,) = documents(terminal.run(steps["again"]))
        assert (again["accepted"], again["duplicate"], again["rejected"]) == (0, 1, 0)

        (dossier,) = documents(terminal.run(steps["dossier"]))
        assert (dossier["code"], dossier["verdict"], dossier["findings"]) == ("FIRST-1", "overdue", [])
        assert dossier["explanation"][0].startswith("Received 08:30 05/01/2026 at MY-WARD")

        counts, on_time = documents(terminal.run(steps["figures"]))
        assert counts["total"]["residual"] == 0
        assert [row["rate"] for row in on_time["rows"]] == sorted(row["rate"] for row in on_time["rows"])

        assert documents(terminal.run(steps["webhook"])) == []

        (rule,) = documents(terminal.run(steps["rule"]))
        assert rule["key"] == "my-rule"

        (behind,) = documents(terminal.run(steps["fall behind"]))
        assert (behind["accepted"], behind["rejected"]) == (10, 0)

        printed = next(line for line in iter(terminal.line, "") if line.startswith(("verified", "refused")))
        assert printed.startswith("verified unit.lagging msg_")
        assert printed.endswith(" UBND phường Thử Nghiệm: on_time 0/5, target 0.9\n")

        (alerts,) = documents(terminal.run(steps["alert"]))
        assert [(alert["rule"], alert["state"]) for alert in alerts["items"]] == [("my-rule", "open")]
