"""Where a redirect leads and what goes along."""

from dataclasses import dataclass, replace

from multidict import CIMultiDict
from yarl import URL

from libs.common.errors import UpstreamError

REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
_BODY_HEADERS = ("Content-Type", "Content-Encoding", "Content-Language", "Content-Location")
_SECRET_HEADERS = ("Authorization", "Cookie", "Proxy-Authorization", "X-Api-Key", "Api-Key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One request on the way to the answer."""

    method: str
    url: URL
    headers: CIMultiDict[str]
    body: bytes | None
    trusted: bool


def follow(hop: Hop, status: int, location: str) -> Hop:
    """The next request. Raises UpstreamError where `location` is no URL.

    Credentials and trust stay with their origin; the body goes only where the status says so.
    """
    try:
        url = hop.url.join(URL(location))
    except ValueError as error:
        raise UpstreamError(f"a redirect to what is no URL: {error}") from error
    headers = hop.headers.copy()
    same_origin = url.origin() == hop.url.origin() if url.absolute and url.host else False
    if not same_origin:
        _drop(headers, _SECRET_HEADERS)
    following = replace(hop, url=url, headers=headers, trusted=hop.trusted and same_origin)
    if status == 303 or (status in {301, 302} and hop.method == "POST"):
        _drop(headers, _BODY_HEADERS)
        method = hop.method if hop.method in {"GET", "HEAD"} else "GET"
        return replace(following, method=method, body=None)
    return following


def _drop(headers: CIMultiDict[str], names: tuple[str, ...]) -> None:
    for name in names:
        headers.popall(name, None)
