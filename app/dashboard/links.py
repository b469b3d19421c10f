"""Where the pages lead: every address inside the dashboard, with its parameters.

Pure: it knows paths and no page.
"""

from functools import lru_cache
from typing import Final
from urllib.parse import quote_plus, urlsplit

from app.metrics.periods import Period

_KEPT: Final = 4096
_quoted: Final = lru_cache(_KEPT)(quote_plus)
"""A page has hundreds of links out of a few codes, days and words."""


def to(path: str, **parameters: object) -> str:
    """`path` with those parameters that are not None; a trailing underscore keeps clear of Python's own words."""
    given = "&".join(
        f"{name.rstrip('_')}={_quoted(str(value))}" for name, value in parameters.items() if value is not None
    )
    return f"{path}?{given}" if given else path


def behind(
    figure: str,
    part: str,
    period: Period,
    unit: str | None = None,
    procedure: str | None = None,
    sector: str | None = None,
) -> str:
    """The list of the dossiers that a part of a figure counts; of every sector: `*`, of an unknown one: empty."""
    return to(
        "/dossiers",
        figure=figure,
        part=part,
        from_=period.from_.isoformat(),
        to=period.to.isoformat(),
        unit=unit,
        procedure=procedure,
        sector=None if sector == "*" else sector,
    )


def inside(path: str | None) -> str:
    """`path` if it lies inside the dashboard, else its first page: nobody is led elsewhere after the sign-in."""
    if not path or not path.startswith("/") or path.startswith(("//", "/\\")):
        return "/"
    parts = urlsplit(path)
    plain = not parts.scheme and not parts.netloc and path.isprintable() and "\\" not in path
    return path if plain and parts.path != "/sign-in" else "/"
