"""A count of tokens where the provider gave none."""

from libs.common.contracts.chat import ChatCall, TextContent, Usage
from services.inference.domain.chat.gather_result import ResultGatherer
from services.inference.domain.chat.upstream_part import TokenCount

_CHARACTERS_PER_TOKEN = 4


def estimate_tokens(call: ChatCall, gatherer: ResultGatherer) -> TokenCount:
    """An estimate: four characters to a token, the usual rule of thumb for English text."""
    prompt = 0
    for message in call.messages:
        if isinstance(message.content, str):
            prompt += len(message.content)
        else:
            prompt += sum(len(p.text) for p in message.content if isinstance(p, TextContent))
    result = gatherer.result(generation="", model="", usage=Usage())
    completion = len(result.text) + len(result.reasoning)
    completion += sum(len(tool_call.arguments) for tool_call in result.tool_calls)
    return TokenCount(prompt=_tokens(prompt), completion=_tokens(completion))


def _tokens(characters: int) -> int:
    return -(-characters // _CHARACTERS_PER_TOKEN)
