"""How a number stands on a page: with what it is made of on hover and on focus, and with the way to what is behind it.

A page has hundreds of them, so they are written here and not by a template. Which numbers there are, pages know.
"""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from app.dashboard import showing
from app.dashboard.links import behind
from app.kit.text import Language
from app.metrics.periods import Period


def number(text: str, tip: str, href: str | None, opens: bool, kind: str = "") -> Markup:  # noqa: FBT001 - of a template
    """`text` with its `tip`; a link where there is something behind it that the reader may open."""
    inside = f'{escape(text)}<span class="tip{kind}"> {escape(tip)}</span>'
    if opens and href:
        return Markup(f'<a class="number" href="{escape(href)}">{inside}</a>')  # noqa: S704 - each part is escaped
    return Markup(f'<span class="number" tabindex="0" role="note">{inside}</span>')  # noqa: S704 - as above


def ratio(
    row: Mapping[str, Any],
    key: str,
    period: Period,
    unit: str | None,
    language: Language,
    opens: bool,  # noqa: FBT001 - of a template
    part: str = "denominator",
    procedure: str | None = None,
) -> Markup:
    """A rate with its numerator and denominator, leading to the dossiers of a part of it."""
    numerator, denominator = row["numerator"], row["denominator"]
    tip = f"{showing.number(numerator, language)} / {showing.number(denominator, language)}"
    href = behind(key, part, period, unit, procedure) if opens else None
    return number(showing.rate(numerator, denominator, language), tip, href, opens, " ratio")
