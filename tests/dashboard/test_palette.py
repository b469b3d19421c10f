"""Every pair of colours that stands on a page has the contrast that WCAG 2.2 AA asks for."""

import re
from importlib.resources import files

import pytest

CSS = (files("app.dashboard") / "static" / "dashboard.css").read_text(encoding="utf-8")
COLOURS = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", CSS))

TEXT = 4.5
GRAPHIC = 3.0
PAIRS = [
    *(
        (ink, ground, TEXT)
        for ink in ("ink", "quiet", "link", "good", "bad")
        for ground in ("paper", "ground")
    ),
    ("paper", "ink", TEXT),
    ("on-top", "top", TEXT),
    ("on-top", "link", TEXT),
    ("ink", "note", TEXT),
    ("ink", "late-ground", TEXT),
    ("bad", "late-ground", TEXT),
    ("link", "late-ground", TEXT),
    *((line, "paper", GRAPHIC) for line in ("now", "past", "target", "pause", "good", "bad")),
]


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(("ink", "ground", "least"), PAIRS)
def test_contrast_is_enough(ink: str, ground: str, least: float) -> None:
    light, dark = sorted((luminance(COLOURS[ink]), luminance(COLOURS[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= least
