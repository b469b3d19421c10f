"""What we sign, the reference implementation verifies."""

import base64
import json
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from app.webhooks import signing

MESSAGE = uuid.UUID("019a5f0c-77aa-7d1e-9c2e-0f6b0a1c2d3e")
HANOI = timezone(timedelta(hours=7))


def _signed(*secrets: str, now: datetime) -> dict[str, str]:
    return signing.headers(message=MESSAGE, body='{"a": 1}', active_secrets=secrets, now=now)


def test_a_signature_verifies_with_its_secret_and_no_other() -> None:
    secret, other = signing.new_secret(), signing.new_secret()
    headers = _signed(secret, now=datetime.now(UTC))
    assert Webhook(secret).verify('{"a": 1}', headers) == {"a": 1}
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify('{"a": 1}', headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify('{"a": 2}', headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify('{"a": 1}', headers | {"webhook-id": "msg_other"})


def test_two_active_secrets_sign_both_and_each_verifies() -> None:
    secrets = [signing.new_secret(), signing.new_secret()]
    headers = _signed(*secrets, now=datetime.now(UTC))
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in secrets:
        Webhook(secret).verify('{"a": 1}', headers)


def test_an_instant_in_a_local_zone_signs_as_the_same_instant_in_utc() -> None:
    secret = signing.new_secret()
    now = datetime.now(UTC)
    assert _signed(secret, now=now.astimezone(HANOI)) == _signed(secret, now=now)


def test_a_secret_is_long_enough_and_new_each_time() -> None:
    secrets = {signing.new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(24 <= len(base64.b64decode(secret.removeprefix("whsec_"))) <= 64 for secret in secrets)


def test_a_body_has_type_timestamp_and_data_in_utc() -> None:
    at = datetime(2026, 3, 2, 15, 0, 0, 123456, tzinfo=HANOI)
    body = signing.body(type="unit.lagging", timestamp=at, data={"unit": "Phường Mũi Né", "rate": 0.9375})
    assert json.loads(body) == {
        "type": "unit.lagging",
        "timestamp": "2026-03-02T08:00:00.123456Z",
        "data": {"unit": "Phường Mũi Né", "rate": 0.9375},
    }


def test_an_id_names_its_message_and_nothing_else_does() -> None:
    assert signing.message_id(signing.webhook_id(MESSAGE)) == MESSAGE
    with pytest.raises(ValueError, match="hexadecimal"):
        signing.message_id("msg_x")
