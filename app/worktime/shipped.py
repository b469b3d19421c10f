"""The calendars that ship with the product, by their keys, and what any other calendar begins as.

It refuses to know which one a deployment follows.
"""

from typing import Final

from app.worktime.calendar import MONDAY_TO_FRIDAY, Version
from app.worktime.vietnam import shipped_version

SHIPPED: Final = {"vn": shipped_version(), "plain": Version(1, week=MONDAY_TO_FRIDAY)}
"""Key → version 1. `vn`: Vietnam's office hours, public holidays and make-up days; `plain`: the same hours, Monday to Friday."""

BEGINNING: Final = SHIPPED["plain"]
"""What a calendar of any other key begins as, so that its own versions need to say only what differs."""
