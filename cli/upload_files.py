"""Files on the command line, `name=PATH`: uploaded, and named as a run takes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from mimetypes import guess_type
from pathlib import Path

import httpx
import typer
from pydantic import BaseModel, ConfigDict, JsonValue

from cli.control_plane import unreachable
from cli.failure import CommandFailed, failure_of

SENT = "sys.files"
"""The name under which a file goes beside the inputs."""
_OPTION = "--file"
_TIMEOUT = httpx.Timeout(300.0, connect=5.0)


class _Uploaded(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: str


class _Parameters(BaseModel):
    model_config = ConfigDict(frozen=True)

    user_input_form: tuple[dict[str, Mapping[str, JsonValue]], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFiles:
    """`inputs` by name, and the `files` beside them."""

    inputs: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    files: list[JsonValue] = field(default_factory=list[JsonValue])


def given_paths(pairs: Sequence[str]) -> dict[str, list[Path]]:
    """Paths by the name of their input. Raises typer.BadParameter."""
    found: dict[str, list[Path]] = {}
    for pair in pairs:
        name, sign, path = pair.partition("=")
        if not sign or not name:
            raise typer.BadParameter(f"`{pair}` is no name=PATH", param_hint=_OPTION)
        if not Path(path).is_file():
            raise typer.BadParameter(f"`{path}` is no file", param_hint=_OPTION)
        found.setdefault(name, []).append(Path(path))
    return found


def upload_files(
    url: str, api_key: str, user: str, paths: Mapping[str, Sequence[Path]]
) -> RunFiles:
    """Upload every file as `user`'s. Raises CommandFailed where the platform refuses one."""
    found = RunFiles()
    if not paths:
        return found
    headers = {"Authorization": f"Bearer {api_key}"}
    with httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT) as http:
        lists = _lists(http)
        for name, several in paths.items():
            named: list[JsonValue] = [_uploaded(http, user, path) for path in several]
            if name == SENT:
                found.files.extend(named)
            else:
                single = len(named) == 1 and name not in lists
                found.inputs[name] = named[0] if single else named
    return found


def _uploaded(http: httpx.Client, user: str, path: Path) -> JsonValue:
    kind = guess_type(path.name)[0] or "application/octet-stream"
    try:
        with path.open("rb") as content:
            answer = http.post(
                "/v1/files/upload",
                data={"user": user},
                files={"file": (path.name, content, kind)},
            )
    except httpx.TransportError as error:
        raise unreachable(http, error) from error
    except OSError as error:
        raise CommandFailed(f"`{path}` cannot be read: {error.strerror}") from error
    if answer.is_error:
        raise failure_of(answer)
    file_id = _Uploaded.model_validate_json(answer.content).id
    return {"transfer_method": "local_file", "upload_file_id": file_id}


def _lists(http: httpx.Client) -> set[str]:
    """The inputs that take several files."""
    try:
        answer = http.get("/v1/parameters")
    except httpx.TransportError as error:
        raise unreachable(http, error) from error
    if answer.is_error:
        raise failure_of(answer)
    form = _Parameters.model_validate_json(answer.content).user_input_form
    fields = (item["file-list"] for item in form if "file-list" in item)
    return {str(field.get("variable")) for field in fields}
