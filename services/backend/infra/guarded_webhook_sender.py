"""Webhooks over guarded HTTP. The port: services.backend.app.ports.webhook_sender."""

from libs.common.errors import HeddleError, InvalidInput, UpstreamError
from libs.common.guarded_http.egress_errors import EgressRefused, ResponseTooLarge
from libs.common.guarded_http.guarded_http import GuardedHttp
from services.backend.app.errors import DeliveryFailed, DeliveryRefused
from services.backend.domain.reviews.form_hook import FormHook

_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 15.0
_ANSWER_BYTES = 64 * 1024
_GONE = 410


class GuardedWebhookSender:
    def __init__(self, http: GuardedHttp) -> None:
        self._http = http

    async def send(self, hook: FormHook) -> None:
        status = await self._status(hook)
        if 200 <= status < 300:
            return
        reason = f"The webhook's receiver answered {status}."
        if status == _GONE:
            raise DeliveryRefused(reason, upstream_status=status)
        raise DeliveryFailed(reason, upstream_status=status, retryable=True)

    async def _status(self, hook: FormHook) -> int:
        try:
            async with self._http.stream(
                "POST",
                hook.url,
                headers=hook.headers,
                body=hook.body,
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_ANSWER_SECONDS,
                total_timeout=_CONNECT_SECONDS + _ANSWER_SECONDS,
                max_bytes=_ANSWER_BYTES,
                # A redirect would hand the message to somebody whom nobody named.
                follow_redirects=False,
            ) as answer:
                # Its body is of no use to anybody.
                return answer.status
        except (EgressRefused, InvalidInput) as error:
            raise DeliveryRefused(f"The webhook may not be reached ({error.code}).") from None
        except (UpstreamError, ResponseTooLarge) as error:
            raise _failed(error) from None


def _failed(error: HeddleError) -> DeliveryFailed:
    # Without the client's words: they may name a host that is nobody's business.
    return DeliveryFailed(f"The webhook's receiver did not answer ({error.code}).", retryable=True)
