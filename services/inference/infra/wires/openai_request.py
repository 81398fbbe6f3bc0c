"""A ChatCall as a request body of OpenAI's chat completions API."""

from pydantic import JsonValue

from libs.common.contracts.chat import (
    ChatMessage,
    Content,
    ImageContent,
    JsonObjectFormat,
    JsonSchemaFormat,
    TextContent,
    ToolDefinition,
)
from services.inference.app.ports.chat_wire import UpstreamCall

Json = dict[str, JsonValue]


def request_body(upstream: UpstreamCall) -> Json:
    """The JSON body, with the vendor's quirks applied."""
    call, quirks = upstream.call, upstream.model.provider.quirks
    body: Json = {
        "model": upstream.model.upstream_name,
        "messages": [_message(message) for message in call.messages],
    }
    for name, value in call.parameters.items():
        if value is None or name in quirks.drop_parameters:
            continue
        body[quirks.max_tokens_field if name == "max_tokens" else name] = value
    if call.tools:
        body["tools"] = [_tool(tool) for tool in call.tools]
        if call.tool_choice is not None:
            body["tool_choice"] = _tool_choice(call.tool_choice)
    match call.response_format:
        case JsonSchemaFormat(name=name, json_schema=schema):
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": name, "schema": schema},
            }
        case JsonObjectFormat():
            body["response_format"] = {"type": "json_object"}
        case None:
            pass
    if call.user is not None:
        body["user"] = call.user
    if call.stream:
        body["stream"] = True
        if quirks.usage_in_stream:
            body["stream_options"] = {"include_usage": True}
    return body


def _message(message: ChatMessage) -> Json:
    out: Json = {"role": message.role, "content": _content(message.content)}
    if message.tool_calls:
        out["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
        out["content"] = out["content"] or None
    if message.tool_call_id is not None:
        out["tool_call_id"] = message.tool_call_id
    if message.name is not None:
        out["name"] = message.name
    return out


def _content(content: str | tuple[Content, ...]) -> JsonValue:
    if isinstance(content, str):
        return content
    return [_part(part) for part in content]


def _part(part: TextContent | ImageContent) -> Json:
    if isinstance(part, TextContent):
        return {"type": "text", "text": part.text}
    return {"type": "image_url", "image_url": {"url": part.url, "detail": part.detail}}


def _tool(tool: ToolDefinition) -> Json:
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters or {"type": "object", "properties": {}},
        },
    }


def _tool_choice(choice: str) -> JsonValue:
    if choice in {"auto", "none", "required"}:
        return choice
    return {"type": "function", "function": {"name": choice}}
