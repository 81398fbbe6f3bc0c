"""Complete a chat: check, open the credential, talk to the provider, count, price."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

from libs.common.clock import Clock
from libs.common.contracts.chat import (
    ChatCall,
    ChatCallPart,
    Completed,
    GenerationStarted,
)
from libs.common.fair_places import FairPlaces
from services.inference.app.chat.watched_generation import WatchedGeneration
from services.inference.app.ports.chat_wire import (
    OpenedCredential,
    UpstreamCall,
    WireCatalogue,
)
from services.inference.app.ports.credential_source import CredentialSource
from services.inference.app.ports.model_metrics import NO_MODEL_METRICS, ModelMetrics
from services.inference.app.ports.sheet_source import SheetSource
from services.inference.domain.catalogue.catalogue import ResolvedModel
from services.inference.domain.chat.check_call import check_call
from services.inference.domain.chat.estimate_tokens import estimate_tokens
from services.inference.domain.chat.gather_result import ResultGatherer
from services.inference.domain.chat.prices import priced
from services.inference.domain.chat.upstream_part import Finish, TokenCount
from services.inference.domain.errors import CredentialMissing

_NO_CREDENTIAL = OpenedCredential(base_url=None, values={})


class CompleteChat:
    """The use case behind every door. One instance serves all calls."""

    def __init__(
        self,
        *,
        sheets: SheetSource,
        credentials: CredentialSource,
        wires: WireCatalogue,
        clock: Clock,
        places: FairPlaces,
        metrics: ModelMetrics = NO_MODEL_METRICS,
    ) -> None:
        self._sheets = sheets
        self._credentials = credentials
        self._wires = wires
        self._clock = clock
        self._places = places
        self._told = metrics

    async def run(
        self, call: ChatCall, *, tenant_id: UUID | None, idempotency_key: str = ""
    ) -> AsyncGenerator[ChatCallPart, None]:
        """One generation: GenerationStarted, content parts, then Completed.

        Raises ModelUnknown, ParameterRefused, CapabilityMissing, CredentialMissing before anything
        is sent, Busy when too many calls wait for a connection; ProviderFailed,
        ProviderStreamBroken, UpstreamTimeout from the provider.
        """
        model = self._sheets.catalogue.resolve(call.model)
        check_call(call, model)
        credential = await self._credential(tenant_id, model)
        generation = secrets.token_hex(12)
        yield ChatCallPart(parts=(GenerationStarted(generation=generation),))
        began = self._clock.monotonic()
        gatherer = ResultGatherer()
        watched = WatchedGeneration(model, self._told, tenant_id, idempotency_key)
        upstream = UpstreamCall(
            model=model,
            call=call,
            credential=credential,
            idempotency_key=idempotency_key,
            traceparent=watched.traceparent,
        )
        wire = self._wires.wire(model.provider.wire)
        with watched.until_ended():
            async with self._places.taken(tenant_id), aclosing(wire.chat(upstream)) as parts:
                async for part in parts:
                    gatherer.add(part)
                    if not isinstance(part, TokenCount | Finish):
                        watched.first_part()
                        yield ChatCallPart(parts=(part,))
            tokens = gatherer.tokens or estimate_tokens(call, gatherer)
            watched.finished(tokens, gatherer.finish_reason)
        latency = self._clock.monotonic() - began
        usage = priced(tokens.prompt, tokens.completion, model.sheet.prices, latency)
        result = gatherer.result(generation=generation, model=model.name, usage=usage)
        yield ChatCallPart(parts=(Completed(result=result),))

    async def _credential(self, tenant_id: UUID | None, model: ResolvedModel) -> OpenedCredential:
        provider = model.provider
        if not provider.credential:
            return _NO_CREDENTIAL
        found = await self._credentials.open(tenant_id, provider.id)
        if found is not None:
            return found
        if provider.needs_credential:
            msg = (
                f"the provider `{provider.id}` has no credential; set one with "
                f"`heddle provider set {provider.id} --api-key ...` or PUT /api/providers/"
                f"{provider.id}"
            )
            raise CredentialMissing(msg)
        return _NO_CREDENTIAL
