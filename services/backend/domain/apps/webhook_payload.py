"""Checks an HTTP request, told as data, against what a webhook trigger declares."""

import math
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from libs.common.contracts.start_inputs import InputRefused
from libs.common.errors import ErrorDetail
from services.backend.domain.apps.json_reading import as_list, as_mapping, as_text

PAYLOAD = "webhook_data"
_TEXTS = frozenset({"text/plain", "application/octet-stream"})
_FORM = "multipart/form-data"
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_ITEMS: dict[str, tuple[type, ...]] = {
    "array[string]": (str,),
    "array[number]": (int, float),
    "array[boolean]": (bool,),
    "array[object]": (dict,),
}
_Declared = Mapping[str, JsonValue]


def checked_payload(
    trigger: Mapping[str, JsonValue], given: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """`given` with what of `webhook_data` (headers, query_params, body, files) the trigger declares
    checked and made its type; what it does not declare stays as it came.

    Raises InputRefused.
    """
    payload = given.get(PAYLOAD, {})
    if not isinstance(payload, dict):
        raise _refused("", f"{PAYLOAD} must be an object")
    for part in ("headers", "query_params", "body", "files"):
        if not isinstance(payload.get(part, {}), dict):
            raise _refused(f"/{part}", f"{part} must be an object")
    headers, params = as_mapping(payload.get("headers")), as_mapping(payload.get("query_params"))
    body, files = as_mapping(payload.get("body")), as_mapping(payload.get("files"))
    _check_headers(trigger, headers)
    told: dict[str, JsonValue] = {
        **payload,
        "headers": headers,
        "query_params": params | dict(_params(trigger, params)),
        "body": body | dict(_body(trigger, body, files)),
        "files": files,
    }
    return {**given, PAYLOAD: told}


def _check_headers(trigger: _Declared, headers: Mapping[str, JsonValue]) -> None:
    present = {_plain(name) for name in headers}
    for name, declared in _named(trigger, "headers"):
        if declared.get("required") is True and _plain(name) not in present:
            raise _refused(f"/headers/{_escaped(name)}", f"Required header missing: {name}")


def _params(trigger: _Declared, params: Mapping[str, JsonValue]) -> Iterator[tuple[str, JsonValue]]:
    for name, declared in _named(trigger, "params"):
        if name in params:
            yield name, _fitting("query_params", name, declared, params[name])
        elif declared.get("required") is True:
            pointer = f"/query_params/{_escaped(name)}"
            raise _refused(pointer, f"Required parameter missing: {name}")


def _body(
    trigger: _Declared, body: Mapping[str, JsonValue], files: Mapping[str, JsonValue]
) -> Iterator[tuple[str, JsonValue]]:
    content_type = (as_text(trigger.get("content_type")) or "application/json").lower()
    declared = [*_named(trigger, "body")]
    if content_type in _TEXTS:
        if any(each.get("required") is True for _, each in declared) and not body.get("raw"):
            raise _refused("/body/raw", f"Required body content missing for {content_type} request")
        return
    for name, each in declared:
        as_file = content_type == _FORM and each.get("type") == "file"
        if name in (files if as_file else body):
            if not as_file:
                yield name, _fitting("body", name, each, body[name])
        elif each.get("required") is True:
            pointer = f"/{'files' if as_file else 'body'}/{_escaped(name)}"
            raise _refused(pointer, f"Required body parameter missing: {name}")


def _fitting(part: str, name: str, declared: _Declared, value: JsonValue) -> JsonValue:
    kind = as_text(declared.get("type")) or "string"
    if isinstance(value, str) and kind in {"number", "boolean"}:
        read = _number(value) if kind == "number" else _BOOLEANS.get(value.strip().lower())
        if read is not None:
            return read
    elif _fits(value, kind):
        return value
    raise _refused(f"/{part}/{_escaped(name)}", f"{name} must be of type {kind}")


def _fits(value: JsonValue, kind: str) -> bool:
    if kind in _ITEMS:
        return isinstance(value, list) and all(_is(item, _ITEMS[kind]) for item in value)
    if kind == "number":
        return _is(value, (int, float))
    if kind == "boolean":
        return isinstance(value, bool)
    return isinstance(value, dict if kind in {"object", "file"} else str)


def _is(value: JsonValue, kinds: tuple[type, ...]) -> bool:
    return isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


def _number(text: str) -> int | float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() else number


def _named(trigger: _Declared, part: str) -> Iterator[tuple[str, _Declared]]:
    for item in as_list(trigger.get(part)):
        declared = as_mapping(item)
        if name := as_text(declared.get("name")):
            yield name, declared


def _plain(header: str) -> str:
    return header.lower().replace("-", "_")


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _refused(place: str, message: str) -> InputRefused:
    pointer = f"/inputs/{PAYLOAD}{place}"
    return InputRefused(message, details=(ErrorDetail(pointer=pointer, message=message),))
