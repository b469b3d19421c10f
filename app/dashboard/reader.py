"""The parameter of every page: who reads it, in which language and at which instant.

It turns a missing session into a way to the sign-in; what a page shows it does not know.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import Depends, Request

from app.dashboard.sessions import Sessions
from app.keys.caller import Caller
from app.keys.keyring import Keyring
from app.kit.deployment import Deployment, Here
from app.kit.text import Language

SESSION_COOKIE: Final = "dunghen_session"
LANGUAGE_COOKIE: Final = "dunghen_language"


class SignInNeeded(Exception):  # noqa: N818 - named for what follows
    """The reader has no session that still holds."""


@dataclass(frozen=True)
class Reader:
    """Who reads, in which language, at which instant."""

    caller: Caller
    language: Language
    now: datetime
    zone: ZoneInfo

    @property
    def today(self) -> date:
        """The local day."""
        return self.now.astimezone(self.zone).date()

    @property
    def imports(self) -> bool:
        """Whether files may be imported: they may hold facts of any unit and source, and the directory."""
        limited = self.caller.unit is not None or self.caller.sources is not None
        return self.caller.may("events:write") and self.caller.may("directory:write") and not limited

    @property
    def opens_dossiers(self) -> bool:
        """Whether numbers may lead to the dossiers behind them."""
        return self.caller.may("dossiers:read")


def sessions(request: Request) -> Sessions:
    """The sealed sessions of the deployment that serves `request`."""
    found = request.app.state.sessions
    assert isinstance(found, Sessions)  # noqa: S101 - tells mypy what create_app() put there
    return found


def page_language(request: Request) -> Language:
    """`lang=`, else what was chosen before, else the deployment's: Vietnamese first, whatever the browser prefers."""
    chosen = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
    if chosen == "vi":
        return "vi"
    if chosen == "en":
        return "en"
    here: Deployment = request.app.state.deployment
    return here.settings.language


async def reader(request: Request, here: Here) -> Reader:
    """Who reads; the key is looked up anew for every page. Raises SignInNeeded."""
    now = here.clock()
    key = sessions(request).opened(request.cookies.get(SESSION_COOKIE), now)
    keyring: Keyring = request.app.state.keyring
    caller = await keyring.caller(key) if key else None
    if caller is None:
        raise SignInNeeded
    return Reader(caller, page_language(request), now, here.settings.zone)


async def figures_reader(request: Request, here: Here) -> Reader:
    """A reader whose key opens figures. Raises Problem forbidden."""
    found = await reader(request, here)
    found.caller.require("metrics:read")
    return found


async def dossiers_reader(request: Request, here: Here) -> Reader:
    """A reader whose key opens single dossiers. Raises Problem forbidden."""
    found = await reader(request, here)
    found.caller.require("dossiers:read")
    return found


# In a signature these stand before any connection: a request without a session must not hold one.
AnyReader = Annotated[Reader, Depends(reader)]
FiguresReader = Annotated[Reader, Depends(figures_reader)]
DossiersReader = Annotated[Reader, Depends(dossiers_reader)]
