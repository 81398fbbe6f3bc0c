"""The tree of errors, split by who must act and whether a retry can help.

    HeddleError
    |- CallerError (4xx)          the caller must change something; never retried
    |   |- InvalidInput 400       |- Unauthenticated 401    |- Forbidden 403
    |   |- NotFound 404           |- Conflict 409           |- PayloadTooLarge 413
    |   '- RateLimited 429        (the one caller error worth repeating, after `retry_after`)
    |- UpstreamError (502/504)    something outside Heddle failed; `retryable` says if to repeat
    |   '- UpstreamTimeout 504
    '- PlatformFault (5xx)        Heddle or its operator must act; retryable
        |- Unavailable 503        a part is away and will return
        '- Busy 503               a bounded queue is full; repeat after `retry_after`

A concrete error is a class with a stable `code`, and a page `docs/errors/<CODE>.md`.
"""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, JsonValue


class ErrorDetail(BaseModel):
    """One place in the input that is wrong.

    `pointer` is a JSON pointer (RFC 6901) into the request, "" for the whole of it.
    """

    model_config = ConfigDict(frozen=True)

    pointer: str
    message: str


class HeddleError(Exception):
    """Every error that Heddle raises on purpose.

    `retry_after` is seconds until a repeat may help, None when unknown. `details` names places in
    the input. `extra` is additional data for the caller; it must hold no secret.
    """

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    retryable: bool = False

    def __init__(
        self,
        message: str,
        *,
        details: tuple[ErrorDetail, ...] = (),
        retry_after: float | None = None,
        extra: dict[str, JsonValue] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        self.retry_after = retry_after
        self.extra: dict[str, JsonValue] = extra or {}


class CallerError(HeddleError):
    """The caller must change the request."""

    code = "caller_error"
    status = 400
    title = "The request cannot be served as it is"


class InvalidInput(CallerError):
    code = "invalid_input"
    title = "Invalid input"


class Unauthenticated(CallerError):
    code = "unauthenticated"
    status = 401
    title = "Missing or unknown credentials"


class Forbidden(CallerError):
    code = "forbidden"
    status = 403
    title = "Not allowed"


class NotFound(CallerError):
    code = "not_found"
    status = 404
    title = "Not found"


class Conflict(CallerError):
    code = "conflict"
    status = 409
    title = "Conflict with the current state"


class PayloadTooLarge(CallerError):
    code = "payload_too_large"
    status = 413
    title = "Body over the limit"


class RateLimited(CallerError):
    code = "rate_limited"
    status = 429
    title = "Too many requests"
    retryable = True


class UpstreamError(HeddleError):
    """A system outside Heddle failed or refused. `upstream_status` is its HTTP status, if any."""

    code = "upstream_error"
    status = 502
    title = "An upstream system failed"

    def __init__(
        self,
        message: str,
        *,
        upstream_status: int | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        extra: dict[str, JsonValue] | None = None,
    ) -> None:
        super().__init__(message, retry_after=retry_after, extra=extra)
        self.upstream_status = upstream_status
        self.retryable = retryable


class UpstreamTimeout(UpstreamError):
    code = "upstream_timeout"
    status = 504
    title = "An upstream system did not answer in time"


class PlatformFault(HeddleError):
    """Heddle itself, or its operator, must act."""

    code = "platform_fault"
    status = 500
    title = "Heddle failed"
    retryable = True


class Unavailable(PlatformFault):
    code = "unavailable"
    status = 503
    title = "A part of the platform is away"


class Busy(PlatformFault):
    code = "busy"
    status = 503
    title = "Overloaded"


class WireError(BaseModel):
    """An error as it crosses a service's wall: enough to raise it again on the other side.

    `code` picks the class through `error_classes`; an unknown code falls back by `status`.
    """

    model_config = ConfigDict(frozen=True)

    code: str
    status: int
    message: str
    retryable: bool = False
    retry_after: float | None = None
    upstream_status: int | None = None
    details: tuple[ErrorDetail, ...] = ()
    extra: dict[str, JsonValue] = {}

    @classmethod
    def of(cls, error: HeddleError) -> "WireError":
        """The transferable form of `error`."""
        return cls(
            code=error.code,
            status=error.status,
            message=error.message,
            retryable=error.retryable,
            retry_after=error.retry_after,
            upstream_status=error.upstream_status if isinstance(error, UpstreamError) else None,
            details=error.details,
            extra=error.extra,
        )

    def to_error(self) -> HeddleError:
        """The error again, as an instance of the class that carries `code`.

        A code whose class lives in another service keeps its code, status and `retryable` on the
        instance of the nearest class.
        """
        known = error_classes().get(self.code)
        error = self._as(known or _fallback(self.status))
        if known is None:
            vars(error).update(code=self.code, status=self.status, retryable=self.retryable)
        return error

    def _as(self, kind: type[HeddleError]) -> HeddleError:
        if issubclass(kind, UpstreamError):
            return kind(
                self.message,
                upstream_status=self.upstream_status,
                retryable=self.retryable,
                retry_after=self.retry_after,
                extra=self.extra,
            )
        return kind(
            self.message, details=self.details, retry_after=self.retry_after, extra=self.extra
        )


def error_classes() -> dict[str, type[HeddleError]]:
    """Every error class imported so far, by its code."""
    found: dict[str, type[HeddleError]] = {}
    pending: list[type[HeddleError]] = [HeddleError]
    while pending:
        current = pending.pop()
        found.setdefault(current.code, current)
        pending.extend(current.__subclasses__())
    return found


def _fallback(status: int) -> type[HeddleError]:
    by_status: dict[int, type[HeddleError]] = {
        401: Unauthenticated,
        403: Forbidden,
        404: NotFound,
        409: Conflict,
        413: PayloadTooLarge,
        429: RateLimited,
        502: UpstreamError,
        503: Unavailable,
        504: UpstreamTimeout,
    }
    return by_status.get(status) or (CallerError if 400 <= status < 500 else PlatformFault)
