import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from app.directory.codes import canonical_procedure
from app.kit.codes import Code


@pytest.mark.parametrize(
    ("code", "canonical"),
    [
        ("2.000908.000.00.00.H61", "2.000908"),
        ("2.000908.000.00.00.G10", "2.000908"),
        ("1.004946.H44", "1.004946"),
        ("1.004946", "1.004946"),
        ("WABO-G0", "WABO-G0"),
        ("H10.25", "H10.25"),
        ("1.2.3", "1.2.3"),
        ("2.000908.000.00.00", "2.000908.000.00.00"),
        ("2.000908.000.00.00.h61", "2.000908.000.00.00.h61"),
        ("2.000908.000.00.00.H61\n", "2.000908.000.00.00.H61\n"),
        ("٢.٠٠٠٩٠٨.H61", "٢.٠٠٠٩٠٨.H61"),
        ("", ""),
    ],
)
def test_only_a_national_code_with_its_publisher_is_shortened(code: str, canonical: str) -> None:
    assert canonical_procedure(code) == canonical


@given(st.text())
def test_no_code_is_refused_and_a_canonical_code_is_its_own(code: str) -> None:
    canonical = canonical_procedure(code)
    assert code.startswith(canonical)
    assert canonical_procedure(canonical) == canonical


@pytest.mark.parametrize(
    "code",
    [
        "x",
        "x" * 64,
        "000.00.12.H10",
        "Một cửa  Mũi Né",
        "h10",
        "H10",
        "A/B",
        "..",
        "%41",
        "đơn vị",
        "🏢",
        "a\u200bb",
    ],
)
def test_codes_are_opaque_and_kept_as_they_are(code: str) -> None:
    assert TypeAdapter(Code).validate_python(code) == code


@pytest.mark.parametrize(
    "code",
    [
        "",
        "x" * 65,
        " x",
        "x ",
        "x\n",
        "\x00",
        "a\x00b",
        "a\tb",
        "a\x7fb",
        "a\x85b",
        "\xa0x",
        "a\ud800b",
        7,
        None,
    ],
)
def test_codes_without_a_plain_form_are_refused(code: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Code).validate_python(code)
