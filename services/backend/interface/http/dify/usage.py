"""The usage block of chat answers."""

from collections.abc import Mapping

from pydantic import JsonValue

_NOTHING_USED: dict[str, JsonValue] = {
    "prompt_tokens": 0,
    "prompt_unit_price": "0",
    "prompt_price_unit": "0",
    "prompt_price": "0",
    "completion_tokens": 0,
    "completion_unit_price": "0",
    "completion_price_unit": "0",
    "completion_price": "0",
    "total_tokens": 0,
    "total_price": "0",
    "currency": "USD",
    "latency": 0.0,
}


def answer_metadata(usage: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """`metadata` of an answer; what `usage` lacks is zero."""
    return {
        "usage": {**_NOTHING_USED, **usage},
        "retriever_resources": [],
        "annotation_reply": None,
    }
