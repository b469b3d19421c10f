"""Sentences for people, always in Vietnamese and in English.

This module knows the two languages and how a reader asks for one; it knows no sentence of any feature.
"""

from typing import Literal, NamedTuple

Language = Literal["vi", "en"]


class Text(NamedTuple):
    """One sentence in both languages."""

    vi: str
    en: str

    def said(self, language: str) -> str:
        """The sentence in `language`; Vietnamese unless English is asked for."""
        return self.en if language == "en" else self.vi

    def filled(self, **values: object) -> "Text":
        """The sentence with its `{places}` filled in both languages."""
        return Text(self.vi.format(**values), self.en.format(**values))


def preferred(accept_language: str | None, default: Language) -> Language:
    """The language an `Accept-Language` header asks for (RFC 9110 §12.5.4), else `default`."""
    ranked: list[tuple[float, int, Language]] = []
    for place, part in enumerate((accept_language or "").split(",")):
        tag, _, parameter = part.strip().partition(";")
        quality = _quality(parameter)
        primary = tag.strip().lower().partition("-")[0]
        if quality > 0 and primary in {"vi", "en"}:
            ranked.append((-quality, place, "vi" if primary == "vi" else "en"))
    return min(ranked)[2] if ranked else default


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
