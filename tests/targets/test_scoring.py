import csv
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.text import Text
from app.metrics.metric import share
from app.targets.scheme import shipped
from app.targets.scoring import Criterion, Part, Ratio, Scheme, Segment, grade, ranks, rounded, score, wilson

PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "data" / "published_figures.csv"
FALLBACK = Path(__file__).resolve().parents[4] / "shared" / "data" / "published_figures.csv"

ratios = st.integers(0, 300).flatmap(lambda d: st.builds(Ratio, st.integers(0, d), st.just(d)))


def a_scheme(key: str = "decision-766", version: int = 1) -> Scheme:
    return shipped()[key, version].scheme(key, version)


def published() -> dict[str, dict[str, list[str]]]:
    """Unit → measure → values in the order they were published, of the H44 rows."""
    found = next((path for path in (PUBLISHED, FALLBACK) if path.exists()), None)
    if found is None:
        pytest.skip("the published figures are not here: ../shared/data/published_figures.csv")
    by_unit: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    with found.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["unit"].startswith("H44"):
                by_unit[row["unit"]][row["measure"]].append(row["value"])
    return {unit: dict(measures) for unit, measures in by_unit.items()}


def test_every_published_row_of_h44_has_its_points_to_the_printed_digit() -> None:
    rows = published()
    assert len(rows) == 11
    for unit, measures in rows.items():
        held = {name: int(float(values[0])) for name, values in measures.items() if name.startswith("total")}
        scored = score(
            a_scheme(),
            {
                "on_time_of_received": Ratio(held["totalOnTime"], held["totalReceived"]),
                "online_payment": Ratio(
                    held["totalDossierOnlinePaymentSuccess"], held["totalDossierFinancialObligation"]
                ),
                "online_payment_of_offered": Ratio(
                    held["totalDossierOnlineFormalityPaymentSuccess"],
                    held["totalFeeDossierFormalityDistinct"],
                ),
                "fee_procedures_of_offered": Ratio(
                    held["totalFeeDossierFormality"], held["totalFeeFormality"]
                ),
            },
        )
        on_time, payment, filing = scored.criteria
        printed = measures.get("score", measures["totalScore"])[0]
        paid = measures["totalScore"][-1 if "score" in measures else 1]
        assert on_time.points is not None
        assert payment.points is not None
        assert rounded(on_time.points, 2) == Decimal(printed), unit
        assert rounded(payment.points, 2) == Decimal(paid), unit
        assert (filing.points, scored.points, scored.share) == (None, None, None)  # that rate was not given


def test_each_part_of_a_composite_is_rounded_half_up_before_it_is_added() -> None:
    part = Part("online_payment", Decimal(2), (Segment(Decimal(0), Decimal(0), Decimal(2)),), "zero")
    rates = {"online_payment": Ratio(1005, 2000)}  # 1.005 points each
    for decimals, points in ((2, Fraction("2.02")), (None, Fraction("2.01"))):
        criterion = Criterion("two", Text("Hai", "Two"), (part, part), decimals)
        assert score(replace(a_scheme(), criteria=(criterion,)), rates).points == points


def test_phan_thiet_with_74_20_of_97_has_76_49_percent_and_is_fair() -> None:
    reached = Fraction("74.20") / 97
    assert rounded(100 * reached, 2) == Decimal("76.49")
    assert grade(a_scheme(), reached) == "fair"


@pytest.mark.parametrize(
    ("share_of_maximum", "expected"),
    [
        ("0.9", "excellent"),
        ("0.899999", "good"),
        ("0.8", "good"),
        ("0.7", "fair"),
        ("0.5", "average"),
        ("0.4999999999", "weak"),
        ("0", "weak"),
    ],
)
def test_a_grade_begins_exactly_at_its_band(share_of_maximum: str, expected: str) -> None:
    assert grade(a_scheme(), Fraction(share_of_maximum)) == expected


def test_nobody_is_rounded_into_a_better_grade() -> None:
    almost = Fraction(89_999_999, 100_000_000)
    assert rounded(100 * almost, 2) == Decimal("90.00")
    assert grade(a_scheme(), almost) == "good"


def test_a_criterion_that_does_not_apply_lowers_the_maximum() -> None:
    rates = dict.fromkeys(a_scheme("reform-index").metrics, Ratio(1, 1))
    whole = score(a_scheme("reform-index"), rates)
    without = score(a_scheme("reform-index"), {**rates, "online_payment": Ratio(0, 0)})
    assert [whole.points, whole.maximum, whole.share] == [10, 10, 1]
    assert [without.points, without.maximum, without.share] == [8, 8, 1]


