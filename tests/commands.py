"""Runs `dunghen` in the test's own process, which already has the service in memory."""

import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from unittest.mock import patch

import pytest

from app.cli.command import main
from tests.processes import environment


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it printed."""

    returncode: int
    stdout: str
    stderr: str


def dunghen(*words: str, url: str | None = None, **settings: str) -> Done:
    """Run a command as the terminal would; logging stays pytest's."""
    surroundings = environment(url, {"log_level": "error", **settings})
    stdout, stderr = StringIO(), StringIO()
    with (
        patch.dict(os.environ, surroundings, clear=True),
        patch.object(sys, "argv", ["dunghen", *words]),
        patch("app.kit.logs.configure"),
        redirect_stdout(stdout),
        redirect_stderr(stderr),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    return Done(int(ended.value.code or 0), stdout.getvalue(), stderr.getvalue())
