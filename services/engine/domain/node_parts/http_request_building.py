"""Turns the http-request node's configuration into a call."""

import base64
import json
from dataclasses import dataclass
from typing import Literal, assert_never

from libs.common.contracts.http_call import Body, FormBody, FormField, HttpCall, NoBody, RawBody
from services.engine.domain.node_parts.json_repairing import NotJson, read_json
from services.engine.domain.node_parts.node_contract import VariableReader
from services.engine.domain.node_parts.request_files import (
    FilesRefused,
    RequestFile,
    parse_request_file,
)
from services.engine.domain.node_parts.settings_reader import SettingsReader
from services.engine.domain.variables.template_text import TemplateText, parse_template_text
from services.engine.domain.variables.values import Selector

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
CONNECT_SECONDS = 10.0
TRANSFER_SECONDS = 600.0

BodyKind = Literal["none", "form-data", "x-www-form-urlencoded", "raw-text", "json", "binary"]
_BODY_KINDS: dict[str, BodyKind] = {
    "": "none",
    "none": "none",
    "form-data": "form-data",
    "x-www-form-urlencoded": "x-www-form-urlencoded",
    "raw-text": "raw-text",
    "json": "json",
    "binary": "binary",
}
_CONTENT_TYPES = {"raw-text": "text/plain", "json": "application/json"}


class RequestRefused(ValueError):
    """The request cannot be built from these values. `error_type` is shown to the graph."""

    def __init__(self, message: str, error_type: str) -> None:
        super().__init__(message)
        self.error_type = error_type


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    scheme: Literal["basic", "bearer", "custom"]
    header: TemplateText
    key: TemplateText

    def header_for(self, variables: VariableReader) -> tuple[str, str]:
        """Raises RequestRefused without a key."""
        key = self.key.render(variables)
        if not key:
            raise RequestRefused(
                "API key is required for authorization but was empty. "
                "Please provide a valid API key.",
                "AuthorizationConfigError",
            )
        name = self.header.render(variables) or "Authorization"
        match self.scheme:
            case "bearer":
                return name, f"Bearer {key}"
            case "basic":
                # A key without a colon is taken to be encoded already.
                encoded = base64.b64encode(key.encode()).decode() if ":" in key else key
                return name, f"Basic {encoded}"
            case "custom":
                return name, key
            case _:
                assert_never(self.scheme)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTemplate:
    """A request with its references unresolved. Times in seconds."""

    method: str
    url: TemplateText
    headers: TemplateText
    params: tuple[tuple[TemplateText, TemplateText], ...]
    body_kind: BodyKind
    body: tuple[tuple[TemplateText, TemplateText], ...]
    authorization: Authorization | None
    files: tuple[RequestFile, ...] = ()
    connect_seconds: float = CONNECT_SECONDS
    read_seconds: float = TRANSFER_SECONDS
    write_seconds: float = TRANSFER_SECONDS
    verify_tls: bool = True

    @property
    def references(self) -> tuple[Selector, ...]:
        texts = [self.url, self.headers]
        for name, value in (*self.params, *self.body):
            texts += [name, value]
        if self.authorization is not None:
            texts += [self.authorization.header, self.authorization.key]
        texts += [file.name for file in self.files]
        named = [selector for text in texts for selector in text.references]
        return (*named, *(file.variable for file in self.files))

    def build(self, variables: VariableReader) -> HttpCall:
        """Raises RequestRefused."""
        url = self.url.render(variables).strip()
        if not url:
            raise RequestRefused("url is required", "InvalidURLError")
        if not url.startswith(("http://", "https://")):
            raise RequestRefused("url should start with http:// or https://", "InvalidURLError")
        if self.method == "OPTIONS":
            raise RequestRefused("Invalid http method options", "InvalidHttpMethodError")
        headers = _header_lines(self.headers.render(variables))
        if self.authorization is not None:
            headers.append(self.authorization.header_for(variables))
        return HttpCall(
            method=self.method,
            url=url,
            headers=tuple(headers),
            params=_resolve(self.params, variables),
            body=self._body(variables),
            connect_seconds=self.connect_seconds,
            read_seconds=self.read_seconds,
            write_seconds=self.write_seconds,
            verify_tls=self.verify_tls,
        )

    def _body(self, variables: VariableReader) -> Body:
        try:
            return self._made_body(variables)
        except FilesRefused as refused:
            raise RequestRefused(str(refused), "FileFetchError") from refused

    def _made_body(self, variables: VariableReader) -> Body:
        match self.body_kind:
            case "none":
                return NoBody()
            case "form-data" | "x-www-form-urlencoded":
                pairs = _resolve(self.body, variables)
                return FormBody(
                    fields=tuple(FormField(name=name, value=value) for name, value in pairs),
                    multipart=self.body_kind == "form-data",
                    files=tuple(
                        found for file in self.files for found in file.form_files(variables)
                    ),
                )
            case "binary":
                if len(self.files) != 1:
                    raise RequestRefused(
                        "Binary body type should have exactly one item", "RequestBodyError"
                    )
                return self.files[0].body(variables)
            case "raw-text" | "json":
                if len(self.body) != 1:
                    raise RequestRefused(
                        f"{self.body_kind} body type should have exactly one item",
                        "RequestBodyError",
                    )
                content = self.body[0][1].render(variables)
                if self.body_kind == "json":
                    content = _compact_json(content)
                return RawBody(content=content, content_type=_CONTENT_TYPES[self.body_kind])
            case _:
                assert_never(self.body_kind)


