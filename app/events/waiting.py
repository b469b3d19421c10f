"""`Prefer: wait`: stay with a request until the figures include its events.

It asks the marks; who works them off is no business of it.
"""

import asyncio
from datetime import datetime
from typing import Final

from app.events.marks import computed_through
from app.kit.deployment import Deployment

_FIRST_PAUSE: Final = 0.01
_LONGEST_PAUSE: Final = 0.25


async def figures_include(here: Deployment, recorded_at: datetime, seconds: float) -> bool:
    """Whether everything recorded at `recorded_at` is in the figures, waiting up to `seconds` for it."""
    ends = asyncio.get_running_loop().time() + seconds
    pause = _FIRST_PAUSE
    while True:
        async with here.database.transaction() as connection:
            through = await computed_through(connection, here.clock())
        if through > recorded_at:
            return True
        left = ends - asyncio.get_running_loop().time()
        if left <= 0:
            return False
        await asyncio.sleep(min(pause, left))
        pause = min(pause * 2, _LONGEST_PAUSE)
