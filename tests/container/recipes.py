"""The container files as the tests read them: instructions of the Dockerfile, services of compose.yaml.

It starts nothing.
"""

import json
import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]

_INSTRUCTION = re.compile(r"^([A-Z]+)\s+(.*)$", re.DOTALL)


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile, in order, each on one line."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if line.strip() and not line.startswith("#"))
    return [
        (found[1], found[2])
        for line in text.replace("\\\n", " ").splitlines()
        if (found := _INSTRUCTION.match(line))
    ]


def image(instruction: str) -> str:
    """What the last such instruction says: the image that is run keeps no other."""
    return [said for name, said in instructions() if name == instruction][-1]


def command() -> list[str]:
    """What the image runs."""
    run: list[str] = json.loads(image("CMD"))
    return run


def health_check() -> list[str]:
    """What the image's health is checked by."""
    run: list[str] = json.loads(image("HEALTHCHECK").partition("CMD ")[2])
    return run


def services() -> dict[str, dict[str, Any]]:
    """The services of compose.yaml."""
    found: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))[
        "services"
    ]
    return found
