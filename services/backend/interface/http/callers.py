"""Who calls, as a dependency of routes."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from starlette.requests import Request

from services.backend.app.identity.authenticate import Authenticate
from services.backend.domain.identity.keys import KeyKind, Principal


class CallerOf:
    def __init__(self, authenticate: Authenticate) -> None:
        self._authenticate = authenticate

    def of(self, *kinds: KeyKind) -> Callable[[Request], Awaitable[Principal]]:
        """A dependency that lets in keys of `kinds` only."""

        async def caller(request: Request) -> Principal:
            return await self._authenticate(request.headers.get("authorization"), kinds)

        return caller


def app_of(principal: Principal) -> UUID:
    """The app that an app's key opens."""
    assert principal.app_id is not None
    return principal.app_id
