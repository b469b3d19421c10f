"""The Grafana board and the alert rules name time series, and labels, that `/metrics` tells."""

import json
import re
from collections.abc import Iterator
from typing import Any

import prometheus_client
import pytest
import yaml
from prometheus_client.registry import Collector

import app.main as _serves  # noqa: F401 - registers the time series of the API
import app.worker as _works  # noqa: F401 - registers those of the workers
from tests.docs.pages import DOCS

FOLDER = DOCS / "monitoring"
_NAMED = re.compile(r"\b(dunghen_[a-z_]+)(?:\{([^}]*)\})?")
_BY = re.compile(r"\bby \(([^)]*)\)")
_LABEL = re.compile(r"(\w+)\s*[=!]")


def expressions() -> Iterator[tuple[str, str]]:
    """Where an expression stands, and what it says."""
    rules = yaml.safe_load((FOLDER / "dunghen-alerts.yml").read_text(encoding="utf-8"))
    for group in rules["groups"]:
        yield from ((rule["alert"], rule["expr"]) for rule in group["rules"])
    board = json.loads((FOLDER / "grafana-board.json").read_text(encoding="utf-8"))
    for panel in board["panels"]:
        yield from ((panel["title"], target["expr"]) for target in panel["targets"])


def told() -> dict[str, set[str]]:
    """Series that can be asked for → the labels that they can have."""
    labels: dict[str, set[str]] = {}
    collectors: list[Collector] = list(prometheus_client.REGISTRY._collector_to_names)
    for collector in collectors:
        own: Any = getattr(collector, "_labelnames", ())
        for family in collector.collect():
            for suffix in {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(
                family.type, [""]
            ):
                extra = {"le"} if suffix == "_bucket" else set()
                labels[family.name + suffix] = {*own, *extra, "worker"}
    return labels


@pytest.mark.parametrize(("place", "expression"), [pytest.param(*one, id=one[0]) for one in expressions()])
def test_it_asks_for_series_and_labels_that_there_are(place: str, expression: str) -> None:
    known = told()
    named = _NAMED.findall(expression)
    assert named or place == "DunghenDown"
    for series, matched in named:
        assert series in known
        assert set(_LABEL.findall(matched)) <= known[series]
    for group in _BY.findall(expression):
        by = {label.strip() for label in group.split(",")}
        assert by <= set.union(*(known[series] for series, _ in named))


def test_the_scrape_configuration_loads_the_rules() -> None:
    scrape = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    assert scrape["rule_files"] == ["dunghen-alerts.yml"]
