"""Stands in front of every route: the parameter types that say in a signature which scope a caller needs.

It turns a missing or wrong key into 401 and a missing scope into 403; what lies below a unit it does not know.
"""

from typing import Annotated, Any, Final

from fastapi import Request, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from app.keys.caller import SCOPES, Caller, Scope
from app.keys.keyring import Keyring
from app.kit.http import known_parameters
from app.kit.problems import Problem
from app.kit.text import Text

__all__ = [
    "SCHEME_NAME",
    "Admin",
    "AnyKey",
    "Caller",
    "ClosingsWrite",
    "DirectoryWrite",
    "DossiersRead",
    "EventsRead",
    "EventsWrite",
    "MetricsRead",
    "TargetsWrite",
    "WebhooksWrite",
    "authenticate",
]

SCHEME_NAME: Final = "Key"
"""The security scheme's name in the OpenAPI document."""

_CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}
_MISSING: Final = Text(
    "Thiếu tiêu đề Authorization: Bearer <khóa>.", "The header Authorization: Bearer <key> is missing."
)
# One sentence for all three: whoever tries keys learns nothing about any of them.
_WRONG: Final = Text(
    "Khóa không đúng, đã hết hạn hoặc đã bị thu hồi.", "The key is wrong, expired or revoked."
)
_DESCRIPTION: Final = (
    "`Authorization: Bearer <key>`, with a key of `dunghen keys create`. Each operation lists the scope it needs:\n"
    + "".join(f"\n- `{scope}`: {meaning.en}" for scope, meaning in SCOPES.items())
)


async def authenticate(request: Request) -> Caller:
    """Who sent `request`, by its one look-up in the app's keyring. Raises Problem unauthenticated (401)."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Problem("unauthenticated", _MISSING, headers=_CHALLENGE)
    keyring: Keyring = request.app.state.keyring
    caller = await keyring.caller(token.strip())
    if caller is None:
        raise Problem("unauthenticated", _WRONG, headers=_CHALLENGE)
    return caller


class _Guard(SecurityBase):
    """A dependency that FastAPI also writes into the OpenAPI document as the operation's security."""

    def __init__(self, scope: Scope | None) -> None:
        self._scope = scope
        self.model = HTTPBearer(description=_DESCRIPTION, bearerFormat="dh_<id>_<secret>")
        self.scheme_name = SCHEME_NAME

    async def __call__(self, request: Request) -> Caller:
        caller = await authenticate(request)
        if self._scope is not None:
            caller.require(self._scope)
        known_parameters(request)  # here, so that a stranger is told nothing but that a key is needed
        return caller


def _needs(scope: Scope) -> Any:
    return Security(_Guard(scope), scopes=[scope])


# In a signature these stand before any connection: a request without a valid key must not hold one, and a request
# that holds one must not wait for the look-up of its key.
AnyKey = Annotated[Caller, Security(_Guard(None))]
EventsWrite = Annotated[Caller, _needs("events:write")]
EventsRead = Annotated[Caller, _needs("events:read")]
DossiersRead = Annotated[Caller, _needs("dossiers:read")]
MetricsRead = Annotated[Caller, _needs("metrics:read")]
DirectoryWrite = Annotated[Caller, _needs("directory:write")]
TargetsWrite = Annotated[Caller, _needs("targets:write")]
WebhooksWrite = Annotated[Caller, _needs("webhooks:write")]
ClosingsWrite = Annotated[Caller, _needs("closings:write")]
Admin = Annotated[Caller, _needs("admin")]
