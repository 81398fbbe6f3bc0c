"""What plugin answers on NATS."""

from contextlib import aclosing
from uuid import UUID

from libs.common.contracts.code_execution import CodeCall, CodeResult
from libs.common.contracts.command_execution import CommandCall, CommandResult
from libs.common.contracts.document_text import DocumentCall, DocumentText
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.http_call import HttpCall, HttpResult
from libs.common.contracts.keyed_calls import (
    AttachCall,
    AttachedResult,
    CallCancelled,
    CancelCall,
)
from libs.common.contracts.run_commands import RunEnded
from libs.common.contracts.subjects import (
    CALL_TOOL,
    FETCH_HTTP,
    PLUGIN_ATTACH,
    PLUGIN_CANCEL,
    READ_DOCUMENT,
    RUN_CODE,
    RUN_COMMAND,
    RUN_ENDED,
    TOOLS,
)
from libs.common.contracts.tool_call import ToolCall, ToolList, ToolQuery, ToolResult
from libs.common.keyed_calls.call_parts import CallNotHere
from libs.common.keyed_calls.keyed_calls import KeyedCalls
from libs.common.messaging.bus import MessageBus
from services.plugin.app.calls.answer_once import DEFAULT_SECONDS, AnswerOnce
from services.plugin.app.code.run_code import RunCode
from services.plugin.app.commands.run_command import RunCommand
from services.plugin.app.documents.read_document import ReadDocument
from services.plugin.app.http.fetch_http import FetchHttp
from services.plugin.app.tools.call_tool import CallTool, ListTools


class PluginHandlers:
    """Serves the subjects of this service; `holder` is this process' incarnation."""

    def __init__(
        self,
        *,
        once: AnswerOnce,
        code: RunCode,
        http: FetchHttp,
        documents: ReadDocument,
        commands: RunCommand,
        tools: CallTool,
        listing: ListTools,
        keyed: KeyedCalls[AttachedResult],
        holder: UUID,
    ) -> None:
        self._once = once
        self._code = code
        self._http = http
        self._documents = documents
        self._commands = commands
        self._tools = tools
        self._listing = listing
        self._keyed = keyed
        self._holder = str(holder)

    async def serve(self, bus: MessageBus) -> None:
        """Answer from now on."""
        await bus.serve(PLUGIN_ATTACH.at(self._holder), self._attach)
        await bus.serve(PLUGIN_CANCEL.at(self._holder), self._cancel)
        await bus.serve(PLUGIN_CANCEL, self._cancel)
        await bus.serve(TOOLS, self._list_tools)
        await bus.serve(RUN_CODE, self._run_code)
        await bus.serve(FETCH_HTTP, self._fetch_http)
        await bus.serve(READ_DOCUMENT, self._read_document)
        await bus.serve(RUN_COMMAND, self._run_command)
        await bus.serve(CALL_TOOL, self._call_tool)
        await bus.consume(RUN_ENDED, self._run_ended, durable="plugin")

    async def _run_code(self, call: CodeCall, envelope: Envelope) -> CodeResult | bytes:
        within = envelope.remaining_seconds or DEFAULT_SECONDS
        return await self._once.run(
            envelope,
            lambda: self._code.run(call, tenant_id=envelope.tenant_id, within=within),
        )

    async def _fetch_http(self, call: HttpCall, envelope: Envelope) -> HttpResult | bytes:
        return await self._once.run(envelope, lambda: self._http.run(call, envelope=envelope))

    async def _read_document(self, call: DocumentCall, envelope: Envelope) -> DocumentText | bytes:
        within = envelope.remaining_seconds or DEFAULT_SECONDS
        return await self._once.run(
            envelope,
            lambda: self._documents.run(call, envelope=envelope, within=within),
        )

    async def _run_command(self, call: CommandCall, envelope: Envelope) -> CommandResult | bytes:
        within = envelope.remaining_seconds or DEFAULT_SECONDS
        return await self._once.run(
            envelope,
            lambda: self._commands.run(call, envelope=envelope, within=within),
        )

    async def _call_tool(self, call: ToolCall, envelope: Envelope) -> ToolResult | bytes:
        declared = self._tools.as_declared(call, envelope)
        return await self._once.run(declared, lambda: self._tools.run(call))

    async def _list_tools(self, query: ToolQuery, _envelope: Envelope) -> ToolList:
        return await self._listing.run(query)

    async def _attach(self, message: AttachCall, _envelope: Envelope) -> AttachedResult:
        parts = self._keyed.attach(message.tenant_id, message.key, message.claim_number)
        async with aclosing(parts):
            async for part in parts:
                return part
        raise CallNotHere("The call ended here without a reply.")

    async def _cancel(self, message: CancelCall, _envelope: Envelope) -> CallCancelled:
        found = await self._keyed.cancel(
            message.tenant_id, message.run_id, message.key, message.epoch
        )
        return CallCancelled(found=found)

    async def _run_ended(self, message: RunEnded, _envelope: Envelope) -> None:
        await self._keyed.run_ended(message.tenant_id, message.run_id, message.epoch)
