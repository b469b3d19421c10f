"""The sample receivers believe what the product signs, and nothing else."""

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from app.webhooks import signing
from tests.docs.newcomer import free_port
from tests.docs.pages import DOCS

SECRET = signing.new_secret()
ID = uuid.uuid4()
BODY = signing.body(
    type="unit.lagging",
    timestamp=datetime.now(UTC),
    data={"unit": {"name": "Mũi Né"}, "metric": "on_time", "numerator": 1, "denominator": 2, "target": 0.9},
)
TOLD = f"unit.lagging {signing.webhook_id(ID)} Mũi Né: on_time 1/2, target 0.9\n"


class Receiver:
    """A running sample: what it answers, and what it prints."""

    def __init__(self, process: "subprocess.Popen[str]", url: str) -> None:
        self._process = process
        self._url = url

    def post(self, headers: dict[str, str], body: str = BODY) -> tuple[int, str]:
        """The status that it answers and the line that it prints."""
        status = httpx.post(self._url, content=body.encode(), headers=headers).status_code
        return status, self.line()

    def line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@pytest.fixture(params=["receiver.py", "receiver.mjs"])
def receiver(request: pytest.FixtureRequest) -> Iterator[Receiver]:
    program = sys.executable if request.param.endswith(".py") else shutil.which("node")
    if program is None:
        pytest.skip("node is not installed: the JavaScript receiver is not tried")
    port = free_port()
    with subprocess.Popen(
        [program, str(DOCS / "samples" / request.param), str(port)],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=os.environ | {"WEBHOOK_SECRET": SECRET},
    ) as process:
        try:
            running = Receiver(process, f"http://127.0.0.1:{port}/")
            assert running.line() == f"listening on http://127.0.0.1:{port}\n"
            yield running
        finally:
            process.kill()


def signed(*secrets: str, at: datetime | None = None) -> dict[str, str]:
    return signing.headers(message=ID, body=BODY, active_secrets=secrets, now=at or datetime.now(UTC))


def test_what_the_product_signs_is_believed_and_told_apart_when_it_comes_again(receiver: Receiver) -> None:
    assert receiver.post(signed(SECRET)) == (204, f"verified {TOLD}")
    assert receiver.post(signed(signing.new_secret(), SECRET)) == (204, f"verified again {TOLD}")


def test_what_is_forged_changed_or_stale_is_refused(receiver: Receiver) -> None:
    genuine = signed(SECRET)
    for headers, body in [
        (signed(signing.new_secret()), BODY),
        (genuine, BODY.replace("Mũi Né", "Phú Thủy")),
        (genuine | {"webhook-id": "msg_other"}, BODY),
        (signed(SECRET, at=datetime.now(UTC) - timedelta(minutes=6)), BODY),
        (genuine | {"webhook-signature": "v1,not base64"}, BODY),
        (genuine | {"webhook-signature": "garbage"}, BODY),
        ({}, BODY),
    ]:
        status, line = receiver.post(headers, body)
        assert (status, line.split()[0]) == (400, "refused:"), headers
    assert receiver.post(genuine) == (204, f"verified {TOLD}")
