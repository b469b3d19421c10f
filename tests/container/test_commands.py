"""What the containers run: API and worker as two processes on a database of their own, as compose starts them."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.conftest import KEY
from tests.container.recipes import health_check, image, services
from tests.docs.newcomer import free_port

BIN = Path(sys.executable).parent


class Container:
    """A place to run the image's commands: its environment, an empty working directory, and no home."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.port = free_port()
        self._work = folder / "work"
        self._work.mkdir()
        self._home = folder / "nonexistent"
        said = dict(pair.split("=") for pair in image("ENV").split())
        self._environment = said | {
            "PATH": f"{BIN}:/usr/bin:/bin",
            "HOME": str(self._home),
            "DUNGHEN_DATABASE_URL": database_url,
            "DUNGHEN_SECRET_KEY": "a secret of at least thirty-two characters",
            "DUNGHEN_BOOTSTRAP_KEY": KEY,
            "DUNGHEN_WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
            "DUNGHEN_TIMEZONE": "",  # as compose gives what .env does not
        }

    @contextmanager
    def run(self, service: str) -> Iterator["subprocess.Popen[bytes]"]:
        """The command of a service of compose.yaml, on a port of its own."""
        command = [part.replace("8000", str(self.port)) for part in services()[service]["command"]]
        with (self._work.parent / f"{service}.log").open("wb") as log:
            process = subprocess.Popen(
                [BIN / command[0], *command[1:]],
                cwd=self._work,
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def is_healthy(self) -> bool:
        """What the image's health check says."""
        command = [part.replace(":8000", f":{self.port}") for part in health_check()]
        done = subprocess.run(
            [BIN / command[0], *command[1:]],
            cwd=self._work,
            env=self._environment,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        return done.returncode == 0

    def written(self) -> list[Path]:
        """What was left behind where nothing may be written."""
        return [*self._work.iterdir(), *([self._home] if self._home.exists() else [])]


def test_api_and_worker_run_apart_and_leave_nothing_on_disk(database_url: str, tmp_path: Path) -> None:
    container = Container(tmp_path, database_url)
    assert not container.is_healthy()
    with container.run("api") as api, httpx.Client(base_url=f"http://127.0.0.1:{container.port}") as client:
        until(container.is_healthy)
        ready = client.get("/health/ready")
        assert (ready.status_code, ready.json()["checks"]["worker"]) == (503, False)
        with container.run("worker") as worker:
            until(lambda: client.get("/health/ready").status_code == 200)
            registered = client.post(
                "/v1/webhooks",
                json={"url": f"http://127.0.0.1:{container.port}/"},
                headers={"Authorization": f"Bearer {KEY}"},
            )
            assert registered.status_code == 201
            worker.terminate()
            assert worker.wait(20) == 0
        api.terminate()
        assert api.wait(20) == 0
    assert container.written() == []


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)
