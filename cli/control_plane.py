"""The native API as this command uses it."""

import hashlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import httpx
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, JsonValue, ValidationError

from cli.connection import Connection
from cli.failure import CommandFailed, failure_of

Answer = TypeVar("Answer", bound=BaseModel)

_TIMEOUT = httpx.Timeout(60.0, connect=5.0)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)


class Finding(_Model):
    """One line of an import's report."""

    node_id: str | None = Field(default=None, validation_alias=AliasChoices("node_id", "node"))
    field: str | None = None
    message: str = ""


class ImportReport(_Model):
    """Errors keep an app from being published; warnings do not."""

    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()


class ImportedApp(_Model):
    """`version_id` is None while nothing is published."""

    app_id: str
    mode: str
    name: str = ""
    api_key: str = Field(repr=False)
    version_id: str | None = None
    report: ImportReport = ImportReport()


class ReplacedDraft(_Model):
    """`published`: the draft is what runs now. `version_id` is what runs, None: nothing."""

    app_id: str
    mode: str
    name: str = ""
    revision: int
    version_id: str | None = None
    published: bool = False
    report: ImportReport = ImportReport()


class App(_Model):
    app_id: str = Field(validation_alias=AliasChoices("app_id", "id"))
    mode: str
    name: str = ""


class _Apps(_Model):
    apps: tuple[App, ...] = Field(validation_alias=AliasChoices("apps", "data", "items"))


class _Key(_Model):
    api_key: str = Field(validation_alias=AliasChoices("api_key", "key", "token"))


class NodeTrace(_Model):
    """One execution of a node; seconds and tokens are None when unknown."""

    node_id: str
    title: str = ""
    type: str = ""
    status: str = ""
    elapsed_seconds: float | None = None
    total_tokens: int | None = None
    error: str | None = None
    taken_from: str | None = None


class Trace(_Model):
    run: dict[str, JsonValue] = {}
    nodes: tuple[NodeTrace, ...] = ()
    has_more: bool = False
    last: int = 0


class RunDetail(BaseModel):
    """Whatever the platform tells about a run. `evidence`: why it was set aside."""

    model_config = ConfigDict(frozen=True, extra="allow")

    status: str = ""
    evidence: str | None = None


class ControlPlane:
    """Calls that raise CommandFailed with the platform's own words when it refuses."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def import_app(self, text: bytes, *, publish: bool) -> ImportedApp:
        """Import a document; the same bytes again answer with the app of the first time."""
        answer = self._send(
            "POST",
            "/api/apps/import",
            params={"publish": "true" if publish else "false"},
            content=text,
            headers={
                "Content-Type": "application/yaml",
                "Idempotency-Key": hashlib.sha256(text + bytes([publish])).hexdigest(),
            },
        )
        return _parsed(ImportedApp, answer)

    def replace_draft(
        self, app_id: str, text: bytes, *, publish: bool, revision: int | None
    ) -> ReplacedDraft:
        """Make a document the app's draft; with `revision` in place of that one only."""
        seen = {} if revision is None else {"If-Match": f'"{revision}"'}
        answer = self._send(
            "PUT",
            f"/api/apps/{app_id}/draft",
            params={"publish": "true" if publish else "false"},
            content=text,
            headers={"Content-Type": "application/yaml", **seen},
        )
        return _parsed(ReplacedDraft, answer)

    def find_app(self, name_or_id: str) -> App:
        """The app with this id or, when only one has it, this name."""
        found = _parsed(_Apps, self._send("GET", "/api/apps")).apps
        matching = [app for app in found if app.app_id == name_or_id]
        matching = matching or [app for app in found if app.name == name_or_id]
        match matching:
            case [app]:
                return app
            case []:
                raise CommandFailed(f"There is no app and no file `{name_or_id}`.")
            case _:
                ids = ", ".join(app.app_id for app in matching)
                raise CommandFailed(f"Several apps are called `{name_or_id}`: {ids}.")

    def create_key(self, app_id: str) -> str:
        return _parsed(_Key, self._send("POST", f"/api/apps/{app_id}/keys")).api_key

    def run_detail(self, run_id: str) -> RunDetail:
        return _parsed(RunDetail, self._send("GET", f"/api/runs/{run_id}"))

    def trace(self, run_id: str) -> Trace:
        """All of it, page by page."""
        nodes: list[NodeTrace] = []
        after = 0
        while True:
            params = {"after": str(after)} if after else {}
            page = _parsed(Trace, self._send("GET", f"/api/runs/{run_id}/trace", params=params))
            nodes.extend(page.nodes)
            if not page.has_more:
                return page.model_copy(update={"nodes": tuple(nodes)})
            after = page.last

    def set_provider(self, name: str, *, api_key: str, base_url: str | None) -> None:
        told = {"api_key": api_key, "base_url": base_url}
        body = {field: value for field, value in told.items() if value}
        self._send("PUT", f"/api/providers/{name}", json=body)

    def read(self, kind: type[Answer], path: str, **params: str | None) -> Answer:
        """GET `path` as a `kind`; parameters that are None are left out."""
        return _parsed(kind, self._send("GET", path, params=_told(params)))

    def post(self, kind: type[Answer], path: str, **params: str | None) -> Answer:
        return _parsed(kind, self._send("POST", path, params=_told(params)))

    def submit(
        self,
        kind: type[Answer],
        path: str,
        body: Mapping[str, JsonValue] | None = None,
        **params: str | None,
    ) -> Answer:
        """POST `body` as JSON, for a `kind`."""
        return _parsed(kind, self._send("POST", path, params=_told(params), json=body or {}))

    def delete(self, path: str) -> None:
        self._send("DELETE", path)

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        content: bytes | None = None,
        json: Mapping[str, JsonValue] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        try:
            answer = self._http.request(
                method, path, params=params, content=content, json=json, headers=headers
            )
        except httpx.TransportError as error:
            raise unreachable(self._http, error) from error
        if answer.is_error:
            raise failure_of(answer)
        return answer


@contextmanager
def open_control_plane(connection: Connection) -> Generator[ControlPlane]:
    """The control plane over one connection, closed at the end."""
    headers = {"Authorization": f"Bearer {connection.token}"}
    with httpx.Client(base_url=connection.url, headers=headers, timeout=_TIMEOUT) as http:
        yield ControlPlane(http)


def unreachable(http: httpx.Client, error: httpx.TransportError) -> CommandFailed:
    """The message for a platform that does not answer."""
    return CommandFailed(
        f"The platform at {http.base_url} does not answer ({error}). Is it up? `heddle status`"
    )


def _told(params: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in params.items() if value is not None}


def _parsed(kind: type[Answer], answer: httpx.Response) -> Answer:
    try:
        return kind.model_validate_json(answer.content)
    except ValidationError as error:
        raise CommandFailed(
            f"The platform answered {answer.request.url.path} in a form this command does not "
            f"know: {error.error_count()} places differ. Are both of the same version?"
        ) from error
