from decimal import Decimal
from fractions import Fraction

from hypothesis import assume, example, given
from hypothesis import strategies as st

from app.targets.budget import Pace, bearable, needed, runs_out

pairs = st.integers(0, 200).flatmap(lambda d: st.tuples(st.integers(0, d), st.just(d)))
targets = st.integers(1, 99).map(lambda n: Decimal(n) / 100)
paces = st.integers(0, 60).flatmap(
    lambda c: st.builds(Pace, st.just(c), st.integers(0, c), st.integers(1, 20))
)


@given(figure=pairs.filter(lambda pair: pair[1] > 0), target=targets)
@example((9, 10), Decimal("0.9"))
@example((0, 1), Decimal("0.999999"))
def test_needed_is_the_first_number_that_reaches_the_target(figure: tuple[int, int], target: Decimal) -> None:
    found = needed(figure, target)
    assert found is not None

    def reaches(n: int) -> bool:
        return figure[0] + n >= target * (figure[1] + n)

    assert reaches(found)
    assert found == 0 or not reaches(found - 1)


@given(figure=pairs, target=targets)
def test_where_the_denominator_stands_needed_grows_the_numerator_alone(
    figure: tuple[int, int], target: Decimal
) -> None:
    found = needed(figure, target, "numerator")
    assert found is not None
    assert figure[0] + found >= target * figure[1]
    assert found == 0 or figure[0] + found - 1 < target * figure[1]


def test_one_late_dossier_puts_a_target_of_one_out_of_reach_but_not_that_of_apologies() -> None:
    assert needed((99, 100), Decimal(1)) is None
    assert needed((100, 100), Decimal(1)) == 0
    assert needed((90, 100), Decimal(1), "numerator") == 10


def test_six_more_late_dossiers_are_bearable_and_the_seventh_breaks_it() -> None:
    assert bearable((196, 200), Decimal("0.95")) == 6  # 196 / 206 = 95.1 %, 196 / 207 = 94.7 %
    assert bearable((90, 100), Decimal("0.95")) == 0
    assert bearable((1, 100), Decimal(0)) is None


@given(figure=pairs, target=targets)
def test_the_late_budget_is_the_last_number_that_keeps_the_target(
    figure: tuple[int, int], target: Decimal
) -> None:
    numerator, denominator = figure
    assume(numerator >= target * denominator)
    most = bearable(figure, target)
    assert most is not None
    assert numerator >= target * (denominator + most)
    assert numerator < target * (denominator + most + 1)


@given(figure=pairs, target=targets, pace=paces)
def test_a_budget_runs_out_on_the_first_day_that_walking_day_by_day_finds_it_broken(
    figure: tuple[int, int], target: Decimal, pace: Pace
) -> None:
    hits, counted = (Fraction(n, pace.days) for n in (pace.counted - pace.missed, pace.counted))

    def broken(day: int) -> bool:
        return figure[0] + day * hits < Fraction(target) * (figure[1] + day * counted)

    expected = next((day for day in range(3000) if broken(day)), None)
    found = runs_out(figure, target, pace)
    assert found == expected or (expected is None and found is not None and found >= 3000)


def test_a_pace_that_keeps_the_target_never_runs_out() -> None:
    assert runs_out((95, 100), Decimal("0.95"), Pace(100, 5, 20)) is None
    assert runs_out((95, 100), Decimal("0.95"), Pace(100, 6, 20)) == 1
    assert runs_out((95, 100), Decimal("0.95"), Pace(0, 0, 0)) is None
