"""Python's collector of cycles, as a process that serves for weeks wants it.

It knows objects by their number alone.
"""

import gc
from typing import Final

_YOUNG: Final = 50_000
"""New objects after which the youngest are looked through: a claim or a batch makes some hundred thousand, none in cycles.

At Python's 700 the collector took 8 % of the projector's time, at this number 3 %.
"""


def quieten() -> None:
    """Call once at the beginning of a process: look for cycles as seldom as its work wants it."""
    gc.set_threshold(_YOUNG, 20, 20)


def settle() -> None:
    """Call once at the end of start-up: what was made by then lives as long as the process, and is looked at no more."""
    gc.collect()
    gc.freeze()
    quieten()
