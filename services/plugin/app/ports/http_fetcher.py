"""Outgoing HTTP under guard."""

from collections.abc import Sequence
from typing import Protocol

from libs.common.contracts.http_call import HttpCall


class FetchedBody(Protocol):
    """One answer: `headers` in order with repeats, names as received."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> tuple[tuple[str, str], ...]: ...

    @property
    def body(self) -> bytes: ...

    @property
    def url(self) -> str: ...


class HttpFetcher(Protocol):
    async def fetch(
        self, call: HttpCall, *, idempotency_key: str | None, files: Sequence[bytes] = ()
    ) -> FetchedBody:
        """Send `call`; `idempotency_key` becomes the header of that name when not None. `files` are
        the bytes of those that its body names, in their order.

        Raises EgressRefused for a forbidden address, UpstreamTimeout, UpstreamError, and
        ResponseTooLarge above `call.max_bytes`.
        """
        ...
