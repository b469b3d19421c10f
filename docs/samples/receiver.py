"""Takes webhooks on 127.0.0.1, believes those whose signature is right, and prints what they say.

    WEBHOOK_SECRET=whsec_… .venv/bin/python docs/samples/receiver.py [port]

It needs nothing but the package `standardwebhooks`, and keeps nothing: a real receiver stores each `webhook-id`
before it answers, so that a message that is delivered twice has its effect once.
"""  # noqa: INP001 - a sample that is run by its path

import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

SECRET = Webhook(os.environ["WEBHOOK_SECRET"])
PORT = int(sys.argv[1]) if len(sys.argv) > 1 else 9000
LONGEST_BODY = 1024 * 1024
seen: set[str] = set()


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 to what is genuine, also when it came before, and 400 to everything else."""

    def do_POST(self) -> None:
        """Check the signature over the very bytes that came, before anything is read into them."""
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), LONGEST_BODY))
        try:
            message = SECRET.verify(body, dict(self.headers))
        except (WebhookVerificationError, ValueError) as error:
            self.answer(400, f"refused: {error}")
            return
        webhook_id = self.headers["webhook-id"]
        again = "again " if webhook_id in seen else ""
        seen.add(webhook_id)
        self.answer(204, f"verified {again}{message['type']} {webhook_id} {told(message['data'])}")

    def answer(self, status: int, line: str) -> None:
        """Answer first: whoever sends waits at most 15 seconds."""
        self.send_response_only(status)
        self.end_headers()
        print(line, flush=True)  # noqa: T201 - this is what it is for


def told(data: dict[str, object]) -> str:
    """The figure of a message about a unit; of other messages, all that they carry."""
    unit = data.get("unit")
    if not isinstance(unit, dict) or "numerator" not in data:
        return str(data)
    return (
        f"{unit['name']}: {data['metric']} {data['numerator']}/{data['denominator']}, target {data['target']}"
    )


if __name__ == "__main__":
    print(f"listening on http://127.0.0.1:{PORT}", flush=True)  # noqa: T201 - as above
    HTTPServer(("127.0.0.1", PORT), Receiver).serve_forever()
