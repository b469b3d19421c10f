import hashlib
import re

import pytest

from app.keys.token import digest, mint


def test_a_key_names_its_id_and_carries_160_random_bits() -> None:
    token = mint()
    assert re.fullmatch(r"dh_[a-z2-7]{8}_[a-z2-7]{32}", token.text)
    assert token.text.split("_")[1] == token.id
    assert 32 * 5 == 160, "32 letters out of 32 are 160 bits"


def test_no_two_keys_are_alike() -> None:
    tokens = [mint() for _ in range(1000)]
    assert len({token.id for token in tokens}) == 1000
    assert len({token.text[-32:] for token in tokens}) == 1000
    assert all(len({token.text[place] for token in tokens}) > 20 for place in range(-32, 0))


def test_a_key_is_stored_as_its_sha_256() -> None:
    token = mint()
    assert digest(token.text) == hashlib.sha256(token.text.encode()).digest()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dh_",
        "dh_aaaaaaaa_" + "a" * 31,
        "dh_aaaaaaaa_" + "a" * 33,
        "dh_aaaaaaaa_" + "a" * 32 + "\n",
        " dh_aaaaaaaa_" + "a" * 32,
        "DH_AAAAAAAA_" + "A" * 32,
        "dh_aaaaaaaa_" + "é" * 32,
        "dh_aaaaaaaa_" + "a" * 10_000_000,
    ],
    ids=lambda text: repr(text[:20]),
)
def test_what_cannot_be_a_key_is_not_looked_up(text: str) -> None:
    assert digest(text) is None