def _compact_json(text: str) -> str:
    try:
        parsed = read_json(text)
    except NotJson as error:
        raise RequestRefused(f"Failed to parse JSON: {text}", "RequestBodyError") from error
    return json.dumps(parsed, ensure_ascii=False, separators=(",", ":"))


def _resolve(
    pairs: tuple[tuple[TemplateText, TemplateText], ...], variables: VariableReader
) -> tuple[tuple[str, str], ...]:
    return tuple((name.render(variables), value.render(variables)) for name, value in pairs)


def _header_lines(text: str) -> list[tuple[str, str]]:
    headers: list[tuple[str, str]] = []
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip():
            headers.append((name.strip(), value.strip()))
    return headers


def parse_request(settings: SettingsReader) -> RequestTemplate:
    method = settings.text("method", "get").upper()
    if method not in METHODS:
        settings.report("unknown_method", f"unknown method {method}", "method")
    timeout = settings.section("timeout")
    kind, body, files = _parse_body(settings.section("body"))
    return RequestTemplate(
        method=method,
        url=parse_template_text(settings.text("url", required=True)),
        headers=parse_template_text(settings.text("headers")),
        params=_parse_params(settings.text("params")),
        body_kind=kind,
        body=body,
        files=files,
        authorization=_parse_authorization(settings.section("authorization")),
        connect_seconds=_seconds(timeout, "connect", CONNECT_SECONDS),
        read_seconds=_seconds(timeout, "read", TRANSFER_SECONDS),
        write_seconds=_seconds(timeout, "write", TRANSFER_SECONDS),
        verify_tls=settings.flag("ssl_verify", default=True),
    )


def _seconds(settings: SettingsReader, name: str, default: float) -> float:
    given = settings.number(name)
    return default if given is None or given <= 0 else min(given, TRANSFER_SECONDS)


def _parse_params(text: str) -> tuple[tuple[TemplateText, TemplateText], ...]:
    """Lines are cut before references are resolved: a value may hold line breaks itself."""
    pairs: list[tuple[TemplateText, TemplateText]] = []
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip():
            pairs.append((parse_template_text(name.strip()), parse_template_text(value.strip())))
    return tuple(pairs)


_Pairs = tuple[tuple[TemplateText, TemplateText], ...]


def _parse_body(settings: SettingsReader) -> tuple[BodyKind, _Pairs, tuple[RequestFile, ...]]:
    named = settings.text("type", "none")
    kind = _BODY_KINDS.get(named)
    if kind is None:
        settings.report("unsupported", f"body type {named} is not available", "type")
        return "none", (), ()
    data = settings.raw("data")
    if isinstance(data, str):
        # The oldest files keep the whole body as one text, key-value bodies as lines.
        if kind in ("form-data", "x-www-form-urlencoded"):
            return kind, _parse_params(data), ()
        return kind, ((parse_template_text(""), parse_template_text(data)),), ()
    pairs: list[tuple[TemplateText, TemplateText]] = []
    files: list[RequestFile | None] = []
    for item in settings.items("data"):
        is_file = item.text("type", "text") == "file"
        if kind == "binary" or (is_file and kind == "form-data"):
            files.append(parse_request_file(item))
        elif is_file:
            item.report("unsupported", f"a {named} body has no files", "type")
        else:
            pairs.append(
                (parse_template_text(item.text("key")), parse_template_text(item.text("value")))
            )
    return kind, tuple(pairs), tuple(file for file in files if file is not None)


def _parse_authorization(settings: SettingsReader) -> Authorization | None:
    kind = settings.text("type", "no-auth")
    if kind != "api-key":
        if kind not in ("", "no-auth"):
            settings.report("unsupported", f"authorization {kind} is not available", "type")
        return None
    config = settings.section("config")
    named = config.text("type", "basic")
    if named not in ("basic", "bearer", "custom"):
        config.report("unsupported", f"authorization {named} is not available", "type")
    scheme = "bearer" if named == "bearer" else "custom" if named == "custom" else "basic"
    return Authorization(
        scheme=scheme,
        header=parse_template_text(config.text("header")),
        key=parse_template_text(config.text("api_key")),
    )
