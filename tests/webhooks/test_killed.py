"""A worker that dies between sending and recording sends again, under the same id."""

import asyncio
import os
import signal
import sys

import httpx

from app.kit.deployment import Deployment
from app.webhooks.dispatcher import LEASE, Dispatcher
from tests.webhooks.conftest import DrivenClock
from tests.webhooks.makers import attempts, put, registered, states
from tests.webhooks.receivers import Receiver, receiver, status

WORKER = """
import asyncio, sys
from app.kit.db import Database
from app.kit.deployment import Deployment
from app.settings import Settings
from app.webhooks.dispatcher import Dispatcher
from app.webhooks.sender import HttpSender

async def main():
    settings = Settings(_env_file=None, data_dir=sys.argv[2], webhook_allow_networks="127.0.0.0/8")
    here = Deployment(settings, Database(sys.argv[1], application_name="worker"))
    await Dispatcher(here, HttpSender(allow=settings.webhook_allow_networks)).run(asyncio.Event())

asyncio.run(main())
"""


async def test_a_worker_killed_between_sending_and_recording_sends_again_under_the_same_id(
    client: httpx.AsyncClient,
    deployment: Deployment,
    dispatcher: Dispatcher,
    clock: DrivenClock,
    database_url: str,
) -> None:
    async def killing(at: Receiver, writer: asyncio.StreamWriter) -> None:
        os.kill(worker.pid, signal.SIGKILL)
        await status(204)(at, writer)

    async with receiver(killing, status(204)) as at:
        secret = (await registered(client, at.url))["secret"]
        message = await put(deployment)
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WORKER, database_url, str(deployment.settings.data_dir)
        )
        assert await worker.wait() == -signal.SIGKILL
        assert await states(deployment) == ["pending"]
        assert await attempts(deployment) == []
        assert await dispatcher.run_once() == 0
        # The worker's clock went on while ours stood still, for less than the time that a test may take.
        clock.advance(seconds=LEASE.total_seconds() + 120)
        assert await dispatcher.run_once() == 1
        assert at.ids == [message] * 2
        assert at.requests[0].body == at.requests[1].body
        for request in at.requests:
            request.verified(secret)
    assert await states(deployment) == ["delivered"]
