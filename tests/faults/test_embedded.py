"""`dunghen` with its embedded database, as a newcomer runs it: joined by commands, killed, started again."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]  # its release carries no types

from tests import commands
from tests.commands import Done
from tests.events.makers import received
from tests.kit.postgres_makers import fresh_place
from tests.processes import Served, environment, serving


def dunghen(data_dir: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *words, "--data-dir", str(data_dir)],
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
        env=environment(None, {"log_level": "error"}),
    )


async def asked(data_dir: Path, *words: str) -> Done:
    """The same in this process, which need not import the service anew; it holds the server as another process does."""
    return await asyncio.to_thread(commands.dunghen, *words, "--data-dir", str(data_dir))


def postmaster(data_dir: Path) -> int:
    return int((data_dir / "database" / "postmaster.pid").read_text().splitlines()[0])


async def accepted(client: httpx.AsyncClient, subject: str, *, within: float = 60) -> int:
    """Post until it is acknowledged, as a sender does; how often it was told that the service is unavailable."""
    unavailable, ends = 0, time.monotonic() + within
    while time.monotonic() < ends:
        answer = await client.post("/v1/events", json=received(subject))
        if answer.status_code in {200, 202}:
            return unavailable
        assert answer.status_code == 503, answer.text
        assert answer.headers["retry-after"]
        unavailable += 1
        await asyncio.sleep(0.1)
    raise AssertionError("the service did not recover")


async def read(served: Served, path: str) -> dict[str, Any]:
    async with served.client() as client:
        found: dict[str, Any] = (await client.get(path)).json()
    return found


async def test_it_keeps_its_promises_through_kills_of_either_side() -> None:
    with fresh_place() as place:
        data_dir = place / "data"
        data_dir.mkdir()
        with serving(None, data_dir, log_level="error") as served:
            second = dunghen(data_dir, "serve", "--port", "0")
            assert (second.returncode, str(data_dir) in second.stderr) == (1, True)

            made = json.loads(
                dunghen(data_dir, "keys", "create", "--name", "n", "--scope", "events:write", "--json").stdout
            )
            bearer = {"Authorization": f"Bearer {made['key']}"}
            async with served.client() as client:
                assert (
                    await client.post("/v1/events", json=received("H1"), headers=bearer)
                ).status_code == 202
                assert (await asked(data_dir, "keys", "revoke", made["id"])).returncode == 0
                assert (
                    await client.post("/v1/events", json=received("H1"), headers=bearer)
                ).status_code == 401

                os.kill(postmaster(data_dir), signal.SIGKILL)
                assert await accepted(client, "H2") > 0
            children = psutil.Process(served.process.pid).children(recursive=True)
            served.kill()
            _, alive = psutil.wait_procs(children, timeout=20)
            assert alive == []  # a worker without its parent ends

        with serving(None, data_dir, log_level="error") as served:
            async with served.client() as client:
                await accepted(client, "H3")
                codes = {row["subject"] for row in (await client.get("/v1/events")).json()["items"]}
            assert codes == {"H1", "H2", "H3"}
            assert served.stop() == 0
        assert not (data_dir / "database" / "postmaster.pid").exists()

        assert (await asked(data_dir, "rebuild")).returncode == 0
        verdict = json.loads((await asked(data_dir, "verify", "--json")).stdout)
        assert (verdict["checked"], verdict["different"], verdict["pending"]) == (3, 0, 0)
