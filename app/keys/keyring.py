"""Finds who holds a key: one look-up a request, always in the database, so that a revoked key is refused at once.

It knows nothing of HTTP and keeps nothing between look-ups.
"""

import hmac
from collections.abc import Sequence

from app.keys.caller import BOOTSTRAP, Caller
from app.keys.queries import valid
from app.keys.token import digest
from app.kit.clock import Clock
from app.kit.db import Database
from app.kit.gather import Gather
from app.settings import Settings


class Keyring:
    """The keys of one deployment."""

    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        secret = settings.bootstrap_key
        self._bootstrap = None if secret is None else secret.get_secret_value().encode()
        # What waits while a look-up runs is the next look-up, which so begins after all of it arrived: an answer
        # is never older than its question.
        self._find = Gather(self._look_up)

    async def caller(self, token: str) -> Caller | None:
        """Who holds `token` (as a header carries it: Latin-1), or None if no valid key reads so."""
        if self._bootstrap and hmac.compare_digest(token.encode("latin-1", "replace"), self._bootstrap):
            return BOOTSTRAP
        hashed = digest(token)
        return None if hashed is None else await self._find(hashed)

    async def _look_up(self, hashes: Sequence[bytes]) -> list[Caller | None]:
        async with self._database.straight() as connection:
            found = await valid(connection, set(hashes), self._clock())
        return [found.get(hashed) for hashed in hashes]
