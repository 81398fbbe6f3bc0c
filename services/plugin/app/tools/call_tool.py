"""Call a tool: check its input, run its handler within its time, check its output."""

import asyncio
from contextlib import AbstractContextManager

from pydantic import JsonValue

from libs.common.clock import Clock
from libs.common.contracts.envelope import Envelope
from libs.common.contracts.tool_call import ToolCall, ToolEntry, ToolList, ToolQuery, ToolResult
from libs.common.errors import UpstreamTimeout
from libs.common.tracing import Span, span
from services.plugin.app.ports.tool_catalogue import LoadedTool, ToolCatalogue
from services.plugin.domain.errors import ToolBroken, ToolFailed, ToolInputInvalid, ToolUnknown
from services.plugin.domain.tool_context import ToolContext, ToolFailure, ToolLog, ToolOutput
from services.plugin.domain.tools.fit_arguments import fit_arguments


class CallTool:
    def __init__(self, *, tools: ToolCatalogue, clock: Clock, log: ToolLog) -> None:
        self._tools = tools
        self._clock = clock
        self._log = log

    async def run(self, call: ToolCall) -> ToolResult:
        """The tool's answer.

        Raises ToolUnknown, ToolInputInvalid (with every place), ToolFailed (the tool said no),
        ToolBroken (it raised, or its output does not fit its schema), UpstreamTimeout.
        """
        tool = self._tools.find(call.tool)
        arguments = fit_arguments(tool.sheet.input_schema, call.arguments)
        mistakes = tool.input_checker.check(arguments)
        if mistakes:
            places = "; ".join(f"{m.pointer or '/'}: {m.message}" for m in mistakes)
            msg = f"arguments of `{tool.id}` do not fit: {places}"
            raise ToolInputInvalid(msg, details=mistakes)
        output = await self._handled(tool, arguments)
        wrong = tool.output_checker.check(output.data)
        if wrong:
            msg = f"`{tool.id}` returned what its schema forbids: {wrong[0].message}"
            raise ToolBroken(msg)
        return ToolResult(text=output.text, data=output.data)

    def as_declared(self, call: ToolCall, envelope: Envelope) -> Envelope:
        """`envelope` with the effect class of the tool's sheet, which the caller need not know.

        A tool that is not there may have a recorded answer still: it keeps the caller's class.
        """
        effect = envelope.effect
        if effect is None:
            return envelope
        try:
            declared = self._tools.find(call.tool).sheet.effect_class
        except ToolUnknown:
            return envelope
        known = effect.model_copy(update={"effect_class": declared})
        return envelope.model_copy(update={"effect": known})

    async def _handled(self, tool: LoadedTool, arguments: dict[str, JsonValue]) -> ToolOutput:
        context = ToolContext(now=self._clock.now(), log=self._log)
        try:
            with _span_of(tool):
                async with asyncio.timeout(tool.sheet.timeout_seconds):
                    return await tool.handler(arguments, context)
        except ToolFailure as failure:
            msg = f"`{tool.id}`: {failure}"
            raise ToolFailed(msg) from failure
        except TimeoutError as cause:
            msg = f"`{tool.id}` did not answer within {tool.sheet.timeout_seconds:g} s"
            raise UpstreamTimeout(msg) from cause
        except Exception as cause:  # a handler is foreign code: whatever it raises is its own fault
            msg = f"`{tool.id}` raised {type(cause).__name__}"
            raise ToolBroken(msg) from cause


def _span_of(tool: LoadedTool) -> AbstractContextManager[Span | None]:
    attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool.id}
    return span(f"execute_tool {tool.id}", attributes=attributes)


class ListTools:
    def __init__(self, tools: ToolCatalogue) -> None:
        self._tools = tools

    async def run(self, query: ToolQuery) -> ToolList:
        """Every tool, or those of one bundle."""
        wanted = [
            tool
            for tool in self._tools.all()
            if query.bundle is None or tool.id.startswith(f"{query.bundle}/")
        ]
        return ToolList(
            tools=tuple(
                ToolEntry(
                    id=tool.id,
                    title=tool.sheet.title,
                    description=tool.sheet.description,
                    effect_class=tool.sheet.effect_class,
                    also_known_as=tool.sheet.also_known_as,
                    input_schema=tool.sheet.input_schema,
                    output_schema=tool.sheet.output_schema,
                )
                for tool in wanted
            )
        )
