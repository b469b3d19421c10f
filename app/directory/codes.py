"""Codes of units and procedures: opaque text, of which only the publisher's suffix of a procedure is understood.

It knows no table, and refuses no code for not looking like one.
"""

import re
from typing import Final

# 2.000908.000.00.00.H61: the procedure, its place in older lists, and who published it (a province or a ministry).
_PUBLISHED: Final = re.compile(r"([0-9]\.[0-9]{6})(?:\.[0-9]{2,3})*\.[A-Z][0-9]{2}")


def canonical_procedure(code: str) -> str:
    """The code under which all publishers' copies of a procedure meet: its first two groups.

    A code that does not end in a publisher (`1.004946`, `WABO-G0`) is its own canonical code.
    """
    published = _PUBLISHED.fullmatch(code)
    return published[1] if published else code
