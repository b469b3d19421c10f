from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.keys.caller import SCOPES
from app.keys.terms import KeyTermsError, check

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
GOOD: dict[str, Any] = {
    "name": "Một cửa Mũi Né",
    "scopes": ["events:write"],
    "unit": None,
    "sources": [],
    "expires_at": None,
    "now": NOW,
}


@pytest.mark.parametrize(
    "terms",
    [
        {},
        {"name": "x" * 100},
        {"scopes": list(SCOPES)},
        {"unit": "H10.25"},
        {"unit": "x" * 64},
        {"sources": ["/igate", "urn:fpt:một cửa", "x" * 255]},
        {"expires_at": NOW + timedelta(microseconds=1)},
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_key_may_be_issued_with_terms_like_these(terms: dict[str, Any]) -> None:
    check(**{**GOOD, **terms})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "name"),
        ({"name": " iGate"}, "name"),
        ({"name": "i\x00Gate"}, "name"),
        ({"name": "i\nGate"}, "name"),
        ({"name": "iGate\n"}, "name"),
        ({"name": "i\x85Gate"}, "name"),
        ({"name": "\udcff"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"scopes": []}, "at least one scope"),
        ({"scopes": ["events:write", "events:wriet"]}, "'events:wriet'"),
        ({"unit": ""}, "unit"),
        ({"unit": "x" * 65}, "unit"),
        ({"unit": "H10\t25"}, "unit"),
        ({"sources": ["/good", ""]}, "source"),
        ({"sources": ["x" * 256]}, "source"),
        ({"sources": ["/a\x7fb"]}, "source"),
        ({"expires_at": NOW}, "passed"),
        ({"expires_at": datetime(2027, 1, 1)}, "time zone"),  # noqa: DTZ001 - the fault under test
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_key_is_not_issued_with_impossible_terms(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(KeyTermsError, match=said) as refused:
        check(**{**GOOD, **wrong})
    assert isinstance(refused.value, ValueError)
    assert refused.value.text.vi != refused.value.text.en
