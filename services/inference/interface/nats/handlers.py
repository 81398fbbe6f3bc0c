"""What inference answers on NATS."""

from collections.abc import AsyncGenerator
from uuid import UUID

from libs.common.contracts.chat import ChatCallPart, ModelList, ModelQuery
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.keyed_calls import AttachCall, CallCancelled, CancelCall
from libs.common.contracts.providers import ProviderList, ProviderQuery
from libs.common.contracts.run_commands import RunEnded
from libs.common.contracts.subjects import (
    CHAT,
    CHAT_ATTACH,
    CHAT_CANCEL,
    MODELS,
    PROVIDERS,
    RUN_ENDED,
)
from libs.common.keyed_calls.keyed_calls import KeyedCalls
from libs.common.messaging.bus import MessageBus
from services.inference.app.chat.answer_chat import AnswerChat
from services.inference.app.models.list_models import ListModels
from services.inference.app.models.list_providers import ListProviders


class InferenceHandlers:
    """Serves the subjects of this service; `holder` is this process' incarnation."""

    def __init__(
        self,
        *,
        answer: AnswerChat,
        models: ListModels,
        providers: ListProviders,
        keyed: KeyedCalls[ChatCallPart],
        holder: UUID,
    ) -> None:
        self._answer = answer
        self._models = models
        self._providers = providers
        self._keyed = keyed
        self._holder = str(holder)

    async def serve(self, bus: MessageBus) -> None:
        """Answer from now on."""
        await bus.serve_stream(CHAT_ATTACH.at(self._holder), self._attach)
        await bus.serve(CHAT_CANCEL.at(self._holder), self._cancel)
        await bus.serve(CHAT_CANCEL, self._cancel)
        await bus.serve(PROVIDERS, self._list_providers)
        await bus.serve(MODELS, self._list_models)
        await bus.serve_stream(CHAT, self._answer.run, limit=2000)
        await bus.consume(RUN_ENDED, self._run_ended, durable="inference")

    async def _attach(
        self, message: AttachCall, _envelope: Envelope
    ) -> AsyncGenerator[ChatCallPart, None]:
        parts = self._keyed.attach(message.tenant_id, message.key, message.claim_number)
        async for part in parts:
            yield part

    async def _cancel(self, message: CancelCall, _envelope: Envelope) -> CallCancelled:
        found = await self._keyed.cancel(
            message.tenant_id, message.run_id, message.key, message.epoch
        )
        return CallCancelled(found=found)

    async def _list_models(self, query: ModelQuery, _envelope: Envelope) -> ModelList:
        return await self._models.run(query)

    async def _list_providers(self, query: ProviderQuery, _envelope: Envelope) -> ProviderList:
        return await self._providers.run(query)

    async def _run_ended(self, message: RunEnded, _envelope: Envelope) -> None:
        await self._keyed.run_ended(message.tenant_id, message.run_id, message.epoch)
