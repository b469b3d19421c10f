"""Which media type an answer comes in, of those that a route offers.

It knows RFC 9110 §12.5.1; what a route offers, and what it says when nothing fits, the route knows.
"""

import re
from collections.abc import Sequence
from typing import Final

_QUALITY: Final = re.compile(r"q=([01](\.\d{0,3})?)")


def chosen(accept: str | None, offers: Sequence[str]) -> str | None:
    """The offer that an `Accept` header likes best, the earlier one of equals; None if it takes none of them.

    Without a header everything is welcome. For each offer the most specific range decides.
    """
    ranges = _ranges(accept or "*/*")
    liking = {offer: _liking(ranges, offer) for offer in offers}
    best = max(offers, key=liking.__getitem__)
    return best if liking[best] > 0 else None


def _ranges(accept: str) -> dict[str, float]:
    ranges: dict[str, float] = {}
    for part in accept.lower().split(","):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        qualities = [float(found[1]) for parameter in parameters if (found := _QUALITY.fullmatch(parameter))]
        ranges[media] = qualities[0] if qualities else 1.0
    return ranges


def _liking(ranges: dict[str, float], offer: str) -> float:
    specific_first = (offer, f"{offer.partition('/')[0]}/*", "*/*")
    return next((ranges[media] for media in specific_first if media in ranges), 0.0)
