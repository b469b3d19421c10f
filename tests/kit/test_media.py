"""Which of the offered media types an `Accept` header gets."""

import pytest

from app.kit import media

OFFERS = ("application/json", "text/csv")


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (None, "application/json"),
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/csv", "text/csv"),
        ("TEXT/CSV; charset=utf-8", "text/csv"),
        ("text/*", "text/csv"),
        ("text/csv, application/json", "application/json"),
        ("text/csv, application/json;q=0.9", "text/csv"),
        ("text/csv;q=0.1, */*", "application/json"),
        ("text/csv;q=0", None),
        ("*/*, application/json;q=0", "text/csv"),
        ("application/json;q=0.000, */*;q=0.5, text/csv;q=0", None),
        ("text/csvx", None),
        ("image/png", None),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/json"),
    ],
)
def test_the_best_liked_offer_is_chosen_and_the_most_specific_range_decides(
    accept: str | None, answered: str | None
) -> None:
    assert media.chosen(accept, OFFERS) == answered
