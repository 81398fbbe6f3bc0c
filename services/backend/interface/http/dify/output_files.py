"""The files among outputs, which Dify's events list beside them."""

from collections.abc import Mapping

from pydantic import JsonValue

_MARK = ("dify_model_identity", "__dify__file__")


def output_files(outputs: Mapping[str, JsonValue]) -> list[JsonValue]:
    """Those that are an output, or stand in a list that is one; each of them once."""
    found: list[JsonValue] = []
    for value in outputs.values():
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict) and each.get(_MARK[0]) == _MARK[1] and each not in found:
                found.append(each)
    return found
