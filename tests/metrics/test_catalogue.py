from fractions import Fraction
from math import floor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.metrics.catalogue import CATALOGUE, COUNTS, RATES, STATISTICS
from app.metrics.counted import COUNTED
from app.metrics.metric import Sum, share
from app.reports import ii_06a

DEFINITIONS = Path(__file__).parents[2] / "docs" / "figures.md"


@pytest.mark.parametrize(
    ("numerator", "denominator", "rate"),
    [
        (951, 1003, 0.948156),
        (1, 3, 0.333333),
        (2, 3, 0.666667),
        (1, 2_000_000, 0.000001),
        (1, 2_000_001, 0.0),
        (3, 2_000_000, 0.000002),
        (0, 7, 0.0),
        (7, 7, 1.0),
    ],
)
def test_a_rate_is_rounded_half_up_to_six_decimals(numerator: int, denominator: int, rate: float) -> None:
    assert share(numerator, denominator) == rate


def test_an_empty_denominator_gives_no_number() -> None:
    assert share(0, 0) is None


@given(st.integers(0, 10**12), st.integers(1, 10**12))
def test_a_rate_is_the_exact_ratio_rounded_once(numerator: int, denominator: int) -> None:
    exact = floor(Fraction(numerator, denominator) * 10**6 + Fraction(1, 2))
    assert share(numerator, denominator) == float(Fraction(exact, 10**6))


def test_a_sum_adds_and_subtracts() -> None:
    assert Sum(("a", "b"), ("c",)).of({"a": 3, "b": 4, "c": 2}) == 5


def test_every_metric_needs_only_counts_that_exist_and_every_count_is_needed() -> None:
    needed = {key for metric in (COUNTS, *RATES) for key in metric.needs} | set(ii_06a.NEEDS)
    assert needed == set(COUNTED)


def test_every_rate_counts_either_procedures_or_dossiers() -> None:
    for rate in RATES:
        assert {COUNTED[key].procedures for key in rate.needs} == {rate.procedures}


def test_every_rate_and_statistic_has_its_worked_example_in_the_documentation() -> None:
    text = " ".join(DEFINITIONS.read_text(encoding="utf-8").split())
    for rate in RATES:
        assert set(rate.example.counts) == set(rate.needs)
    for metric in (*RATES, *STATISTICS):
        assert f"Example: {metric.worked.en}" in text, metric.key


def test_every_metric_speaks_both_languages() -> None:
    for metric in CATALOGUE.values():
        texts = [metric.names, metric.definition, metric.legal_basis, *metric.parts.values()]
        assert all(text.vi and text.en and text.vi != text.en for text in texts)
        assert metric.version >= 1


def test_every_metric_and_every_count_is_defined_in_the_documentation() -> None:
    text = DEFINITIONS.read_text(encoding="utf-8")
    headings = {line.split("`")[1] for line in text.splitlines() if line.startswith("### `")}
    assert headings == set(CATALOGUE)
    for key in COUNTS.parts:
        assert f"| `{key}` |" in text