def test_nobody_late_and_everybody_apologised_to_give_the_maximum_and_one_forgotten_gives_nothing() -> None:
    def apology(ratio: Ratio) -> Fraction | None:
        return score(a_scheme("reform-index"), {"apology": ratio}).criteria[-1].points

    assert [apology(Ratio(0, 0)), apology(Ratio(7, 7)), apology(Ratio(6, 7))] == [2, 2, 0]


def test_below_95_percent_on_time_gives_nothing_and_from_there_the_rate() -> None:
    def on_time(ratio: Ratio) -> Fraction | None:
        return score(a_scheme("reform-index"), {"on_time": ratio}).criteria[0].points

    assert on_time(Ratio(9499, 10000)) == 0
    assert on_time(Ratio(95, 100)) == Fraction("2.85")
    assert on_time(Ratio(98, 100)) == Fraction("2.94")
    assert on_time(Ratio(100, 100)) == 3


def test_online_filing_is_full_at_half_and_multiplied_by_a_synchronisation_rate_that_is_known() -> None:
    def filing(**rates: Ratio) -> Fraction | None:
        return score(a_scheme(), rates).criteria[2].points

    assert filing(online_with_result=Ratio(1, 4)) == 3
    assert filing(online_with_result=Ratio(3, 4)) == 6
    assert filing(online_with_result=Ratio(3, 4), synchronisation=Ratio(9, 10)) == Fraction("5.4")


def test_the_second_version_gives_all_online_points_to_full_service() -> None:
    newer = score(a_scheme(version=2), {"full_online_of_eligible": Ratio(5, 8)})
    assert newer.criteria[2].points == Fraction("7.5")
    assert newer.maximum == 42


def test_equal_shares_share_a_place_and_the_next_place_is_left_out() -> None:
    shares = {"A": Fraction(1, 3), "B": Fraction(1, 2), "C": Fraction(2, 6), "D": Fraction(1, 4), "E": None}
    assert ranks(shares) == {"B": 1, "A": 2, "C": 2, "D": 4}


def test_shares_that_look_alike_when_rounded_take_different_places() -> None:
    shares = {"A": Fraction(333_333_333, 10**9), "B": Fraction(1, 3)}
    assert ranks(shares) == {"B": 1, "A": 2}


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.fractions(0, 1) | st.none()))
def test_a_place_is_one_more_than_the_number_of_units_that_did_better(
    shares: dict[str, Fraction | None],
) -> None:
    held = {unit: value for unit, value in shares.items() if value is not None}
    assert ranks(shares) == {
        unit: 1 + sum(other > value for other in held.values()) for unit, value in held.items()
    }


@given(st.lists(ratios, min_size=7, max_size=7), st.sampled_from(sorted(shipped())))
def test_points_lie_between_nothing_and_the_maximum(found: list[Ratio], of: tuple[str, int]) -> None:
    scheme = a_scheme(*of)
    scored = score(scheme, dict(zip(scheme.metrics, found, strict=False)))
    assert scored.points is not None
    assert 0 <= scored.points <= scored.maximum <= sum(one.maximum for one in scheme.criteria)


@given(st.fractions(-1000, 1000), st.integers(0, 6))
def test_rounding_is_to_the_nearest_and_halves_go_up(value: Fraction, decimals: int) -> None:
    distance = abs(Fraction(rounded(value, decimals)) - value) * 10**decimals
    assert distance <= Fraction(1, 2)
    if distance == Fraction(1, 2):
        assert abs(rounded(value, decimals)) > abs(value)


def test_a_wilson_interval_is_that_of_the_textbook() -> None:
    # Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662.
    low, high = wilson(Ratio(81, 263)) or (Decimal(0), Decimal(0))
    assert (round(low, 4), round(high, 4)) == (Decimal("0.2553"), Decimal("0.3662"))
    assert wilson(Ratio(0, 20)) == (Decimal(0), Decimal("0.161125"))
    assert wilson(Ratio(0, 0)) is None


@given(ratios.filter(lambda ratio: ratio.denominator > 0))
def test_a_wilson_interval_holds_the_rate(ratio: Ratio) -> None:
    interval, rate = wilson(ratio), share(*ratio)
    assert interval is not None
    assert rate is not None
    assert interval[0] <= Decimal(repr(rate)) <= interval[1]
