"""Workers that deliver webhooks until they are killed: `python -m tests.faults.doomed DATABASE FOLDER`.

For every line that it reads it forks one and prints its process number; a fork has everything imported and works at once.
They run the product's own loop, but under a lease, a schedule and a time-out that a test need not wait minutes for.
"""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from datetime import timedelta

from app.kit.db import Database
from app.kit.deployment import Deployment
from app.settings import Settings
from app.webhooks import dispatcher
from app.webhooks.sender import HttpSender

LEASE = timedelta(seconds=2)
TIMEOUT = 0.5
SCHEDULE = [0.1, 0.2, *[0.5] * 500]


async def _deliver(dsn: str, folder: str) -> None:
    settings = Settings(
        _env_file=None,
        data_dir=folder,
        webhook_allow_networks=["127.0.0.0/8"],
        webhook_retry_schedule=SCHEDULE,
    )
    here = Deployment(settings, Database(dsn, application_name="doomed"))
    sender = HttpSender(allow=settings.webhook_allow_networks, timeout=TIMEOUT)
    await dispatcher.Dispatcher(here, sender).run(asyncio.Event())


def main() -> None:
    dispatcher.LEASE = LEASE  # type: ignore[misc]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system buries them
    born = []
    try:
        for _ in sys.stdin:
            pid = os.fork()
            if pid == 0:
                os.dup2(
                    os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
                )  # no log line among the numbers
                asyncio.run(_deliver(*sys.argv[1:]))
            born.append(pid)
            print(pid, flush=True)  # noqa: T201 - it is what it was asked for
    finally:
        for pid in born:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
