"""What guarded HTTP refuses and what may fail."""

from libs.common.errors import CallerError, UpstreamError


class EgressRefused(CallerError):
    """The target is not one that may be reached."""

    code = "egress_refused"
    status = 400
    title = "The address may not be reached"


class ResponseTooLarge(UpstreamError):
    """The answer is above the bound, decoded."""

    code = "response_too_large"
    status = 502
    title = "The answer is above the limit"
